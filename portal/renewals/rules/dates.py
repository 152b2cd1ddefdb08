"""Terms and their dates: end-exclusive, and always counted from the start (clauses 1.11, 17.1).

`start + k months` is counted in one step, so a short month never moves a later end date.
"""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from portal.kit.errors import Refused
from portal.kit.words import say

BusinessDay = Callable[[date], bool]

# A calendar that opens on no day of two months is not one a notice can be counted in.
_LONGEST_CLOSING = 62
LARGEST_COUNT = 36_525


def add_months(day: date, months: int) -> date:
    """Return the same day so many months later (or earlier); a day the month lacks is its last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9998:
        raise Refused(say("This date lies too far away to be counted."))
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def add_days(day: date, days: int) -> date:
    """Return the day so many calendar days later (or earlier)."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        raise Refused(say("This date lies too far away to be counted.")) from None


@dataclass(frozen=True)
class Plan:
    """How long a contract runs: months from its start, and how often it may renew.

    `renewal_months` None: it never renews. `renewals` None: without limit. `shared_end` is the end
    of the contract it ends together with, where that is known.
    """

    start: date
    initial_months: int
    renewal_months: int | None = None
    renewals: int | None = None
    shared_end: date | None = None

    @property
    def last_number(self) -> int | None:
        """The number of the last possible term; None where there is always another."""
        if self.renewal_months is None or self.shared_end is not None:
            return 0
        return self.renewals


@dataclass(frozen=True)
class Span:
    """One term: its number (0 is the initial one), first day, and end date (exclusive)."""

    number: int
    begins: date
    ends: date
    is_last: bool


def term_ends(plan: Plan, number: int) -> date:
    """Return the end date of a term, counted from the start in one step."""
    if plan.shared_end is not None:
        return plan.shared_end
    return add_months(plan.start, plan.initial_months + number * (plan.renewal_months or 0))


def term(plan: Plan, number: int) -> Span:
    """Return a term by its number."""
    begins = plan.start if number == 0 else term_ends(plan, number - 1)
    return Span(number, begins, term_ends(plan, number), number == plan.last_number)


def term_on(plan: Plan, on: date) -> Span:
    """Return the term that runs on a day: the first, if none has begun; the last, if all ended."""
    first = term_ends(plan, 0)
    months = plan.renewal_months
    if on < first or not months or plan.last_number == 0:
        return term(plan, 0)
    # Whole months since the first end, one fewer where the day of the month is not reached.
    passed = (on.year - first.year) * 12 + on.month - first.month
    number = max(0, passed // months - 1)
    while term_ends(plan, number) <= on and number != plan.last_number:
        number += 1
    return term(plan, number if plan.last_number is None else min(number, plan.last_number))


class Roll(StrEnum):
    """Where a deadline on a closed day moves (term P7.roll)."""

    EARLIER = "earlier"
    STAYS = "stays"
    LATER = "later"


class Unit(StrEnum):
    """What a time before a date is counted in."""

    DAYS = "d"
    BUSINESS_DAYS = "bd"
    MONTHS = "mo"


@dataclass(frozen=True)
class Before:
    """A time before a date, and where it moves when it meets a closed day."""

    n: int
    unit: Unit
    roll: Roll = Roll.STAYS


@dataclass(frozen=True)
class Deadline:
    """The last day on which an act is in time: as counted, and as moved off a closed day."""

    end: date
    before: Before
    counted: date
    on: date


def deadline(end: date, before: Before, *, is_business_day: BusinessDay) -> Deadline:
    """Return the last day that lies a time before an end date (which itself is not counted)."""
    if not 0 <= before.n <= LARGEST_COUNT:
        raise Refused(say("This time is too long to be counted."))
    counted = _counted_back(end, before, is_business_day)
    return Deadline(end, before, counted, _rolled(counted, before.roll, is_business_day))


def _counted_back(end: date, before: Before, is_business_day: BusinessDay) -> date:
    if before.unit is Unit.MONTHS:
        return add_months(end, -before.n)
    if before.unit is Unit.DAYS:
        return add_days(end, -before.n)
    day = end
    for _ in range(before.n):
        day = _next_open(add_days(day, -1), -1, is_business_day)
    return day


def _rolled(day: date, roll: Roll, is_business_day: BusinessDay) -> date:
    if roll is Roll.STAYS:
        return day
    return _next_open(day, 1 if roll is Roll.LATER else -1, is_business_day)


def _next_open(day: date, step: int, is_business_day: BusinessDay) -> date:
    for _ in range(_LONGEST_CLOSING):
        if is_business_day(day):
            return day
        day = add_days(day, step)
    raise Refused(say("There is no business day within two months of this date."))


def later_business_day(day: date, days: int, *, is_business_day: BusinessDay) -> date:
    """Return the day so many business days after a day (which itself is not counted)."""
    for _ in range(days):
        day = _next_open(add_days(day, 1), 1, is_business_day)
    return day


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant a day begins in a zone (the first of two equal midnights)."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(ZoneInfo("UTC"))


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant a day is over in a zone: what happens before it was in time."""
    return start_of(add_days(day, 1), zone)
