"""Finding contracts. The first argument after the session is the member who asks: a contract of
other parties is not found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, selectinload

from portal.accounts.models import Membership, Organisation, Person
from portal.accounts.rules import NEGOTIATORS, Actor
from portal.contracts.models import Contract, InterimChange, Stakeholder
from portal.contracts.queries.in_force import TermsOverTime as TermsOverTime
from portal.contracts.queries.in_force import amends as amends
from portal.contracts.queries.in_force import current_version as current_version
from portal.contracts.queries.in_force import last_fact as last_fact
from portal.contracts.queries.in_force import layers_of as layers_of
from portal.contracts.queries.in_force import schema_of as schema_of
from portal.contracts.queries.in_force import settled_until as settled_until
from portal.contracts.queries.in_force import standing_terms as standing_terms
from portal.contracts.queries.in_force import terms_in_force as terms_in_force
from portal.contracts.queries.in_force import terms_of_each as terms_of_each
from portal.contracts.queries.in_force import terms_over_time as terms_over_time
from portal.contracts.queries.in_force import version_in_force as version_in_force
from portal.contracts.queries.life import archive_dates as archive_dates
from portal.contracts.queries.life import dated_facts as dated_facts
from portal.contracts.queries.life import service_end as service_end
from portal.contracts.queries.life import service_start as service_start
from portal.contracts.queries.life import state as state
from portal.contracts.rules.life import Side, State, completed_at, turn_of
from portal.contracts.rules.order import ALL_AT_ONCE, Seat, listed, open_seats
from portal.contracts.rules.people import FUNCTION_WORDS, OWNER, Member, suggested
from portal.contracts.rules.waiting import Standing
from portal.kit.db import db, directory_reader
from portal.kit.errors import NotFound
from portal.notices.rules import Recipient
from portal.residency.models import DataKey
from portal.templates.queries import pinned_template
from portal.templates.rules import Template


def find_contract(session: Session, actor: Actor, ref: str) -> Contract:
    """Return the contract, or raise `NotFound` where it is missing or not the actor's."""
    contract: Contract | None = session.scalar(
        select(Contract)
        .where(Contract.id == ref, _is_party(actor))
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
        .where(Contract.id.in_(refs), _is_party(actor))
        .options(
            selectinload(Contract.facts),
            selectinload(Contract.versions),
            selectinload(Contract.interim_changes),
        )
        .order_by(Contract.id)
    )
    return list(rows)


def _is_party(actor: Actor) -> ColumnElement[bool]:
    return or_(
        Contract.vendor_id == actor.organisation_id, Contract.customer_id == actor.organisation_id
    )


def side_of(contract: Contract, actor: Actor) -> Side | None:
    """Return the actor's side of a contract."""
    if actor.organisation_id == contract.vendor_id:
        return Side.VENDOR
    return Side.CUSTOMER if actor.organisation_id == contract.customer_id else None


def turn(contract: Contract) -> Side:
    """Return whose turn it is in the negotiation."""
    return turn_of(dated_facts(contract), started_by=Side(contract.started_by_side))


def signed_by(contract: Contract) -> dict[str, datetime]:
    """Return who signed the version that stands, and when, by person."""
    return _since_frozen(contract, "signed")


def _since_frozen(contract: Contract, kind: str) -> dict[str, datetime]:
    facts = sorted(contract.facts, key=lambda fact: (fact.at, fact.id))
    frozen = max((i for i, fact in enumerate(facts) if fact.kind == "frozen"), default=len(facts))
    return {fact.person_id: fact.at for fact in facts[frozen:] if fact.kind == kind}


def approved_by(contract: Contract) -> dict[str, datetime]:
    """Return who approved the version that stands, and when, by person."""
    return _since_frozen(contract, "approved")


def approvers(contract: Contract) -> list[Stakeholder]:
    """Return who approves before anybody signs, each person once, the vendor's first."""
    rows = sorted(contract.stakeholders, key=lambda row: (row.side != Side.VENDOR, row.id))
    return list({row.person_id: row for row in rows if row.approves}.values())


def approvals_missing(contract: Contract) -> list[Stakeholder]:
    """Return the approvers who have not approved the version that stands."""
    given = approved_by(contract)
    return [row for row in approvers(contract) if row.person_id not in given]


def signs_at_once(contract: Contract) -> bool:
    """Return whether all are asked to sign at the same time (term A13.order of the version)."""
    version = current_version(contract)
    return version is not None and version.canonical["terms"].get("A13.order") == ALL_AT_ONCE


def seats_of(contract: Contract) -> list[Seat]:
    """Return the places to sign as the rules of order see them."""
    signed = signed_by(contract)
    return [
        Seat(
            slot.id, slot.position, slot.person_id, slot.name, signed.get(slot.person_id),
            bool(slot.together),
        )
        for slot in sorted(contract.slots, key=lambda slot: slot.position)
    ]  # fmt: skip


