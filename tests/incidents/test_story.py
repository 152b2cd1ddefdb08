"""The demo's incidents are told through the same actions as everybody's."""

import time
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.cli.demo import cases
from portal.cli.demo.incidents import tell_incidents
from portal.incidents.models import Escalation, ExecutiveReview, Incident, RootCause
from portal.kit import clock
from portal.residency.databases import Regions
from tests import cast
from tests.conftest import make_contract
from tests.incidents import desk


@pytest.mark.slow
def test_the_story_shows_a_miss_a_contest_and_an_open_incident(
    context: Flask, eu: Session, regions: Regions
) -> None:
    contract = make_contract(eu, regions, title=cases.CRM.title)
    now = clock.now()
    desk.put_in_force(
        eu,
        contract,
        desk.terms_with({**cases.CRM_TERMS, "C4.S2.rca": "no"}),
        at=now - timedelta(days=90),
    )
    desk.settle(eu)
    people = {key: cast.actor(key) for key in ("ada", "ben", "cleo", "dov")}
    start = time.process_time()
    tell_incidents(regions, people, now=now)
    took = time.process_time() - start
    rows = eu.query(Incident).order_by(Incident.number).all()
    assert len(rows) == 12
    assert [row.standing for row in rows[-3:]] == ["resolved", "open", "open"]
    assert any(row.breaches for row in rows)
    assert not [row for row in eu.query(Escalation) if row.late]
    assert eu.query(RootCause).count() == 3
    assert eu.query(ExecutiveReview).count() == 1
    assert took < 60
