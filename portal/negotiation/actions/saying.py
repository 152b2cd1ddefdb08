"""Notes for one's own side, and comments both sides read. Sharing is an act of its own."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.models import Contract
from portal.contracts.queries import own_side, side_of
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.negotiation import rules
from portal.negotiation.actions.letters import tell_each, tell_others
from portal.negotiation.actions.private import record_privately
from portal.negotiation.models import Comment, Note
from portal.negotiation.queries import Negotiation, negotiation_of, readers_of
from portal.notices.rules import Recipient


def write_note(
    session: Session,
    contract: Contract,
    actor: Actor,
    *,
    text: str,
    term: str | None = None,
    at: datetime,
) -> Note:
    """Write a note that only the actor's side reads; those it mentions get a thin mail."""
    demand(actor, "comment:write")
    found = _table(session, contract, actor, term, at=at)
    if not text.strip():
        raise Refused(say("Write something first."))
    with transaction(session):
        note = Note(
            id=new_id(at), region=contract.region, contract_id=contract.id, term=term,
            side=found.side.value, person_id=actor.person_id, at=at,
        )  # fmt: skip
        put(session, note, text=text.strip())
        record_privately(
            session, contract, found.side, "negotiation:note:written", actor=actor, at=at,
            facts={"note": note.id, "term": term},
        )  # fmt: skip
        _mention(session, found, note.id, text, actor, shared=False, at=at)
        return note


def share_note(
    session: Session, contract: Contract, actor: Actor, note_id: str, *, at: datetime
) -> Comment:
    """Make a comment of a note's text, once; from then on both sides read it."""
    demand(actor, "comment:share")
    with transaction(session):
        found = negotiation_of(session, contract, actor, at=at)
        note = note_for(session, contract, actor, note_id)
        if note.shared_at is not None:
            raise Refused(say("This note is shared already."))
        comment = Comment(
            id=new_id(at), region=contract.region, contract_id=contract.id, term=note.term,
            side=found.side.value, person_id=actor.person_id, at=at,
        )  # fmt: skip
        put(session, comment, text=note.text)
        note.shared_at = note.resolved_at = at
        note.resolved_by = actor.person_id
        record(
            session, contract.id, "negotiation:comment:shared", actor=actor.log, at=at,
            facts={"comment": comment.id, "term": note.term},
        )  # fmt: skip
        tell_others(
            session, found, "negotiation:comment:shared", comment.id, by=actor, at=at,
            page="comments",
        )  # fmt: skip
        _mention(session, found, comment.id, note.text, actor, shared=True, at=at)
        return comment


def note_for(session: Session, contract: Contract, actor: Actor, note_id: str) -> Note:
    """Return a note of the actor's own side, or raise `NotFound`."""
    side = side_of(contract, actor)
    note: Note | None = session.scalar(
        select(Note).where(Note.id == note_id, Note.contract_id == contract.id)
    )
    if note is None or note.side != side:
        raise NotFound
    return note


def resolve(
    session: Session, contract: Contract, actor: Actor, said_id: str, *, at: datetime
) -> Comment | Note:
    """Mark a comment, or a note of one's own side, as settled; resolving twice changes nothing."""
    demand(actor, "comment:write")
    side = own_side(contract, actor)
    with transaction(session):
        comment: Comment | None = session.scalar(
            select(Comment).where(Comment.id == said_id, Comment.contract_id == contract.id)
        )
        said: Comment | Note = comment or note_for(session, contract, actor, said_id)
        if said.resolved_at is not None:
            return said
        said.resolved_at, said.resolved_by = at, actor.person_id
        if comment is not None:
            record(
                session, contract.id, "negotiation:comment:resolved", actor=actor.log, at=at,
                facts={"comment": said_id},
            )  # fmt: skip
        else:
            record_privately(
                session, contract, Side(side), "negotiation:note:resolved", actor=actor, at=at,
                facts={"note": said_id},
            )  # fmt: skip
        return said


def _table(
    session: Session, contract: Contract, actor: Actor, term: str | None, *, at: datetime
) -> Negotiation:
    found = negotiation_of(session, contract, actor, at=at)
    if term is not None and term not in found.schema.terms:
        raise NotFound
    return found


def _mention(
    session: Session,
    found: Negotiation,
    key: str,
    text: str,
    actor: Actor,
    *,
    shared: bool,
    at: datetime,
) -> None:
    readers = readers_of(found.contract, found.side, shared=shared)
    people = [
        Recipient(one.person_id, one.name, one.email, one.organisation_id)
        for one in rules.mentioned(text, readers)
        if one.person_id != actor.person_id
    ]
    tell_each(
        session, found, "negotiation:person:mentioned", key, people, by=actor, at=at,
        page="comments", who=actor.name,
    )  # fmt: skip
