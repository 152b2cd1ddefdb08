"""Uptime against a slow count of every minute, on generated months in two zones over DST."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from portal.sla.rules import uptime
from portal.sla.rules.instants import to_instant
from portal.sla.rules.uptime import (
    MEASURED,
    OUTSIDE,
    Basis,
    Denominator,
    Down,
    Exclusion,
    Hours,
    UptimeRule,
)
from portal.sla.rules.uptime_terms import hours_between, month_bounds, uptime_rule
from portal.terms.rules import load_schema

MONTH = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TERMS = load_schema("1").defaults()


def at(minute: int) -> datetime:
    return MONTH + minute * MINUTE


def span(begin: int, end: int) -> tuple[int, int]:
    return to_instant(at(begin)), to_instant(at(end))


def minute_by_minute(
    length: int,
    downs: Sequence[tuple[int, int, Fraction]],
    outs: Sequence[tuple[int, int, str]],
    selling: Sequence[tuple[int, int]] | None,
    peaks: Sequence[tuple[int, int, Fraction]],
    rule: UptimeRule,
) -> tuple[Fraction, Fraction, dict[str, int]]:
    """Count by looking at every minute of the period, one at a time."""
    bad = [False] * (length + 1)
    for begin, end, _ in downs:
        for minute in range(max(begin, 0), min(end, length)):
            bad[minute] = True
    long = [False] * length
    minute = 0
    while minute < length:
        stop = minute
        while bad[stop] and stop < length:
            stop += 1
        for inside in range(minute, stop):
            long[inside] = (stop - minute) * MINUTE >= rule.shortest
        minute = stop + 1
    measured = lost = Fraction(0)
    kept: dict[str, int] = {}
    for minute in range(length):
        sells = selling is None or any(b <= minute < e for b, e in selling)
        weight = Fraction(1)
        if rule.basis is Basis.SALES_CRITICAL:
            weight = Fraction(int(sells))
        if rule.basis is Basis.WEIGHTED and sells:
            weight = max([w for b, e, w in peaks if b <= minute < e], default=Fraction(1))
        reason = next((r for b, e, r in outs if b <= minute < e), None)
        down = max([w for b, e, w in downs if b <= minute < e and long[minute]], default=0)
        if weight and (reason is None or rule.denominator is Denominator.GROSS):
            measured += weight
        if weight and reason is None:
            lost += weight * down
        name = OUTSIDE if not weight else reason or MEASURED
        kept[name] = kept.get(name, 0) + 1
    return measured, lost, kept


@pytest.mark.parametrize("seed", range(150))
def test_uptime_equals_a_count_of_every_minute(seed: int) -> None:
    dice = random.Random(seed)
    length = dice.choice([600, 1440, 2000])

    def cut() -> tuple[int, int]:
        begin = dice.randrange(length)
        return begin, min(length, begin + dice.randrange(1, 200))

    downs = [(*cut(), dice.choice([Fraction(1), Fraction(1, 2)])) for _ in range(dice.randrange(6))]
    outs = [(*cut(), dice.choice("abc")) for _ in range(dice.randrange(4))]
    selling = None if dice.random() < 0.3 else [cut() for _ in range(dice.randrange(4))]
    peaks = [(*cut(), Fraction(dice.choice([2, 3, 5]))) for _ in range(dice.randrange(3))]
    rule = UptimeRule(
        basis=dice.choice(list(Basis)),
        denominator=dice.choice(list(Denominator)),
        shortest=dice.choice([0, 1, 15]) * MINUTE,
    )
    found = uptime.measure(
        at(0), at(length),
        downs=[Down(at(b), at(e), w) for b, e, w in downs],
        exclusions=[Exclusion(at(b), at(e), r) for b, e, r in outs],
        hours=Hours(
            None if selling is None else tuple(span(b, e) for b, e in selling),
            tuple((span(b, e), w) for b, e, w in peaks),
        ),
        rule=rule,
    )  # fmt: skip
    measured, lost, kept = minute_by_minute(length, downs, outs, selling, peaks, rule)
    assert found.measured == measured * uptime.MINUTE
    assert found.lost == lost * uptime.MINUTE
    assert found.minutes == {name: count * MINUTE for name, count in kept.items()}
    assert sum(found.minutes.values(), timedelta(0)) == length * MINUTE


def test_an_outage_shorter_than_the_shortest_counted_does_not_count_at_all() -> None:
    rule = UptimeRule(shortest=5 * MINUTE)
    short = uptime.measure(at(0), at(1000), downs=[Down(at(10), at(14))], rule=rule)
    long = uptime.measure(at(0), at(1000), downs=[Down(at(10), at(15))], rule=rule)
    assert (short.lost, long.lost) == (0, 5 * uptime.MINUTE)


def test_two_records_that_touch_are_one_outage() -> None:
    rule = UptimeRule(shortest=5 * MINUTE)
    downs = [Down(at(10), at(13)), Down(at(13), at(16), Fraction(1, 2))]
    found = uptime.measure(at(0), at(1000), downs=downs, rule=rule)
    assert found.lost == Fraction("4.5") * uptime.MINUTE


def test_an_outage_over_midnight_of_the_first_belongs_to_both_months_in_parts() -> None:
    rule = UptimeRule(shortest=5 * MINUTE)
    down = [Down(at(-3), at(3))]
    assert uptime.measure(at(-100), at(0), downs=down, rule=rule).lost == 3 * uptime.MINUTE
    assert uptime.measure(at(0), at(100), downs=down, rule=rule).lost == 3 * uptime.MINUTE


def test_an_outage_that_is_not_over_counts_to_the_end_of_the_period() -> None:
    assert uptime.measure(at(0), at(100), downs=[Down(at(40), None)]).lost == 60 * uptime.MINUTE


def test_an_excluded_minute_leaves_both_sides_of_the_fraction_and_keeps_its_reason() -> None:
    out = Exclusion(at(10), at(20), "force majeure", "OUT-2")
    found = uptime.measure(
        at(0), at(100), downs=[Down(at(5), at(15), ref="OUT-1")], exclusions=[out]
    )
    assert found.percent == Fraction(85, 90) * 100
    assert [(p.reason, p.refs) for p in found.pieces] == [
        (None, ("OUT-1",)),
        ("force majeure", ("OUT-1", "OUT-2")),
        ("force majeure", ("OUT-2",)),
    ]


def test_a_period_without_a_measured_minute_counts_as_kept() -> None:
    everything = Exclusion(at(0), at(100), "force majeure")
    found = uptime.measure(at(0), at(100), downs=[Down(at(0), at(100))], exclusions=[everything])
    assert found.percent == 100


def test_a_month_of_new_york_is_an_hour_shorter_in_march() -> None:
    terms = {**TERMS, "M4": "America/New_York"}
    begin, end = month_bounds(terms, 2026, 3)
    assert end.astimezone(UTC) - begin.astimezone(UTC) == timedelta(days=31) - timedelta(hours=1)


def test_selling_hours_follow_the_wall_clock_over_the_change_of_time() -> None:
    begin, end = month_bounds(TERMS, 2026, 3)
    hours = hours_between(TERMS, begin, end)
    assert hours.selling is not None
    opens = {
        datetime.fromtimestamp(b / 1_000_000, UTC).strftime("%m-%d %H:%M") for b, _ in hours.selling
    }
    assert "03-07 13:00" in opens
    assert "03-09 12:00" in opens


def test_the_default_terms_measure_weighted_with_peaks() -> None:
    rule = uptime_rule(TERMS)
    assert (rule.basis, rule.denominator, rule.shortest) == (
        Basis.WEIGHTED,
        Denominator.NET,
        MINUTE,
    )
    begin, end = month_bounds(TERMS, 2026, 11)
    weights = {weight for _, weight in hours_between(TERMS, begin, end).peaks}
    assert weights == {Fraction(5)}
