"""Count in days: business days by the calendar, days and months by the wall clock.

A business day is a local date on which a shift opens. The clock time is kept; where the calendar is
closed at that time the target falls on the closing before it on that day or, without one, on the
first opening of that day.
"""

from calendar import monthrange
from datetime import date, datetime, timedelta

from portal.kit.errors import Refused
from portal.kit.words import say
from portal.sla.rules.calendar import Calendar, NeverOpens
from portal.sla.rules.counting import EMPTY_WEEKS, advance, retreat
from portal.sla.rules.instants import Span, to_instant, to_moment

_MOST_DAYS = 36_525
_MOST_MONTHS = 1_200
# A shift moved out of a gap and running past midnight may hold an instant two dates later.
_DATES_BACK = 3


def business_days_after(
    calendar: Calendar, begin: int, days: int, *, end_of_day: bool = False
) -> int:
    """The instant `days` business days after the first open instant at or after `begin`."""
    start = advance(calendar, begin, 0)
    day = _shift_date(calendar, start, forwards=True)
    return _landed(calendar, start, day, days, end_of_day=end_of_day)


def business_days_before(
    calendar: Calendar, end: int, days: int, *, end_of_day: bool = False
) -> int:
    """The instant `days` business days before the last open instant at or before `end`."""
    start = retreat(calendar, end, 0)
    day = _shift_date(calendar, start, forwards=False)
    return _landed(calendar, start, day, -days, end_of_day=end_of_day)


def wall_days_after(calendar: Calendar, begin: int, days: int, *, end_of_day: bool = False) -> int:
    """The same clock time so many calendar days later, or the midnight that ends that day."""
    _refuse_beyond(days, most=_MOST_DAYS)
    local = calendar.local(to_moment(begin))
    return _on_wall(calendar, local, local.date() + timedelta(days=days), end_of_day=end_of_day)


def months_after(calendar: Calendar, begin: int, months: int, *, end_of_day: bool = False) -> int:
    """The same day and clock time so many months later; a day the month lacks becomes its last."""
    _refuse_beyond(months, most=_MOST_MONTHS)
    local = calendar.local(to_moment(begin))
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    return _on_wall(calendar, local, date(year, month + 1, day), end_of_day=end_of_day)


def _on_wall(calendar: Calendar, local: datetime, day: date, *, end_of_day: bool) -> int:
    if end_of_day:
        return calendar.at_wall(day + timedelta(days=1), timedelta())
    return to_instant(datetime.combine(day, local.time().replace(fold=0), calendar.zone))


def _shift_date(calendar: Calendar, instant: int, *, forwards: bool) -> int:
    """The local date whose shift holds the instant; the later one where two shifts overlap."""
    today = calendar.local(to_moment(instant)).toordinal()
    for ordinal in range(today, today - _DATES_BACK, -1):
        for begin, end in calendar.shifts(ordinal):
            if begin <= instant < end if forwards else begin < instant <= end:
                return ordinal
    raise AssertionError("an open instant lies in a shift")


def _landed(calendar: Calendar, start: int, day: int, days: int, *, end_of_day: bool) -> int:
    landing = _step(calendar, day, days)
    shifts = calendar.shifts(landing)
    if end_of_day:
        return shifts[-1][1]
    if landing == day:
        return start
    wall = calendar.local(to_moment(start)).replace(tzinfo=None)
    past_midnight = wall - datetime.fromordinal(day)
    return _nearest_open(shifts, calendar.at_wall(date.fromordinal(landing), past_midnight))


def _step(calendar: Calendar, day: int, days: int) -> int:
    _refuse_beyond(days, most=_MOST_DAYS)
    step, empty = (1 if days > 0 else -1), 0
    for _ in range(abs(days)):
        day += step
        while not calendar.shifts(day):
            day += step
            empty += 1
            if empty > EMPTY_WEEKS * 7:
                raise NeverOpens(
                    say("These support hours do not open again. Add at least one window.")
                )
        empty = 0
    return day


def _nearest_open(shifts: tuple[Span, ...], instant: int) -> int:
    begun = [(begin, end) for begin, end in shifts if begin <= instant]
    return min(instant, begun[-1][1]) if begun else shifts[0][0]


def _refuse_beyond(count: int, *, most: int) -> None:
    if abs(count) > most:
        raise Refused(say("This target ends more than 100 years away. Choose a shorter one."))
