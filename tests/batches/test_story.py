"""What the demo tells of templates and batches: it holds on the cast's own home too."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.actions import create_organisation
from portal.batches.models import Batch
from portal.cli.demo import beginnings
from portal.contracts.models import Contract
from portal.kit import clock
from portal.residency.databases import Regions
from portal.templates.queries import published, versions_of
from tests import cast
from tests.contracts.test_pages import freeze
from tests.negotiation.table import at_table, settle


@pytest.mark.slow
def test_the_story_has_a_template_twice_a_batch_with_a_fault_and_an_amendment(
    context: Flask, eu: Session, regions: Regions, contract: Contract
) -> None:
    freeze(eu, contract, "deed_prepared", "all_signed", "completed")
    create_organisation("Lindqvist Foods AB", "lindqvist", "Malmö", ["eu"], clock.now())
    settle(eu)
    people = {key: cast.actor(key) for key in ("ada", "nia", "cleo")}
    beginnings.tell(people, regions, title=contract.title, now=clock.now() + timedelta(days=1))
    settle(eu)
    assert [row.number for row in versions_of("northwind.retail-support")] == [2, 1]
    assert published(people["ada"])["northwind.retail-support/2"].defaults["D1"] == "99.9"
    settle(eu)
    batch = eu.scalars(select(Batch)).one()
    started = [(row.faults, row.contract_id is not None) for row in batch.rows]
    assert started == [(0, True), (0, True), (1, False)]
    child = eu.scalars(select(Contract).where(Contract.amends_id == contract.id)).one()
    settle(eu)
    waiting = at_table(eu, child, "cleo").waiting
    assert waiting is not None and waiting.summary.offered == 3
