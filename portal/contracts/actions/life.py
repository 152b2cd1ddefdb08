"""Starting, staffing and withdrawing a contract."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.accounts.models import Organisation
from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.actions.facts import add_fact
from portal.contracts.models import Contract, SignerSlot, Stakeholder
from portal.contracts.queries import (
    members_of,
    name_of,
    own_side,
    people_to_tell,
    signers_across,
    state,
    template_of,
    turn,
)
from portal.contracts.rules import people as rules
from portal.contracts.rules.life import Side, State
from portal.contracts.rules.waiting import (
    ALL_STEPS_DONE,
    OPEN,
    STEPS,
    may_void,
    may_withdraw,
)
from portal.kit.db import transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.notices.actions import tell
from portal.residency.actions import make_data_key
from portal.residency.databases import RegionDatabase, hold_family
from portal.residency.rules import allowed_for, new_public_ref
from portal.templates.rules import slots_problem

# Slots are moved out of the way before they are numbered anew: (contract, position) is unique.
ASIDE = 1000
RETIRED = 1_000_000


@dataclass(frozen=True)
class Pin:
    """A published thing a contract rests on: its name with its version, and its SHA-256."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Pins:
    """Everything a new contract is pinned to."""

    template: Pin
    schema: Pin
    standard: Pin
    tier: Pin | None


def start_contract(
    session: Session,
    database: RegionDatabase,
    actor: Actor,
    *,
    title: str,
    vendor: Organisation,
    customer: Organisation,
    pins: Pins,
    at: datetime,
    ref: str | None = None,
) -> Contract:
    """Create a draft in a region both organisations allow, with its own data key.

    `ref` is a reference somebody keeps in the same transaction, so that a crash loses neither.
    """
    demand(actor, "contract:start")
    region = database.region
    if not allowed_for({region.name: region}, vendor.allowed_regions, customer.allowed_regions):
        raise Refused(say("%(label)s is not allowed by both organisations.", label=region.label))
    side = _side_among(actor, vendor=vendor, customer=customer)
    with transaction(session):
        ref = ref or new_public_ref(region.name)
        make_data_key(session, database, contract_id=ref, at=at)
        contract = Contract(
            id=ref, region=region.name, vendor_id=vendor.id, customer_id=customer.id,
            vendor_name=vendor.name, customer_name=customer.name, started_by_side=side,
            template=pins.template.name, template_sha256=pins.template.sha256,
            schema_version=pins.schema.name, schema_sha256=pins.schema.sha256,
            standard_version=pins.standard.name, standard_sha256=pins.standard.sha256,
            tier=pins.tier.name if pins.tier else None,
            tier_sha256=pins.tier.sha256 if pins.tier else None,
            created_at=at, step=1,
        )  # fmt: skip
        put(session, contract, title=title)
        session.flush()
        record(
            session, ref, "contract:started", actor=actor.log, at=at,
            facts={
                "side": side,
                "template_sha256": contract.template_sha256,
                "schema_sha256": contract.schema_sha256,
                "standard_sha256": contract.standard_sha256,
                "tier_sha256": contract.tier_sha256,
            },
        )  # fmt: skip
    return contract


def _side_among(actor: Actor, *, vendor: Organisation, customer: Organisation) -> Side:
    if vendor.id == customer.id:
        raise Refused(say("A contract needs two organisations."))
    if actor.organisation_id not in (vendor.id, customer.id):
        raise NotFound
    return Side.VENDOR if actor.organisation_id == vendor.id else Side.CUSTOMER


def finish_step(
    session: Session, contract: Contract, actor: Actor, *, step: str, at: datetime
) -> None:
    """Remember that a step of the guided start is done, so that it resumes at the next one."""
    demand(actor, "contract:start")
    demand_starting(contract, actor, at=at)
    place = STEPS.index(step) + 1
    with transaction(session):
        contract.step = max(contract.step, min(place + 1, ALL_STEPS_DONE))
        record(
            session, contract.id, "contract:step:finished", actor=actor.log, at=at,
            facts={"step": place},
        )  # fmt: skip


def demand_starting(contract: Contract, actor: Actor, *, at: datetime) -> None:
    """Refuse whoever is not preparing round 1 of this contract."""
    side = own_side(contract, actor)
    if state(contract, today=at.date()) is not State.DRAFT:
        raise Refused(say("Round 1 was sent. From now on the terms change in the negotiation."))
    if turn(contract) is not side:
        raise Refused(
            say("%(name_of)s prepares the first round.", name_of=name_of(contract, side.other))
        )


