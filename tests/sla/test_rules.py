"""Facts of the SLA clock, one by one."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portal.kit.errors import Refused
from portal.sla.rules import (
    Calendar,
    Kind,
    NeverOpens,
    Peak,
    State,
    Target,
    back_from,
    calendar_from_schedule,
    clock,
    due_at,
    elapsed,
    peaks_from_stretches,
    target_from_term,
    target_in_force,
    tzdata_version,
    worst_case,
    worst_case_example,
    worst_case_sentence,
)

WEEK = ("mo", "tu", "we", "th", "fr")
HOUR = timedelta(hours=1)


def office(tz="UTC", hours=(("09:00", "17:00"),), **more):
    return Calendar.of(tz, weekly=dict.fromkeys(WEEK, hours), **more)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(start, n, unit, calendar=None, pauses=(), **more):
    return due_at(
        at(start), target=Target.of(n, unit, **more), calendar=calendar or office(), pauses=pauses
    )


# 2026-03-02 is a Monday.


def test_a_night_shift_before_a_holiday_is_finished_and_one_on_it_is_not_begun():
    nights = office(hours=(("22:00", "06:00"),), holidays=["2026-03-03"])
    assert due("2026-03-02T22:00", 9, "h", nights) == at("2026-03-04T23:00")


def test_a_night_shift_far_behind_utc_reaches_into_the_week_after():
    # It opens on a Tuesday in Honolulu and is still open when the UTC week begins on Thursday.
    nights = Calendar.of("Pacific/Honolulu", weekly={"tu": [("23:00", "22:00")]})
    assert elapsed(at("2026-03-05T00:00"), end=at("2026-03-06"), calendar=nights) == 8 * HOUR


def test_a_dated_exception_opens_on_a_holiday():
    calendar = office(holidays=["12-25"], exceptions={date(2026, 12, 25): [("10:00", "12:00")]})
    assert due("2026-12-25T00:00", 1, "h", calendar) == at("2026-12-25T11:00")


def test_an_exception_may_open_a_weekend_and_shorten_a_day():
    calendar = office(
        exceptions={"2026-03-06": [("09:00", "12:00")], "2026-03-07": [("10:00", "11:00")]}
    )
    assert due("2026-03-06T11:00", 2, "h", calendar) == at("2026-03-07T11:00")


def test_due_at_the_beginning_of_a_pause_is_not_put_off():
    pause = [(at("2026-03-02T11:00"), at("2026-03-02T15:00"))]
    assert due("2026-03-02T10:00", 1, "h", pauses=pause) == at("2026-03-02T11:00")
    assert due("2026-03-02T11:00", 0, "h", pauses=pause) == at("2026-03-02T15:00")


def test_a_pause_moves_business_days_by_the_open_hours_it_took():
    pause = [(at("2026-03-03T16:00"), at("2026-03-04T10:00"))]
    assert due("2026-03-02T10:00", 2, "bd") == at("2026-03-04T10:00")
    assert due("2026-03-02T10:00", 2, "bd", pauses=pause) == at("2026-03-04T12:00")


def test_business_days_at_an_hour_the_day_is_closed_fall_on_the_closing_before_it():
    calendar = Calendar.of("UTC", weekly={"mo": [("09:00", "17:00")], "tu": [("10:00", "12:00")]})
    assert due("2026-03-02T16:00", 1, "bd", calendar) == at("2026-03-03T12:00")
    assert due("2026-03-02T09:30", 1, "bd", calendar) == at("2026-03-03T10:00")
    split = office(
        hours=(("08:00", "13:00"), ("14:00", "18:00")),
        exceptions={"2026-03-02": [("08:00", "18:00")]},
    )
    assert due("2026-03-02T13:30", 1, "bd", split) == at("2026-03-03T13:00")
    assert due("2026-03-02T14:00", 1, "bd", split) == at("2026-03-03T14:00")


def test_business_days_of_a_night_shift_are_the_days_on_which_it_opens():
    nights = office(hours=(("22:00", "06:00"),))
    assert due("2026-03-03T02:00", 1, "bd", nights) == at("2026-03-04T02:00")
    assert due("2026-03-07T02:00", 1, "bd", nights) == at("2026-03-10T02:00")


def test_business_days_backwards_keep_the_clock_time():
    span = Target.of(2, "bd")
    found = back_from(at("2026-03-03T10:00"), span=span, calendar=office())
    assert found == at("2026-02-27T10:00")


def test_calendar_days_and_months_keep_the_clock_time_of_the_zone():
    berlin = office("Europe/Berlin")
    assert due("2026-03-28T11:00", 1, "d", berlin) == at("2026-03-29T10:00")
    assert due("2026-01-31T11:00", 1, "mo", berlin) == at("2026-02-28T11:00")
    one_day = Target.of(1, "d")
    assert back_from(at("2026-03-29T10:00"), span=one_day, calendar=berlin) == at(
        "2026-03-28T11:00"
    )


def test_a_time_in_the_gap_moves_forward_by_the_gap():
    berlin = office("Europe/Berlin")
    assert due("2026-03-28T01:30", 1, "d", berlin) == at("2026-03-29T01:30")


def test_round_the_clock_counts_nights_weekends_and_holidays():
    calendar = office(holidays=["2026-03-09"])
    assert due("2026-03-06T16:00", 72, "h", calendar, clock="24x7") == at("2026-03-09T16:00")


def test_five_days_a_week_is_closed_at_weekends_and_on_holidays():
    calendar = office("Europe/Berlin", holidays=["2026-03-09"])
    assert due("2026-03-06T22:00", 2, "h", calendar, clock="24x5") == at("2026-03-10T00:00")


def test_a_calendar_whose_only_opening_is_past_is_refused():
    calendar = Calendar.of("UTC", weekly={}, exceptions={"2026-03-02": [("09:00", "10:00")]})
    assert due("2026-03-01T00:00", 60, "min", calendar) == at("2026-03-02T10:00")
    with pytest.raises(NeverOpens):
        due("2026-03-02T10:00", 1, "min", calendar)
    with pytest.raises(NeverOpens):
        due("2026-03-02T10:00", 1, "bd", calendar)


@pytest.mark.slow
def test_a_target_beyond_a_hundred_years_is_refused():
    beyond = ((10**9, "min"), (40_000, "bd"), (877_000, "h"), (40_000, "d"), (1_201, "mo"))
    for n, unit in beyond:
        with pytest.raises(Refused):
            due("2026-03-02T10:00", n, unit)


def test_a_moment_without_an_offset_is_refused():
    with pytest.raises(Refused, match="offset"):
        elapsed(datetime(2026, 3, 2), end=at("2026-03-03"), calendar=office())


def _clock(now, *, pauses=(), met_at=None, n=2):
    return clock(
        at("2026-03-02T15:00"),
        target=Target.of(n, "bh"),
        calendar=office(),
        now=at(now),
        pauses=pauses,
        met_at=met_at,
    )


def test_a_clock_runs_closes_pauses_and_breaches():
    assert _clock("2026-03-02T16:00").state is State.RUNNING
    assert _clock("2026-03-02T20:00", n=4).state is State.CLOSED
    assert _clock("2026-03-02T17:00").state is State.CLOSED
    late = _clock("2026-03-03T10:00")
    assert (late.state, late.due, late.remaining) == (State.BREACHED, at("2026-03-02T17:00"), -HOUR)
    assert _clock("2026-03-05T10:00", met_at=at("2026-03-02T17:00")).state is State.MET


def test_a_pause_that_has_not_ended_holds_the_clock():
    pause = [(at("2026-03-02T16:00"), None)]
    for now in ("2026-03-02T16:00", "2026-03-02T16:30", "2026-03-04T12:00"):
        held = _clock(now, pauses=pause)
        assert (held.state, held.elapsed, held.remaining) == (State.PAUSED, HOUR, HOUR)
    assert held.due == at("2026-03-04T13:00")
    over = _clock("2026-03-02T16:30", pauses=[(at("2026-03-02T16:00"), at("2026-03-02T16:30"))])
    assert over.state is State.RUNNING
    assert [interval.kind for interval in held.intervals[:3]] == [
        Kind.OPEN,
        Kind.PAUSED,
        Kind.CLOSED,
    ]
    with pytest.raises(Refused, match="paused"):
        due("2026-03-02T15:00", 2, "bh", pauses=pause)


def test_a_pause_after_the_due_instant_does_not_heal_a_breach():
    pause = [(at("2026-03-03T09:00"), None)]
    late = _clock("2026-03-03T12:00", pauses=pause)
    assert (late.state, late.due) == (State.BREACHED, at("2026-03-02T17:00"))


def test_a_clock_that_has_not_begun_has_used_nothing():
    early = _clock("2026-03-02T12:00")
    assert (early.elapsed, early.remaining, early.intervals) == (timedelta(), 2 * HOUR, ())


def test_every_ledger_names_the_release_of_the_zone_data():
    assert _clock("2026-03-02T16:00").ledger.tzdata == tzdata_version()
    assert tzdata_version()[:4].isdigit() and tzdata_version()[4:].isalpha()


def test_a_schedule_term_becomes_a_calendar():
    term = {
        "tz": "America/New_York",
        "days": [
            {"days": ["mo", "tu"], "from": "09:00", "to": "12:00"},
            {"days": ["mo"], "from": "13:00", "to": "17:00"},
        ],
    }
    calendar = calendar_from_schedule(term, holidays=["2026-03-03"])
    weekly = {"mon": [("09:00", "12:00"), ("13:00", "17:00")], "tue": [("09:00", "12:00")]}
    assert calendar == Calendar.of("America/New_York", weekly=weekly, holidays=["2026-03-03"])


def test_a_schedule_may_be_named():
    for term in ("24x7", {"tz": "UTC", "coverage": "24x7"}):
        calendar = calendar_from_schedule(term, holidays=["2026-03-03"])
        assert due("2026-03-02T00:00", 48, "h", calendar) == at("2026-03-04T00:00")
    fives = calendar_from_schedule({"tz": "UTC", "days": "24x5"}, holidays=["2026-03-03"])
    assert due("2026-03-02T00:00", 25, "h", fives) == at("2026-03-04T01:00")


def test_a_duration_term_becomes_a_target():
    target = target_from_term({"n": 30, "unit": "min", "clock": "24x7"})
    assert target == Target.of(Decimal(30), "min", clock="24x7")
    for term in ({}, {"n": 1, "unit": "weeks"}, {"n": True, "unit": "h"}, {"n": 1.5, "unit": "bd"}):
        with pytest.raises(Refused):
            target_from_term(term)


def test_a_report_made_in_a_peak_gets_the_faster_target():
    usual, fast = Target.of(4, "bh"), Target.of(15, "min", clock="24x7")
    begin, end = at("2026-11-20T00:00"), at("2026-12-01T00:00")
    minutes = [tuple(int(edge.timestamp()) // 60 for edge in (begin, end))]
    peaks = peaks_from_stretches("Black Friday", stretches=minutes)
    assert peaks == (Peak("Black Friday", begin, end),)
    for moment, expected in ((begin, fast), (end, usual), (begin - timedelta(seconds=1), usual)):
        assert target_in_force(moment, usual=usual, in_peak=fast, peaks=peaks) == expected
    assert target_in_force(begin, usual=usual, in_peak=None, peaks=peaks) == usual


def test_the_worst_case_of_four_hours_spans_a_weekend():
    calendar = office("Europe/London")
    assert worst_case(Target.of(4, "bh"), calendar=calendar, year=2026) == 69 * HOUR
    start, end = worst_case_example(Target.of(4, "bh"), calendar=calendar, year=2026)
    assert end - start == 69 * HOUR  # the night on which summer time ends
    assert worst_case_sentence(Target.of(4, "bh"), calendar=office(), year=2026) == (
        "reported Friday 2 January 16:30, means Monday 5 January 12:30"
    )


@pytest.mark.parametrize(
    "target",
    [
        Target.of(4, "bh"),
        Target.of(30, "min"),
        Target.of(2, "bd"),
        Target.of(1, "bd", end_of_day=True),
        Target.of(7, "h", clock="24x5"),
        Target.of(3, "h", clock="24x7"),
        Target.of(1, "d"),
        Target.of(1, "mo"),
    ],
    ids=lambda target: f"{target.n} {target.unit} {target.clock}",
)
@pytest.mark.slow
def test_the_worst_case_is_the_longest_over_every_half_hour_of_the_year(target):
    calendar = Calendar.of(
        "Europe/Berlin",
        weekly={
            **dict.fromkeys(WEEK, (("08:00", "13:00"), ("14:00", "18:00"))),
            "sa": [("22:00", "02:30")],
        },
        holidays=["01-01", "2026-04-03", "12-25"],
        exceptions={"2026-12-24": [("08:00", "12:00")]},
    )
    assert worst_case(target, calendar=calendar, year=2026) == _longest(target, calendar, 30)


def test_the_worst_case_may_begin_in_the_middle_of_a_shift():
    uneven = Calendar.of(
        "Europe/Berlin",
        weekly={
            "mo": [("09:00", "13:00"), ("20:00", "19:00")],
            "th": [("02:00", "03:00"), ("23:00", "10:00")],
            "fr": [("15:00", "05:00")],
            "su": [("20:00", "10:00")],
        },
    )
    day = Target.of(1, "bd")
    assert worst_case(day, calendar=uneven, year=2026) == _longest(day, uneven, 60)


def _longest(target, calendar, step):
    first = at("2025-12-31T23:00")
    starts = (first + timedelta(minutes=step * n) for n in range(365 * 1440 // step))
    return max(due_at(start, target=target, calendar=calendar) - start for start in starts)
