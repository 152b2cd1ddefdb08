"""Credit ladders: bands of a measured percentage, and what each band gives.

A ladder has no hole and no overlap, or it is refused with the place named: an uptime that falls in
two bands, or in none, is a dispute that somebody wrote into the contract.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import pairwise
from typing import Any

from portal.kit.errors import Refused
from portal.kit.words import say

Gift = Decimal | timedelta
ZERO, FULL = Decimal(0), Decimal(100)

_LINE = re.compile(
    r"(?:(?P<low>[\d.]+) ?%? ?(?:-|–|to) ?(?P<high>[\d.]+)|(?:under|below|<) ?(?P<below>[\d.]+))"
    r" ?%? ?(?:->|→|:) ?(?P<credit>[\d.]+) ?%?"
)


class BadLadder(Refused):
    """A table of bands that leaves an uptime without an answer, or gives it two."""


@dataclass(frozen=True)
class Edge:
    """One end of a band: a percentage, and whether it belongs to the band."""

    at: Decimal
    inside: bool


@dataclass(frozen=True)
class Band:
    """From `low` to `high`, and what it gives: a percentage of the fee, or time."""

    low: Edge
    high: Edge
    gives: Gift

    def holds(self, measured: Fraction) -> bool:
        """Return whether the measured percentage lies in this band."""
        low, high = Fraction(self.low.at), Fraction(self.high.at)
        above = measured > low or (self.low.inside and measured == low)
        return above and (measured < high or (self.high.inside and measured == high))


@dataclass(frozen=True)
class Ladder:
    """Bands from the lowest to the highest, without hole or overlap; build it with `ladder`."""

    bands: tuple[Band, ...]

    @property
    def top(self) -> Decimal:
        """The commitment: at it and above it nothing is due."""
        return self.bands[-1].high.at

    def band_of(self, measured: Fraction) -> Band | None:
        """Return the band a measured percentage falls into; None at the commitment and above."""
        return next((band for band in self.bands if band.holds(measured)), None)


def band(low: Decimal | str, high: Decimal | str, gives: Gift) -> Band:
    """Return a band as contracts write it: its lower edge belongs to it, its upper one does not."""
    return Band(Edge(Decimal(low), True), Edge(Decimal(high), False), gives)


def ladder(bands: Iterable[Band], *, target: Decimal | None = None) -> Ladder:
    """Return the ladder of these bands in order; `BadLadder` names a hole, overlap or loose end."""
    ordered = sorted(bands, key=lambda one: (one.low.at, one.high.at))
    if not ordered:
        raise BadLadder(say("A ladder needs at least one band."))
    for one in ordered:
        if one.low.at >= one.high.at:
            raise BadLadder(
                say(
                    "The band from %(low)s %% to %(high)s %% holds nothing.",
                    low=one.low.at,
                    high=one.high.at,
                )
            )
    for lower, upper in pairwise(ordered):
        _demand_joined(lower.high, upper.low)
    _demand_ends(ordered, target)
    return Ladder(tuple(ordered))


def _demand_joined(below: Edge, above: Edge) -> None:
    if below.at < above.at:
        raise BadLadder(
            say("Between %(low)s %% and %(high)s %% no band applies.", low=below.at, high=above.at)
        )
    if below.at > above.at:
        raise BadLadder(
            say("From %(high)s %% to %(low)s %% two bands apply.", high=above.at, low=below.at)
        )
    if not below.inside and not above.inside:
        raise BadLadder(say("Exactly %(high)s %% falls in no band.", high=above.at))
    if below.inside and above.inside:
        raise BadLadder(say("Exactly %(high)s %% falls in two bands.", high=above.at))


def _demand_ends(bands: list[Band], target: Decimal | None) -> None:
    bottom, top = bands[0].low, bands[-1].high
    if bottom.at > 0 or not bottom.inside:
        raise BadLadder(say("Below %(low)s %% no band applies.", low=bottom.at))
    if target is None:
        return
    if top.at < target:
        raise BadLadder(
            say(
                "Between %(top)s %% and the %(target)s %% promised no band applies.",
                top=top.at,
                target=target,
            )
        )
    if top.at > target:
        raise BadLadder(
            say(
                "From the %(target)s %% promised to %(top)s %% a kept promise earns a credit.",
                target=target,
                top=top.at,
            )
        )
    if top.inside:
        raise BadLadder(
            say("Exactly %(target)s %% keeps the promise and earns a credit.", target=target)
        )


def ladder_from_term(rows: Iterable[Mapping[str, Any]], *, target: Decimal | None = None) -> Ladder:
    """Return the ladder of a term (rows of `from`, `to`, `credit`, all percentages as text)."""
    return ladder(
        (band(row["from"], row["to"], Decimal(row["credit"])) for row in rows), target=target
    )


def ladder_from_tiers(
    tiers: Iterable[Mapping[str, Any]], *, target: Decimal | None = None
) -> Ladder:
    """Return the ladder of published tiers: `below` or `at_or_below`, `at_or_above` or `above`.

    A tier without a lower edge reaches down to zero.
    """
    return ladder((_tier(tier) for tier in tiers), target=target)


def _tier(tier: Mapping[str, Any]) -> Band:
    low = Edge(_number(tier.get("above", tier.get("at_or_above", 0))), "above" not in tier)
    high = Edge(_number(tier.get("below", tier.get("at_or_below"))), "at_or_below" in tier)
    return Band(low, high, _number(tier["credit_pct"]))


def ladder_from_text(text: str, *, target: Decimal | None = None) -> Ladder:
    """Return the ladder of a written table: "95 - 98.99 -> 25 %; under 95 -> 50 %"."""
    lines = [line.strip() for line in re.split(r"[;\n]", text) if line.strip()]
    return ladder([_line(line) for line in lines], target=target)


def _line(line: str) -> Band:
    match = _LINE.match(line)
    if match is None:
        raise BadLadder(
            say("“%(line)s” is not a band. Write one such as “95 - 99 -> 25 %%”.", line=line[:60])
        )
    credit = _number(match["credit"])
    if match["below"]:
        return Band(Edge(ZERO, True), Edge(_number(match["below"]), False), credit)
    return Band(Edge(_number(match["low"]), True), Edge(_number(match["high"]), True), credit)


def _number(value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise BadLadder(say("“%(value)s” is not a percentage.", value=value)) from None
    if not ZERO <= number <= FULL:
        raise BadLadder(say("%(value)s %% is not between 0 %% and 100 %%.", value=value))
    return number
