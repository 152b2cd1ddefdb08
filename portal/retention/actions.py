"""Holding a contract's records, and letting their content go. The log stays, and still proves."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.audit.queries import head
from portal.audit.rules import PORTAL
from portal.contracts.models import Contract
from portal.contracts.queries import own_side, people_to_tell
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.notices.actions import tell
from portal.profiles.actions import administrators
from portal.residency.actions import mail_waits, remove_contracts
from portal.residency.databases import RegionDatabase
from portal.residency.models import Document
from portal.retention import queries, rules
from portal.retention.models import Deletion, LegalHold


def set_hold(
    session: Session, actor: Actor, contract: Contract, *, reason: str, at: datetime
) -> LegalHold:
    """Keep everything about a contract from now on; the other side learns that, and not why."""
    demand(actor, "hold:set")
    side, why = own_side(contract, actor), rules.read_reason(reason)
    with transaction(session):
        row = LegalHold(
            id=new_id(at), region=contract.region, contract_id=contract.id, side=side,
            set_by=actor.person_id, set_at=at,
        )  # fmt: skip
        put(session, row, reason=why, who=actor.name)
        session.flush()
        _enter(session, contract, actor, "retention:hold:set", at, hold=row.id, side=side)
        _tell(session, contract, "retention:hold:set", row.id, actor, at)
    return row


def ask_to_lift(
    session: Session, actor: Actor, contract: Contract, hold_id: str, *, at: datetime
) -> None:
    """Ask that a hold of one's own side be lifted; another member must confirm it."""
    demand(actor, "hold:set")
    with transaction(session):
        row = _standing(session, contract, actor, hold_id)
        row.lift_asked_by, row.lift_asked_at = actor.person_id, at
        _enter(session, contract, actor, "retention:hold:lift_asked", at, hold=row.id)


def lift(session: Session, actor: Actor, contract: Contract, hold_id: str, *, at: datetime) -> None:
    """Say the second "yes": the hold is lifted, and both sides are told."""
    demand(actor, "hold:set")
    with transaction(session):
        row = _standing(session, contract, actor, hold_id)
        rules.demand_lift(asked_by=row.lift_asked_by, person=actor.person_id)
        row.lifted_by, row.lifted_at = actor.person_id, at
        _enter(session, contract, actor, "retention:hold:lifted", at, hold=row.id, side=row.side)
        _tell(session, contract, "retention:hold:lifted", row.id, actor, at)


def _standing(session: Session, contract: Contract, actor: Actor, hold_id: str) -> LegalHold:
    row = queries.find_hold(session, contract, hold_id, side=own_side(contract, actor))
    if row.lifted_at is not None:
        raise Refused(say("This hold was lifted already."))
    return row


def ask_to_delete(session: Session, actor: Actor, contract: Contract, *, at: datetime) -> Deletion:
    """Ask the other side to let a contract's content be deleted, once its time is over."""
    demand(actor, "retention:edit")
    side = own_side(contract, actor)
    with transaction(session):
        queries.demand_deletable(session, contract, today=at.date())
        row = Deletion(
            id=new_id(at), region=contract.region, contract_id=contract.id,
            vendor_id=contract.vendor_id, customer_id=contract.customer_id,
            asked_by=actor.person_id, asked_side=side, asked_at=at,
        )  # fmt: skip
        session.add(row)
        try:
            session.flush()
        except IntegrityError as error:
            raise Refused(say("A deletion of this contract waits already.")) from error
        _enter(session, contract, actor, "retention:deletion:asked", at, deletion=row.id)
        _tell(session, contract, "retention:deletion:asked", row.id, actor, at)
    return row


