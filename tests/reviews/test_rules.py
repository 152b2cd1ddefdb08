"""When reviews are due, what calls executives, and what the agenda says."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.reviews.rules.agenda import Seen, agenda_of
from portal.reviews.rules.schedule import Kind, planned
from portal.terms.rules import load_schema

SCHEMA = load_schema("1")
NOW = datetime(2027, 4, 20, 12, 0, tzinfo=UTC)


def terms(**changes: Any) -> dict[str, Any]:
    return SCHEMA.defaults() | {name.replace("_", "."): value for name, value in changes.items()}


def due(kind: Kind, **changes: Any) -> list[date]:
    found = planned(terms(**changes), date(2027, 1, 1), date(2028, 1, 1))
    return [one.on for one in found if one.kind is kind]


def test_a_quarterly_review_follows_the_close_of_each_quarter() -> None:
    # Ten business days after the quarter; New Year's Day is a holiday.
    assert due(Kind.SERVICE) == [
        date(2027, 1, 15), date(2027, 4, 14), date(2027, 7, 15), date(2027, 10, 14),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("every", "count"), [("monthly", 12), ("half_yearly", 2), ("yearly", 1), (None, 0)]
)
def test_the_contract_says_how_often(every: str | None, count: int) -> None:
    assert len(due(Kind.SERVICE, N5=every)) == count


def test_a_review_before_a_peak_comes_before_it() -> None:
    window = {"freq": "yearly", "from": "11-20", "to": "11-30", "tz": "America/New_York"}
    peak = [{"name": "Sale", "window": [window], "multiplier": "5"}]
    before = due(Kind.SERVICE, B5=peak, N5_anchor="before_peak")
    after = due(Kind.SERVICE, B5=peak, N5_anchor="after_peak")
    assert before == [date(2027, 11, 8)]
    assert after == [date(2027, 12, 14)]
    # Thirty days before 20 November 2027 is Thursday 21 October.
    assert due(Kind.TARGETS, B5=peak) == [date(2027, 10, 21)]


def test_a_key_stays_when_its_day_moves() -> None:
    one = planned(terms(), date(2027, 1, 1), date(2028, 1, 1))
    other = planned(
        terms(N5_offset={"n": 5, "unit": "bd", "clock": "support_hours"}),
        date(2027, 1, 1), date(2028, 1, 1),
    )  # fmt: skip
    assert [r.key for r in one if r.kind is Kind.SERVICE] == [
        r.key for r in other if r.kind is Kind.SERVICE
    ]


def test_the_agenda_is_written_from_the_facts() -> None:
    seen = Seen(
        since=date(2027, 1, 15), today=date(2027, 4, 14), attainment=Decimal("92.3"), targets=13,
        missed_targets=1, breached=[12], credits=1, contacts=3, contacts_every=3,
        actions=[("Add a second probe", "Ben Osei", "2027-03-01")],
        measures=[("Raise the pool size", "Ben Osei", date(2027, 4, 20))],
        changes=[("CHG-1", date(2027, 5, 2))], peaks=[("Quarter end", date(2027, 6, 24))],
        notice_by=date(2027, 6, 1),
    )  # fmt: skip
    told = {item.heading: " ".join(item.facts) for item in agenda_of(seen, why="", called=False)}
    assert "92.3 % of 13 targets met since 15 Jan 2027, 1 missed." in told["Targets"]
    assert "Incidents with a missed target: 12." in told["Targets"]
    assert told["Credits"] == "1 credit not settled."
    assert "overdue" in told["Actions still open"]
    assert told["Actions from root causes"] == "Raise the pool size (Ben Osei, due 20 Apr 2027)"
    assert told["Changes ahead"] == "CHG-1 on 2 May 2027."
    assert "Quarter end, from 24 Jun 2027" in told["Peaks and their targets"]
    assert told["Renewal"] == "Notice by 1 Jun 2027: 48 days left."


def test_an_agenda_without_facts_says_so() -> None:
    seen = Seen(since=date(2027, 1, 15), today=date(2027, 4, 14))
    items = agenda_of(seen, why="Two S1 incidents", called=True)
    assert items[0].facts == ("Two S1 incidents",)
    assert {"None.", "None is announced."} <= {fact for item in items for fact in item.facts}
