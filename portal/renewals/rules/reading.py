"""What the signed terms say about dates: the plan of a contract, and the times before its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from portal.kit.words import say
from portal.renewals.rules.dates import (
    Before,
    Deadline,
    Plan,
    Roll,
    Unit,
    add_days,
    add_months,
    deadline,
)
from portal.sla.rules import Calendar, calendar_from_schedule

Terms = Mapping[str, Any]

DEFAULT_ZONE = "UTC"


class Mode(StrEnum):
    """What happens when nobody says anything (term P3)."""

    EXPIRES = "expires"
    AUTO = "auto"
    MUTUAL = "mutual_signature"
    OPTION = "customer_option"


MODE_WORDS = {
    Mode.EXPIRES: say("ends"),
    Mode.AUTO: say("renews by itself"),
    Mode.MUTUAL: say("renews when both sign"),
    Mode.OPTION: say("renews when the customer chooses"),
}


@dataclass(frozen=True)
class BusinessDays:
    """Days on which the support hours open and which are no holiday (clause 1.9)."""

    calendar: Calendar | None
    holidays: frozenset[date]

    def __call__(self, day: date) -> bool:
        if day in self.holidays:
            return False
        if self.calendar is None:
            return day.weekday() < 5
        return bool(self.calendar.windows_on(day))


def business_days(terms: Terms) -> BusinessDays:
    """Return the business days of a contract, from its support hours and its holidays."""
    hours = terms.get("B1")
    holidays = frozenset(
        date.fromisoformat(row["date"]) for row in terms.get("B2") or () if not row["open"]
    )
    calendar = calendar_from_schedule(hours) if isinstance(hours, Mapping) else None
    return BusinessDays(calendar, holidays)


def zone_of(terms: Terms) -> ZoneInfo:
    """Return the zone whose days a deadline counts: that of the support hours (clause 1.11)."""
    hours = terms.get("B1")
    return ZoneInfo(hours["tz"] if isinstance(hours, Mapping) else DEFAULT_ZONE)


def mode_of(terms: Terms) -> Mode:
    """Return what happens at the end of a term."""
    return Mode(terms.get("P3") or Mode.EXPIRES)


def start_date(terms: Terms, *, signed_at: datetime) -> date:
    """Return the Start date (clause 1.7): A5, a fixed date, or the day of the last signature."""
    for name in ("A5", "A4.date") if terms.get("A4") == "fixed_date" else ("A5",):
        if isinstance(terms.get(name), str):
            return date.fromisoformat(terms[name])
    return signed_at.astimezone(zone_of(terms)).date()


def plan_of(terms: Terms, *, signed_at: datetime, shared_end: date | None = None) -> Plan:
    """Return how long a contract runs. A pilot comes first and the initial term after it."""
    start = start_date(terms, signed_at=signed_at)
    pilot = terms.get("P2")
    if pilot:
        start = (add_months if pilot["unit"] == "mo" else add_days)(start, pilot["n"])
    renews = mode_of(terms) is not Mode.EXPIRES and terms.get("P4")
    most = terms.get("P5")
    return Plan(
        start=start,
        initial_months=terms["P1"]["n"],
        renewal_months=terms["P4"]["n"] if renews else None,
        renewals=most if isinstance(most, int) else None,
        shared_end=shared_end if shared_end and shared_end > start else None,
    )


def notice_period(terms: Terms) -> Before:
    """Return the notice period (P6) with its counting (P7) and rolling (P7.roll).

    The unit of the period decides; a period in days is counted in business days where P7 says so.
    """
    value = terms["P6"]
    unit = Unit(value["unit"])
    if unit is Unit.DAYS and terms.get("P7") == "business_days":
        unit = Unit.BUSINESS_DAYS
    return Before(value["n"], unit, Roll(terms.get("P7.roll") or Roll.STAYS))


def notice_deadline(terms: Terms, ends: date) -> Deadline:
    """Return the notice date of a term that ends on a date, with its working."""
    return deadline(ends, notice_period(terms), is_business_day=business_days(terms))


def price_deadline(terms: Terms, ends: date) -> Deadline | None:
    """Return the last day on which the vendor tells the new price in time (P12), if it must."""
    value = terms.get("P12")
    if not value:
        return None
    before = Before(value["n"], Unit(value["unit"]))
    return deadline(ends, before, is_business_day=business_days(terms))


def duty_deadline(terms: Terms, notice_by: date) -> date | None:
    """Return the last day on which the vendor's reminder is in time (P9), if it must remind."""
    value = terms.get("P9")
    return add_days(notice_by, -value["n"]) if value else None
