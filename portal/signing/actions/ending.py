"""How a signing ends before completion: declined, voided, expired; each is told to all."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand, may
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.contracts.actions import add_fact
from portal.contracts.models import Contract
from portal.contracts.queries import approvers, current_version, own_side, side_of, state
from portal.contracts.rules.life import State
from portal.contracts.rules.waiting import may_void
from portal.kit.db import transaction
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.kit.words import long_day, say
from portal.signing import queries, rules
from portal.signing.actions.letters import Post
from portal.signing.actions.turn import hold

VOIDABLE = frozenset(where for where in State if may_void(where))


def decline(
    session: Session, actor: Actor, contract: Contract, *, reason: str, at: datetime
) -> None:
    """Refuse to sign or to approve, with a reason both sides read; the contract ends."""
    if not (may(actor, "signature:sign") or may(actor, "agreement:approve")):
        raise NotAllowed(say("Only those who sign or approve can decline."))
    text = _reason(reason)
    with transaction(session):
        hold(session, contract)
        version, side = current_version(contract), side_of(contract, actor)
        slot = queries.slot_of(contract, actor.person_id)
        approves = actor.person_id in {row.person_id for row in approvers(contract)}
        if side is None or (slot is None and not approves):
            raise NotFound
        if version is None or state(contract, today=at.date()) is not State.SIGNING:
            raise Refused(say("This contract is not open for signatures."))
        if slot is not None and queries.signature_of(session, version, slot) is not None:
            raise Refused(say("You have already signed. Ask the owner of the contract to void it."))
        add_fact(
            session, contract, "declined", person_id=actor.person_id, side=side, at=at, reason=text
        )
        record(
            session, contract.id, "signing:signature:declined", actor=actor.log, at=at,
            facts={
                "slot": slot.id if slot else None, "version": version.number,
                "sha256": version.sha256,
            },
        )  # fmt: skip
        Post(session, contract, at, by=actor.person_id).everyone(
            "signing:signature:declined", version.id, organisation=actor.organisation_name
        )


def void(session: Session, actor: Actor, contract: Contract, *, reason: str, at: datetime) -> None:
    """Call off the signing of a frozen contract that not everybody has signed; it ends."""
    demand(actor, "signing:void")
    text = _reason(reason)
    with transaction(session):
        hold(session, contract)
        side, version = own_side(contract, actor), current_version(contract)
        if version is None or state(contract, today=at.date()) not in VOIDABLE:
            raise Refused(say("Only a signing that not everybody has finished can be voided."))
        add_fact(
            session, contract, "voided", person_id=actor.person_id, side=side, at=at, reason=text
        )
        record(
            session, contract.id, "signing:version:voided", actor=actor.log, at=at,
            facts=queries.voided_facts(session, version),
        )  # fmt: skip
        Post(session, contract, at, by=actor.person_id).everyone(
            "signing:version:voided", version.id, organisation=actor.organisation_name
        )


def expire(session: Session, contract: Contract, *, at: datetime) -> bool:
    """End an offer to sign whose time is over; return whether it was."""
    with transaction(session):
        hold(session, contract)
        version = current_version(contract)
        if version is None or state(contract, today=at.date()) not in VOIDABLE:
            return False
        ends = queries.offer_ends(contract, version)
        if at < ends:
            return False
        add_fact(session, contract, "expired", person_id=PORTAL.person, side=None, at=at)
        record(
            session, contract.id, "signing:offer:expired", actor=PORTAL, at=at,
            facts=queries.voided_facts(session, version),
        )  # fmt: skip
        Post(session, contract, at).everyone(
            "signing:offer:expired", version.id, ended=long_day(ends)
        )
        return True


def _reason(reason: str) -> str:
    text = reason.strip()
    if len(text) < rules.LEAST_REASON:
        raise Refused(say("Give a reason: the other side will read it."))
    return text
