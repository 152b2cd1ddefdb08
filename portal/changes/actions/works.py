"""Planning a change in private, announcing it, agreeing to it, running it, and how it ended."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.changes import queries
from portal.changes.actions.letters import tell_side
from portal.changes.models import ChangeEvent, ChangeRow
from portal.changes.rules import asked as contract_asks
from portal.changes.rules import verdict as judge
from portal.changes.rules.plan import OVER, STAGE_WORDS, Change, Plan, Sort, Stage, plan_to_json
from portal.contracts.models import Contract
from portal.contracts.queries import own_side, terms_in_force
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id, new_ref
from portal.kit.vault import put
from portal.kit.words import say, say_n

Terms = Mapping[str, Any]
# What is recorded after the fact may lie this far back.
LATEST_RECORD = timedelta(days=7)


def plan_change(
    session: Session, contract: Contract, actor: Actor, plan: Plan, *, at: datetime
) -> ChangeRow:
    """Write a private draft of the vendor's; nobody else sees it before it is announced."""
    demand(actor, "change:plan")
    _demand_vendor(contract, actor)
    _demand_order(plan.begin, plan.end)
    with transaction(session):
        row = ChangeRow(
            id=new_id(at), region=contract.region, contract_id=contract.id,
            ref=f"CHG-{new_ref(6)}", kind=plan.kind, sort=plan.sort, begin=plan.begin,
            end=plan.end, created_at=at, events=[],
        )  # fmt: skip
        put(session, row, content=plan_to_json(plan))
    return row


def replan(
    session: Session, contract: Contract, actor: Actor, row: ChangeRow, plan: Plan, *, at: datetime
) -> None:
    """Rewrite a draft; an announced plan stands and is only postponed or withdrawn."""
    demand(actor, "change:plan")
    _demand_vendor(contract, actor)
    _demand_order(plan.begin, plan.end)
    with transaction(session):
        if queries.as_change(row).stage is not Stage.DRAFT:
            raise Refused(
                say("An announced plan stands. Postpone it, or withdraw it and plan anew.")
            )
        row.kind, row.sort, row.begin, row.end = plan.kind, plan.sort, plan.begin, plan.end
        row.content = plan_to_json(plan)


def checks_of(
    session: Session, contract: Contract, change: Change, terms: Terms, *, at: datetime
) -> list[judge.Check]:
    """Return the verdict on a change as it stands, or as it would if announced now."""
    others = [o for o in queries.changes_of(session, contract) if o.ref != change.ref]
    around = judge.Around(
        announced_at=change.announced_at or at, others=others,
        approved_by=change.approved_by, excepted_by=change.excepted_by,
    )  # fmt: skip
    return judge.verdict(change.plan, terms, around)


def announce(
    session: Session, contract: Contract, actor: Actor, row: ChangeRow, *, at: datetime
) -> list[judge.Check]:
    """Tell the customer about a plan and freeze it; a plan the contract forbids is refused."""
    demand(actor, "change:plan")
    _demand_vendor(contract, actor)
    terms = terms_in_force(session, contract, on=at.date())
    with transaction(session):
        change = queries.as_change(row)
        _demand_stage(change, Stage.DRAFT)
        if change.plan.end <= at and change.plan.sort is not Sort.EMERGENCY:
            raise Refused(say("The plan lies in the past. Choose a later time."))
        checks = checks_of(session, contract, change, terms, at=at)
        stops = [check for check in checks if check.outcome is judge.Outcome.STOPS]
        if stops:
            raise Refused(say("%(rule)s: %(says)s", rule=stops[0].rule, says=stops[0].says))
        row.asks = ",".join(sorted(contract_asks.approvals_needed(change.plan, terms)))
        session.flush()  # before the word that lets the plan stand for ever
        _add(session, contract, actor, row, "announced", at=at, facts={
            "costs": sum(check.outcome is judge.Outcome.COSTS for check in checks),
            "open": sum(check.outcome is judge.Outcome.OPEN for check in checks),
        })  # fmt: skip
        _tell(session, contract, Side.CUSTOMER, row, "announced", at=at)
        return checks


def approve(
    session: Session, contract: Contract, actor: Actor, row: ChangeRow, *, at: datetime
) -> None:
    """Give one side's approval to the plan that stands; once is enough."""
    demand(actor, "change:approve")
    side = own_side(contract, actor)
    with transaction(session):
        change = queries.as_change(row)
        _demand_stage(change, Stage.ANNOUNCED)
        if side in change.approved_by:
            raise Refused(say("Your side approved this change already."))
        _add(session, contract, actor, row, "approved", at=at)
        _tell(session, contract, side.other, row, "approved", at=at)


