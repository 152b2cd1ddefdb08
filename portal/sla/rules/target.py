"""What was promised: so many minutes, hours, business days, days or months, on which clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cached_property
from typing import Any

from portal.kit.errors import Refused
from portal.kit.words import say
from portal.sla.rules.calendar import Calendar, always_open, weekdays_open
from portal.sla.rules.instants import SECOND


class Unit(StrEnum):
    """The units of a target; `bh` and `bd` always mean the hours of a calendar."""

    MINUTES = "min"
    HOURS = "h"
    BUSINESS_HOURS = "bh"
    BUSINESS_DAYS = "bd"
    DAYS = "d"
    MONTHS = "mo"


class Clock(StrEnum):
    """The hours that count: every hour, every hour of a weekday, or the agreed support hours."""

    ROUND_THE_CLOCK = "24x7"
    WEEKDAYS = "24x5"
    SUPPORT_HOURS = "support_hours"


_SECONDS = {Unit.MINUTES: 60, Unit.HOURS: 3600, Unit.BUSINESS_HOURS: 3600}
_LONGEST_DAYS = 36_525


@dataclass(frozen=True)
class Target:
    """A length of time and the clock it runs on; `end_of_day` moves whole days to closing time.

    Minutes and hours may be fractions down to the microsecond; days and months are whole and keep
    the clock time of the calendar's zone. Days on a clock that closes are business days.
    """

    n: Decimal
    unit: Unit
    clock: Clock = Clock.SUPPORT_HOURS
    end_of_day: bool = False

    @staticmethod
    def of(
        n: Decimal | int | str, unit: str, *, clock: str | None = None, end_of_day: bool = False
    ) -> "Target":
        """A checked target; without a clock, business units and minutes count support hours."""
        try:
            number, kind = Decimal(n if not isinstance(n, bool) else "bool"), Unit(unit)
            on = Clock(clock) if clock else _usual_clock(kind)
        except (InvalidOperation, TypeError, ValueError):
            said = " ".join(str(word) for word in (n, unit, clock) if word is not None)
            raise Refused(say("“%(said)s” is not a length of time.", said=said)) from None
        return _checked(Target(number, kind, on, end_of_day))

    @cached_property
    def micros(self) -> int | None:
        """The length in open microseconds, or nothing where it is counted in days or months."""
        seconds = _SECONDS.get(self.unit)
        return None if seconds is None else int(self.n * seconds * SECOND)

    @property
    def in_business_days(self) -> bool:
        """Whether the target counts the days on which its clock opens."""
        closes = self.clock is not Clock.ROUND_THE_CLOCK
        return self.unit is Unit.BUSINESS_DAYS or (self.unit is Unit.DAYS and closes)


def target_from_term(value: Mapping[str, Any]) -> Target:
    """A target from a duration term, `{"n", "unit", "clock", "end_of_day"}`; two are needed."""
    if not isinstance(value, Mapping) or not {"n", "unit"} <= value.keys():
        raise Refused(say("A target needs a number (n) and a unit (unit)."))
    return Target.of(
        value["n"],
        value["unit"],
        clock=value.get("clock"),
        end_of_day=bool(value.get("end_of_day")),
    )


def counting_calendar(clock: str, *, calendar: Calendar) -> Calendar:
    """The calendar whose open time a clock counts."""
    if clock == Clock.ROUND_THE_CLOCK:
        return always_open(calendar.zone.key)
    return weekdays_open(calendar) if clock == Clock.WEEKDAYS else calendar


def _usual_clock(unit: Unit) -> Clock:
    return Clock.ROUND_THE_CLOCK if unit in (Unit.DAYS, Unit.MONTHS) else Clock.SUPPORT_HOURS


def _checked(target: Target) -> Target:
    if not target.n.is_finite() or target.n < 0:
        raise Refused(say("A target cannot be shorter than nothing."))
    if target.n > _LONGEST_DAYS * 1440:
        raise Refused(say("This target ends more than 100 years away. Choose a shorter one."))
    if target.unit not in _SECONDS and target.n != int(target.n):
        raise Refused(say("Days and months are whole numbers. Use hours for a part of a day."))
    return target
