"""Walk open time forwards and backwards, week by week, with pauses counted as closed.

Forwards an instant belongs to the interval `[opening, closing)`, backwards to `(opening, closing]`:
so a start at closing counts from the next opening, and the last open second used up at closing is
due at closing.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from portal.kit.errors import Refused
from portal.kit.words import say
from portal.sla.rules.calendar import WEEK, Calendar, NeverOpens
from portal.sla.rules.instants import Pause, Span, to_instant, union

# A contract does not reach further; it also bounds the work one question can cause.
REACH_WEEKS = 5_218
# The rarest yearly opening is 29 February across a skipped leap year: 8 years.
EMPTY_WEEKS = 9 * 53
FOREVER = 1 << 62


def paused_spans(pauses: Iterable[Pause], *, until: int | None = None) -> list[Span]:
    """The union of the pauses; one without an end lasts `until`, or for ever."""
    open_end = FOREVER if until is None else until
    return union(
        (to_instant(begin), open_end if end is None else to_instant(end)) for begin, end in pauses
    )


def open_between(calendar: Calendar, begin: int, end: int) -> int:
    """Open microseconds from `begin` to `end`; none when the end comes first."""
    if end <= begin:
        return 0
    first, last = begin // WEEK, end // WEEK
    if last - first > REACH_WEEKS:
        raise Refused(say("The two dates are more than 100 years apart. Check them."))
    whole = sum(calendar.block(number).total for number in range(first, last))
    return whole + calendar.block(last).open_before(end) - calendar.block(first).open_before(begin)


def is_open(calendar: Calendar, instant: int) -> bool:
    """Whether the calendar is open at the instant; at closing it is not."""
    return open_between(calendar, instant, instant + 1) > 0


def counted_between(calendar: Calendar, begin: int, end: int, paused: Sequence[Span]) -> int:
    """Open microseconds from `begin` to `end` outside the pauses (sorted, disjoint)."""
    lost = sum(open_between(calendar, max(b, begin), min(e, end)) for b, e in paused)
    return open_between(calendar, begin, end) - lost


def advance(calendar: Calendar, begin: int, need: int, paused: Sequence[Span] = ()) -> int:
    """The instant at which `need` open microseconds have counted since `begin`."""
    for pause_begin, pause_end in paused:
        if pause_end <= begin:
            continue
        ready = open_between(calendar, begin, pause_begin)
        # A target of no time at all still needs an open instant before the pause begins.
        if (ready >= need) if need else (ready > 0):
            break
        if pause_end == FOREVER:
            raise Refused(say("The clock is paused without an end, so nothing falls due yet."))
        begin, need = max(begin, pause_end), need - ready
    return _forward(calendar, begin, need)


def retreat(calendar: Calendar, end: int, need: int, paused: Sequence[Span] = ()) -> int:
    """The instant from which `need` open microseconds count until `end`."""
    for pause_begin, pause_end in reversed(paused):
        if pause_begin >= end:
            continue
        ready = open_between(calendar, pause_end, end)
        if (ready >= need) if need else (ready > 0):
            break
        end, need = min(end, pause_begin), need - ready
    return _backward(calendar, end, need)


def _forward(calendar: Calendar, begin: int, need: int) -> int:
    first = number = begin // WEEK
    worked = need + calendar.block(number).open_before(begin)
    # Time used up is reached at a closing; no time at all is reached at an opening.
    reach = bisect_left if need else bisect_right
    empty = 0
    while True:
        week = calendar.block(number)
        nth = reach(week.after, worked)
        if nth < len(week.after):
            return week.closes[nth] - (week.after[nth] - worked)
        worked -= week.total
        number += 1
        empty = 0 if week.total else empty + 1
        _refuse_beyond_reach(number - first, empty=empty)


def _backward(calendar: Calendar, end: int, need: int) -> int:
    first = number = (end - 1) // WEEK
    left = calendar.block(number).open_before(end) - need
    reach = bisect_right if need else bisect_left
    empty = 0
    while True:
        week = calendar.block(number)
        if left > 0 or (need and left == 0):
            nth = reach(week.before, left) - 1
            return week.opens[nth] + (left - week.before[nth])
        number -= 1
        left += calendar.block(number).total
        empty = 0 if week.total else empty + 1
        _refuse_beyond_reach(first - number, empty=empty)


def _refuse_beyond_reach(weeks: int, *, empty: int) -> None:
    if empty > EMPTY_WEEKS:
        raise NeverOpens(say("These support hours do not open again. Add at least one window."))
    if weeks > REACH_WEEKS:
        raise Refused(say("This target ends more than 100 years away. Choose a shorter one."))
