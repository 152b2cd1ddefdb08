"""A slow model of a month: minute by minute, clause by clause, sharing no code with the product.

Only wall clocks (`zoneinfo`) and exact fractions. Times are whole minutes since 1970 in UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from itertools import accumulate
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")


def minute_of(moment: datetime) -> int:
    return int((moment - EPOCH) / timedelta(minutes=1))


@cache
def hour_of(hour: int, zone: ZoneInfo) -> datetime:
    """The wall clock at the beginning of an hour; clocks change at full hours of UTC only."""
    return (EPOCH + timedelta(hours=hour)).astimezone(zone).replace(tzinfo=None)


def wall(minute: int, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows at a minute."""
    return hour_of(minute // 60, zone) + timedelta(minutes=minute % 60)


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
    begin: int, end: int, stretches: Iterable[Stretch], *, weights: "Weights", shortest: int
) -> tuple[Fraction, Fraction]:
    """Measured and lost minutes between two moments; only minutes something struck are walked."""
    down: dict[int, Fraction] = {}
    out: set[int] = set()
    for one in stretches:
        # A day around the month is enough to know how long an outage lasted.
        for minute in range(max(one.begin, begin - 1440), min(one.end, end + 1440)):
            if one.weight is None:
                out.add(minute)
            elif one.weight:
                down[minute] = max(down.get(minute, Fraction(0)), one.weight)
    _drop_short(down, shortest)
    inside = range(begin, end)
    gone = sum((weights.of(minute) for minute in out if minute in inside), Fraction(0))
    lost = sum(
        (weights.of(m) * w for m, w in down.items() if m in inside and m not in out), Fraction(0)
    )
    return weights.between(begin, end) - gone, lost


def _drop_short(down: dict[int, Fraction], shortest: int) -> None:
    """Forget each unbroken run of minutes that is shorter than what counts."""
    run: list[int] = []
    for minute in [*sorted(down), None]:
        if run and (minute is None or minute != run[-1] + 1):
            if len(run) < shortest:
                for gone in run:
                    del down[gone]
            run = []
        if minute is not None:
            run.append(minute)


class Weights:
    """How often each minute of a year counts, and the sums up to each; kept as whole halves."""

    def __init__(self, origin: int, each: Iterable[Fraction]) -> None:
        self.origin = origin
        self.halves = [int(weight * 2) for weight in each]
        self.sums = list(accumulate(self.halves, initial=0))

    def of(self, minute: int) -> Fraction:
        """Return the weight of a minute."""
        return Fraction(self.halves[minute - self.origin], 2)

    def between(self, begin: int, end: int) -> Fraction:
        """Return the weights from one minute up to another, added up."""
        return Fraction(self.sums[end - self.origin] - self.sums[begin - self.origin], 2)
