"""Recording an outage, and the other side's word on it. Either side may do either."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.changes import queries
from portal.changes.actions.letters import tell_side
from portal.changes.models import OutageEventRow, OutageRow
from portal.changes.rules.outages import CAUSE_WORDS, CauseStanding, Outage, Standing
from portal.changes.rules.plan import Effect
from portal.contracts.models import Contract
from portal.contracts.queries import own_side, terms_in_force
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id, new_ref
from portal.kit.vault import put
from portal.kit.words import say


def report_outage(
    session: Session,
    contract: Contract,
    actor: Actor,
    *,
    effect: Effect,
    modules: Sequence[str],
    begin: datetime,
    end: datetime | None,
    seen: str,
    at: datetime,
) -> OutageRow:
    """Record an outage, over or not; the other side is asked to confirm it."""
    demand(actor, "outage:report")
    side = own_side(contract, actor)
    terms_in_force(session, contract, on=at.date())
    _demand_times(begin, end, at=at)
    if effect is Effect.NONE:
        raise Refused(say("An outage is down or degraded."))
    with transaction(session):
        row = new_outage(session, contract, effect=effect, modules=modules, seen=seen, at=at)
        _add(session, contract, actor, row, "reported", begin=begin, end=end, at=at)
        _tell(session, contract, side.other, row, "reported", at=at)
    return row


def new_outage(
    session: Session, contract: Contract, *, effect: Effect, modules: Sequence[str], seen: str,
    at: datetime, monitor_id: str | None = None,
) -> OutageRow:  # fmt: skip
    """Write an outage without its first event, in the caller's transaction."""
    row = OutageRow(
        id=new_id(at), region=contract.region, contract_id=contract.id, ref=f"OUT-{new_ref(6)}",
        effect=effect.value, monitor_id=monitor_id, created_at=at, events=[],
    )  # fmt: skip
    put(session, row, content={"modules": list(modules), "seen": seen.strip()})
    session.flush()
    return row


def end_outage(
    session: Session, contract: Contract, actor: Actor, row: OutageRow, *, end: datetime,
    at: datetime,
) -> None:  # fmt: skip
    """Record when an outage ended."""
    demand(actor, "outage:report")
    with transaction(session):
        outage = queries.standing_outage(row)
        if outage.over:
            raise Refused(say("This outage has an end already. Dispute it if you saw another."))
        _demand_times(outage.begin, end, at=at)
        _add(session, contract, actor, row, "ended", end=end, at=at)
        _tell(session, contract, own_side(contract, actor).other, row, "ended", at=at)


def confirm_outage(
    session: Session, contract: Contract, actor: Actor, row: OutageRow, *, at: datetime
) -> None:
    """Agree with the other side's record."""
    demand(actor, "outage:report")
    with transaction(session):
        outage = _answerable(contract, actor, row)
        if not outage.over:
            raise Refused(say("An outage is confirmed once it is over."))
        _add(session, contract, actor, row, "confirmed", at=at)


def dispute_outage(
    session: Session, contract: Contract, actor: Actor, row: OutageRow, *, begin: datetime | None,
    end: datetime | None, reason: str, at: datetime,
) -> None:  # fmt: skip
    """Disagree, with the times one saw oneself, or none where one saw no outage at all."""
    demand(actor, "outage:report")
    if not reason.strip():
        raise Refused(say("Say why: the other side will read it."))
    if begin is not None:
        _demand_times(begin, end, at=at)
    with transaction(session):
        _answerable(contract, actor, row)
        _add(session, contract, actor, row, "disputed", begin=begin, end=end, note=reason, at=at)
        _tell(session, contract, own_side(contract, actor).other, row, "disputed", at=at)


def correct_outage(
    session: Session, contract: Contract, actor: Actor, row: OutageRow, *, at: datetime
) -> None:
    """Take over the other side's times: the dispute is settled, and both agree."""
    demand(actor, "outage:report")
    with transaction(session):
        outage = queries.standing_outage(row)
        _demand_reporter(contract, actor, outage)
        if outage.standing is not Standing.DISPUTED:
            raise Refused(say("This outage is not disputed."))
        if outage.other_begin is None:
            raise Refused(say("They saw no outage at all. Withdraw yours if they are right."))
        _add(
            session, contract, actor, row, "corrected", at=at, begin=outage.other_begin,
            end=outage.other_end or outage.end,
        )  # fmt: skip


def withdraw_outage(
    session: Session, contract: Contract, actor: Actor, row: OutageRow, *, reason: str, at: datetime
) -> None:
    """Take one's own record back; it stays readable and no longer counts."""
    demand(actor, "outage:report")
    with transaction(session):
        outage = queries.standing_outage(row)
        _demand_reporter(contract, actor, outage)
        if outage.standing in (Standing.WITHDRAWN, Standing.CONFIRMED):
            raise Refused(say("What both sides confirmed, or what was withdrawn, stays as it is."))
        if not reason.strip():
            raise Refused(say("Say why: the other side will read it."))
        _add(session, contract, actor, row, "withdrawn", note=reason, at=at)


