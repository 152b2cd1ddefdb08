"""The demo's way towards a renewal, told on a contract of the cast."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from portal.cli.demo.renewals import tell
from portal.residency.databases import Regions
from tests import cast
from tests.renewals.stage import completed, events, length, row_of

# On other days a date of the term may fall on a weekend, and one letter more or less is due.
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.mark.slow
def test_the_story_has_a_price_a_decision_and_a_review(eu: Session, regions: Regions) -> None:
    start = (NOW - timedelta(days=76)).date().isoformat()
    contract = completed(
        eu, regions, at=NOW - timedelta(days=88), title="Story", A5=start, P1=length(6, "mo"),
        P4=length(6, "mo"),
    )  # fmt: skip
    people = {key: cast.actor(key) for key in ("ada", "cleo")}
    tell(people, eu, title="Story", now=NOW)
    found = events(eu, contract)
    assert found.count("renewal:reminder:sent") == 3
    assert found.count("review:held") == found.count("renewal:price:told") == 1
    assert row_of(eu, contract).customer_decided == 1
