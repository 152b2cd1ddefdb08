"""What stands beside an incident: people's names, files, notes of one's own side, watchers."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.models import Person
from portal.accounts.rules import Actor
from portal.contracts.models import Contract
from portal.contracts.queries import own_side
from portal.incidents.models import Attachment, Incident, NamedContact, Note, Watcher
from portal.kit.db import db
from portal.kit.errors import NotFound
from portal.residency.models import Document


def names_of(people: Iterable[str]) -> dict[str, str]:
    """Return the names of persons by id."""
    rows = db.session.execute(select(Person.id, Person.name).where(Person.id.in_(set(people))))
    return {row[0]: row[1] for row in rows}


def attachments_of(session: Session, incident: Incident) -> dict[str, list[Attachment]]:
    """Return an incident's files by the event they stand beside."""
    found: dict[str, list[Attachment]] = {}
    rows = session.scalars(
        select(Attachment).where(Attachment.incident_id == incident.id).order_by(Attachment.id)
    )
    for row in rows:
        found.setdefault(row.event_id, []).append(row)
    return found


def find_attachment(
    session: Session, incident: Incident, attachment_id: str
) -> tuple[Attachment, Document]:
    """Return one file of an incident with its document, or raise `NotFound`."""
    row = session.get(Attachment, attachment_id)
    if row is None or row.incident_id != incident.id:
        raise NotFound
    return row, session.get_one(Document, row.document_id)


def notes_for(session: Session, contract: Contract, actor: Actor, incident: Incident) -> list[Note]:
    """Return the notes of the actor's own side, oldest first; the other side's are not read."""
    side = own_side(contract, actor)
    return list(
        session.scalars(
            select(Note)
            .where(Note.incident_id == incident.id, Note.side == side.value)
            .order_by(Note.at, Note.id)
        )
    )


def watchers_of(session: Session, incident: Incident) -> list[Watcher]:
    """Return who watches an incident."""
    return list(
        session.scalars(
            select(Watcher).where(Watcher.incident_id == incident.id).order_by(Watcher.since)
        )
    )


def contacts_of(session: Session, contract: Contract) -> list[NamedContact]:
    """Return the customer's named contacts."""
    return list(
        session.scalars(
            select(NamedContact)
            .where(NamedContact.contract_id == contract.id)
            .order_by(NamedContact.since)
        )
    )