def seats_to_sign(contract: Contract) -> list[Seat]:
    """Return the places whose turn it is: none while an approval is missing."""
    return open_seats(
        seats_of(contract), all_at_once=signs_at_once(contract),
        approvals_missing=len(approvals_missing(contract)),
    )  # fmt: skip


def standing(contract: Contract, actor: Actor, *, today: date) -> Standing:
    """Return where a contract stands for the member who looks."""
    side = side_of(contract, actor)
    if side is None:
        raise NotFound
    where = state(contract, today=today)
    open_now = seats_to_sign(contract) if where is State.SIGNING else []
    approving = approvals_missing(contract) if where is State.SIGNING else []
    awaited = [row.name for row in approving] or [seat.name for seat in open_now]
    return Standing(
        state=where,
        turn=turn(contract),
        side=side,
        step=contract.step,
        mine_to_sign=any(seat.person_id == actor.person_id for seat in open_now),
        next_signer=listed(awaited) or None,
        other_name=name_of(contract, side.other),
        mine_to_approve=any(row.person_id == actor.person_id for row in approving),
        approving=bool(approving),
    )


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
            .where(Organisation.id != actor.organisation_id)
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
class OnTemplate:
    """A contract that rests on a version of a template."""

    ref: str
    title: str
    other: str
    state: State


def contracts_on_template(
    sessions: Sequence[Session], actor: Actor, sha256: str, *, today: date
) -> list[OnTemplate]:
    """Return the actor's contracts that rest on this version, newest first."""
    whose = and_(_is_party(actor), Contract.template_sha256 == sha256)
    rows = _rows(sessions, actor, today=today, whose=whose)
    return [
        OnTemplate(
            row.ref, row.title, row.customer if row.side is Side.VENDOR else row.vendor,
            row.state,
        )
        for row in rows
    ]  # fmt: skip


def members_of(organisation_id: str) -> list[Member]:
    """Return the members of an organisation who can be named on a contract, by name.

    Read beside whatever transaction is open, so that a page never holds the directory's lock.
    """
    with directory_reader() as directory:
        return _members(directory, organisation_id)


def _members(directory: Session, organisation_id: str) -> list[Member]:
    rows = directory.execute(
        select(Person, Membership.roles)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.organisation_id == organisation_id,
            Membership.ended_at.is_(None),
            Person.deactivated_at.is_(None),
        )
        .order_by(Person.name)
    )
    return [
        Member(person.id, person.name, person.email, frozenset(roles.split(",")))
        for person, roles in rows
    ]


def people_to_tell(contract: Contract, side: Side) -> list[Recipient]:
    """Return whom a side's notices go to, each person once, the owner first.

    Before a side has named its people, or once all of them have left, its notices go to all its
    members who may negotiate. Whoever has left the organisation is told nothing any more.
    """
    organisation = organisation_of(contract, side)
    with directory_reader() as directory:
        members = {member.person_id: member for member in _members(directory, organisation)}
    named = [row for row in contract.stakeholders if row.side == side and row.person_id in members]
    named.sort(key=lambda row: row.function != OWNER)
    found = [Recipient(row.person_id, row.name, row.email, organisation) for row in named] or [
        Recipient(m.person_id, m.name, m.email, organisation)
        for m in members.values()
        if m.roles & {*NEGOTIATORS}
    ]
    return list({person.person_id: person for person in reversed(found)}.values())[::-1]


@dataclass(frozen=True)
class Place:
    """A signer's place: who signs for whom, and whether they have."""

    position: int
    person_id: str
    name: str
    title: str
    organisation: str
    signed_at: datetime | None
    is_next: bool


def signing_order(contract: Contract, *, today: date) -> list[Place]:
    """Return the signers of both sides in order."""
    signed = signed_by(contract)
    signing = state(contract, today=today) is State.SIGNING
    following = {seat.slot_id for seat in seats_to_sign(contract)} if signing else set()
    return [
        Place(
            position=slot.position,
            person_id=slot.person_id,
            name=slot.name,
            title=slot.title,
            organisation=name_of(contract, Side(slot.side)),
            signed_at=signed.get(slot.person_id),
            is_next=slot.id in following,
        )
        for slot in sorted(contract.slots, key=lambda slot: slot.position)
    ]


@dataclass(frozen=True)
class SidePeople:
    """The people of a side, as (function, names) in words, the owner first."""

    name: str
    word: str
    people: list[tuple[str, str]]


def people_of(contract: Contract) -> list[SidePeople]:
    """Return the people of both sides, the vendor's first."""
    sides = []
    for side in Side:
        named = []
        for function, words in FUNCTION_WORDS.items():
            rows = [p for p in contract.stakeholders if (p.side, p.function) == (side, function)]
            if rows:
                named.append((words, ", ".join(str(row.name) for row in rows)))
        sides.append(SidePeople(name_of(contract, side), side.value, named))
    return sides


