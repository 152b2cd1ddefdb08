"""The SLA clock: when a target falls due, how much of it is used, and whether it was met.

All arithmetic is on UTC instants over open intervals. Pauses are united and only their overlap with
open hours counts. Due exactly at closing is the closing instant; a start at or after closing counts
from the next opening; met at the due instant, breached strictly after it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portal.kit.errors import Refused
from portal.kit.words import say
from portal.sla.rules.calendar import Calendar
from portal.sla.rules.counting import (
    advance,
    counted_between,
    is_open,
    open_between,
    paused_spans,
    retreat,
)
from portal.sla.rules.days import (
    business_days_after,
    business_days_before,
    months_after,
    wall_days_after,
)
from portal.sla.rules.instants import MICROSECOND, Pause, Span, to_instant, to_micros, to_moment
from portal.sla.rules.ledger import Interval, Ledger, ledger_between
from portal.sla.rules.target import Target, Unit, counting_calendar


class State(StrEnum):
    """How a clock stands; `closed` means unfinished, outside the hours that count."""

    RUNNING = "running"
    PAUSED = "paused"
    CLOSED = "closed"
    MET = "met"
    BREACHED = "breached"


@dataclass(frozen=True)
class ClockState:
    """A clock at one moment. `remaining` is negative once the due instant is past.

    `ledger` works out `elapsed`; `ahead` works out the way from this moment to the due instant and
    is empty when there is none left.
    """

    due: datetime
    elapsed: timedelta
    remaining: timedelta
    state: State
    ledger: Ledger
    ahead: Ledger

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """The intervals so far."""
        return self.ledger.intervals


def due_at(
    start: datetime,
    *,
    target: Target | timedelta,
    calendar: Calendar,
    pauses: Iterable[Pause] = (),
) -> datetime:
    """The moment the target runs out; a bare length of time counts on the calendar as it is.

    A pause without an end refuses the question unless the target runs out before it.
    """
    return to_moment(_due(to_instant(start), target, calendar, paused_spans(pauses)))


def elapsed(
    start: datetime, *, end: datetime, calendar: Calendar, pauses: Iterable[Pause] = ()
) -> timedelta:
    """The open time from `start` to `end` outside the pauses; none when the end comes first."""
    begin, stop = to_instant(start), to_instant(end)
    return counted_between(calendar, begin, stop, paused_spans(pauses, until=stop)) * MICROSECOND


def back_from(
    due: datetime,
    *,
    span: Target | timedelta,
    calendar: Calendar,
    pauses: Iterable[Pause] = (),
) -> datetime:
    """The moment from which the span runs out exactly at `due`: escalation offsets before due."""
    end = to_instant(due)
    return to_moment(_back(end, span, calendar, paused_spans(pauses, until=end)))


def ledger(
    start: datetime, *, end: datetime, calendar: Calendar, pauses: Iterable[Pause] = ()
) -> Ledger:
    """The working between two moments on one calendar."""
    begin, stop = to_instant(start), to_instant(end)
    return ledger_between(calendar, begin, stop, paused=paused_spans(pauses, until=stop))


def clock(
    start: datetime,
    *,
    target: Target,
    calendar: Calendar,
    now: datetime,
    pauses: Iterable[Pause] = (),
    met_at: datetime | None = None,
) -> ClockState:
    """The clock as it stands at `now`, or as it stood when the target was met.

    A pause that has not ended holds the clock until `now`: the due instant is then the one that
    would follow if the pause ended now.
    """
    begin, at = to_instant(start), to_instant(met_at or now)
    pauses = tuple(pauses)
    paused = paused_spans(pauses, until=at)
    counting = counting_calendar(target.clock, calendar=calendar)
    due = _due(begin, target, calendar, paused)
    return ClockState(
        due=to_moment(due),
        elapsed=counted_between(counting, begin, at, paused) * MICROSECOND,
        remaining=_remaining(counting, max(begin, at), due, paused) * MICROSECOND,
        state=_finished(at, due, met=met_at is not None) or _unfinished(counting, at, pauses),
        ledger=ledger_between(counting, begin, at, paused=paused),
        ahead=ledger_between(counting, max(begin, at), due, paused=paused),
    )


def _due(begin: int, target: Target | timedelta, calendar: Calendar, paused: Sequence[Span]) -> int:
    if isinstance(target, timedelta):
        return advance(calendar, begin, _length(target), paused)
    counting = counting_calendar(target.clock, calendar=calendar)
    if target.micros is not None:
        return advance(counting, begin, target.micros, paused)
    due = _days_after(begin, target, counting)
    lost = _lost(counting, begin, due, paused)
    # Days are no fixed number of hours, so a pause gives back the open time it took.
    return advance(counting, due, lost, paused) if lost else due


def _back(end: int, span: Target | timedelta, calendar: Calendar, paused: Sequence[Span]) -> int:
    if isinstance(span, timedelta):
        return retreat(calendar, end, _length(span), paused)
    counting = counting_calendar(span.clock, calendar=calendar)
    if span.micros is not None:
        return retreat(counting, end, span.micros, paused)
    begin = _days_before(end, span, counting)
    lost = _lost(counting, begin, end, paused)
    return retreat(counting, begin, lost, paused) if lost else begin


def _length(length: timedelta) -> int:
    if length < timedelta():
        raise Refused(say("A target cannot be shorter than nothing."))
    return to_micros(length)


def _days_after(begin: int, target: Target, counting: Calendar) -> int:
    count, late = int(target.n), target.end_of_day
    if target.in_business_days:
        return business_days_after(counting, begin, count, end_of_day=late)
    if target.unit is Unit.MONTHS:
        return months_after(counting, begin, count, end_of_day=late)
    return wall_days_after(counting, begin, count, end_of_day=late)


def _days_before(end: int, span: Target, counting: Calendar) -> int:
    count, late = int(span.n), span.end_of_day
    if span.in_business_days:
        return business_days_before(counting, end, count, end_of_day=late)
    if span.unit is Unit.MONTHS:
        return months_after(counting, end, -count, end_of_day=late)
    return wall_days_after(counting, end, -count, end_of_day=late)


def _lost(counting: Calendar, begin: int, end: int, paused: Sequence[Span]) -> int:
    return open_between(counting, begin, end) - counted_between(counting, begin, end, paused)


def _remaining(counting: Calendar, at: int, due: int, paused: Sequence[Span]) -> int:
    if at <= due:
        return counted_between(counting, at, due, paused)
    return -counted_between(counting, due, at, paused)


def _finished(at: int, due: int, *, met: bool) -> State | None:
    if at > due:
        return State.BREACHED
    return State.MET if met else None


def _unfinished(counting: Calendar, at: int, pauses: Iterable[Pause]) -> State:
    if any(to_instant(b) <= at and (e is None or at < to_instant(e)) for b, e in pauses):
        return State.PAUSED
    return State.RUNNING if is_open(counting, at) else State.CLOSED
