"""What a target can mean at worst: the longest span on the wall between a start and its due moment.

While the calendar is open the span only grows, at the jumps where the due moment passes a closing;
while it is closed the span only shrinks. So it is longest at a closing. Business days add two kinds
of candidate: an opening, and a start whose kept clock time meets an opening or a closing.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from portal.kit.words import Words, long_day_of_year, say, weekday
from portal.sla.rules.calendar import Calendar
from portal.sla.rules.clock import back_from, due_at
from portal.sla.rules.instants import MICROSECOND, to_moment
from portal.sla.rules.target import Target, counting_calendar

_READABLE = timedelta(minutes=30)


def worst_case(target: Target, *, calendar: Calendar, year: int) -> timedelta:
    """The longest real time between a start in that year (of the calendar's zone) and its due."""
    start, due = _worst(target, calendar, year)
    return due - start


def worst_case_example(
    target: Target, *, calendar: Calendar, year: int
) -> tuple[datetime, datetime]:
    """A start in that year for which the target takes longest, and when it is then due, in UTC.

    A start half an hour before closing is preferred where it takes just as long.
    """
    start, due = _worst(target, calendar, year)
    earlier = start - _READABLE
    moved = due_at(earlier, target=target, calendar=calendar)
    as_long = moved - earlier == due - start and calendar.local(earlier).year == year
    return (earlier, moved) if as_long else (start, due)


def worst_case_sentence(target: Target, *, calendar: Calendar, year: int) -> Words:
    """The example in words: “reported Friday 6 March 16:30, means Monday 9 March 12:30”."""
    start, due = worst_case_example(target, calendar=calendar, year=year)
    return say(
        "reported %(start)s, means %(due)s",
        start=_in_words(start, calendar),
        due=_in_words(due, calendar),
    )


def _worst(target: Target, calendar: Calendar, year: int) -> tuple[datetime, datetime]:
    first, past = (
        to_moment(calendar.at_wall(date(y, 1, 1), timedelta())) for y in (year, year + 1)
    )
    starts = {first, past - MICROSECOND, *_candidates(target, calendar, year)}
    pairs = [
        (start, due_at(start, target=target, calendar=calendar))
        for start in sorted(starts)
        if first <= start < past
    ]
    return max(pairs, key=lambda pair: pair[1] - pair[0])


def _candidates(target: Target, calendar: Calendar, year: int) -> Iterator[datetime]:
    counting = counting_calendar(target.clock, calendar=calendar)
    for ordinal in range(date(year - 1, 12, 30).toordinal(), date(year + 1, 1, 2).toordinal()):
        for opening, closing in counting.shifts(ordinal):
            for moment in (to_moment(opening), to_moment(closing)):
                yield moment
                if target.in_business_days:
                    yield back_from(moment, span=target, calendar=calendar)


def _in_words(moment: datetime, calendar: Calendar) -> Words:
    local = calendar.local(moment)
    return say(
        "%(weekday)s %(day)s %(time)s",
        weekday=weekday(local),
        day=long_day_of_year(local),
        time=f"{local:%H:%M}",
    )
