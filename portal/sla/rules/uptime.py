"""Uptime of a period: every minute is measured, excluded with its reason, or outside the hours.

The sweep goes once over the period. A minute that is taken out of the measured minutes is taken out
of the minutes down too; where outages overlap the heaviest counts, where exclusions overlap the
first in the order they were given. The result is exact and is compared before it is rounded down
for display.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from portal.sla.rules.instants import SECOND, Span, clip, to_instant, to_micros, to_moment, union

MINUTE = 60 * SECOND
HUNDRED = Fraction(100)
ONE, NONE = Fraction(1), Fraction(0)
MEASURED, OUTSIDE = "measured", "outside the hours measured"


class Basis(StrEnum):
    """Which minutes are measured, and how heavily."""

    ALL = "all"
    SALES_CRITICAL = "sales_critical"
    WEIGHTED = "weighted"


class Denominator(StrEnum):
    """Whether excluded minutes leave the measured minutes (net) or stay among them (gross)."""

    NET = "net"
    GROSS = "gross"


class Counting(StrEnum):
    """How an outage is laid on minutes: to the second, whole minutes only, or every one touched."""

    EXACT = "exact"
    WHOLE = "whole"
    TOUCHED = "touched"


@dataclass(frozen=True)
class Down:
    """A stretch in which the software was down (weight 1) or degraded (less); no end: not over."""

    begin: datetime
    end: datetime | None
    weight: Fraction = Fraction(1)
    ref: str = ""


@dataclass(frozen=True)
class Exclusion:
    """A stretch that is not measured, and why."""

    begin: datetime
    end: datetime
    reason: str
    ref: str = ""


@dataclass(frozen=True)
class Hours:
    """The selling hours (None: every hour) and the peaks with their weights, as UTC instants."""

    selling: tuple[Span, ...] | None = None
    peaks: tuple[tuple[Span, Fraction], ...] = ()

    @property
    def in_peaks(self) -> tuple[Span, ...]:
        """The time that lies in any peak."""
        return tuple(union(span for span, _ in self.peaks))


@dataclass(frozen=True)
class UptimeRule:
    """How a contract measures."""

    basis: Basis = Basis.ALL
    denominator: Denominator = Denominator.NET
    counting: Counting = Counting.EXACT
    shortest: timedelta = timedelta(0)


@dataclass(frozen=True)
class Piece:
    """A stretch of the period in which something happened: down, or not measured, or both."""

    begin: datetime
    end: datetime
    weight: Fraction
    down: Fraction
    reason: str | None
    refs: tuple[str, ...]

    @property
    def length(self) -> timedelta:
        """The stretch on the wall."""
        return self.end - self.begin

    @property
    def counted(self) -> bool:
        """Whether its down time counts against the promise."""
        return self.reason is None and self.down > 0 and self.weight > 0


@dataclass(frozen=True)
class Uptime:
    """A measured period. `measured` and `lost` are weighted; `minutes` adds up to the period."""

    measured: Fraction
    lost: Fraction
    minutes: Mapping[str, timedelta]
    pieces: tuple[Piece, ...] = field(repr=False)

    @property
    def percent(self) -> Fraction:
        """Uptime in percent, exact; a period without a measured minute counts as kept."""
        if self.measured == 0:
            return HUNDRED
        return HUNDRED * (self.measured - self.lost) / self.measured

    def share_within(self, spans: Sequence[Span]) -> Fraction:
        """Return which share of the counted down time lies in these spans."""
        down = inside = 0
        for piece in self.pieces:
            if piece.counted:
                begin, end = to_instant(piece.begin), to_instant(piece.end)
                down += end - begin
                inside += sum(e - b for b, e in clip(spans, begin, end))
        return Fraction(inside, down) if down else Fraction(0)


def measure(
    begin: datetime,
    end: datetime,
    *,
    downs: Iterable[Down],
    exclusions: Iterable[Exclusion] = (),
    hours: Hours | None = None,
    rule: UptimeRule | None = None,
) -> Uptime:
    """Measure a period, from `begin` up to but not including `end`."""
    rule, hours = rule or UptimeRule(), hours or Hours()
    first, last = to_instant(begin), to_instant(end)
    marks = _Marks(first, last)
    for down in _long_enough(downs, rule, until=last):
        marks.add(down.span, Mark(Kind.DOWN, weight=down.weight, ref=down.ref))
    for order, out in enumerate(exclusions):
        span = to_instant(out.begin), to_instant(out.end)
        marks.add(span, Mark(Kind.OUT, order=order, reason=out.reason, ref=out.ref))
    for span in hours.selling or ():
        marks.add(span, Mark(Kind.SELLING))
    for span, weight in hours.peaks:
        marks.add(span, Mark(Kind.PEAK, weight=weight))
    return _swept(marks, rule, _Active(rule.basis, sells_always=hours.selling is None))


def shown(percent: Fraction, *, places: int = 3) -> Decimal:
    """Return a percentage for display: rounded down, never up across a promise."""
    scaled = percent * 10**places
    return Decimal(scaled.numerator // scaled.denominator).scaleb(-places)


def allowed_down(target: Decimal, *, period: timedelta) -> timedelta:
    """Return how long the software may be down in a period without missing the target."""
    micros = Fraction(to_micros(period)) * (HUNDRED - Fraction(target)) / HUNDRED
    return timedelta(microseconds=micros.numerator // micros.denominator)


def downs_from_states(states: Iterable[tuple[datetime, Fraction]]) -> list[Down]:
    """Return the outages of a monitor's changes of state: each state lasts until the next one.

    A state is the weight of being down, 0 for up. A row that was never closed ends where the next
    state begins, so a forgotten row cannot be down for months.
    """
    ordered = sorted(states)
    ends: list[datetime | None] = [at for at, _ in ordered[1:]]
    pairs = zip(ordered, [*ends, None], strict=True)
    return [Down(at, end, weight) for (at, weight), end in pairs if weight > 0]


@dataclass(frozen=True)
class _Laid:
    span: Span
    weight: Fraction
    ref: str


def _long_enough(downs: Iterable[Down], rule: UptimeRule, *, until: int) -> list[_Laid]:
    """Lay outages on the minutes and drop the short ones; what touches is one outage."""
    laid = [
        _Laid(_on_minutes(down, rule.counting, until=until), down.weight, down.ref)
        for down in downs
        if down.weight > 0
    ]
    shortest = to_micros(rule.shortest)
    long = [span for span in union(one.span for one in laid) if span[1] - span[0] >= shortest]
    return [one for one in laid if _lies_in(one.span, long)]


def _on_minutes(down: Down, counting: Counting, *, until: int) -> Span:
    begin = to_instant(down.begin)
    end = until if down.end is None else to_instant(down.end)
    if counting is Counting.EXACT:
        return begin, max(begin, end)
    if counting is Counting.WHOLE:
        return -(-begin // MINUTE) * MINUTE, end // MINUTE * MINUTE
    return begin // MINUTE * MINUTE, -(-end // MINUTE) * MINUTE


def _lies_in(span: Span, spans: Sequence[Span]) -> bool:
    # Spans are sorted and disjoint, and each laid span is part of exactly one or of none.
    low, high = 0, len(spans)
    while low < high:
        middle = (low + high) // 2
        if spans[middle][1] < span[1]:
            low = middle + 1
        else:
            high = middle
    return low < len(spans) and spans[low][0] <= span[0] and span[0] < span[1]


class Kind(StrEnum):
    """What a mark of the sweep says."""

    DOWN = "down"
    OUT = "out"
    SELLING = "selling"
    PEAK = "peak"


class Mark(NamedTuple):
    """Something that holds for a stretch of the period."""

    kind: Kind
    weight: Fraction = Fraction(1)
    order: int = 0
    reason: str = ""
    ref: str = ""


class _Marks:
    """Where something begins and ends inside the period."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self.begins: dict[int, list[Mark]] = {}
        self.ends: dict[int, list[Mark]] = {}

    def add(self, span: Span, mark: Mark) -> None:
        begin, end = max(span[0], self.first), min(span[1], self.last)
        if begin < end:
            self.begins.setdefault(begin, []).append(mark)
            self.ends.setdefault(end, []).append(mark)

    def instants(self) -> list[int]:
        return sorted({self.first, self.last, *self.begins, *self.ends})


