"""Show the working: every interval of a clock, what it was, and the seconds it counted for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portal.sla.rules.calendar import WEEK, Calendar
from portal.sla.rules.instants import Span, clip, to_moment, union, without
from portal.sla.rules.zones import tzdata_version


class Kind(StrEnum):
    """What an interval was to the clock; only `open` counts. A pause out of hours is `closed`."""

    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


@dataclass(frozen=True)
class Interval:
    """One stretch of a ledger, from `begin` up to `end`, in UTC."""

    kind: Kind
    begin: datetime
    end: datetime

    @property
    def counted(self) -> timedelta:
        """How much of the interval counted: all of it while open, otherwise nothing."""
        return self.end - self.begin if self.kind is Kind.OPEN else timedelta()


@dataclass(frozen=True)
class Ledger:
    """Intervals without gap or overlap, the zone they were worked out in and its data release."""

    intervals: tuple[Interval, ...]
    zone: str
    tzdata: str

    @property
    def counted(self) -> timedelta:
        """All that counted."""
        return sum((interval.counted for interval in self.intervals), timedelta())


def ledger_between(
    calendar: Calendar, begin: int, end: int, *, paused: Sequence[Span] = ()
) -> Ledger:
    """The working between two instants; empty when the end does not come after the beginning."""
    opened = open_spans(calendar, begin, end)
    counted = without(opened, paused)
    held = without(opened, counted)
    closed = without([(begin, end)] if begin < end else [], opened)
    rows = sorted(
        (start, stop, kind)
        for kind, spans in ((Kind.OPEN, counted), (Kind.PAUSED, held), (Kind.CLOSED, closed))
        for start, stop in spans
    )
    return Ledger(
        intervals=tuple(Interval(k, to_moment(b), to_moment(e)) for b, e, k in rows),
        zone=calendar.zone.key,
        tzdata=tzdata_version(),
    )


def open_spans(calendar: Calendar, begin: int, end: int) -> list[Span]:
    """The open intervals between two instants."""
    return clip(union(_weekly_spans(calendar, begin, end)), begin, end)


def _weekly_spans(calendar: Calendar, begin: int, end: int) -> Iterator[Span]:
    for number in range(begin // WEEK, end // WEEK + 1):
        week = calendar.block(number)
        yield from zip(week.opens, week.closes, strict=True)
