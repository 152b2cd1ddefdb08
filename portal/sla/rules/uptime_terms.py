"""The terms of a contract as the rules of uptime: basis, shortest outage, selling hours, peaks."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from portal.sla.rules.calendar import WEEK, Calendar, calendar_from_schedule
from portal.sla.rules.instants import Span, clip, to_instant
from portal.sla.rules.target import target_from_term
from portal.sla.rules.uptime import MINUTE, Basis, Hours, UptimeRule
from portal.sla.rules.zones import zone
from portal.terms.rules.spans import windows_year

Terms = Mapping[str, Any]


def uptime_rule(terms: Terms) -> UptimeRule:
    """Return how these terms measure uptime (clauses 5.3, 5.4 and 5.8)."""
    shortest = target_from_term(terms["D7"]).micros if terms.get("D7") else 0
    return UptimeRule(
        basis=Basis(terms.get("D2") or Basis.ALL),
        shortest=timedelta(microseconds=shortest or 0),
    )


def degraded_weight(terms: Terms) -> Fraction:
    """Return how much of a degraded minute counts as down (term D11)."""
    return Fraction(Decimal(str(terms.get("D11") or 0))) / 100


def hours_between(terms: Terms, begin: datetime, end: datetime) -> Hours:
    """Return the selling hours (B4) and peaks (B5) of a stretch of time."""
    selling = terms.get("B4")
    return Hours(
        selling=tuple(_selling(selling, begin, end)) if selling else None,
        peaks=tuple(_peaks(terms, begin, end)),
    )


def _selling(schedule: Any, begin: datetime, end: datetime) -> Iterator[Span]:
    return open_spans(calendar_from_schedule(schedule), begin, end)


def open_spans(calendar: Calendar, begin: datetime, end: datetime) -> Iterator[Span]:
    """Yield the open spans of a calendar between two moments."""
    first, last = to_instant(begin), to_instant(end)
    for number in range(first // WEEK, (last - 1) // WEEK + 1):
        block = calendar.block(number)
        yield from clip(zip(block.opens, block.closes, strict=True), first, last)


def _peaks(terms: Terms, begin: datetime, end: datetime) -> Iterator[tuple[Span, Fraction]]:
    for row in terms.get("B5") or ():
        weight = Fraction(Decimal(str(row["multiplier"])))
        for span in window_spans(terms, row["window"], begin, end):
            yield span, weight


def window_spans(terms: Terms, windows: Any, begin: datetime, end: datetime) -> list[Span]:
    """Return the spans of a window term (maintenance, freeze, peak) between two moments."""
    years = range(begin.year - 1, end.year + 2)
    own = str(terms.get("M4") or "UTC")
    holidays = holidays_of(terms)
    spans = [
        (b * MINUTE, e * MINUTE)
        for year in years
        for b, e in windows_year(windows or (), year, zone=own, holidays=holidays)
    ]
    return clip(sorted(set(spans)), to_instant(begin), to_instant(end))


def holidays_of(terms: Terms) -> frozenset[date]:
    """Return the holidays frozen into the terms (B2)."""
    rows: Iterable[Mapping[str, Any]] = terms.get("B2") or ()
    return frozenset(date.fromisoformat(row["date"]) for row in rows)


def month_bounds(terms: Terms, year: int, month: int) -> tuple[datetime, datetime]:
    """Return when a month begins and ends in the zone of the contract's months (M4)."""
    own = zone(str(terms.get("M4") or "UTC"))
    after = (year + month // 12, month % 12 + 1)
    first, past = (datetime(y, m, 1, tzinfo=own) for y, m in ((year, month), after))
    return first, past