def name_people(
    session: Session,
    contract: Contract,
    actor: Actor,
    *,
    functions: Mapping[str, str],
    signers: Sequence[rules.Signer],
    approving: Collection[str] = (),
    at: datetime,
) -> None:
    """Replace the people of the actor's side: person by function, and its signers in order.

    `approving` names the functions whose person approves before anybody signs.
    """
    demand(actor, "contract:edit_people")
    side = own_side(contract, actor)
    if state(contract, today=at.date()) not in OPEN:
        raise Refused(say("The agreement is frozen: who signs it is part of it."))
    members = {member.person_id: member for member in members_of(actor.organisation_id)}
    theirs = signers_across(contract, actor)
    problem = rules.people_problem(members, functions=functions, signers=signers, theirs=theirs)
    problem = problem or slots_problem(template_of(contract), side, len(signers))
    if problem:
        raise Refused(problem)
    with transaction(session):
        _write_stakeholders(session, contract, side, functions, members, approving, at=at)
        _write_slots(session, contract, side, signers, members, at=at)
        record(
            session, contract.id, "contract:people:changed", actor=actor.log, at=at,
            facts={
                "side": side, "stakeholders": len(functions), "signers": len(signers),
                "approvers": len({functions[name] for name in approving if name in functions}),
            },
        )  # fmt: skip
    session.expire(contract, ["stakeholders", "slots"])


def _write_stakeholders(
    session: Session,
    contract: Contract,
    side: Side,
    functions: Mapping[str, str],
    members: Mapping[str, rules.Member],
    approving: Collection[str],
    *,
    at: datetime,
) -> None:
    for row in [row for row in contract.stakeholders if row.side == side]:
        session.delete(row)
    session.flush()
    for function, person_id in functions.items():
        row = Stakeholder(
            id=new_id(at), region=contract.region, contract_id=contract.id, side=side,
            person_id=person_id, function=function, approves=int(function in approving),
        )  # fmt: skip
        put(session, row, name=members[person_id].name, email=members[person_id].email)


def _write_slots(
    session: Session,
    contract: Contract,
    side: Side,
    signers: Sequence[rules.Signer],
    members: Mapping[str, rules.Member],
    *,
    at: datetime,
) -> None:
    """Keep the slot of whoever stays, and number both sides anew in one sequence."""
    titles = {signer.person_id: signer.title for signer in signers}
    together = {signer.person_id for signer in signers[1:] if signer.together}
    kept = []
    for number, slot in enumerate(list(contract.slots)):
        if slot.side == side and slot.person_id not in titles:
            _let_go(session, contract, slot, at=at)
        else:
            slot.position = ASIDE + number
            kept.append(slot)
    session.flush()
    places = _places(side, list(titles), [slot for slot in kept if slot.side != side])
    held = {slot.person_id: slot for slot in kept} | _retired(session, contract, titles)
    for person_id, place in places.items():
        slot = held.get(person_id) or SignerSlot(
            id=new_id(at), region=contract.region, contract_id=contract.id, side=side,
            person_id=person_id,
        )  # fmt: skip
        slot.position, slot.retired_at = place, None
        if person_id in titles:
            member = members[person_id]
            slot.together = int(person_id in together)
            put(session, slot, name=member.name, email=member.email, title=titles[person_id])
    session.flush()


def _let_go(session: Session, contract: Contract, slot: SignerSlot, *, at: datetime) -> None:
    """Remove a slot; where a version was signed before, its row stays for that signature."""
    if not contract.versions:
        session.delete(slot)
        return
    slot.retired_at = at
    last = session.scalar(
        select(func.max(SignerSlot.position)).where(SignerSlot.contract_id == contract.id)
    )
    slot.position = max(last or 0, RETIRED) + 1


def _retired(
    session: Session, contract: Contract, titles: Mapping[str, str]
) -> dict[str, SignerSlot]:
    """Return the retired slots of persons who are named again."""
    rows = session.scalars(
        select(SignerSlot).where(
            SignerSlot.contract_id == contract.id,
            SignerSlot.retired_at.is_not(None),
            SignerSlot.person_id.in_(list(titles)),
        )
    )
    return {row.person_id: row for row in rows}


def _places(side: Side, mine: Sequence[str], theirs: Sequence[SignerSlot]) -> dict[str, int]:
    others = [slot.person_id for slot in sorted(theirs, key=lambda slot: slot.position)]
    if side is Side.VENDOR:
        return rules.sequence(mine, others)
    return rules.sequence(others, mine)


def withdraw(
    session: Session,
    contract: Contract,
    actor: Actor,
    *,
    reason: str,
    at: datetime,
) -> None:
    """End a negotiation; both sides are told. Frozen terms are voided instead."""
    demand(actor, "contract:withdraw")
    side = own_side(contract, actor)
    if not reason.strip():
        raise Refused(say("Give a reason: the other side will read it."))
    with transaction(session):
        session.expire_all()
        hold_family(session, contract.id)
        where = state(contract, today=at.date())
        if may_void(where):
            raise Refused(say("The terms are frozen: void the signing instead of withdrawing."))
        if not may_withdraw(where):
            raise Refused(say("This contract can no longer be withdrawn."))
        add_fact(
            session, contract, "withdrawn", person_id=actor.person_id, side=side, at=at,
            reason=reason,
        )  # fmt: skip
        record(
            session, contract.id, "contract:withdrawn", actor=actor.log, at=at,
            facts={"side": side},
        )  # fmt: skip
        for person in [p for s in Side for p in people_to_tell(contract, s)]:
            if person.person_id != actor.person_id:
                tell(
                    session, event="contract:withdrawn", to=person, chain=contract.id,
                    cause=contract.id, link=f"/contracts/{contract.ref}", by=actor.person_id,
                    organisation=actor.organisation_name, at=at,
                )  # fmt: skip
