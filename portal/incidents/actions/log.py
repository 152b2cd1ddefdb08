"""Appending an event to an incident: the one way anything happens to one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.audit.actions import record
from portal.audit.rules import Actor as LogActor
from portal.contracts.models import Contract
from portal.incidents.actions.derived import derive
from portal.incidents.models import Incident, IncidentEvent
from portal.incidents.queries import history_of, promises_for
from portal.incidents.rules.steps import EVENTS
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.sla.rules.incident import Happened


@dataclass(frozen=True)
class Line:
    """What an event says beside its kind, author and moment."""

    severity: str | None = None
    ground: str | None = None
    begins_at: datetime | None = None
    answers: str | None = None
    from_report: bool = False
    counts: bool = True
    words: str | None = None
    happened_at: datetime | None = None
    files: tuple[str, ...] = ()


def append(
    session: Session,
    contract: Contract,
    incident: Incident,
    kind: Happened,
    line: Line,
    *,
    person: LogActor,
    side: str,
    at: datetime,
) -> IncidentEvent:
    """Write an event, what follows from it, and its entry, in the caller's transaction."""
    row = IncidentEvent(
        id=new_id(at), region=incident.region, contract_id=contract.id, incident_id=incident.id,
        position=len(incident.events) + 1, kind=kind.value, at=line.happened_at or at,
        reported_at=at, side=side, person_id=person.person, severity=line.severity,
        ground=line.ground, begins_at=line.begins_at, answers=line.answers,
        from_report=int(line.from_report), counts=int(line.counts),
    )  # fmt: skip
    put(session, row, words=line.words)
    incident.events.append(row)
    session.flush()
    promises = promises_for(session, contract, incident)
    derive(session, incident, history_of(incident), promises, now=at)
    record(
        session, contract.id, EVENTS[kind], actor=person, at=at,
        facts={
            "incident": incident.number, "severity": incident.severity, "event": row.id,
            **({"files": list(line.files)} if line.files else {}),
        },
    )  # fmt: skip
    return row
