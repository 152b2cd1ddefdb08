"""Months and longer periods in the contract's own zone, and the term a month belongs to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from portal.kit.words import Words, month
from portal.sla.rules import calendar_from_schedule, due_at, target_from_term, zone
from portal.sla.rules.uptime_terms import holidays_of, month_bounds

Terms = Mapping[str, Any]
PERIOD_MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month."""

    year: int
    month: int

    @staticmethod
    def read(text: str) -> "Month":
        """Read `2026-10`; `ValueError` for anything else."""
        year, _, month = text.partition("-")
        if len(year) != 4 or len(month) != 2 or not 1 <= int(month) <= 12:
            raise ValueError(text)
        return Month(int(year), int(month))

    @staticmethod
    def of(moment: datetime, terms: Terms) -> "Month":
        """Return the month of a moment in the contract's zone."""
        local = moment.astimezone(zone(str(terms.get("M4") or "UTC")))
        return Month(local.year, local.month)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @property
    def words(self) -> Words:
        """The month as people say it."""
        return month(date(self.year, self.month, 1))

    def plus(self, months: int) -> "Month":
        """Return the month so many later."""
        total = self.year * 12 + self.month - 1 + months
        return Month(total // 12, total % 12 + 1)

    def minus(self, other: "Month") -> int:
        """Return how many months lie between."""
        return (self.year - other.year) * 12 + self.month - other.month

    def bounds(self, terms: Terms) -> tuple[datetime, datetime]:
        """Return when it begins and ends, in UTC."""
        begin, end = month_bounds(terms, self.year, self.month)
        return begin.astimezone(UTC), end.astimezone(UTC)

    def first_of(self, months: int) -> "Month":
        """Return the first month of the period of so many months that holds this one."""
        first = (self.month - 1) // months * months + 1
        return Month(self.year, first)

    def ends_period(self, months: int) -> bool:
        """Return whether it is the last month of its period."""
        return self.month % months == 0


def until(first: Month, last: Month) -> Iterator[Month]:
    """Yield the months from the first to the last, both included."""
    while first <= last:
        yield first
        first = first.plus(1)


def finished(start: date, now: datetime, terms: Terms, *, ends: date | None = None) -> list[Month]:
    """Return the months of service that are over, oldest first; `ends` is the day after the last
    one of service."""
    last = Month.of(now, terms).plus(-1)
    return list(until(Month(start.year, start.month), min(last, last_month(ends) or last)))


def last_month(ends: date | None) -> Month | None:
    """Return the month of the last day of service; None while service goes on."""
    day = ends and ends - timedelta(days=1)
    return Month(day.year, day.month) if day else None


def service_bounds(
    month: Month, terms: Terms, start: date | None, ends: date | None = None
) -> tuple[datetime, datetime]:
    """Return a month's bounds, cut to the days of service (clause 5.5): from `start` to the day
    before `ends`."""
    begin, end = month.bounds(terms)
    first = begin if start is None else _midnight(start, terms)
    over = end if ends is None else _midnight(ends, terms)
    opened = min(max(begin, first), end)
    return opened, max(opened, min(over, end))


def _midnight(day: date, terms: Terms) -> datetime:
    own = zone(str(terms.get("M4") or "UTC"))
    return datetime(day.year, day.month, day.day, tzinfo=own).astimezone(UTC)


def term_of(month: Month, start: Month, terms: Terms) -> tuple[Month, int]:
    """Return the first month and the length in months of the term a month lies in (P1, P4)."""
    first, later = _months(terms.get("P1"), 12), _months(terms.get("P4"), 12)
    passed = month.minus(start)
    if passed < first:
        return start, first
    renewals = (passed - first) // later
    return start.plus(first + renewals * later), later


def _months(value: Any, otherwise: int) -> int:
    return int(value["n"]) if isinstance(value, Mapping) and value.get("n") else otherwise


def due_after(moment: datetime, length: Any, terms: Terms) -> datetime | None:
    """Return when a length of the contract is over; None where none is agreed."""
    if not isinstance(length, Mapping):
        return None
    calendar = calendar_from_schedule(terms["B1"], holidays=holidays_of(terms))
    return due_at(moment, target=target_from_term(length), calendar=calendar)
