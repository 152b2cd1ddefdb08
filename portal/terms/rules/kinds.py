"""Every type by name: parse, show, validate, and the one form a value is stored in."""

from collections.abc import Mapping
from typing import Any

from portal.kit.words import say
from portal.terms.rules.choices import read_boxes
from portal.terms.rules.clauses import CLAUSE
from portal.terms.rules.durations import DAY
from portal.terms.rules.shape import Kind, Shape, Unreadable, Value
from portal.terms.rules.spans import minutes_in, windows_year, years_of
from portal.terms.rules.tables import CELL_KINDS, TABLE
from portal.terms.rules.text import clean_lines, means_none

KINDS: Mapping[str, Kind] = {
    **CELL_KINDS,
    "table": TABLE,
    "people": TABLE,
    "clause": CLAUSE,
}


def parse(term: Shape, text: str | list[str]) -> Value:
    """Read what a person typed (or the boxes they ticked); raises Unreadable with what to write."""
    if isinstance(text, list):
        if term.type == "multi":
            return read_boxes(term, text)
        text = "\n".join(text)
    text = clean_lines(text)
    return None if means_none(text) else KINDS[term.type].read(term, text)


def show(term: Shape, value: Value) -> str:
    """Print a value in the words people use; `parse` reads it back to the same value."""
    return "none" if value is None else KINDS[term.type].write(term, value)


def edit_text(term: Shape, value: Value) -> str:
    """Print a value for an editing field, where an empty field is the explicit "none"."""
    return "" if value is None else show(term, value)


def normal(term: Shape, value: Value) -> Value:
    """Bring a structure to the one form it is stored and hashed in; raises Unreadable."""
    return None if value is None else KINDS[term.type].normal(term, value)


def validate(term: Shape, value: Any) -> list[str]:
    """List what is wrong with a value in sentences; an empty list means it may stand."""
    if value is None:
        return [say("This is needed: write a value.")] if term.required else []
    try:
        settled = normal(term, value)
    except Unreadable as refusal:
        return [refusal.message]
    if not _same(settled, value):
        return [say("Write it in its usual form: %(value)s", value=show(term, settled)[:200])]
    return KINDS[term.type].problems(term, value) + _days_problems(term, value)


def _same(one: Value, other: Value) -> bool:
    """Compare structures strictly: yes is not 1, and 1.0 is not 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _days_problems(term: Shape, value: Value) -> list[str]:
    """Refuse windows that fill more days of a year than the term allows."""
    if term.days_a_year is None:
        return []
    slots = [slot for row in value for slot in row["window"] or ()]
    for year in years_of(slots):
        told = windows_year(slots, year, zone="UTC", holidays=frozenset())
        if minutes_in(told) > term.days_a_year * DAY:
            days = round(minutes_in(told) / DAY)
            most = term.days_a_year
            return [
                say(
                    "This fills %(days)s days of %(year)s: use %(most)s days or fewer.",
                    days=days,
                    year=year,
                    most=most,
                )
            ]
    return []
