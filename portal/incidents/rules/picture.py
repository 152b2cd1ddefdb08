"""The timeline of an incident as a picture: a row a clock, bands for counted, paused and closed
hours, marks for what happened. Geometry only; the template draws it and sets a table behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.incidents.rules.reading import ClockView
from portal.sla.rules import Interval, Kind

WIDTH = 400
LEFT, RIGHT = 4, 396
ROW, FIRST_ROW, BAR = 30, 26, 12
MOST_BANDS = 160


@dataclass(frozen=True)
class Band:
    """A stretch of a row."""

    x: float
    width: float
    kind: str


@dataclass(frozen=True)
class Row:
    """One clock: its label, its bands, and where it is due and was met."""

    label: str
    words: str
    y: int
    bands: tuple[Band, ...]
    due_x: float | None
    met_x: float | None
    late: bool


@dataclass(frozen=True)
class Mark:
    """Something that happened, by its number in the table."""

    x: float
    number: int
    label: str
    level: int


@dataclass(frozen=True)
class Picture:
    """The whole timeline."""

    width: int
    height: int
    axis_y: int
    rows: tuple[Row, ...]
    marks: tuple[Mark, ...]
    now_x: float | None
    begin: datetime
    end: datetime


def picture_of(
    views: Sequence[ClockView],
    events: Sequence[tuple[int, datetime, str]],
    *,
    begin: datetime,
    now: datetime,
    is_over: bool,
) -> Picture:
    """Lay the timeline out from the report to now, or to the next due instant if that is later."""
    last = max([at for _, at, _ in events], default=now) if is_over else now
    dues = [v.outcome.due for v in views if v.outcome.due and not v.outcome.met_at]
    ahead = [due for due in dues if due > last]
    end = max(last, min(ahead, default=last), begin + timedelta(minutes=1))
    scale = (RIGHT - LEFT) / (end - begin).total_seconds()

    def x(moment: datetime) -> float:
        inside = min(max(moment, begin), end)
        return round(LEFT + (inside - begin).total_seconds() * scale, 1)

    rows = tuple(
        _row(view, FIRST_ROW + number * ROW, x, begin, end)
        for number, view in enumerate(v for v in views if v.state is not None)
    )
    axis_y = FIRST_ROW + len(rows) * ROW + 4
    marks = _marks([(n, x(at), label) for n, at, label in events])
    height = axis_y + 18 + 14 * max((mark.level for mark in marks), default=0) + 10
    return Picture(
        WIDTH, height, axis_y, rows, tuple(marks), None if is_over else x(now), begin, end
    )


Place = Callable[[datetime], float]


def _row(view: ClockView, y: int, x: Place, begin: datetime, end: datetime) -> Row:
    outcome, state = view.outcome, view.state
    intervals: list[Interval] = []
    if state is not None:
        intervals = [*state.ledger.intervals, *state.ahead.intervals]
    due = state.due if state else None
    return Row(
        label=view.label,
        words=view.words,
        y=y,
        bands=_bands(intervals, x, begin, end),
        due_x=x(due) if due is not None and due <= end else None,
        met_x=x(outcome.met_at) if outcome.met_at else None,
        late=outcome.breached,
    )


def _bands(
    intervals: Sequence[Interval], x: Place, begin: datetime, end: datetime
) -> tuple[Band, ...]:
    """The intervals within the picture; where there are too many to see, as one stretch."""
    seen = [i for i in intervals if i.end > begin and i.begin < end]
    if len(seen) > MOST_BANDS:
        first, last = x(seen[0].begin), x(seen[-1].end)
        return (Band(first, round(last - first, 1), Kind.OPEN.value),)
    return tuple(
        Band(x(i.begin), round(max(x(i.end) - x(i.begin), 0.4), 1), i.kind.value) for i in seen
    )


def _marks(points: Sequence[tuple[int, float, str]]) -> list[Mark]:
    """Set marks on the axis; those that would touch go a level lower."""
    ends: list[float] = []
    marks = []
    for number, at, label in points:
        level = next((n for n, end in enumerate(ends) if at - end >= 16), len(ends))
        if level == len(ends):
            ends.append(at)
        ends[level] = at
        marks.append(Mark(at, number, label, min(level, 3)))
    return marks