def agree_to_delete(session: Session, actor: Actor, contract: Contract, *, at: datetime) -> None:
    """Agree to the other side's wish; the worker deletes, unless a hold comes before it."""
    demand(actor, "retention:edit")
    with transaction(session):
        row = _open(session, contract)
        if row.agreed_at is not None:
            raise Refused(say("This was agreed to already."))
        if row.asked_side == own_side(contract, actor):
            raise Refused(
                say("Your side asked for this. An administrator of the other must agree.")
            )
        queries.demand_deletable(session, contract, today=at.date())
        row.agreed_by, row.agreed_at = actor.person_id, at
        _enter(session, contract, actor, "retention:deletion:agreed", at, deletion=row.id)
        _tell(session, contract, "retention:deletion:agreed", row.id, actor, at)


def withdraw_deletion(session: Session, actor: Actor, contract: Contract, *, at: datetime) -> None:
    """Stop a deletion that is not done yet; either side may."""
    demand(actor, "retention:edit")
    own_side(contract, actor)
    with transaction(session):
        row = _open(session, contract)
        row.withdrawn_at = at
        _enter(session, contract, actor, "retention:deletion:withdrawn", at, deletion=row.id)


def _open(session: Session, contract: Contract) -> Deletion:
    row = queries.open_deletion(session, contract.id)
    if row is None:
        raise NotFound
    return row


def carry_out_deletions(session: Session, database: RegionDatabase, *, at: datetime) -> int:
    """Delete the content of what both sides agreed on; return how many contracts are gone.

    Whoever is interrupted goes on at the next call: files first, rows and keys in one transaction
    with the mark that it is done. A hold set since then, or mail still on its way, stops it.
    """
    done = 0
    for deletion_id in queries.agreed_deletions(session):
        session.rollback()
        session.expire_all()
        row = session.get_one(Deletion, deletion_id)
        contract = session.get(Contract, row.contract_id)
        if contract is None:  # it moved to another region meanwhile, and may be asked for there
            with transaction(session):
                row.withdrawn_at = at
            continue
        done += _delete(session, database, row, contract, at)
    session.rollback()
    return done


def _delete(
    session: Session, database: RegionDatabase, row: Deletion, contract: Contract, at: datetime
) -> bool:
    refs = [one.id for one in queries.family_of(contract)]
    try:
        queries.demand_deletable(session, contract, today=at.date())
    except Refused:
        with transaction(session):
            row.withdrawn_at = at
            record(session, contract.id, "retention:deletion:stopped", actor=PORTAL, at=at,
                   facts={"deletion": row.id})  # fmt: skip
        return False
    if mail_waits(session, refs):
        return False
    documents = session.scalar(
        select(func.count()).select_from(Document).where(Document.contract_id.in_(refs))
    )
    last = dict.fromkeys(refs, "")
    session.rollback()

    def mark(rows: int) -> None:
        for ref in refs:
            record(
                session, ref, "retention:content:deleted", actor=PORTAL, at=at,
                facts={"deletion": deletion_id, "rows": rows, "documents": documents},
            )  # fmt: skip
            last[ref] = head(session, ref) or ""
        gone = session.get_one(Deletion, deletion_id)
        gone.deleted_at, gone.rows, gone.documents = at, rows, documents
        gone.head = last[contract_id]

    deletion_id, contract_id = row.id, row.contract_id
    remove_contracts(session, database, refs, mark=mark)
    return True


def _enter(
    session: Session, contract: Contract, actor: Actor, event: str, at: datetime, **facts: Any
) -> None:
    record(session, contract.id, event, actor=actor.log, at=at, facts=facts)


def _tell(
    session: Session, contract: Contract, event: str, cause: str, actor: Actor, at: datetime
) -> None:
    for side in Side:
        people = [*administrators(contract, side), *people_to_tell(contract, side)]
        for to in {one.person_id: one for one in people}.values():
            tell(
                session, event=event, to=to, chain=contract.id, cause=cause,
                link=f"/contracts/{contract.id}/retention", by=actor.person_id, at=at,
                organisation=actor.organisation_name,
            )  # fmt: skip
