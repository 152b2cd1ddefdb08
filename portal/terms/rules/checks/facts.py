"""What the checks know of a contract: its values, said in words, and its support week."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from math import inf
from typing import Literal

from portal.terms.rules.durations import OFFICE_WEEK, in_business_time, is_length, longest
from portal.terms.rules.kinds import show
from portal.terms.rules.schedules import open_week
from portal.terms.rules.schema import Schema
from portal.terms.rules.shape import Term, Value
from portal.terms.rules.spans import Stretches, windows_year
from portal.terms.rules.tables import Row

Level = Literal["error", "warning"]
SEVERITIES = ("S1", "S2", "S3", "S4")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing terms cannot say together; an error blocks freezing, a warning is shown.

    `check` is "C1" to "C13" and `number` 1 to 13; findings about one term alone have number 0.
    """

    level: Level
    check: str
    number: int
    terms: tuple[str, ...]
    message: str


def error(number: int, terms: tuple[str, ...], message: str) -> Finding:
    """Build a finding that blocks freezing."""
    return Finding("error", f"C{number}", number, terms, message)


def warning(number: int, terms: tuple[str, ...], message: str) -> Finding:
    """Build a finding that is shown and may stand."""
    return Finding("warning", f"C{number}", number, terms, message)


@dataclass(frozen=True, slots=True)
class Facts:
    """The values of one contract. A term that is absent is unknown; None is the explicit none."""

    schema: Schema
    values: Mapping[str, Value]

    def knows(self, *ids: str) -> bool:
        """Say whether all these terms are there, if only as none."""
        return all(i in self.values for i in ids)

    def has(self, *ids: str) -> bool:
        """Say whether all these terms are there and not none."""
        return all(self.values.get(i) is not None for i in ids)

    def get(self, term_id: str) -> Value:
        """Return the value, or None where it is none or unknown."""
        return self.values.get(term_id)

    def rows(self, term_id: str) -> list[Row]:
        """Return the rows of a table; none of them where it is none or unknown."""
        return self.values.get(term_id) or []

    def told(self, term_id: str) -> str:
        """Print the value of a term in the words people use."""
        return show(self.schema.terms[term_id], self.values.get(term_id))

    def label(self, term_id: str) -> str:
        """Return the label of a term, such as "First response, severity 1"."""
        return self.schema.terms[term_id].label

    def week(self) -> tuple[tuple[int, int], ...]:
        """Return the support week; nine to five where support hours are not known."""
        hours = self.get("B1")
        return open_week(hours) if hours else OFFICE_WEEK

    def minutes(self, value: Value) -> float:
        """Return the worst-case minutes of a length; no promise takes for ever."""
        return longest(value, self.week()) if is_length(value) else inf

    def zone(self) -> str:
        """Return the time zone that windows without their own are read in."""
        hours = self.get("B1")
        return str(hours["tz"]) if hours else "UTC"

    def holidays(self) -> frozenset[date]:
        """Return the days on which support is closed all day."""
        days = self.rows("B2")
        return frozenset(date.fromisoformat(r["date"]) for r in days if r["date"] and not r["open"])

    def windows(self, windows: Value, year: int) -> Stretches:
        """Lay a list of windows out over a year."""
        if not windows:
            return ()
        return windows_year(windows, year, zone=self.zone(), holidays=self.holidays())

    def in_business_time(self) -> Iterator[Term]:
        """Find the terms that are written in business hours or business days."""
        for term in self.schema.terms.values():
            if "C2" not in term.invariants:
                continue
            value = self.values.get(term.id)
            if term.columns:
                found = any(in_business_time(cell) for row in value or () for cell in row.values())
            else:
                found = in_business_time(value)
            if found:
                yield term