def allow_in_freeze(
    session: Session, contract: Contract, actor: Actor, row: ChangeRow, *, reason: str, at: datetime
) -> None:
    """Give one side's word that this piece of work may run in a freeze; it takes both."""
    demand(actor, "change:approve")
    side = own_side(contract, actor)
    terms = terms_in_force(session, contract, on=at.date())
    with transaction(session):
        change = queries.as_change(row)
        _demand_stage(change, Stage.ANNOUNCED)
        if not contract_asks.exception_allowed(change.plan, terms, frozenset(Side)):
            raise Refused(say("The contract has no exception from the freeze for this change."))
        if side in change.excepted_by:
            raise Refused(say("Your side allowed this already."))
        if change.plan.begin <= at:
            raise Refused(say("An exception is given before the work begins."))
        _add(session, contract, actor, row, "excepted", note=_said(reason), at=at)
        _tell(session, contract, side.other, row, "excepted", at=at)


def postpone(
    session: Session, contract: Contract, actor: Actor, row: ChangeRow, *, begin: datetime,
    reason: str, at: datetime,
) -> None:  # fmt: skip
    """Move an announced change, the customer's right as often and as early as agreed (6.7)."""
    demand(actor, "change:approve")
    if own_side(contract, actor) is not Side.CUSTOMER:
        raise Refused(
            say("Postponing is the customer’s right. Withdraw the change and plan it anew.")
        )
    terms = terms_in_force(session, contract, on=at.date())
    with transaction(session):
        change = queries.as_change(row)
        _demand_stage(change, Stage.ANNOUNCED)
        problem = postponement_problem(change, terms, at=at)
        if problem:
            raise Refused(problem)
        if begin <= change.plan.begin:
            raise Refused(say("Choose a time after the one that was announced."))
        _add(
            session, contract, actor, row, "postponed", note=_said(reason), at=at, begin=begin,
            end=begin + change.plan.length, facts={"times": change.postponed + 1},
        )  # fmt: skip
        _tell(session, contract, Side.VENDOR, row, "postponed", at=at)


def postponement_problem(change: Change, terms: Terms, *, at: datetime) -> str | None:
    """Say why the customer may not move this change now, or None."""
    times, notice = int(terms.get("E10") or 0), terms.get("E10.notice")
    if change.plan.sort is Sort.EMERGENCY:
        return say("Emergency work is not postponed.")
    if change.postponed >= times:
        if not times:
            return say("It cannot be postponed.")
        return say_n(
            "The contract lets you postpone once.",
            "The contract lets you postpone %(num)s times.",
            times,
        )
    if isinstance(notice, Mapping):
        latest = contract_asks.before(change.plan.begin, notice, terms)
        if at > latest:
            return say("It is too late to postpone this change.")
    return None


def start(
    session: Session, contract: Contract, actor: Actor, row: ChangeRow, *, begun: datetime,
    at: datetime,
) -> None:  # fmt: skip
    """Record that the work began."""
    demand(actor, "change:plan")
    _demand_vendor(contract, actor)
    terms = terms_in_force(session, contract, on=at.date())
    with transaction(session):
        change = queries.as_change(row)
        _demand_stage(change, Stage.ANNOUNCED)
        _demand_recordable(begun, at)
        _demand_ready(change, terms)
        _add(session, contract, actor, row, "started", happened=begun, at=at)


_WAITS = {
    "vendor": say("The work may not begin: it waits for the approval of the vendor."),
    "customer": say("The work may not begin: it waits for the approval of the customer."),
    "both": say(
        "The work may not begin: it waits for the approval of the customer and the vendor."
    ),
}


def _demand_ready(change: Change, terms: Terms) -> None:
    if change.plan.sort is Sort.EMERGENCY:
        return
    lacking = contract_asks.approvals_needed(change.plan, terms) - change.approved_by
    if lacking:
        raise Refused(_WAITS["both" if len(lacking) > 1 else next(iter(lacking)).value])
    frozen = contract_asks.spans_of(terms, "E7", change.plan.begin, change.plan.end)
    if frozen and not contract_asks.exception_allowed(change.plan, terms, change.excepted_by):
        raise Refused(
            say("The work lies in a freeze, and both sides have not given the exception.")
        )


