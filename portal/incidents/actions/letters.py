"""Telling people of an incident by thin mail: its number and what happened, never its words."""

from datetime import datetime

from flask import current_app
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.contracts.models import Contract
from portal.contracts.queries import name_of
from portal.contracts.rules.life import Side
from portal.incidents.models import Incident, IncidentEvent
from portal.incidents.queries import people_of_incident
from portal.notices.actions import write_mail
from portal.notices.letters import letter

SUBJECTS = {
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
    actor: Actor,
    *,
    at: datetime,
) -> None:
    """Write a mail to everyone who follows the incident but the one who acted."""
    what = SUBJECTS[event.kind]
    sender = name_of(contract, Side(event.side))
    told = people_of_incident(session, contract, incident)
    for name, email in told:
        if email == actor.email:
            continue
        subject = f"{what}: incident {incident.number} ({incident.severity}), {contract.ref}"
        text = letter(
            "incidents_event", name=name, sender=sender, what=what, number=incident.number,
            ref=contract.ref, severity=incident.severity, due=incident.next_due_at,
            address=address_of(contract, incident),
        )  # fmt: skip
        write_mail(
            session, chain=contract.id, dedupe=f"incident:{event.id}:{email}", recipient=email,
            name=name, subject=subject, text=text, at=at,
        )  # fmt: skip


def address_of(contract: Contract, incident: Incident) -> str:
    """Return where an incident is; the person signs in there."""
    base: str = current_app.config["SETTINGS"].base_url
    return f"{base}/contracts/{contract.ref}/incidents/{incident.number}"
