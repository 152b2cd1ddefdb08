"""The course of a negotiation: who had it for how long, and what was open after each round."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.contracts.rules.life import Side
from portal.negotiation.rules.answers import Summary, summary
from portal.negotiation.rules.standing import SentRound, Standing, Status, hear


@dataclass(frozen=True)
class Stay:
    """A stretch in which one side had the turn; it ended with that side's round, if it ended."""

    side: Side
    start: datetime
    end: datetime
    round: int | None

    @property
    def length(self) -> timedelta:
        """How long it lasted."""
        return self.end - self.start


@dataclass(frozen=True)
class After:
    """What a round left: how many terms were agreed, and how many open."""

    number: int
    side: Side
    at: datetime
    agreed: int
    open: int
    summary: Summary


@dataclass(frozen=True)
class Course:
    """The whole course."""

    stays: list[Stay]
    after: list[After]

    def with_side(self, side: Side) -> timedelta:
        """Return how long a side has had the turn in all."""
        return sum((s.length for s in self.stays if s.side is side), timedelta())


def course(
    terms: Sequence[str],
    rounds: Sequence[SentRound],
    *,
    started_by: Side,
    started_at: datetime,
    turn: Side,
    until: datetime,
    ended: bool,
) -> Course:
    """Return the course up to an instant; once `ended`, the last stay ends with the last round."""
    stays: list[Stay] = []
    after: list[After] = []
    found = {term: Standing(term, started_by) for term in terms}
    start = started_at
    for sent in rounds:
        stays.append(Stay(sent.side, start, sent.at, sent.number))
        start = sent.at
        counted = summary(sent.words, found)
        hear(found, sent, started_by=started_by)
        agreed = sum(s.status is Status.AGREED for s in found.values())
        after.append(After(sent.number, sent.side, sent.at, agreed, len(found) - agreed, counted))
    if not ended and until > start:
        stays.append(Stay(turn, start, until, None))
    return Course(stays, after)


WIDTH, BASE, TOP, LEFT = 400, 150, 36, 8


@dataclass(frozen=True)
class Bar:
    """A rectangle of the picture."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    label: str


def drawn(found: Course) -> tuple[list[Bar], list[Bar]]:
    """Return the picture: a bar a round, of the terms agreed and on top of them those still open,
    and a band of the time with each side."""
    step = (WIDTH - LEFT) / max(len(found.after), 1)
    bars = [
        bar
        for n, after in enumerate(found.after)
        for bar in _bars(after, round(LEFT + n * step, 1), round(step * 0.8, 1))
    ]
    whole = sum((s.length for s in found.stays), timedelta()) or timedelta(seconds=1)
    band, x = [], float(LEFT)
    for stay in found.stays:
        width = stay.length / whole * (WIDTH - LEFT)
        kind = "is-accent" if stay.side is Side.VENDOR else "is-warn"
        band.append(Bar(round(x, 1), BASE + 34, round(width, 1), 22, kind, stay.side.value))
        x += width
    return bars, band


def _bars(after: After, x: float, width: float) -> list[Bar]:
    """Return the open terms of a round over its agreed ones; one open term is still seen."""
    whole = BASE - TOP
    share = after.open / ((after.open + after.agreed) or 1)
    height = round(max(whole * share, 3.0 if after.open else 0.0), 1)
    opened = Bar(x, TOP, width, height, "is-warn", f"{after.open}")
    agreed = Bar(x, round(TOP + height, 1), width, round(whole - height, 1), "is-soft", "")
    return [opened, agreed]
