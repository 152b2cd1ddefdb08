"""Opening a renewal as round 1 of a new contract, filled with the terms in force."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.models import Organisation
from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.actions import Pin, Pins, finish_step, name_people, start_contract
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, members_of, state
from portal.contracts.rules.life import State
from portal.contracts.rules.people import Signer
from portal.contracts.rules.waiting import STEPS
from portal.kit.db import db, transaction
from portal.kit.errors import Refused
from portal.kit.words import say
from portal.negotiation.actions import set_offers
from portal.renewals.actions.giving import Table, table_of
from portal.renewals.actions.letters import Post
from portal.renewals.actions.projection import hold
from portal.renewals.queries.term import price_told, renewal_of
from portal.renewals.rules.promised import renewed_terms
from portal.renewals.rules.working import in_words
from portal.residency.databases import RegionDatabase

CLOSED = frozenset({State.DECLINED, State.WITHDRAWN})


def start_round(
    session: Session, database: RegionDatabase, actor: Actor, contract: Contract, *, at: datetime
) -> Contract:
    """Start the contract that is to renew this one, its round 1 a draft of the actor's side.

    Both sides are told that it is being prepared; nothing is offered until the round is sent.
    """
    demand(actor, "contract:start")
    table = table_of(session, actor, contract, at=at)
    _demand_none(session, actor, table, at=at)
    price = price_told(session, table.found)
    fee = price.words["words"]["fee"] if price else None
    values = renewed_terms(table.found.terms, begins=table.found.span.ends, fee=fee)
    new = _draft(session, database, actor, contract, at=at, title=_title(contract, table))
    set_offers(session, new, actor, values, at=at)
    _same_people(session, new, actor, contract, table, at=at)
    for step in STEPS:
        finish_step(session, new, actor, step=step, at=at)
    with transaction(session):
        held = hold(session, contract.id)
        row = renewal_of(session, held)
        if row is None:
            raise Refused(say("The dates of this contract are not computed yet."))
        row.successor = new.id
        record(
            session, held.id, "renewal:round:started", actor=actor.log, at=at,
            facts={"successor": new.id, "term": row.number},
        )  # fmt: skip
        post = Post(session, held, at)
        post.tell(table.side.other, "renewal:round", new.id, sender=actor.organisation_name)
    return find_contract(session, actor, new.id)


def _title(contract: Contract, table: Table) -> str:
    plain = contract.title.partition(", renewed from")[0]
    return f"{plain}, renewed from {in_words(table.found.span.ends)}"[:120]


def _demand_none(session: Session, actor: Actor, table: Table, *, at: datetime) -> None:
    if not table.row.successor:
        return
    earlier = find_contract(session, actor, table.row.successor)
    if state(earlier, today=at.date()) not in CLOSED:
        raise Refused(say("A renewal was already started: %(id)s.", id=earlier.id))


def _draft(
    session: Session, database: RegionDatabase, actor: Actor, contract: Contract, *, title: str,
    at: datetime,
) -> Contract:  # fmt: skip
    tier = Pin(contract.tier, contract.tier_sha256 or "") if contract.tier else None
    return start_contract(
        session, database, actor, title=title,
        vendor=db.session.get_one(Organisation, contract.vendor_id),
        customer=db.session.get_one(Organisation, contract.customer_id),
        pins=Pins(
            template=Pin(contract.template, contract.template_sha256),
            schema=Pin(contract.schema_version, contract.schema_sha256),
            standard=Pin(contract.standard_version, contract.standard_sha256),
            tier=tier,
        ),
        at=at,
    )  # fmt: skip


def _same_people(
    session: Session, new: Contract, actor: Actor, old: Contract, table: Table, *, at: datetime
) -> None:
    """Name the people and signers of the old contract who are still members."""
    members = {member.person_id for member in members_of(actor.organisation_id)}
    side = table.side.value
    functions = {
        row.function: row.person_id
        for row in old.stakeholders
        if row.side == side and row.person_id in members
    }
    functions.setdefault("owner", actor.person_id)
    signers = [
        Signer(slot.person_id, slot.title)
        for slot in sorted(old.slots, key=lambda slot: slot.position)
        if slot.side == side and slot.person_id in members
    ]
    name_people(session, new, actor, functions=functions, signers=signers, at=at)