class _Active:
    """What holds at one instant of the sweep."""

    def __init__(self, basis: Basis, *, sells_always: bool) -> None:
        self.basis, self.sells_always = basis, sells_always
        self.marks: dict[Kind, list[Mark]] = {kind: [] for kind in Kind}

    def step(self, begins: Iterable[Mark], ends: Iterable[Mark]) -> None:
        for mark in ends:
            self.marks[mark.kind].remove(mark)
        for mark in begins:
            self.marks[mark.kind].append(mark)

    def weight(self) -> Fraction:
        """Return how often this minute counts (clause 5.4)."""
        if self.basis is Basis.ALL:
            return ONE
        selling = self.sells_always or bool(self.marks[Kind.SELLING])
        if self.basis is Basis.SALES_CRITICAL or not selling:
            return ONE if selling or self.basis is Basis.WEIGHTED else NONE
        return max((mark.weight for mark in self.marks[Kind.PEAK]), default=ONE)


def _swept(marks: _Marks, rule: UptimeRule, active: _Active) -> Uptime:
    tally = _Tally(rule.denominator)
    for begin, end in pairwise(marks.instants()):
        active.step(marks.begins.get(begin, ()), marks.ends.get(begin, ()))
        tally.add(begin, end, active)
    return tally.result()


class _Tally:
    """Adds the stretches up."""

    def __init__(self, denominator: Denominator) -> None:
        self.gross = denominator is Denominator.GROSS
        # Most stretches weigh one: they are counted in whole numbers, which cost far less.
        self.plain, self.weighted, self.lost = 0, NONE, NONE
        self.minutes: dict[str, int] = {}
        self.pieces: list[Piece] = []

    def add(self, begin: int, end: int, active: _Active) -> None:
        length, weight = end - begin, active.weight()
        downs, outs = active.marks[Kind.DOWN], active.marks[Kind.OUT]
        down = max((mark.weight for mark in downs), default=NONE)
        reason = min(outs, key=lambda mark: mark.order).reason if outs else None
        if weight and (reason is None or self.gross):
            if weight is ONE:
                self.plain += length
            else:
                self.weighted += length * weight
        if weight and down and reason is None:
            self.lost += length * weight * down
        kept = reason or MEASURED if weight else OUTSIDE
        self.minutes[kept] = self.minutes.get(kept, 0) + length
        if down or reason:
            refs = tuple(dict.fromkeys(mark.ref for mark in (*downs, *outs) if mark.ref))
            why = reason if weight else OUTSIDE
            self._join(Piece(to_moment(begin), to_moment(end), weight, down, why, refs))

    def _join(self, piece: Piece) -> None:
        last = self.pieces[-1] if self.pieces else None
        if last is not None and last.end == piece.begin and _said(last) == _said(piece):
            self.pieces[-1] = replace(last, end=piece.end)
        else:
            self.pieces.append(piece)

    def result(self) -> Uptime:
        minutes = {
            kept: timedelta(microseconds=length) for kept, length in sorted(self.minutes.items())
        }
        return Uptime(self.plain + self.weighted, self.lost, minutes, tuple(self.pieces))


def _said(piece: Piece) -> tuple[object, ...]:
    return piece.weight, piece.down, piece.reason, piece.refs
