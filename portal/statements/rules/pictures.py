"""The uptime of the last months as a strip: bars drawn by the server, with a table behind them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

WIDTH, HEIGHT, FOOT = 640, 120, 22


@dataclass(frozen=True)
class Bar:
    """One month of the strip; coordinates in the picture's own units."""

    month: str
    label: str
    shown: str
    state: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Strip:
    """The picture: its bars, and the line of what was promised."""

    bars: tuple[Bar, ...]
    target_y: float
    target: str


def strip(months: Iterable[tuple[str, str, str, str, bool]], *, target: str) -> Strip | None:
    """Return the strip of (month, label, exact percent, shown, kept), oldest first; None if empty.

    The scale begins a little below the worst month, since all that matters lies near the top.
    """
    rows = list(months)
    if not rows:
        return None
    low = _floor([Fraction(exact) for _, _, exact, _, _ in rows], Fraction(target))
    step = WIDTH / max(len(rows), 6)
    bars = tuple(
        _bar(number, row, low, step) for number, row in enumerate(rows)
    )  # fmt: skip
    return Strip(bars, _y(Fraction(target), low), target)


def _floor(percents: Sequence[Fraction], target: Fraction) -> Fraction:
    worst = min(*percents, target)
    return max(Fraction(0), 100 - (100 - worst) * Fraction(5, 4) - Fraction(1, 100))


def _y(percent: Fraction, low: Fraction) -> float:
    share = (percent - low) / (100 - low)
    return round(float((1 - share) * (HEIGHT - FOOT - 8)) + 8, 1)


def _bar(number: int, row: tuple[str, str, str, str, bool], low: Fraction, step: float) -> Bar:
    month, label, exact, shown, kept = row
    y = _y(Fraction(exact), low)
    x = round(number * step + step * 0.15, 1)
    state = "is-good" if kept else "is-bad"
    return Bar(month, label, shown, state, x, y, round(step * 0.7, 1), round(HEIGHT - FOOT - y, 1))
