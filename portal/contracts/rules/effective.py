"""The effective terms on any day: what was signed, and what was agreed to change it since.

Of the changes that hold on a day, the one agreed last decides a term. No change reaches back: it
holds from the day after it was agreed at the earliest, so that a clock which runs, or ran, keeps
the terms it was started under.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from portal.terms.rules import Value


class LayerKind(StrEnum):
    """How a change of terms was agreed."""

    AMENDMENT = "amendment"
    INTERIM = "interim"
    RENEWAL = "renewal"


@dataclass(frozen=True)
class Layer:
    """An agreed change of named terms, from one day on, or until before another."""

    kind: LayerKind
    source: str
    agreed_at: datetime
    starts: date
    ends: date | None
    terms: Mapping[str, Value]

    def holds(self, on: date) -> bool:
        """Return whether this change holds on a day; the end is the first day after it."""
        return self.starts <= on and (self.ends is None or on < self.ends)


def first_day(agreed_at: datetime, wished: date | None) -> date:
    """Return the day a change holds from: the day wished, never before the day after agreement."""
    earliest = agreed_at.date() + timedelta(days=1)
    return earliest if wished is None else max(wished, earliest)


def in_order(layers: Iterable[Layer]) -> list[Layer]:
    """Return changes in the order they were agreed."""
    return sorted(layers, key=lambda layer: (layer.agreed_at, layer.source))


def terms_on(signed: Mapping[str, Value], layers: Iterable[Layer], *, on: date) -> dict[str, Value]:
    """Return the value of every term on a day."""
    values = dict(signed)
    for layer in in_order(layers):
        if layer.holds(on):
            values.update(layer.terms)
    return values


def sources_on(layers: Iterable[Layer], *, on: date) -> dict[str, Layer]:
    """Return, for each term that is not as it was signed, the change that decides it."""
    found: dict[str, Layer] = {}
    for layer in in_order(layers):
        if layer.holds(on):
            found.update(dict.fromkeys(layer.terms, layer))
    return found


def turning_days(layers: Sequence[Layer]) -> list[date]:
    """Return the days on which some term takes another value, in order."""
    days = {layer.starts for layer in layers} | {layer.ends for layer in layers if layer.ends}
    return sorted(day for day in days if sources_on(layers, on=day) != _before(layers, day))


def _before(layers: Sequence[Layer], day: date) -> dict[str, Layer]:
    return sources_on(layers, on=day - timedelta(days=1))
