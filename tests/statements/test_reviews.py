"""Executive reviews that months and outages call, by the contract's numbers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.changes import actions as changes
from portal.contracts.models import Contract
from portal.incidents.queries.reviews import reviews_of
from portal.statements import actions
from portal.statements.rules import reviews as rules
from portal.statements.rules.month import Month, until
from portal.statements.rules.reviews import Told
from tests import cast
from tests.changes import works
from tests.incidents import desk

G4 = """
months of missed uptime out of a number of months | 2 | 3
a single outage longer than a number of hours | 4 | none
credits above a percentage of fees | 20 | none
an outage of any length in a peak | none | none
"""
TERMS = works.terms_with({"G4": G4, "B5": "Autumn sales | 20-30 Nov UTC | 3 times"})
DAY = timedelta(days=1)
JULY = Month(2026, 7)


def told(*missed: bool, credits: int = 0) -> list[Told]:
    return [Told(JULY.plus(n), one, Fraction(credits)) for n, one in enumerate(missed)]


@pytest.mark.parametrize(
    ("missed", "since", "cause"),
    [
        ([True, False, True], None, "2026-09"), ([True, True], None, "2026-08"),
        ([True], None, None), ([True, True, False], None, None),
        ([True, False, False, True], None, None),
        # A month that called a review calls no second one.
        ([True, True, True], Month(2026, 8), None),
        ([True, True, True, True], Month(2026, 8), "2026-10"),
    ],
)  # fmt: skip
def test_so_many_months_of_missed_uptime_call_once(
    missed: list[bool], since: Month | None, cause: str | None
) -> None:
    found = rules.by_uptime(TERMS, told(*missed), since=since)
    assert (found and found.cause) == cause
    if found:
        assert found.sentence == "2 of 3 months missed their uptime; the contract says 2 of 3."


@pytest.mark.parametrize(
    ("number", "out_of", "credits", "called"),
    [(20, "none", 25, True), (25, "none", 25, False), (10, 3, 25, True), (30, 3, 25, False)],
)
def test_credits_above_a_share_of_the_fees(
    number: int, out_of: object, credits: int, *, called: bool
) -> None:
    terms = works.terms_with({"G4": f"credits above a percentage of fees | {number} | {out_of}"})
    found = rules.by_credits(terms, told(True, False, True, credits=credits))
    assert bool(found) is called
    quiet = told(True, True, credits=credits)
    assert not rules.by_credits(terms, [*quiet, Told(JULY.plus(2), False, Fraction(0))])


@pytest.fixture
def running(eu: Session, contract: Contract) -> Contract:
    desk.put_in_force(eu, contract, TERMS, at=works.FROM)
    desk.settle(eu)
    return contract


def called(eu: Session, contract: Contract) -> list[tuple[str, str]]:
    eu.expire_all()
    return [(row.trigger, row.cause) for row in reversed(reviews_of(eu, contract))]


def test_an_outage_calls_while_it_lasts_and_only_once(eu: Session, running: Contract) -> None:
    begin = datetime(2026, 10, 6, 8, tzinfo=UTC)
    row = works.outage(eu, running, begin=begin, minutes=None, at=begin + timedelta(minutes=5))
    assert actions.call_reviews(eu, running, at=begin + timedelta(hours=4)) == 0
    assert actions.call_reviews(eu, running, at=begin + timedelta(hours=4, minutes=1)) == 1
    changes.end_outage(
        eu, running, cast.actor("dov"), row, end=begin + timedelta(hours=9),
        at=begin + timedelta(hours=9),
    )  # fmt: skip
    assert actions.call_reviews(eu, running, at=begin + DAY) == 0
    assert called(eu, running) == [("outage_hours", row.ref)]
    assert desk.events(eu, running).count("incident:review:called") == 1
    (review,) = reviews_of(eu, running)
    assert (
        review.facts["sentence"]
        == f"{row.ref} has lasted 4 hours 1 minute; the contract says 4 hours."
    )


def test_any_outage_in_a_peak_calls_and_a_withdrawn_one_does_not(
    eu: Session, running: Contract
) -> None:
    peak = datetime(2026, 11, 22, 9, tzinfo=UTC)
    inside = works.outage(eu, running, begin=peak, minutes=3, at=peak + DAY)
    gone = works.outage(eu, running, begin=peak + DAY, minutes=3, at=peak + 2 * DAY)
    changes.withdraw_outage(
        eu, running, cast.actor("dov"), gone, reason="An error.", at=peak + 2 * DAY
    )
    works.outage(eu, running, begin=peak - 9 * DAY, minutes=3, at=peak)
    assert actions.call_reviews(eu, running, at=peak + 3 * DAY) == 1
    assert called(eu, running) == [("peak_outage", inside.ref)]


@pytest.mark.slow
def test_months_that_were_issued_call_by_uptime_and_credits_with_an_agenda(
    eu: Session, running: Contract, visitors: Callable[[str], FlaskClient]
) -> None:
    for month in until(Month(2026, 9), Month(2026, 10)):
        begin, end = month.bounds(TERMS)
        works.outage(eu, running, begin=begin + 9 * DAY, minutes=200, at=begin + 10 * DAY)
        actions.issue(eu, running, month, at=end)
        for _ in range(2):
            actions.call_reviews(eu, running, at=end + timedelta(minutes=1))
    assert called(eu, running)[-1] == ("uptime_missed", "2026-10")
    assert [trigger for trigger, _ in called(eu, running)].count("uptime_missed") == 1
    number = reviews_of(eu, running)[0].number
    desk.settle(eu)
    page = visitors("cleo").get(f"/contracts/{running.id}/executive-reviews/{number}").text
    assert "2 of 3 months missed their uptime" in page
    assert f"/contracts/{running.id}/statements/2026-09" in page
    assert "Why it happened" in page
