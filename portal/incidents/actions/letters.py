"""Telling people of an incident: its number and what happened, never its words."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.contracts.queries import name_of
from portal.contracts.rules.life import Side
from portal.incidents.models import Incident, IncidentEvent
from portal.incidents.queries import people_of_incident
from portal.notices.actions import tell

WHAT = {
    "reported": "Reported",
    "message": "New message",
    "acknowledged": "Acknowledged",
    "response": "First diagnosis",
    "update": "Update",
    "severity_proposed": "Another severity proposed",
    "severity_agreed": "Severity agreed",
    "severity_declined": "Severity disputed",
    "severity_withdrawn": "Severity proposal withdrawn",
    "pause_claimed": "Clocks paused",
    "pause_contested": "Pause contested",
    "pause_settled": "Pause settled",
    "pause_ended": "Clocks run again",
    "workaround": "Workaround delivered",
    "resolved": "Resolved: please confirm",
    "refused": "Delivery refused",
    "confirmed": "Closed",
    "reopened": "Reopened",
    "excluded": "Exclusion claimed",
    "exclusion_contested": "Exclusion contested",
    "exclusion_settled": "Exclusion settled",
}


def tell_sides(
    session: Session,
    contract: Contract,
    incident: Incident,
    event: IncidentEvent,
    *,
    at: datetime,
) -> None:
    """Tell everyone who follows the incident but the one who acted; severity 1 comes at night."""
    critical = incident.severity == "S1"
    for person in people_of_incident(session, contract, incident):
        if person.person_id == event.person_id:
            continue
        tell(
            session, event="incidents:critical:told" if critical else "incidents:incident:told",
            to=person, chain=contract.id, cause=event.id, at=at, by=event.person_id,
            link=path_of(contract, incident), what=WHAT[event.kind], number=incident.number,
            severity=incident.severity, sender=name_of(contract, Side(event.side)),
            due=incident.next_due_at,
        )  # fmt: skip


def path_of(contract: Contract, incident: Incident) -> str:
    """Return where an incident is in the portal."""
    return f"/contracts/{contract.id}/incidents/{incident.number}"
