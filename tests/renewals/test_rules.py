"""Dates of terms and notices, counted as clauses 1.11 and 17 say."""

import json
import os
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.contracts.rules.life import DatedFact, State, state_of
from portal.kit.errors import Refused
from portal.renewals.rules import reading
from portal.renewals.rules.dates import (
    Before,
    Plan,
    Roll,
    Unit,
    add_months,
    deadline,
    end_of,
    later_business_day,
    term,
    term_ends,
    term_on,
)
from portal.renewals.rules.lines import answer
from portal.renewals.rules.working import working_of_deadline
from portal.terms.rules import load_schema

DATA = Path(__file__).parent / "data" / "renewal_dates.json"
CASES = json.loads(DATA.read_text(encoding="utf-8"))["cases"]
THOROUGH = os.environ.get("COUNTERPART_THOROUGH") == "1"
EXAMPLES = 5_000 if THOROUGH else 300
PROPERTY = settings(max_examples=EXAMPLES, deadline=None)
DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))
PLANS = st.builds(
    Plan,
    start=DAYS,
    initial_months=st.integers(1, 84),
    renewal_months=st.none() | st.integers(1, 36),
    renewals=st.none() | st.integers(0, 9),
)


def weekdays(day: date) -> bool:
    return day.weekday() < 5


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_dates_other_systems_got_wrong_are_right(case: dict[str, Any]) -> None:
    told = answer(case)
    asked = {"current_term_ends", "notice_by", "reminder_on"} & case.keys()
    assert {name: told[name] for name in asked} == {name: case[name] for name in asked}
    assert told["working"]


def slow_ends(plan: Plan, number: int) -> date:
    """The end of a term by counting months one at a time on the calendar's own grid."""
    year, month = plan.start.year, plan.start.month
    for _ in range(plan.initial_months + number * (plan.renewal_months or 0)):
        month += 1
        if month == 13:
            year, month = year + 1, 1
    return date(year, month, min(plan.start.day, monthrange(year, month)[1]))


@PROPERTY
@given(PLANS, DAYS)
def test_the_term_on_a_day_is_the_one_that_holds_it(plan: Plan, on: date) -> None:
    span = term_on(plan, on)
    assert span.ends == slow_ends(plan, span.number)
    assert span.begins < span.ends
    if on >= plan.start and not (span.is_last and on >= span.ends):
        assert span.begins <= on < span.ends
    if span.number:
        assert term(plan, span.number - 1).ends == span.begins


@PROPERTY
@given(PLANS, st.integers(0, 60))
@pytest.mark.slow
def test_a_short_month_never_moves_a_later_end(plan: Plan, number: int) -> None:
    end = term_ends(plan, number)
    last = monthrange(end.year, end.month)[1]
    assert end.day == min(plan.start.day, last)


@PROPERTY
@given(DAYS, st.integers(0, 200), st.sampled_from(Unit), st.sampled_from(Roll))
@pytest.mark.slow
def test_a_deadline_lies_before_the_end_and_on_a_day_it_may(
    end: date, n: int, unit: Unit, roll: Roll
) -> None:
    found = deadline(end, Before(n, unit, roll), is_business_day=weekdays)
    assert found.counted <= end
    if roll is not Roll.STAYS:
        assert weekdays(found.on)
        assert abs((found.on - found.counted).days) <= 2
    if roll is Roll.EARLIER:
        assert found.on <= found.counted
    if unit is Unit.BUSINESS_DAYS:
        between = [found.counted + timedelta(d) for d in range((end - found.counted).days)]
        assert sum(map(weekdays, between)) == n
    if unit is Unit.MONTHS:
        assert found.counted == add_months(end, -n)


@PROPERTY
@given(DAYS, st.integers(1, 60))
def test_business_days_forward_and_back_meet(day: date, n: int) -> None:
    ahead = later_business_day(day, n, is_business_day=weekdays)
    back = deadline(ahead, Before(n, Unit.BUSINESS_DAYS), is_business_day=weekdays).on
    assert back <= day + timedelta(days=2)
    assert sum(weekdays(day + timedelta(d)) for d in range(1, (ahead - day).days + 1)) == n


def test_the_working_says_how_a_sunday_became_a_friday() -> None:
    found = deadline(
        date(2028, 1, 1), Before(90, Unit.DAYS, Roll.EARLIER), is_business_day=weekdays
    )
    assert working_of_deadline(found) == (
        "90 days before 1 Jan 2028 is 3 Oct 2027, a Sunday, so Friday 1 Oct, the business day "
        "before."
    )


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2027, 3, 28), "Europe/London", 23),
        (date(2027, 10, 31), "Europe/London", 25),
        (date(2027, 11, 7), "America/New_York", 25),
        (date(2028, 2, 29), "America/New_York", 24),
    ],
)
def test_a_last_day_is_as_long_as_its_zone_makes_it(day: date, zone: str, hours: int) -> None:
    before = end_of(day - timedelta(days=1), ZoneInfo(zone))
    assert end_of(day, ZoneInfo(zone)) - before == timedelta(hours=hours)


