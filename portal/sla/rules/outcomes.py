"""The four clocks of an incident, from its history and the promises it was reported under.

`outcomes` is the quick answer that statements and replays ask of thousands of incidents; `working`
is the whole clock with its ledger, for a page. Both are pure: the moment is an argument.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from portal.sla.rules.clock import ClockState, State, clock, due_at, elapsed
from portal.sla.rules.incident import (
    VENDOR,
    Event,
    Happened,
    History,
    PauseClaim,
    endings,
    pauses_of,
    resolved_spans,
    severity_line,
    spans_of,
)
from portal.sla.rules.instants import Pause
from portal.sla.rules.promises import Aim, Promise, Promises, more_severe
from portal.sla.rules.target import counting_calendar

Line = Sequence[tuple[datetime, str]]
Span = tuple[datetime, datetime]

_TAKEN_UP = frozenset({Happened.RESPONSE, Happened.WORKAROUND, Happened.RESOLVED})
_ANSWERED = _TAKEN_UP | {Happened.ACKNOWLEDGED, Happened.UPDATE}
_SAID = frozenset({Happened.UPDATE, Happened.RESPONSE, Happened.WORKAROUND, Happened.RESOLVED})


@dataclass(frozen=True)
class Run:
    """One clock before it is counted: from when, and when the act came.

    `holes` are times that count for nobody, beside the pauses; `superseded` marks a record that a
    reopening carried on.
    """

    aim: Aim
    number: int
    start: datetime
    met_at: datetime | None
    holes: tuple[Pause, ...] = ()
    superseded: bool = False


@dataclass(frozen=True)
class Outcome:
    """How one clock stands. `due` is None where no time is promised.

    `severity` is the one it counts under at the end; `promise` the target that gives `due`, counted
    from `counted_from`. `strict_due` is the due instant without contested pauses, where it differs.
    """

    aim: Aim
    number: int
    severity: str
    promise: Promise
    started: datetime
    counted_from: datetime
    due: datetime | None
    strict_due: datetime | None
    met_at: datetime | None
    state: State
    pauses: tuple[Pause, ...]
    strict_pauses: tuple[Pause, ...]
    superseded: bool
    now: datetime

    @property
    def breached(self) -> bool:
        """Whether the target was missed, contested pauses counted as pauses."""
        return self.due is not None and (self.met_at or self.now) > self.due

    @property
    def breached_without_contested(self) -> bool:
        """Whether it was missed if contested pauses do not count."""
        due = self.strict_due or self.due
        return due is not None and (self.met_at or self.now) > due

    @property
    def disputed(self) -> bool:
        """Whether contested time decides the result; then no credit is paid or refused on it."""
        return self.breached != self.breached_without_contested

    @property
    def settled(self) -> bool:
        """Whether the result can no longer change by the mere passing of time."""
        return self.met_at is not None or self.breached

    @property
    def fell_due_at(self) -> datetime | None:
        """When it fell due for the count: when it was met, or else when its time ran out."""
        if self.due is None:
            return None
        return min(self.due, self.met_at) if self.met_at else self.due


def outcomes(promises: Promises, history: History, *, now: datetime) -> tuple[Outcome, ...]:
    """Every clock of an incident as it stands at `now`, in the order of their aims and starts."""
    claims = pauses_of(history, promises)
    line = severity_line(history)
    return tuple(
        _outcome(promises, run, line, claims, now=now, reported=history.reported)
        for run in runs_of(promises, history)
    )


def current(found: Sequence[Outcome]) -> list[Outcome]:
    """The latest clock of each aim."""
    latest = {outcome.aim: outcome for outcome in found}
    return [latest[aim] for aim in Aim if aim in latest]


def working(promises: Promises, outcome: Outcome, *, contested: bool = True) -> ClockState | None:
    """The whole clock with its interval ledger; None where no time is promised.

    `contested` says whether contested pauses are counted as pauses.
    """
    target = outcome.promise.target
    if target is None:
        return None
    return clock(
        outcome.counted_from,
        target=target,
        calendar=promises.calendar_for(target),
        now=outcome.now,
        pauses=outcome.pauses if contested else outcome.strict_pauses,
        met_at=outcome.met_at,
    )


def counted_time(promises: Promises, outcome: Outcome) -> timedelta | None:
    """The counted time from the start to the act, or to now; None where no time is promised."""
    target = outcome.promise.target
    if target is None:
        return None
    counting = counting_calendar(target.clock, calendar=promises.calendar_for(target))
    end = outcome.met_at or outcome.now
    return elapsed(outcome.started, end=end, calendar=counting, pauses=outcome.pauses)


# ---- which clocks there are ----------------------------------------------------------------------


def runs_of(promises: Promises, history: History) -> Iterator[Run]:
    """Every clock the events start, whether or not a time is promised for it."""
    started = _clock_start(promises, history)
    ends = endings(history)
    spans = resolved_spans(history)
    kinds = _TAKEN_UP if promises.needs_diagnosis else _ANSWERED
    yield from _response_runs(history, started, kinds, ends)
    yield from _update_runs(history, kinds, ends, spans)
    yield from _workaround_runs(history, started, ends, spans)
    yield from _delivery_runs(Aim.RESOLUTION, started, ends, spans)


def _clock_start(promises: Promises, history: History) -> datetime:
    """When the clocks start (C6): with the report, which the portal delivers at once, or when the
    vendor first set the severity."""
    if promises.starts_when_severity_is_set:
        for event in history.events:
            if event.kind is Happened.SEVERITY_AGREED and event.side == VENDOR:
                return event.at
    return history.reported


def _response_runs(
    history: History, started: datetime, kinds: Collection[Happened], ends: Sequence[Event]
) -> Iterator[Run]:
    """From the oldest report without an answer; a reopening starts a new one (clause 4.18)."""
    answers = [e for e in history.events if e.kind in kinds and e.side == VENDOR]
    answers += [event for event in ends if event.kind is Happened.CONFIRMED]
    asked = [started, *(e.at for e in history.all_of(Happened.REOPENED))]
    for number, moment in enumerate(asked, start=1):
        answered = min((e.at for e in answers if e.at >= moment), default=None)
        yield Run(Aim.RESPONSE, number, moment, answered)
        if answered is None:
            return


def _update_runs(
    history: History,
    kinds: Collection[Happened],
    ends: Sequence[Event],
    spans: Sequence[Span],
) -> Iterator[Run]:
    """From the first response to each update, until the resolution (clause 4.5)."""
    over, carried = {event.id for event in ends}, {begin for begin, _ in spans}
    begun: datetime | None = None
    number = 1
    for event in history.events:
        vendors = event.side == VENDOR
        if begun is None:
            if vendors and event.kind in kinds and event.id not in over:
                begun = event.at
        elif event.id in over or (vendors and event.kind in _SAID):
            again = event.id in over and event.at in carried
            yield Run(Aim.UPDATE, number, begun, event.at, _since(spans, begun, event.at), again)
            number += 1
            if not again:
                begun = None if event.id in over else event.at
    if begun is not None:
        yield Run(Aim.UPDATE, number, begun, None, _since(spans, begun, None))


def _since(spans: Sequence[Span], begin: datetime, end: datetime | None) -> tuple[Span, ...]:
    return tuple(s for s in spans if s[0] >= begin and (end is None or s[1] <= end))


def _workaround_runs(
    history: History, started: datetime, ends: Sequence[Event], spans: Sequence[Span]
) -> Iterator[Run]:
    """Stopped by a workaround that was not refused, or by the resolution itself."""
    refused = history.refused
    way = next((e for e in history.all_of(Happened.WORKAROUND) if e.id not in refused), None)
    if way is not None and (not ends or way.at <= ends[0].at):
        yield Run(Aim.WORKAROUND, 1, started, way.at)
        return
    if way is not None:
        ends = sorted([*ends, way], key=lambda event: event.at)
    yield from _delivery_runs(Aim.WORKAROUND, started, ends, spans)


def _delivery_runs(
    aim: Aim, started: datetime, ends: Sequence[Event], spans: Sequence[Span]
) -> Iterator[Run]:
    """From the start until the thing is delivered; a reopening carries it on (clause 4.18)."""
    last, number = started, 1
    for number, (begin, end) in enumerate(spans, start=2):
        yield Run(aim, number - 1, started, begin, tuple(spans[: number - 2]), superseded=True)
        last = end
    done = next((event.at for event in ends if event.at >= last), None)
    yield Run(aim, number, started, done, tuple(spans))


# ---- counting one --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Leg:
    severity: str
    promise: Promise
    counted_from: datetime
    due: datetime | None


def _outcome(
    promises: Promises,
    run: Run,
    line: Line,
    claims: Sequence[PauseClaim],
    *,
    now: datetime,
    reported: datetime,
) -> Outcome:
    at = run.met_at or now
    pauses = (*spans_of(claims, until=at, contested=True), *run.holes)
    leg = _counted(promises, run, line, pauses, at=at, reported=reported)
    found = Outcome(
        aim=run.aim,
        number=run.number,
        severity=leg.severity,
        promise=leg.promise,
        started=run.start,
        counted_from=leg.counted_from,
        due=leg.due,
        strict_due=None,
        met_at=run.met_at,
        state=_state(run, leg.due, pauses, now=now),
        pauses=pauses,
        strict_pauses=pauses,
        superseded=run.superseded,
        now=now,
    )
    if not any(claim.contested for claim in claims):
        return found
    strict = (*spans_of(claims, until=at, contested=False), *run.holes)
    other = _counted(promises, run, line, strict, at=at, reported=reported)
    return replace(
        found,
        strict_due=other.due if other.due != leg.due else None,
        strict_pauses=strict,
    )


def _counted(
    promises: Promises,
    run: Run,
    line: Line,
    pauses: Sequence[Pause],
    *,
    at: datetime,
    reported: datetime,
) -> _Leg:
    """Count a clock over its severities: each change counts anew from its instant (clause 4.16).

    A graver level never gives a later due instant; a result fixed before the change remains.
    """
    spans = [(begin, at if end is None else end) for begin, end in pauses]
    first = [severity for since, severity in line if since <= run.start]
    legs = [(run.start, first[-1] if first else line[0][1])]
    legs += [(since, severity) for since, severity in line if since > run.start]
    leg: _Leg | None = None
    for since, severity in legs:
        if leg is not None and _is_fixed(run, leg, since):
            break
        fresh = _leg(promises, run.aim, severity, since, spans, reported=reported)
        leg = fresh if leg is None else _after_change(leg, fresh)
    assert leg is not None  # noqa: S101  the first leg always counts
    return leg


def _is_fixed(run: Run, leg: _Leg, since: datetime) -> bool:
    met = run.met_at is not None and run.met_at <= since
    return met or (leg.due is not None and since > leg.due)


def _after_change(leg: _Leg, fresh: _Leg) -> _Leg:
    graver = more_severe(fresh.severity, leg.severity)
    if graver and leg.due is not None and (fresh.due is None or leg.due <= fresh.due):
        return replace(leg, severity=fresh.severity)
    return fresh


def _leg(
    promises: Promises,
    aim: Aim,
    severity: str,
    since: datetime,
    spans: Sequence[Pause],
    *,
    reported: datetime,
) -> _Leg:
    promise = promises.promise(aim, severity, reported=reported)
    if promise.target is None:
        return _Leg(severity, promise, since, None)
    begin = promises.starts_at(since, promise.target)
    calendar = promises.calendar_for(promise.target)
    due = due_at(begin, target=promise.target, calendar=calendar, pauses=spans)
    return _Leg(severity, promise, begin, due)


def _state(run: Run, due: datetime | None, pauses: Sequence[Pause], *, now: datetime) -> State:
    """The state without asking whether the calendar is open: `working` knows that too."""
    at = run.met_at or now
    if due is not None and at > due:
        return State.BREACHED
    if run.met_at is not None:
        return State.MET
    return State.PAUSED if any(end is None for _, end in pauses) else State.RUNNING
