"""Playbooks and approvals: one side's own limits, and the go-ahead of whoever may give it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.models import Contract
from portal.contracts.queries import state
from portal.contracts.rules.life import Side
from portal.kit.db import db, transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.negotiation import rules
from portal.negotiation.actions.letters import tell_each
from portal.negotiation.actions.private import record_privately
from portal.negotiation.models import Approval, ApprovalCall, Playbook
from portal.negotiation.queries import Negotiation, approvers_of, board_of, negotiation_of
from portal.negotiation.queries.table import WORKABLE, as_side
from portal.negotiation.rules import playbook as limits
from portal.terms.rules import load_schema, value_sha256

REMIND_AFTER = timedelta(hours=48)
MOST_REMINDERS = 10


def set_limits(
    actor: Actor,
    side: Side,
    term: str,
    wanted: limits.Limits | None,
    *,
    seen_number: int,
    at: datetime,
) -> int:
    """Write the limits of one term as a new version of the actor's playbook; None takes them out.

    `seen_number` is the version they started from; another one raises `Stale`. Returns the number.
    """
    demand(actor, "playbook:edit")
    known = load_schema("1").terms.get(term)
    if known is None:
        raise NotFound
    if wanted and (problem := limits.limits_problem(known, wanted, side)):
        raise Refused(problem)
    with transaction(db.session) as session:
        last = session.scalar(
            select(Playbook)
            .where(Playbook.organisation_id == actor.organisation_id)
            .order_by(Playbook.number.desc())
            .limit(1)
        )
        number = last.number if last else 0
        if seen_number != number:
            raise rules.Stale(say("Somebody changed the playbook since you looked."))
        content = _with(last.content if last else {}, side, term, wanted)
        row = Playbook(
            id=new_id(at), organisation_id=actor.organisation_id, number=number + 1,
            created_at=at, created_by=actor.person_id, sha256=value_sha256(content),
        )  # fmt: skip
        put(session, row, content=content)
        record(
            session, actor.organisation_id, "organisation:playbook:changed", actor=actor.log,
            at=at, facts={"number": row.number, "sha256": row.sha256},
        )  # fmt: skip
        return row.number


def _with(
    content: Mapping[str, dict[str, object]], side: Side, term: str, wanted: limits.Limits | None
) -> dict[str, dict[str, object]]:
    mine = {id: entry for id, entry in content.get(side.value, {}).items() if id != term}
    if wanted:
        mine |= limits.content_of({term: wanted})
    return {**content, side.value: mine}


def approve(
    session: Session,
    contract: Contract,
    actor: Actor,
    term: str,
    *,
    seen_sha256: str,
    reason: str | None = None,
    at: datetime,
) -> None:
    """Approve the value of a term that this side stands by, having seen its hash.

    It binds to the term, the hash and the playbook's version, and falls when the value changes.
    """
    demand(actor, "approval:give")
    with transaction(session):
        found = negotiation_of(session, contract, actor, at=at)
        if not found.workable:
            raise rules.Frozen(say("The terms are frozen: there is nothing to approve."))
        board = board_of(session, found)
        need = next((n for n in board.outstanding if n.term == term), None)
        if need is None:
            raise Refused(say("This value takes no approval, or it is approved already."))
        if need.sha256 != seen_sha256:
            raise rules.Stale(say("The value is another than the one you saw."))
        roles = frozenset(role.value for role in actor.roles)
        problem = limits.why_not_approve(need, person=actor.person_id, roles=roles, reason=reason)
        if problem:
            raise Refused(problem)
        row = Approval(
            id=new_id(at), region=contract.region, contract_id=contract.id, side=found.side.value,
            term=term, value_sha256=need.sha256, playbook=board.playbook.number, role=need.role,
            override=int(need.override), person_id=actor.person_id, proposer_id=need.proposer,
            at=at,
        )  # fmt: skip
        put(session, row, reason=(reason or "").strip() or None)
        record_privately(
            session, contract, found.side, "negotiation:approval:given", actor=actor, at=at,
            facts={
                "term": term, "value_sha256": need.sha256, "playbook": board.playbook.number,
                "role": need.role, "override": need.override,
            },
        )  # fmt: skip


def call_approvers(session: Session, found: Negotiation, *, by: Actor | None, at: datetime) -> int:
    """Ask whoever can approve what this side now stands by, in the caller's transaction.

    Returns how many values lack an approval. The same call is made again until they are there.
    """
    missing = board_of(session, found).outstanding
    call = session.scalar(
        select(ApprovalCall).where(
            ApprovalCall.contract_id == found.contract.id, ApprovalCall.side == found.side.value
        )
    )
    if not missing:
        if call is not None:
            call.due_at = None
        return 0
    if call is None:
        call = ApprovalCall(
            id=new_id(at), region=found.contract.region, contract_id=found.contract.id,
            side=found.side.value, asked_at=at, count=0,
        )  # fmt: skip
        session.add(call)
    call.count += 1
    call.due_at = at + REMIND_AFTER if call.count < MOST_REMINDERS else None
    tell_each(
        session, found, "negotiation:approval:asked", f"{call.id}:{call.count}",
        approvers_of(found.contract, found.side, missing), by=by, at=at, page="approvals",
        count=len(missing),
    )  # fmt: skip
    return len(missing)


def remind_approvers(session: Session, *, at: datetime) -> int:
    """Ask again where approvals have been missing for two days; return how many sides were asked.

    A contract at a time, each in a transaction of its own.
    """
    asked = 0
    while True:
        with transaction(session):
            call = session.scalar(
                select(ApprovalCall).where(ApprovalCall.due_at <= at).order_by(ApprovalCall.due_at)
            )
            if call is None:
                return asked
            contract = session.get_one(Contract, call.contract_id)
            if state(contract, today=at.date()) not in WORKABLE:
                call.due_at = None
                continue
            found = as_side(session, contract, Side(call.side), at=at)
            asked += bool(call_approvers(session, found, by=None, at=at))
