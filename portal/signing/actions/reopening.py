"""Opening frozen terms again: one side proposes, the other agrees, and signatures fall, visibly."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.actions import add_fact
from portal.contracts.models import Contract, Version
from portal.contracts.queries import current_version, own_side, state
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.words import say
from portal.signing import queries, rules
from portal.signing.actions.ending import VOIDABLE
from portal.signing.actions.letters import Post
from portal.signing.actions.turn import hold


def propose_reopening(
    session: Session, actor: Actor, contract: Contract, *, reason: str, at: datetime
) -> None:
    """Ask the other side to negotiate again; nothing changes until they agree."""
    demand(actor, "signing:reopen")
    if len(reason.strip()) < rules.LEAST_REASON:
        raise Refused(say("Give a reason: the other side will read it."))
    with transaction(session):
        version, side = _standing(session, actor, contract, at=at)
        if queries.open_reopening(contract) is not None:
            raise Refused(say("It is already proposed: the other side has not answered yet."))
        add_fact(
            session, contract, "reopening", person_id=actor.person_id, side=side, at=at,
            reason=reason.strip(),
        )  # fmt: skip
        record(
            session, contract.id, "signing:reopening:proposed", actor=actor.log, at=at,
            facts={"side": side, "version": version.number},
        )  # fmt: skip
        _tell(session, contract, actor, "signing:reopening:proposed", at=at)


def answer_reopening(
    session: Session, actor: Actor, contract: Contract, *, agree: str, at: datetime
) -> None:
    """Answer a proposal of the other side. A yes voids the version with everything signed on it."""
    demand(actor, "signing:reopen")
    with transaction(session):
        version, side = _standing(session, actor, contract, at=at)
        proposal = queries.open_reopening(contract)
        if proposal is None or proposal.side == side:
            raise Refused(say("The other side has proposed nothing that is open."))
        if agree != "yes":
            add_fact(
                session, contract, "reopening_refused", person_id=actor.person_id, side=side, at=at
            )
            record(
                session, contract.id, "signing:reopening:refused", actor=actor.log, at=at,
                facts={"side": side, "version": version.number},
            )  # fmt: skip
            _tell(session, contract, actor, "signing:reopening:refused", at=at)
            return
        _reopen(session, actor, contract, version, side, at=at)


def _reopen(
    session: Session,
    actor: Actor,
    contract: Contract,
    version: Version,
    side: Side,
    *,
    at: datetime,
) -> None:
    facts = queries.voided_facts(session, version)
    signed = {line.person_id for line in queries.signatures_of(session, version) if line.is_signed}
    version.voided_at = at
    issuing = queries.find_issuing_key(session, version)
    if issuing is not None:
        issuing.key, issuing.destroyed_at = None, at
    add_fact(session, contract, "reopened", person_id=actor.person_id, side=side, at=at)
    record(session, contract.id, "signing:version:reopened", actor=actor.log, at=at, facts=facts)
    post = Post(session, contract, at, by=actor.person_id)
    post.everyone(
        "signing:version:reopened", version.id, organisation=actor.organisation_name,
        version=version.number, signed=signed,
    )  # fmt: skip


def _standing(
    session: Session, actor: Actor, contract: Contract, *, at: datetime
) -> tuple[Version, Side]:
    hold(session, contract)
    version, side = current_version(contract), own_side(contract, actor)
    if version is None or state(contract, today=at.date()) not in VOIDABLE:
        raise Refused(say("Only frozen terms that not everybody has signed can be opened again."))
    return version, side


def _tell(session: Session, contract: Contract, actor: Actor, event: str, *, at: datetime) -> None:
    post = Post(session, contract, at, by=actor.person_id)
    post.both_sides(event, f"{at:%Y%m%d%H%M%S%f}", organisation=actor.organisation_name)
