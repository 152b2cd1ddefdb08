"""Telling people of an incident: its number and what happened, never its words."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.contracts.queries import name_of
from portal.contracts.rules.life import Side
from portal.incidents.models import Incident, IncidentEvent
from portal.incidents.queries import people_of_incident
from portal.kit.words import say
from portal.notices.actions import tell

WHAT = {
    "reported": say("Reported"),
    "message": say("New message"),
    "acknowledged": say("Acknowledged"),
    "response": say("First diagnosis"),
    "update": say("Update"),
    "severity_proposed": say("Another severity proposed"),
    "severity_agreed": say("Severity agreed"),
    "severity_declined": say("Severity disputed"),
    "severity_withdrawn": say("Severity proposal withdrawn"),
    "pause_claimed": say("Clocks paused"),
    "pause_contested": say("Pause contested"),
    "pause_settled": say("Pause settled"),
    "pause_ended": say("Clocks run again"),
    "workaround": say("Workaround delivered"),
    "resolved": say("Resolved: please confirm"),
    "refused": say("Delivery refused"),
    "confirmed": say("Closed"),
    "reopened": say("Reopened"),
    "excluded": say("Exclusion claimed"),
    "exclusion_contested": say("Exclusion contested"),
    "exclusion_settled": say("Exclusion settled"),
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
