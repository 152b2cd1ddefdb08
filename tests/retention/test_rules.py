"""Until when a contract is kept, and what refuses to let it go."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from portal.contracts.rules.life import State
from portal.kit.errors import Refused
from portal.retention import rules

ENDED = date(2026, 2, 28)


def kept(**changes: object) -> rules.Retention:
    usual = {"ended": ENDED, "term": None, "years": {"V": 6, "C": 6}, "hipaa": False}
    return rules.retention_of(**(usual | changes))  # type: ignore[arg-type]


def test_the_longest_ground_decides_and_none_can_shorten_another() -> None:
    chance = random.Random(7)
    for _ in range(1000):
        vendor, customer = chance.randrange(1, 31), chance.randrange(1, 31)
        months, hipaa = chance.choice([None, chance.randrange(12, 121)]), chance.random() < 0.5
        term = None if months is None else {"n": months, "unit": "mo", "clock": "24x7"}
        found = kept(term=term, years={"V": vendor, "C": customer}, hipaa=hipaa)
        longest = max(vendor * 12, customer * 12, months or 0, 72 if hipaa else 0)
        year, month = divmod(ENDED.year * 12 + ENDED.month - 1 + longest, 12)
        assert found.until is not None
        assert (found.until.year, found.until.month) == (year, month + 1)
        assert found.grounds[0].months == longest


def test_under_hipaa_nothing_is_due_before_six_years() -> None:
    found = kept(years={"V": 1, "C": 1}, hipaa=True)
    assert found.until == date(2032, 2, 28)
    assert not found.is_due(date(2032, 2, 27)) and found.is_due(date(2032, 2, 28))


def test_what_runs_is_never_due() -> None:
    found = kept(ended=None)
    assert found.until is None and not found.is_due(date(2999, 1, 1))


def test_each_thing_in_the_way_refuses_by_itself() -> None:
    due = kept(years={"V": 1})
    usual = {"holds": 0, "state": State.ENDED, "moving": False, "amendment": False,
             "today": date(2027, 2, 28)}  # fmt: skip
    rules.demand_deletable(due, **usual)  # type: ignore[arg-type]
    for change in (
        {"holds": 1}, {"state": State.IN_FORCE}, {"state": State.DRAFT}, {"moving": True},
        {"amendment": True}, {"today": date(2027, 2, 27)},
    ):  # fmt: skip
        with pytest.raises(Refused):
            rules.demand_deletable(due, **(usual | change))  # type: ignore[arg-type]


def test_a_hold_is_lifted_by_two() -> None:
    rules.demand_lift(asked_by="a", person="b")
    for asked in (None, "b"):
        with pytest.raises(Refused):
            rules.demand_lift(asked_by=asked, person="b")


def test_a_deletion_says_how_far_it_is() -> None:
    at = datetime(2027, 1, 1, tzinfo=UTC)
    later = at + timedelta(days=1)
    words = [
        rules.step_of(agreed=a, withdrawn=w, deleted=d).word
        for a, w, d in ((None, None, None), (at, None, None), (at, later, None), (at, None, later))
    ]
    assert words == ["Asked", "Waits for the worker", "Withdrawn", "Deleted"]
