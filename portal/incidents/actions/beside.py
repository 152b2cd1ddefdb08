"""What stands beside an incident: files, notes of one side, and who watches."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.models import Contract
from portal.contracts.queries import own_side
from portal.incidents.models import Attachment, Incident, IncidentEvent, Note, Watcher
from portal.incidents.queries import find_incident
from portal.incidents.rules.files import MEDIA_TYPES, ending_of, file_problem
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.residency.actions import store_document
from portal.residency.databases import RegionDatabase
from portal.residency.models import Document

Files = Sequence[tuple[str, bytes]]
Kept = Sequence[tuple[str, Document]]


def keep_files(
    session: Session,
    database: RegionDatabase | None,
    contract: Contract,
    files: Files,
    *,
    at: datetime,
) -> Kept:
    """Store files in the contract's region, before the transaction of what they stand beside."""
    for name, content in files:
        problem = file_problem(name, content)
        if problem:
            raise Refused(problem)
    if not files:
        return ()
    assert database is not None  # noqa: S101  whoever takes files brings the region's store
    ref = contract.id
    return [
        (name, store_document(session, database, contract_id=ref, kind="incident_file",
                              content=content, at=at))
        for name, content in files
    ]  # fmt: skip


def hashes_of(kept: Kept) -> tuple[str, ...]:
    """Return the SHA-256 of kept files, by which the entry of their event names them."""
    return tuple(document.sha256 for _, document in kept)


def attach(
    session: Session, incident: Incident, event: IncidentEvent, kept: Kept, *, at: datetime
) -> None:
    """Put kept files beside an event, in the caller's transaction."""
    for name, document in kept:
        session.add(document)
        session.flush()
        row = Attachment(
            id=new_id(at), region=incident.region, contract_id=incident.contract_id,
            incident_id=incident.id, event_id=event.id, document_id=document.id,
            media_type=MEDIA_TYPES[ending_of(name)], size=document.size,
        )  # fmt: skip
        put(session, row, name=name)


def write_note(
    session: Session, contract: Contract, actor: Actor, number: int, words: str, *, at: datetime
) -> Note:
    """Keep a note for one's own side. The log both sides read holds no entry of it."""
    demand(actor, "incident:follow")
    side = own_side(contract, actor)
    if not words.strip():
        raise Refused(say("Write the note."))
    with transaction(session):
        incident = find_incident(session, contract, number)
        row = Note(
            id=new_id(at), region=contract.region, contract_id=contract.id,
            incident_id=incident.id, side=side.value, person_id=actor.person_id, at=at,
        )  # fmt: skip
        return put(session, row, words=words.strip())


def watch(session: Session, contract: Contract, actor: Actor, number: int, *, at: datetime) -> bool:
    """Begin to watch an incident, or stop; return whether one watches now."""
    demand(actor, "contract:see")
    side = own_side(contract, actor)
    with transaction(session):
        incident = find_incident(session, contract, number)
        row = session.scalar(
            select(Watcher).where(
                Watcher.incident_id == incident.id, Watcher.person_id == actor.person_id
            )
        )
        if row is None:
            session.add(
                Watcher(
                    id=new_id(at), region=contract.region, contract_id=contract.id,
                    incident_id=incident.id, side=side.value, person_id=actor.person_id, since=at,
                )
            )  # fmt: skip
        else:
            session.delete(row)
        record(
            session, contract.id, f"incident:watch:{'ended' if row else 'begun'}",
            actor=actor.log, at=at, facts={"incident": incident.number},
        )  # fmt: skip
        return row is None
