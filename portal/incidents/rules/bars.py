"""Bars of a chart drawn by the server: geometry only, with the words that stand beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, ROW, LABEL = 400, 26, 156


@dataclass(frozen=True)
class Part:
    """A stretch of a bar in one colour."""

    x: float
    width: float
    kind: str


@dataclass(frozen=True)
class Bar:
    """One line of a chart: a label, its parts, and what is said behind them."""

    label: str
    words: str
    y: int
    parts: tuple[Part, ...]


def bars(
    rows: Sequence[tuple[str, str, Sequence[tuple[int, str]]]], *, full: bool = False
) -> tuple[list[Bar], int]:
    """Lay rows of (label, words, [(amount, colour)]) out; return the bars and the height.

    With `full` each row fills the width (shares); otherwise the longest row does (counts).
    """
    room = WIDTH - LABEL - 60
    most = max((sum(n for n, _ in parts) for _, _, parts in rows), default=0) or 1
    found = []
    for number, (label, words, parts) in enumerate(rows):
        whole = (sum(n for n, _ in parts) or 1) if full else most
        x, placed = float(LABEL), []
        for amount, kind in parts:
            width = round(room * amount / whole, 1)
            if width:
                placed.append(Part(round(x, 1), width, kind))
            x += width
        found.append(Bar(label, words, 4 + number * ROW, tuple(placed)))
    return found, 8 + len(rows) * ROW
