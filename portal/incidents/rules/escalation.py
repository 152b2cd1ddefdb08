"""When an incident climbs to the next level, whom that reaches, and when it is told (G1 to G3).

The times run in the hours each offset names, from the report or from the first missed target.
A pause both sides accept stops the climb, since nothing is owed then; a contested one does not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal.sla.rules import Target, back_from, calendar_from_schedule, due_at, elapsed
from portal.sla.rules.incident import (
    Happened,
    History,
    Standing,
    is_excluded,
    pauses_of,
    severity_line,
    spans_of,
    standing,
)
from portal.sla.rules.instants import Pause
from portal.sla.rules.outcomes import Outcome
from portal.sla.rules.promises import Promises
from portal.sla.rules.target import counting_calendar, target_from_term

LEVELS = ("L2", "L3", "L4")
# A step told within this time of its instant is in time: the worker looks every few seconds.
IN_TIME = timedelta(minutes=5)
WARN_QUARTER = 4
CRITICAL = "S1"


@dataclass(frozen=True)
class Told:
    """A level that was told, until when it confirms, and whether it did."""

    level: str
    told_at: datetime
    answer_by: datetime
    confirmed: bool


@dataclass(frozen=True)
class Step:
    """The next level to be told: when, and why."""

    level: str
    due_at: datetime
    cause: str

    def is_late(self, told_at: datetime) -> bool:
        """Whether the portal tells it later than it should."""
        return told_at - self.due_at > IN_TIME


@dataclass(frozen=True)
class Contact:
    """A person of the path, as the contract names them."""

    side: str
    level: str
    role: str
    email: str
    person: str
    phone: str
    reachable: Mapping[str, Any] | None

    def reached_at(self, moment: datetime, *, severity: str) -> datetime:
        """When this person is called: at once for severity 1, else in the hours they are listed."""
        if severity == CRITICAL or not self.reachable:
            return moment
        hours = calendar_from_schedule(self.reachable)
        return due_at(moment, target=timedelta(), calendar=hours)


def episode_of(history: History) -> int:
    """Which climb this is: one more each time the incident reopens."""
    return 1 + len(history.all_of(Happened.REOPENED))


def contacts_at(terms: Mapping[str, Any], level: str) -> list[Contact]:
    """The people of one level on both sides."""
    return [
        Contact(
            side=row["side"], level=row["level"], role=row["role"], email=row.get("email") or "",
            person=row.get("person") or "", phone=row.get("phone") or "",
            reachable=row.get("reachable"),
        )
        for row in terms.get("G1") or ()
        if row["level"] == level
    ]  # fmt: skip


def next_step(
    promises: Promises,
    history: History,
    found: Sequence[Outcome],
    told: Sequence[Told],
    *,
    now: datetime,
) -> Step | None:
    """The next level that is to be told, in the future or overdue; None where none is."""
    if standing(history) is not Standing.OPEN or is_excluded(history):
        return None
    reached = {one.level for one in told}
    for level in LEVELS:
        if level not in reached:
            return _step(promises, history, found, told, level, now=now)
    return None


def _step(
    promises: Promises,
    history: History,
    found: Sequence[Outcome],
    told: Sequence[Told],
    level: str,
    *,
    now: datetime,
) -> Step | None:
    steps = []
    by_time = _due_by_time(promises, history, found, level, now=now)
    if by_time is not None:
        steps.append(Step(level, by_time, "time"))
    if told and not told[-1].confirmed:
        steps.append(Step(level, told[-1].answer_by, "silence"))
    return min(steps, key=lambda step: step.due_at, default=None)


def _due_by_time(
    promises: Promises,
    history: History,
    found: Sequence[Outcome],
    level: str,
    *,
    now: datetime,
) -> datetime | None:
    since, severity = severity_line(history)[-1]
    rows = promises.terms.get("G2") or ()
    offset = next((row.get(level) for row in rows if row["severity"] == severity), None)
    base = _base(promises, history, found)
    if offset is None or base is None:
        return None
    target = target_from_term(offset)
    spans = [(b, now if e is None else e) for b, e in agreed_pauses(promises, history, until=now)]
    calendar = promises.calendar_for(target)
    # A graver severity brings shorter times, and never calls anyone before it was graver.
    return max(since, due_at(base, target=target, calendar=calendar, pauses=spans))


def _base(promises: Promises, history: History, found: Sequence[Outcome]) -> datetime | None:
    """From when the times count (G2.since): the report, or the first target that is missed."""
    again = history.all_of(Happened.REOPENED)
    opened = again[-1].at if again else history.reported
    if promises.terms.get("G2.since") != "breach":
        return opened
    missed = [o.due for o in found if o.due and o.due >= opened and (o.breached or not o.met_at)]
    return min(missed, default=None)


def agreed_pauses(promises: Promises, history: History, *, until: datetime) -> tuple[Pause, ...]:
    """The pauses that nobody contests."""
    return spans_of(pauses_of(history, promises), until=until, contested=False)


def answer_by(promises: Promises, reached: Iterable[datetime]) -> datetime:
    """Until when a level confirms (G3), from the first instant at which one of it is reached."""
    first = min(reached)
    value = promises.terms.get("G3")
    if not value:
        return first
    target = target_from_term(value)
    return due_at(first, target=target, calendar=promises.calendar_for(target))


def warn_at(promises: Promises, outcome: Outcome) -> datetime | None:
    """When a clock is soon due: when a quarter of its counted time is left, counted backwards.

    None for one that is done, stands still, or has no time.
    """
    target = outcome.promise.target
    if target is None or outcome.due is None or outcome.settled:
        return None
    if any(end is None for _, end in outcome.pauses):
        return None
    return back_from(
        outcome.due,
        span=_quarter(promises, outcome, target),
        calendar=counting_calendar(target.clock, calendar=promises.calendar_for(target)),
        pauses=outcome.pauses,
    )


def _quarter(promises: Promises, outcome: Outcome, target: Target) -> timedelta:
    counting = counting_calendar(target.clock, calendar=promises.calendar_for(target))
    due = outcome.due or outcome.now
    whole = elapsed(outcome.counted_from, end=due, calendar=counting, pauses=outcome.pauses)
    return whole / WARN_QUARTER
