"""A slow model of a month: minute by minute, clause by clause, sharing no code with the product.

Only wall clocks (`zoneinfo`) and exact fractions. Times are whole minutes since 1970 in UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")


def minute_of(moment: datetime) -> int:
    return int((moment - EPOCH) / timedelta(minutes=1))


def wall(minute: int, zone: ZoneInfo) -> datetime:
    return (EPOCH + timedelta(minutes=minute)).astimezone(zone)


@dataclass
class Week:
    """Opening hours a weekday, in a zone; holidays are closed."""

    zone: ZoneInfo
    hours: Mapping[str, tuple[int, int]]
    holidays: frozenset[date] = frozenset()
    known: dict[int, bool] = field(default_factory=dict)

    def is_open(self, minute: int) -> bool:
        if minute not in self.known:
            local = wall(minute, self.zone)
            begin, end = self.hours.get(DAYS[local.weekday()], (0, 0))
            inside = begin <= local.hour * 60 + local.minute < end
            self.known[minute] = inside and local.date() not in self.holidays
        return self.known[minute]


@dataclass
class Ticket:
    """An incident as a list of dated words."""

    number: int
    reported: int
    severity: str
    answered: int | None
    updates: list[int]
    workaround: int | None
    resolved: int | None
    pauses: list[tuple[int, int]]
    graver: tuple[int, str] | None = None


@dataclass
class Promise:
    """A target in counted minutes, on a week or around the clock."""

    minutes: int
    week: Week | None


@dataclass(frozen=True)
class Clock:
    """One clock that fell due."""

    ticket: int
    aim: str
    severity: str
    due: int
    met: int | None
    now: int

    @property
    def missed(self) -> bool:
        return (self.met if self.met is not None else self.now) > self.due

    @property
    def fell_due(self) -> int:
        return self.due if self.met is None else min(self.due, self.met)


def due(start: int, promise: Promise, pauses: Sequence[tuple[int, int]]) -> int:
    """Walk minute by minute until the promise is used up."""
    left, minute = promise.minutes, start
    while left:
        paused = any(b <= minute < e for b, e in pauses)
        if not paused and (promise.week is None or promise.week.is_open(minute)):
            left -= 1
        minute += 1
    return minute


def clocks(ticket: Ticket, promises: Mapping[tuple[str, str], Promise], now: int) -> list[Clock]:
    """Every clock of a ticket that is decided at `now`."""
    runs = [("response", ticket.reported, ticket.answered)]
    runs += [("workaround", ticket.reported, _first(ticket.workaround, ticket.resolved))]
    runs += [("resolution", ticket.reported, ticket.resolved)]
    if ticket.answered is not None:
        begun = ticket.answered
        # A workaround says where the work stands, as an update does.
        said = sorted(w for w in [*ticket.updates, ticket.workaround] if w is not None)
        for word in [*said, ticket.resolved]:
            runs.append(("update", begun, word))
            if word is None:
                break
            begun = word
    found = []
    for aim, start, met in runs:
        one = _clock(ticket, aim, start, met, promises, now)
        if one is not None and (one.met is not None or one.missed):
            found.append(one)
    return found


def _first(*moments: int | None) -> int | None:
    return min((m for m in moments if m is not None), default=None)


def _clock(
    ticket: Ticket, aim: str, start: int, met: int | None,
    promises: Mapping[tuple[str, str], Promise], now: int,
) -> Clock | None:  # fmt: skip
    end = now if met is None else met
    pauses = [(b, min(e, end)) for b, e in ticket.pauses if b <= end]
    severity, changed = ticket.severity, ticket.graver
    if changed and changed[0] <= start:
        severity, changed = changed[1], None
    promise = promises.get((severity, aim))
    moment = due(start, promise, pauses) if promise else None
    if changed and not _fixed(met, moment, changed[0]):
        fresh = promises.get((changed[1], aim))
        again = due(changed[0], fresh, pauses) if fresh else None
        severity = changed[1]
        if moment is None or (again is not None and again < moment):
            moment = again
    return None if moment is None else Clock(ticket.number, aim, severity, moment, met, now)


def _fixed(met: int | None, moment: int | None, since: int) -> bool:
    return (met is not None and met <= since) or (moment is not None and since > moment)


@dataclass
class Stretch:
    """Trouble or work, in minutes: weight None takes minutes out."""

    begin: int
    end: int
    weight: Fraction | None


def uptime(
    begin: int, end: int, stretches: Iterable[Stretch], *, weight_of: Sequence[Fraction],
    origin: int, shortest: int,
) -> tuple[Fraction, Fraction]:  # fmt: skip
    """Measured and lost minutes between two moments; `weight_of` is indexed from `origin`."""
    size = len(weight_of)
    down: list[Fraction] = [Fraction(0)] * size
    out = bytearray(size)
    trouble = bytearray(size)
    for one in stretches:
        for minute in range(max(one.begin - origin, 0), min(one.end - origin, size)):
            if one.weight is None:
                out[minute] = 1
            elif one.weight:
                trouble[minute] = 1
                down[minute] = max(down[minute], one.weight)
    _drop_short(trouble, down, shortest)
    measured = lost = Fraction(0)
    for minute in range(begin - origin, end - origin):
        if not out[minute]:
            measured += weight_of[minute]
            if down[minute]:
                lost += weight_of[minute] * down[minute]
    return measured, lost


def _drop_short(trouble: bytearray, down: list[Fraction], shortest: int) -> None:
    minute = 0
    while minute < len(trouble):
        stop = minute
        while stop < len(trouble) and trouble[stop]:
            stop += 1
        if 0 < stop - minute < shortest:
            for inside in range(minute, stop):
                down[inside] = Fraction(0)
        minute = stop + 1
