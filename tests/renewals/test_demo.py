"""The demo's way towards a renewal, told on a contract of the cast."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.cli.demo.renewals import tell
from portal.kit import clock
from portal.residency.databases import Regions
from tests import cast
from tests.renewals.stage import completed, events, length, row_of


@pytest.mark.slow
def test_the_story_has_a_price_a_decision_and_a_review(eu: Session, regions: Regions) -> None:
    now = clock.now()
    start = (now - timedelta(days=76)).date().isoformat()
    contract = completed(
        eu, regions, at=now - timedelta(days=88), title="Story", A5=start, P1=length(6, "mo"),
        P4=length(6, "mo"),
    )  # fmt: skip
    people = {key: cast.actor(key) for key in ("ada", "cleo")}
    tell(people, eu, title="Story", now=now)
    found = events(eu, contract)
    assert found.count("renewal:reminder:sent") == 3
    assert found.count("review:held") == found.count("renewal:price:told") == 1
    assert row_of(eu, contract).customer_decided == 1