def claim_cause(
    session: Session, contract: Contract, actor: Actor, row: OutageRow, *, cause: str,
    evidence: str, at: datetime,
) -> None:  # fmt: skip
    """Name a cause the contract does not count; the vendor must show it (clause 5.9)."""
    demand(actor, "outage:report")
    if own_side(contract, actor) is not Side.VENDOR:
        raise Refused(say("The vendor shows the cause of an outage that would not count."))
    listed = terms_in_force(session, contract, on=at.date()).get("D10") or ()
    if cause not in CAUSE_WORDS or cause not in listed:
        raise Refused(say("The contract does not exclude this cause."))
    if not evidence.strip():
        raise Refused(say("Show the cause: the customer will read it."))
    with transaction(session):
        outage = queries.standing_outage(row)
        if outage.cause_standing in (CauseStanding.CLAIMED, CauseStanding.ACCEPTED):
            raise Refused(say("A cause is claimed already."))
        _add(session, contract, actor, row, "cause_claimed", cause=cause, note=evidence, at=at)
        _tell(session, contract, Side.CUSTOMER, row, "cause_claimed", at=at)


def answer_cause(
    session: Session, contract: Contract, actor: Actor, row: OutageRow, *, accepted: str,
    reason: str, at: datetime,
) -> None:  # fmt: skip
    """Accept the claimed cause, so that the minutes are excluded, or refuse it with a reason."""
    demand(actor, "outage:report")
    if own_side(contract, actor) is not Side.CUSTOMER:
        raise Refused(say("The customer answers what the vendor claims."))
    kind = {"yes": "cause_accepted", "no": "cause_refused"}.get(accepted)
    if kind is None:
        raise Refused(say("Accept the cause or refuse it."))
    if kind == "cause_refused" and not reason.strip():
        raise Refused(say("Say why: the other side will read it."))
    with transaction(session):
        outage = queries.standing_outage(row)
        if outage.cause_standing is not CauseStanding.CLAIMED:
            raise Refused(say("No cause waits for an answer."))
        _add(session, contract, actor, row, kind, note=reason or None, at=at)
        _tell(session, contract, Side.VENDOR, row, kind, at=at)


def _add(
    session: Session,
    contract: Contract,
    actor: Actor,
    row: OutageRow,
    kind: str,
    *,
    at: datetime,
    begin: datetime | None = None,
    end: datetime | None = None,
    cause: str | None = None,
    note: str | None = None,
) -> None:
    add_event(
        session, contract, row, kind, side=own_side(contract, actor), person_id=actor.person_id,
        at=at, begin=begin, end=end, cause=cause, note=(note or "").strip() or None,
    )  # fmt: skip
    record(
        session, contract.id, f"changes:outage:{kind}", actor=actor.log, at=at,
        facts={"outage": row.ref},
    )  # fmt: skip


def add_event(
    session: Session, contract: Contract, row: OutageRow, kind: str, *, side: Side,
    person_id: str | None, at: datetime, note: str | None = None, **times: Any,
) -> None:  # fmt: skip
    """Add one dated word to an outage, in the caller's transaction."""
    event = OutageEventRow(
        id=new_id(at), region=contract.region, contract_id=contract.id, outage_id=row.id, kind=kind,
        position=len(row.events) + 1, recorded_at=at, person_id=person_id, side=side.value,
        **times,
    )  # fmt: skip
    put(session, event, note=note)
    row.events.append(event)


_SUBJECTS: Mapping[str, str] = {
    "reported": say("Outage recorded"),
    "ended": say("Outage is over"),
    "disputed": say("Outage disputed"),
    "cause_claimed": say("Cause of an outage claimed"),
    "cause_accepted": say("Cause of an outage accepted"),
    "cause_refused": say("Cause of an outage refused"),
}


def _tell(
    session: Session, contract: Contract, side: Side, row: OutageRow, event: str, *, at: datetime
) -> None:
    kind = "reported" if event == "reported" else "answered"
    tell_side(
        session, contract, side, event=f"changes:outage:{kind}", what=_SUBJECTS[event],
        item=row.ref, path=f"outages/{row.ref}", cause=f"{row.id}:{len(row.events)}", at=at,
    )  # fmt: skip


def _answerable(contract: Contract, actor: Actor, row: OutageRow) -> Outage:
    outage = queries.standing_outage(row)
    if outage.reporter is own_side(contract, actor):
        raise Refused(say("The other side answers what your side recorded."))
    if outage.standing not in (Standing.REPORTED, Standing.DISPUTED):
        raise Refused(say("This outage is settled by now."))
    return outage


def _demand_reporter(contract: Contract, actor: Actor, outage: Outage) -> None:
    if outage.reporter is not own_side(contract, actor):
        raise Refused(say("Only the side that recorded an outage can do this."))


def _demand_times(begin: datetime, end: datetime | None, *, at: datetime) -> None:
    if begin > at or (end is not None and end > at):
        raise Refused(say("Record what has happened: these times lie in the future."))
    if end is not None and end <= begin:
        raise Refused(say("An outage ends after it began."))
