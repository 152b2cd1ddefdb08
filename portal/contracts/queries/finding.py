"""Finding a contract, its sides and its parties; another organisation's is not found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, selectinload

from portal.accounts.models import Organisation
from portal.accounts.queries import is_seen_by
from portal.accounts.rules import Actor
from portal.contracts.models import Contract, InterimChange
from portal.contracts.queries.in_force import last_fact
from portal.contracts.queries.life import dated_facts
from portal.contracts.rules.life import Side, turn_of
from portal.kit.db import db
from portal.kit.errors import NotFound
from portal.residency.models import DataKey
from portal.templates.queries import pinned_template
from portal.templates.rules import Template


def find_contract(session: Session, actor: Actor, ref: str) -> Contract:
    """Return the contract, or raise `NotFound` where it is missing or not the actor's."""
    contract: Contract | None = session.scalar(
        select(Contract)
        .where(Contract.id == ref, is_party(actor))
        .options(
            selectinload(Contract.facts),
            selectinload(Contract.slots),
            selectinload(Contract.stakeholders),
            selectinload(Contract.versions),
        )
    )
    if contract is None or side_of(contract, actor) is None:
        raise NotFound
    return contract


def running_contracts(session: Session, actor: Actor, refs: Sequence[str]) -> list[Contract]:
    """Return these contracts of the actor's in one region, ready to be read; five queries."""
    rows = session.scalars(
        select(Contract)
        .where(Contract.id.in_(refs), is_party(actor))
        .options(
            selectinload(Contract.facts),
            selectinload(Contract.versions),
            selectinload(Contract.interim_changes),
        )
        .order_by(Contract.id)
    )
    return list(rows)


def is_party(actor: Actor) -> ColumnElement[bool]:
    """Return what holds for the contracts of the actor's organisation."""
    return or_(
        Contract.vendor_id == actor.organisation_id, Contract.customer_id == actor.organisation_id
    )


def side_of(contract: Contract, actor: Actor) -> Side | None:
    """Return the actor's side of a contract."""
    if actor.organisation_id == contract.vendor_id:
        return Side.VENDOR
    return Side.CUSTOMER if actor.organisation_id == contract.customer_id else None


def own_side(contract: Contract, actor: Actor) -> Side:
    """Return the side of an actor who must be on one; to anybody else it is `NotFound`."""
    side = side_of(contract, actor)
    if side is None:
        raise NotFound
    return side


def turn(contract: Contract) -> Side:
    """Return whose turn it is in the negotiation."""
    return turn_of(dated_facts(contract), started_by=Side(contract.started_by_side))


def name_of(contract: Contract, side: Side) -> str:
    """Return the name of the organisation on a side."""
    return contract.vendor_name if side is Side.VENDOR else contract.customer_name


def organisation_of(contract: Contract, side: Side) -> str:
    """Return the id of the organisation on a side."""
    return contract.vendor_id if side is Side.VENDOR else contract.customer_id


def amendments_of(session: Session, contract: Contract) -> Sequence[Contract]:
    """Return a contract's amendments, signed or not, oldest first; five queries however many."""
    whose = Contract.amends_id == contract.id
    held = session.scalars(select(DataKey).join(Contract, Contract.id == DataKey.id).where(whose))
    # Held by the contracts' session while the titles are opened: one query for all keys.
    keys = held.all()
    rows = session.scalars(
        select(Contract)
        .where(whose)
        .order_by(Contract.created_at)
        .options(selectinload(Contract.facts), selectinload(Contract.versions))
    ).all()
    for row in rows:
        assert row.title  # noqa: S101  opened here, so that no page asks for a key by itself
    del keys
    return rows


def find_interim_change(contract: Contract, number: int) -> InterimChange:
    """Return a proposed change of a schedule by its number, or raise `NotFound`."""
    for row in contract.interim_changes:
        if row.number == number:
            return row
    raise NotFound


def counterparties(actor: Actor) -> list[Organisation]:
    """Return the organisations the actor's may contract with: every other one on this host."""
    return list(
        db.session.scalars(
            select(Organisation)
            .where(Organisation.id != actor.organisation_id, is_seen_by(actor.organisation_id))
            .order_by(Organisation.name)
        )
    )


def own_organisation(actor: Actor) -> Organisation:
    """Return the actor's own organisation."""
    return db.session.get_one(Organisation, actor.organisation_id)


def template_of(contract: Contract) -> Template:
    """Return the template a contract is pinned to."""
    return pinned_template(contract.template, contract.template_sha256)


@dataclass(frozen=True)
class Ended:
    """How a contract ended before it was signed by all."""

    organisation: str
    at: datetime
    reason: str


def ended(contract: Contract) -> Ended | None:
    """Return who withdrew from or declined the contract, when and why."""
    kinds = ("withdrawn", "declined", "voided")
    fact = next((fact for kind in kinds if (fact := last_fact(contract, kind))), None)
    if fact is None or fact.side is None:
        return None
    return Ended(name_of(contract, Side(fact.side)), fact.at, fact.reason or "")
