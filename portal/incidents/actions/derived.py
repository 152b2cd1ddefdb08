"""Writing down what follows from an incident's events: its standing and its clock records."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.incidents.models import ClockRecord, Incident, RootCause
from portal.incidents.rules.escalation import Told, episode_of, next_step, warn_at
from portal.incidents.rules.root_cause import due_after
from portal.kit.refs import new_id
from portal.sla.rules import tzdata_version
from portal.sla.rules.incident import (
    Happened,
    History,
    Standing,
    is_excluded,
    pauses_of,
    severity_now,
    standing,
    standing_resolution,
)
from portal.sla.rules.instants import MICROSECOND
from portal.sla.rules.outcomes import Outcome, counted_time, outcomes
from portal.sla.rules.promises import Promises

EXCLUDED = {False: "no", True: "claimed", None: "disputed"}


def derive(
    session: Session, incident: Incident, history: History, promises: Promises, *, now: datetime
) -> tuple[Outcome, ...]:
    """Bring the derived columns and clock records of an incident up to `now`."""
    found = outcomes(promises, history, now=now)
    _write_standing(incident, history, promises)
    _write_records(session, incident, found, promises)
    waiting = [o.due for o in found if o.due is not None and not o.settled and not o.superseded]
    incident.next_due_at = min(waiting, default=None)
    _ask_for_cause(session, incident, promises, now=now)
    incident.escalate_at = _next_level(incident, history, promises, found, now=now)
    incident.warn_at = _next_warning(incident, history, promises, found)
    incident.breaches = sum(result_of(o) == "breached" and not o.superseded for o in found)
    return found


def _ask_for_cause(
    session: Session, incident: Incident, promises: Promises, *, now: datetime
) -> None:
    """Ask for the account of a cause once an incident of such a severity is resolved (N3).

    Dates follow the resolution until something is delivered; then they stand.
    """
    if incident.resolved_at is None or incident.excluded == "claimed":
        return
    due = due_after(promises, incident.severity, incident.resolved_at)
    row = session.scalar(select(RootCause).where(RootCause.incident_id == incident.id))
    if due is None or (row is not None and row.preliminary_at is not None):
        return
    if row is None:
        row = RootCause(
            id=new_id(now), region=incident.region, contract_id=incident.contract_id,
            incident_id=incident.id,
        )  # fmt: skip
        row.final_due_at = due.final
        session.add(row)
    row.preliminary_due_at, row.final_due_at = due.preliminary, due.final


def told_levels(incident: Incident, history: History) -> list[Told]:
    """Return the levels told in this climb, in the order they were told."""
    episode = episode_of(history)
    return [
        Told(row.level, row.told_at, row.answer_by, row.confirmed_at is not None)
        for row in incident.escalations
        if row.episode == episode
    ]


def _next_level(
    incident: Incident,
    history: History,
    promises: Promises,
    found: tuple[Outcome, ...],
    *,
    now: datetime,
) -> datetime | None:
    step = next_step(promises, history, found, told_levels(incident, history), now=now)
    return step.due_at if step else None


def _next_warning(
    incident: Incident, history: History, promises: Promises, found: tuple[Outcome, ...]
) -> datetime | None:
    """When the worker looks at this incident's clocks again: soon due, run out, a pause over."""
    rows = {(row.aim, row.number): row for row in incident.clocks}
    moments = [
        moment
        for outcome in found
        if not outcome.superseded
        and (moment := _telling(outcome, rows[outcome.aim.value, outcome.number]))
    ]
    if is_excluded(history):
        return None
    moments += [c.end for c in pauses_of(history, promises) if c.end and c.end > found[0].now]
    return min(moments, default=None)


def _telling(outcome: Outcome, row: ClockRecord) -> datetime | None:
    if outcome.due is None or outcome.met_at is not None or row.breach_told_at is not None:
        return None
    if outcome.breached:
        # While contested time decides the result there is nothing to tell yet.
        return None if outcome.disputed else outcome.due
    if any(end is None for _, end in outcome.pauses):
        return None
    # At the due instant a target is still met; it is missed strictly after.
    return row.soon_at if row.warned_at is None else outcome.due + MICROSECOND


def result_of(outcome: Outcome) -> str:
    """Return an outcome's result in one word, as a record keeps it."""
    if outcome.due is None:
        return "untimed"
    if outcome.disputed:
        return "disputed"
    if outcome.breached:
        return "breached"
    return "met" if outcome.met_at else "running"


def _write_standing(incident: Incident, history: History, promises: Promises) -> None:
    found = standing(history)
    resolution = standing_resolution(history)
    ended = history.all_of(Happened.CONFIRMED)
    incident.severity = severity_now(history)
    incident.standing = found.value
    incident.excluded = EXCLUDED[is_excluded(history)]
    incident.closed_at = ended[-1].at if found is Standing.CLOSED and ended else None
    incident.resolved_at = resolution.at if resolution else incident.closed_at
    waits = found is Standing.RESOLVED and resolution is not None
    incident.silence_at = promises.silence_until(resolution.at) if waits and resolution else None


def _write_records(
    session: Session, incident: Incident, found: tuple[Outcome, ...], promises: Promises
) -> None:
    rows = {(row.aim, row.number): row for row in incident.clocks}
    for outcome in found:
        row = rows.pop((outcome.aim.value, outcome.number), None)
        if row is None:
            row = ClockRecord(
                id=new_id(outcome.started), region=incident.region,
                contract_id=incident.contract_id, incident_id=incident.id,
                aim=outcome.aim.value, number=outcome.number,
            )  # fmt: skip
            incident.clocks.append(row)
        _fill(row, outcome, promises)
    for row in rows.values():
        incident.clocks.remove(row)
    session.flush()


def _fill(row: ClockRecord, outcome: Outcome, promises: Promises) -> None:
    frozen = outcome.settled and outcome.due is not None
    counted = counted_time(promises, outcome) if outcome.met_at else None
    row.severity = outcome.severity
    row.term = outcome.promise.term
    row.started_at = outcome.started
    row.due_at = outcome.due
    row.strict_due_at = outcome.strict_due
    row.met_at = outcome.met_at
    row.fell_due_at = outcome.fell_due_at
    row.result = result_of(outcome)
    row.superseded = int(outcome.superseded)
    row.counted_seconds = int(counted.total_seconds()) if counted is not None else None
    row.tzdata = tzdata_version() if frozen else None
    row.soon_at = warn_at(promises, outcome)
