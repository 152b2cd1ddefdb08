"""Giving a place to sign to a colleague: a formal new invitation, never a shared link."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.actions import add_fact
from portal.contracts.models import Contract, SignerSlot, Version
from portal.contracts.queries import side_of
from portal.contracts.rules.life import Side
from portal.contracts.rules.order import is_reached
from portal.kit.db import transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.signing import queries, rules
from portal.signing.actions.invitations import invite_open
from portal.signing.actions.letters import Post
from portal.signing.actions.turn import demand_signing, hold
from portal.signing.models import Handover


@dataclass(frozen=True)
class To:
    """The person who takes a place, the title they sign under, and why."""

    person_id: str
    title: str
    reason: str


def delegate(session: Session, actor: Actor, contract: Contract, to: To, *, at: datetime) -> None:
    """Give one's own place to a colleague who may sign; they are invited anew, all are told."""
    demand(actor, "signature:sign")
    with transaction(session):
        hold(session, contract)
        slot = queries.slot_of(contract, actor.person_id)
        if slot is None:
            raise NotFound
        version = demand_signing(contract, at=at)
        if queries.signature_of(session, version, slot) is not None:
            raise Refused(say("You have already signed: nothing is left to give away."))
        _hand_over(session, actor, contract, version, slot, to, kind="delegated", at=at)


def reassign(
    session: Session, actor: Actor, contract: Contract, slot_id: str, to: To, *, at: datetime
) -> None:
    """Give a place of one's own side to another colleague before it was reached."""
    demand(actor, "signing:reassign")
    with transaction(session):
        hold(session, contract)
        slot = next((one for one in contract.slots if one.id == slot_id), None)
        if slot is None or slot.side != side_of(contract, actor):
            raise NotFound
        version = demand_signing(contract, at=at)
        reached = is_reached(
            next(s for s in queries.seats(session, contract, version) if s.slot_id == slot.id),
            queries.open_now(session, contract, version),
        )
        if reached:
            raise Refused(
                say(
                    "%(name)s has been asked already. Only they can delegate it from now on.",
                    name=slot.name,
                )
            )
        _hand_over(session, actor, contract, version, slot, to, kind="reassigned", at=at)


def _hand_over(
    session: Session,
    actor: Actor,
    contract: Contract,
    version: Version,
    slot: SignerSlot,
    to: To,
    *,
    kind: str,
    at: datetime,
) -> None:
    side = Side(slot.side)
    who = next((c for c in queries.candidates(contract, side) if c.person_id == to.person_id), None)
    others = {one.person_id for one in contract.slots if one.id != slot.id}
    problem = rules.handover_problem(
        who, holder=slot.person_id, signers=others, reason=to.reason, title=to.title
    )
    if problem or who is None:
        raise Refused(problem or say("Choose a member of the same organisation."))
    names = {"from": slot.name, "to": who.name}
    row = Handover(
        id=new_id(at), region=contract.region, contract_id=contract.id, version_id=version.id,
        slot_id=slot.id, kind=kind, from_person=slot.person_id, to_person=who.person_id,
        by_person=actor.person_id, at=at,
    )  # fmt: skip
    put(session, row, names=names, reason=to.reason.strip())
    slot.person_id = who.person_id
    slot.name, slot.email, slot.title = who.name, who.email, " ".join(to.title.split())
    add_fact(
        session, contract, kind, person_id=actor.person_id, side=side, at=at,
        reason=to.reason.strip(),
    )  # fmt: skip
    record(
        session, contract.id, f"signing:slot:{kind}", actor=actor.log, at=at,
        facts={"handover": row.id, "slot": slot.id, "version": version.number},
    )  # fmt: skip
    post = Post(session, contract, at, by=actor.person_id)
    post.everyone(f"signing:slot:{kind}", row.id, organisation=actor.organisation_name)
    invite_open(post, version)