def finish(
    session: Session, contract: Contract, actor: Actor, row: ChangeRow, *, outcome: Stage,
    over: datetime, note: str, at: datetime,
) -> None:  # fmt: skip
    """Record how the work ended, completed or rolled back, when, and what is left open."""
    demand(actor, "change:plan")
    _demand_vendor(contract, actor)
    if outcome not in (Stage.COMPLETED, Stage.ROLLED_BACK):
        raise Refused(say("Work ends completed or rolled back."))
    with transaction(session):
        change = queries.as_change(row)
        _demand_stage(change, Stage.STARTED)
        _demand_recordable(over, at)
        if change.begun_at and over < change.begun_at:
            raise Refused(say("The work cannot end before it began."))
        overrun = max(timedelta(0), over - change.plan.end)
        _add(
            session, contract, actor, row, outcome.value, happened=over, at=at, note=_said(note),
            facts={"overrun_minutes": int(overrun / timedelta(minutes=1))},
        )  # fmt: skip
        _tell(session, contract, Side.CUSTOMER, row, "finished", at=at)


def withdraw_change(
    session: Session, contract: Contract, actor: Actor, row: ChangeRow, *, reason: str, at: datetime
) -> None:
    """Take back a change that has not begun; a draft just ends, an announced one is told."""
    demand(actor, "change:plan")
    _demand_vendor(contract, actor)
    with transaction(session):
        change = queries.as_change(row)
        if change.stage in OVER or change.stage is Stage.STARTED:
            raise Refused(say("Only a change that has not begun can be withdrawn."))
        told = change.stage is Stage.ANNOUNCED
        # A draft is the vendor's own: the chain both sides read never knew of it.
        _add(session, contract, actor, row, "withdrawn", note=_said(reason), at=at, told=told)
        if told:
            _tell(session, contract, Side.CUSTOMER, row, "withdrawn", at=at)


def _add(
    session: Session,
    contract: Contract,
    actor: Actor,
    row: ChangeRow,
    kind: str,
    *,
    at: datetime,
    happened: datetime | None = None,
    note: str | None = None,
    begin: datetime | None = None,
    end: datetime | None = None,
    facts: Mapping[str, Any] | None = None,
    told: bool = True,
) -> None:
    side = own_side(contract, actor)
    event = ChangeEvent(
        id=new_id(at), region=contract.region, contract_id=contract.id, change_id=row.id, kind=kind,
        position=len(row.events) + 1, at=happened or at, recorded_at=at, begin=begin, end=end,
        person_id=actor.person_id, side=side.value,
    )  # fmt: skip
    put(session, event, note=note)
    row.events.append(event)
    if not told:
        return
    record(
        session, contract.id, f"changes:change:{kind}", actor=actor.log, at=at,
        facts={"change": row.ref, **(facts or {})},
    )  # fmt: skip


_SUBJECTS = {
    "announced": say("Planned change"),
    "approved": say("Change approved"),
    "excepted": say("Exception from the freeze"),
    "postponed": say("Change postponed"),
    "finished": say("Change is over"),
    "withdrawn": say("Change withdrawn"),
}


def _tell(
    session: Session, contract: Contract, side: Side, row: ChangeRow, event: str, *, at: datetime
) -> None:
    kind = "announced" if event == "announced" else "answered"
    tell_side(
        session, contract, side, event=f"changes:change:{kind}", what=_SUBJECTS[event],
        item=row.ref, path=f"changes/{row.ref}", cause=f"{row.id}:{len(row.events)}", at=at,
    )  # fmt: skip


def _demand_vendor(contract: Contract, actor: Actor) -> None:
    if own_side(contract, actor) is not Side.VENDOR:
        raise Refused(
            say("%(name)s plans and runs the changes of this contract.", name=contract.vendor_name)
        )


def _demand_order(begin: datetime, end: datetime) -> None:
    if end <= begin:
        raise Refused(say("The work ends after it begins."))


def _demand_stage(change: Change, *stages: Stage) -> None:
    if change.stage not in stages:
        raise Refused(
            say(
                "This change has moved on (%(stage)s). Open it again.",
                stage=STAGE_WORDS[change.stage],
            )
        )


def _demand_recordable(happened: datetime, at: datetime) -> None:
    if happened > at:
        raise Refused(say("Record it once it has happened."))
    if happened < at - LATEST_RECORD:
        raise Refused(
            say("This lies more than seven days back. Ask the other side to agree first.")
        )


def _said(text: str | None) -> str | None:
    return (text or "").strip() or None
