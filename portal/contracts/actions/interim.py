"""Changing schedules without an amendment, where the contract lets named roles agree it (Q2)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.models import Contract, InterimChange
from portal.contracts.queries import (
    find_interim_change,
    members_of,
    organisation_of,
    own_side,
    schema_of,
    terms_in_force,
    version_in_force,
)
from portal.contracts.rules import amending as rules
from portal.contracts.rules.amending import Decision
from portal.contracts.rules.effective import first_day
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.notices.actions import tell
from portal.notices.rules import Recipient
from portal.terms.rules import Value, validate, value_sha256


def propose_interim_change(
    session: Session,
    contract: Contract,
    actor: Actor,
    wish: rules.Wish,
    *,
    reason: str,
    at: datetime,
) -> InterimChange:
    """Propose other values for schedules from a day on; the other side's roles are told."""
    demand(actor, "interim_change:propose")
    with transaction(session):
        side = _demand_part(session, contract, actor, on=wish.starts)
        terms = terms_in_force(session, contract, on=wish.starts)
        schema = schema_of(contract)
        problem = rules.wish_problem(schema, terms, wish, today=at.date())
        if problem:
            raise Refused(problem[1])
        for term, value in wish.values.items():
            if wrong := validate(schema.terms[term], value):
                raise Refused(wrong[0])
        wished = [term for term in schema.terms if term in wish.values]
        values = {term: wish.values[term] for term in wished}
        row = InterimChange(
            id=new_id(at), region=contract.region, contract_id=contract.id,
            number=len(contract.interim_changes) + 1, side=side, term=",".join(wished),
            proposed_at=at, proposed_by=actor.person_id, starts=wish.starts.isoformat(),
            ends=wish.ends.isoformat() if wish.ends else None,
            value_sha256=value_sha256(rules.packed(values)), before_sha256=_held(terms, wished),
        )  # fmt: skip
        put(session, row, value=rules.packed(values), reason=reason.strip() or None)
        record(
            session, contract.id, "interim_change:proposed", actor=actor.log, at=at,
            facts={"number": row.number, "term": row.term, "sha256": row.value_sha256},
        )  # fmt: skip
        _tell(session, contract, row, "proposed", side.other, actor, at=at)
    session.expire(contract, ["interim_changes"])
    return row


def agree_interim_change(
    session: Session,
    contract: Contract,
    actor: Actor,
    number: int,
    *,
    seen_sha256: str,
    at: datetime,
) -> InterimChange:
    """Agree a change the other side proposed, as it was seen; it holds from its first day on."""
    demand(actor, "interim_change:decide")
    with transaction(session):
        row, side = _open(session, contract, actor, number)
        if side == row.side:
            raise Refused(say("Your own side proposed this. The other side agrees it."))
        if seen_sha256 != row.value_sha256:
            raise Refused(say("This is not the change you saw. Read it again."))
        starts = first_day(at, date.fromisoformat(row.starts))
        if row.ends is not None and date.fromisoformat(row.ends) <= starts:
            raise Refused(say("The days it was meant for are over."))
        terms = terms_in_force(session, contract, on=starts)
        if _held(terms, row.terms) != row.before_sha256:
            raise Refused(say("The terms changed since this was proposed. Ask for a new proposal."))
        if found := rules.new_errors(schema_of(contract), terms, row.values):
            raise Refused(found[0].message)
        _decide(row, Decision.AGREED, actor, at=at)
        record(
            session, contract.id, "interim_change:agreed", actor=actor.log, at=at,
            facts={
                "number": row.number, "term": row.term, "sha256": row.value_sha256,
                "starts": starts.isoformat(), "ends": row.ends,
            },
        )  # fmt: skip
        _tell(session, contract, row, "agreed", side.other, actor, at=at)
    session.expire(contract, ["interim_changes"])
    return row


def decline_interim_change(
    session: Session,
    contract: Contract,
    actor: Actor,
    number: int,
    *,
    reason: str,
    at: datetime,
) -> None:
    """Say no to a change the other side proposed, with a reason they read."""
    demand(actor, "interim_change:decide")
    if not reason.strip():
        raise Refused(say("Give a reason: the other side will read it."))
    with transaction(session):
        row, side = _open(session, contract, actor, number)
        if side == row.side:
            raise Refused(say("Your own side proposed this. Take it back instead."))
        _decide(row, Decision.DECLINED, actor, at=at)
        row.answer = reason.strip()
        record(
            session, contract.id, "interim_change:declined", actor=actor.log, at=at,
            facts={"number": row.number},
        )  # fmt: skip
        _tell(session, contract, row, "declined", side.other, actor, at=at)
    session.expire(contract, ["interim_changes"])


def withdraw_interim_change(
    session: Session, contract: Contract, actor: Actor, number: int, *, at: datetime
) -> None:
    """Take back a change one's own side proposed, while it has no answer."""
    demand(actor, "interim_change:propose")
    with transaction(session):
        row, side = _open(session, contract, actor, number)
        if side != row.side:
            raise Refused(say("The other side proposed this. Decline it instead."))
        _decide(row, Decision.WITHDRAWN, actor, at=at)
        record(
            session, contract.id, "interim_change:withdrawn", actor=actor.log, at=at,
            facts={"number": row.number},
        )  # fmt: skip
    session.expire(contract, ["interim_changes"])


def _demand_part(session: Session, contract: Contract, actor: Actor, *, on: date) -> Side:
    """Return the actor's side; refuse whoever the contract does not name for such a change."""
    side = own_side(contract, actor)
    if version_in_force(contract) is None:
        raise Refused(say("Only a signed contract has schedules to change."))
    if not rules.may_agree(actor.roles, terms_in_force(session, contract, on=on)):
        raise Refused(say("This contract names other roles for such a change (term Q2)."))
    return side


def _held(terms: Mapping[str, Value], ids: Sequence[str]) -> str:
    """Return the hash of what these terms say now."""
    return value_sha256(rules.packed({term: terms.get(term) for term in ids}))


def _open(
    session: Session, contract: Contract, actor: Actor, number: int
) -> tuple[InterimChange, Side]:
    session.expire(contract, ["interim_changes"])
    row = find_interim_change(contract, number)
    side = _demand_part(session, contract, actor, on=date.fromisoformat(row.starts))
    if row.decision is not None:
        raise Refused(say("This proposal has its answer already."))
    return row, side


def _decide(row: InterimChange, decision: Decision, actor: Actor, *, at: datetime) -> None:
    row.decision, row.decided_at, row.decided_by = decision.value, at, actor.person_id


def _tell(
    session: Session,
    contract: Contract,
    row: InterimChange,
    event: str,
    side: Side,
    actor: Actor,
    *,
    at: datetime,
) -> None:
    """Tell those of a side whom the contract names for it; thin: no term, no value, no day."""
    terms = terms_in_force(session, contract, on=date.fromisoformat(row.starts))
    organisation = organisation_of(contract, side)
    for member in members_of(organisation):
        if rules.may_agree(member.roles, terms):
            tell(
                session, event=f"interim_change:{event}",
                to=Recipient(member.person_id, member.name, member.email, organisation),
                chain=contract.id, cause=row.id, by=actor.person_id, at=at, what=event,
                link=f"/contracts/{contract.id}/interim-changes/{row.number}",
                organisation=actor.organisation_name,
            )  # fmt: skip