SCHEMA = load_schema("1")
SIGNED = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)


def terms(**changes: Any) -> dict[str, Any]:
    """The schema's own terms, with some changed by id (P7_roll stands for P7.roll)."""
    return SCHEMA.defaults() | {name.replace("_", "."): v for name, v in changes.items()}


def length(n: int, unit: str) -> dict[str, Any]:
    return {"n": n, "unit": unit, "clock": "24x7"}


def test_without_a_start_date_the_last_signature_starts_the_term_in_the_hours_own_zone() -> None:
    assert reading.start_date(terms(), signed_at=SIGNED) == date(2026, 12, 31)
    tokyo = {**terms()["B1"], "tz": "Asia/Tokyo"}
    assert reading.start_date(terms(B1=tokyo), signed_at=SIGNED) == date(2027, 1, 1)


def test_support_start_then_fixed_date_win_over_the_signature() -> None:
    fixed = terms(A4="fixed_date", A4_date="2027-02-01")
    assert reading.start_date(fixed, signed_at=SIGNED) == date(2027, 2, 1)
    assert reading.start_date({**fixed, "A5": "2027-03-01"}, signed_at=SIGNED) == date(2027, 3, 1)


def test_a_pilot_comes_first_and_the_initial_term_after_it() -> None:
    plan = reading.plan_of(terms(A5="2027-01-15", P2=length(2, "mo")), signed_at=SIGNED)
    assert plan.start == date(2027, 3, 15)
    assert term(plan, 0).ends == date(2029, 3, 15)


def test_a_contract_that_expires_has_no_renewal_term() -> None:
    plan = reading.plan_of(terms(A5="2027-01-15", P3="expires"), signed_at=SIGNED)
    assert term_on(plan, date(2035, 1, 1)).ends == date(2029, 1, 15)
    assert term_on(plan, date(2035, 1, 1)).is_last


def test_a_limit_of_renewals_ends_the_contract() -> None:
    plan = reading.plan_of(terms(A5="2027-01-15", P5=2), signed_at=SIGNED)
    last = term_on(plan, date(2050, 1, 1))
    assert (last.number, last.ends, last.is_last) == (2, date(2031, 1, 15), True)


def test_an_end_shared_with_another_contract_is_that_contracts_end() -> None:
    end = date(2028, 6, 30)
    plan = reading.plan_of(terms(A5="2027-01-15"), signed_at=SIGNED, shared_end=end)
    assert term_on(plan, date(2027, 2, 1)).ends == end


def test_days_become_business_days_where_the_contract_counts_so() -> None:
    found = reading.notice_deadline(terms(P6=length(20, "d"), P7="business_days"), date(2028, 1, 3))
    # 25 and 31 December 2027 fall on a weekend, their observed days on 24 and 31 December.
    assert found.on == date(2027, 12, 2)
    assert found.before.unit is Unit.BUSINESS_DAYS


def test_a_holiday_is_no_business_day_even_where_support_never_closes() -> None:
    around = {"tz": "UTC", "days": [{"days": ["mo", "tu", "we", "th", "fr", "sa", "su"],
                                     "from": "00:00", "to": "24:00"}]}  # fmt: skip
    days = reading.business_days(terms(B1=around))
    assert days(date(2027, 6, 6))
    assert not days(date(2027, 1, 1))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"start": "31/08/2025"}, "start"),
        ({"as_of": None}, "as_of"),
        ({"initial_months": 0}, "initial_months"),
        ({"initial_months": "12"}, "initial_months"),
        ({"notice_days": 30}, "one unit"),
        ({"roll": "sideways"}, "roll"),
        ({"holidays": ["soon"]}, "holidays"),
        ({"open_days": []}, "open_days"),
        ({"ends_with": "2020-01-01"}, "ends before"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(Refused) as refusal:
        answer({**CASES[4], **change})
    assert named in refusal.value.message


def test_a_field_nobody_knows_is_named_in_the_answer() -> None:
    assert answer({**CASES[4], "notice_dys": 30})["not_understood"] == ["notice_dys"]


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        (["completed"], State.IN_FORCE),
        (["completed", "leaving"], State.EXPIRING),
        (["completed", "leaving", "staying"], State.IN_FORCE),
        (["completed", "term_renewed"], State.IN_FORCE),
        (["completed", "term_renewed", "leaving", "ended"], State.ENDED),
        (["completed", "renewed"], State.RENEWED),
    ],
)
def test_the_last_word_on_the_term_is_the_state(kinds: list[str], state: State) -> None:
    facts = [DatedFact(kind, SIGNED + timedelta(days=n)) for n, kind in enumerate(kinds)]
    assert state_of(facts, service_start=date(2027, 1, 1), today=date(2030, 1, 1)) is state
