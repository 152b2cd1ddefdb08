"""Writing down what follows from an incident's events: its standing and its clock records."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.incidents.models import ClockRecord, Incident
from portal.kit.refs import new_id
from portal.sla.rules import tzdata_version
from portal.sla.rules.incident import (
    Happened,
    History,
    Standing,
    is_excluded,
    severity_now,
    standing,
    standing_resolution,
)
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
    incident.breaches = sum(result_of(o) == "breached" and not o.superseded for o in found)
    return found


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