def people_to_edit(
    contract: Contract, actor: Actor, members: Sequence[Member]
) -> dict[str, str | None]:
    """Return the people of the actor's side by field; who named nobody is given suggestions."""
    side = side_of(contract, actor)
    named = {row.function: row.person_id for row in contract.stakeholders if row.side == side}
    found: dict[str, str | None] = {**named}
    if not named:
        found = {name: suggested(name, members) for name in FUNCTION_WORDS}
    mine = [slot for slot in contract.slots if slot.side == side]
    for number, slot in enumerate(mine, 1):
        found |= {f"signer_{number}": slot.person_id, f"title_{number}": slot.title}
        found[f"together_{number}"] = "yes" if slot.together else None
    found |= {f"approves_{row.function}": "yes" for row in contract.stakeholders
              if row.side == side and row.approves}  # fmt: skip
    return found


def signers_across(contract: Contract, actor: Actor) -> list[str]:
    """Return the persons who sign for the other side."""
    side = side_of(contract, actor)
    return [slot.person_id for slot in contract.slots if slot.side != side]


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


@dataclass(frozen=True)
class Row:
    """A contract in a list."""

    ref: str
    title: str
    state: State
    turn: Side
    side: Side | None
    region: str
    vendor: str
    customer: str
    vendor_id: str
    customer_id: str
    created_at: datetime
    completed_at: datetime | None
    standing: Standing | None
    amends: str | None = None
    archived_on: date | None = None


def list_contracts(sessions: Sequence[Session], actor: Actor, *, today: date) -> list[Row]:
    """Return the actor's contracts over these regions, newest first; five queries a region."""
    return _rows(sessions, actor, today=today, whose=_is_party(actor))


def page_of_contracts(
    sessions: Sequence[Session], actor: Actor, *, today: date,
    after: tuple[datetime, str] | None, limit: int,
) -> list[Row]:  # fmt: skip
    """Return up to `limit` and one more of the actor's contracts, newest first, after a place.

    A place is (created at, reference). Seven queries a region, whichever page it is.
    """
    rows: list[Row] = []
    for session in sessions:
        keys: list[tuple[datetime, str]] = []
        for side in (Contract.vendor_id, Contract.customer_id):
            query = select(Contract.created_at, Contract.id).where(side == actor.organisation_id)
            if after is not None:
                at, ref = after
                same = and_(Contract.created_at == at, Contract.id < ref)
                query = query.where(or_(Contract.created_at < at, same))
            query = query.order_by(Contract.created_at.desc(), Contract.id.desc())
            keys += [(row[0], row[1]) for row in session.execute(query.limit(limit + 1))]
        refs = [ref for _, ref in sorted(keys, reverse=True)[: limit + 1]]
        rows += _rows([session], actor, today=today, whose=Contract.id.in_(refs))
    return sorted(rows, key=lambda row: (row.created_at, row.ref), reverse=True)[: limit + 1]


def every_contract(sessions: Sequence[Session], *, today: date) -> list[Row]:
    """Return all contracts on this host, for the operator's command line."""
    return _rows(sessions, None, today=today, whose=None)


def _rows(
    sessions: Sequence[Session],
    actor: Actor | None,
    *,
    today: date,
    whose: ColumnElement[bool] | None,
) -> list[Row]:
    found: list[Contract] = []
    rows = []
    for session in sessions:
        query = select(Contract).options(
            selectinload(Contract.facts),
            selectinload(Contract.versions),
            selectinload(Contract.slots),
        )
        keys = select(DataKey).join(Contract, Contract.id == DataKey.id)
        if whose is not None:
            query, keys = query.where(whose), keys.where(whose)
        # Held while the titles are opened, so that no contract asks for its key by itself.
        held = session.scalars(keys).all()
        contracts = session.scalars(query).all()
        rows += [_row(contract, actor, today=today) for contract in contracts]
        found += contracts
        del held
    archived = archive_dates(found, today=today)
    rows = [replace(row, archived_on=archived.get(row.ref)) for row in rows]
    return sorted(rows, key=lambda row: row.created_at, reverse=True)


def _row(contract: Contract, actor: Actor | None, *, today: date) -> Row:
    return Row(
        ref=contract.ref,
        title=contract.title,
        state=state(contract, today=today),
        turn=turn(contract),
        side=side_of(contract, actor) if actor else None,
        region=contract.region,
        vendor=contract.vendor_name,
        customer=contract.customer_name,
        vendor_id=contract.vendor_id,
        customer_id=contract.customer_id,
        created_at=contract.created_at,
        completed_at=completed_at(dated_facts(contract)),
        standing=standing(contract, actor, today=today) if actor else None,
        amends=contract.amends_id,
    )
