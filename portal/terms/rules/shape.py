"""The shapes of terms: what every type, column and term is described by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.kit.words import say

Value = Any
"""A plain JSON-able structure: str, int, bool, list, dict or None. Never a float."""


class Unreadable(ValueError):
    """The text or structure is not a value of this type; the message says what to write."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a term; `stands_for` puts a word such as "unlimited" at an end of the scale."""

    code: str
    label: str
    stands_for: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a value may be: shared by terms and by columns of tables."""

    type: str
    label: str
    name: str
    options: tuple[Option, ...] = ()
    unit_options: tuple[str, ...] = ()
    clocks: tuple[str, ...] = ("24x7",)
    hard_min: Value = None
    hard_max: Value = None
    max_length: int = 200
    required: bool = False
    better_for_customer: str = "neutral"
    none_favours: str | None = None
    is_key: bool = False
    columns: tuple["Shape", ...] = ()
    min_rows: int = 1
    max_rows: int = 60
    every_key: bool = False
    days_a_year: int | None = None

    def option(self, code: object) -> Option | None:
        """Return the option with this code, if it is one."""
        return next((o for o in self.options if o.code == code), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term(Shape):
    """One negotiable value of the contract and what the portal knows about it."""

    id: str
    group: str
    help: str
    default: Value = None
    drives: tuple[str, ...] = ()
    owners_customer: tuple[str, ...] = ()
    owners_vendor: tuple[str, ...] = ()
    invariants: tuple[str, ...] = ()

    @property
    def widget(self) -> str:
        """Say which form control edits this term without JavaScript."""
        if self.type == "enum":
            return "radio" if len(self.options) <= 4 else "select"
        return _WIDGETS.get(self.type, "text")


_WIDGETS: Mapping[str, str] = {
    "bool": "radio",
    "multi": "checkboxes",
    "prose": "textarea",
    "clause": "textarea",
    "table": "textarea",
    "people": "textarea",
    "window": "textarea",
    "sched": "textarea",
}


@dataclass(frozen=True, slots=True)
class Group:
    """A chapter of the schema, such as C, severities and targets."""

    code: str
    title: str


@dataclass(frozen=True, slots=True)
class Kind:
    """How one type reads text, writes text, brings a structure to its one form, and checks it."""

    read: Callable[[Shape, str], Value]
    write: Callable[[Shape, Value], str]
    normal: Callable[[Shape, Value], Value]
    problems: Callable[[Shape, Value], list[str]] = field(default=lambda _shape, _value: [])


def or_more(least: str) -> str:
    """Say that a value is under the least one."""
    return say("Use %(least)s or more.", least=least)


def or_less(most: str) -> str:
    """Say that a value is over the most there may be."""
    return say("Use %(most)s or less.", most=most)


def wants(shape: Shape, example: str) -> Unreadable:
    """Build the refusal that shows an example of what to write."""
    return Unreadable(say("Write %(example)s.", example=example))
