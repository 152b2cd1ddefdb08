"""Delivering the account of a cause, reviewing it, and following its actions up."""

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.models import Contract
from portal.contracts.queries import own_side, people_to_tell, side_of
from portal.contracts.rules.life import Side
from portal.incidents.actions.letters import path_of
from portal.incidents.models import Account, Incident, Measure, RootCause
from portal.incidents.queries import find_incident, promises_for
from portal.incidents.queries.root_causes import find_root_cause
from portal.incidents.rules.root_cause import FIELDS, SOON, Kind, Standing, missing, standing
from portal.kit.db import transaction
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.notices.actions import tell


def deliver_account(
    session: Session,
    contract: Contract,
    actor: Actor,
    number: int,
    *,
    kind: Kind,
    content: Mapping[str, str],
    at: datetime,
) -> Account:
    """Deliver the first or the full account; the customer reviews the full one."""
    demand(actor, "incident:answer")
    with transaction(session):
        incident, row = _open(session, contract, actor, number, Side.VENDOR)
        now = _standing(row, at)
        if not now.vendors_turn:
            raise Refused(say("The customer has the full account."))
        terms = promises_for(session, contract, incident).terms
        lacking = missing(terms, kind, content, measures=len(row.measures))
        if lacking:
            raise Refused(next(iter(lacking.values())))
        kept = {name: content.get(name, "").strip() for name in FIELDS}
        account = _say(session, incident, row, kind, kept, actor, Side.VENDOR, at=at)
        if kind is Kind.PRELIMINARY:
            row.preliminary_at = row.preliminary_at or at
        else:
            row.final_at = row.final_at or at
            row.preliminary_at = row.preliminary_at or at
        _tell(session, contract, incident, Side.CUSTOMER, _WHAT[kind], account.id, actor, at=at)
        return account


def return_account(
    session: Session, contract: Contract, actor: Actor, number: int, *, reason: str, at: datetime
) -> Account:
    """Send the full account back with what it lacks."""
    return _review(session, contract, actor, number, Kind.RETURNED, reason, at=at)


def accept_account(
    session: Session, contract: Contract, actor: Actor, number: int, *, at: datetime
) -> Account:
    """Accept the full account; its actions are followed up until done."""
    return _review(session, contract, actor, number, Kind.ACCEPTED, "", at=at)


def _review(
    session: Session,
    contract: Contract,
    actor: Actor,
    number: int,
    kind: Kind,
    reason: str,
    *,
    at: datetime,
) -> Account:
    demand(actor, "incident:follow")
    with transaction(session):
        incident, row = _open(session, contract, actor, number, Side.CUSTOMER)
        if not _standing(row, at).customers_turn:
            raise Refused(say("There is no full account to review."))
        if kind is Kind.RETURNED and not reason.strip():
            raise Refused(say("Say what it lacks: the vendor mends it by your words."))
        content = {"reason": reason.strip()}
        account = _say(session, incident, row, kind, content, actor, Side.CUSTOMER, at=at)
        if kind is Kind.ACCEPTED:
            row.accepted_at = at
        _tell(session, contract, incident, Side.VENDOR, _WHAT[kind], account.id, actor, at=at)
        return account


def add_measure(
    session: Session,
    contract: Contract,
    actor: Actor,
    number: int,
    *,
    words: str,
    owner: str,
    side: Side,
    due: date,
    at: datetime,
) -> Measure:
    """Add an action with its owner and date; the vendor proposes, both follow it up."""
    demand(actor, "incident:answer")
    with transaction(session):
        incident, row = _open(session, contract, actor, number, Side.VENDOR)
        measure = Measure(
            id=new_id(at), region=contract.region, contract_id=contract.id,
            root_cause_id=row.id, side=side.value, due=due.isoformat(), added_at=at,
        )  # fmt: skip
        put(session, measure, words=words.strip(), owner=owner.strip())
        row.measures.append(measure)
        session.flush()
        _record(session, incident, "incident:measure:added", actor, at=at)
        return measure


def finish_measure(
    session: Session, contract: Contract, actor: Actor, measure_id: str, *, at: datetime
) -> Measure:
    """Say that an action is done; the side it belongs to says so."""
    demand(actor, "incident:follow")
    side = side_of(contract, actor)
    with transaction(session):
        row = session.get(Measure, measure_id)
        if row is None or row.contract_id != contract.id or side is None:
            raise NotFound
        if row.side != side.value:
            raise NotAllowed(say("The side that owns this action says that it is done."))
        if row.done_at is not None:
            raise Refused(say("This action is done already."))
        row.done_at, row.done_by = at, actor.person_id
        cause = session.get_one(RootCause, row.root_cause_id)
        incident = session.get_one(Incident, cause.incident_id)
        _record(session, incident, "incident:measure:done", actor, at=at)
        return row


def due_for_causes(session: Session, *, at: datetime) -> list[str]:
    """Return the contracts with an account or an action that is soon due or late and untold."""
    soon = (RootCause.final_due_at <= at + SOON) & RootCause.soon_told_at.is_(None)
    late = (RootCause.final_due_at < at) & RootCause.late_told_at.is_(None)
    open_ones = RootCause.final_at.is_(None)
    found = set(
        session.scalars(select(RootCause.contract_id).where(open_ones, or_(soon, late)).distinct())
    )
    found |= set(session.scalars(select(Measure.contract_id).where(*_late_measures(at)).distinct()))
    return sorted(found)


def _late_measures(at: datetime) -> list[ColumnElement[bool]]:
    today = at.date().isoformat()
    return [Measure.done_at.is_(None), Measure.due < today, Measure.late_told_at.is_(None)]


def keep_root_causes(session: Session, contract: Contract, *, at: datetime) -> int:
    """Remind of accounts soon due or late and of late actions, each once; return how many."""
    told = 0
    with transaction(session):
        rows = session.scalars(
            select(RootCause).where(
                RootCause.contract_id == contract.id,
                RootCause.final_at.is_(None),
                RootCause.final_due_at <= at + SOON,
            )
        )
        for row in rows:
            told += _remind(session, contract, row, at=at)
        measures = session.scalars(
            select(Measure).where(Measure.contract_id == contract.id, *_late_measures(at))
        )
        for measure in measures:
            cause = session.get_one(RootCause, measure.root_cause_id)
            incident = session.get_one(Incident, cause.incident_id)
            measure.late_told_at = at
            _tell(
                session, contract, incident, Side(measure.side), say("An action is overdue"),
                measure.id, None, at=at,
            )  # fmt: skip
            told += 1
    return told


def _remind(session: Session, contract: Contract, row: RootCause, *, at: datetime) -> int:
    incident = session.get_one(Incident, row.incident_id)
    if row.final_due_at < at:
        if row.late_told_at is not None:
            return 0
        row.late_told_at = at
        row.soon_told_at = row.soon_told_at or at
        for side in Side:
            _tell(
                session,
                contract,
                incident,
                side,
                say("Root cause overdue"),
                f"{row.id}:late",
                None,
                at=at,
            )
        return 1
    if row.soon_told_at is not None:
        return 0
    row.soon_told_at = at
    what, cause = say("Root cause due within a day"), f"{row.id}:soon"
    _tell(session, contract, incident, Side.VENDOR, what, cause, None, at=at)
    return 1


_WHAT = {
    Kind.PRELIMINARY: say("First account of the cause"),
    Kind.FINAL: say("Full account of the cause: please review"),
    Kind.RETURNED: say("Account of the cause returned"),
    Kind.ACCEPTED: say("Account of the cause accepted"),
}


def _open(
    session: Session, contract: Contract, actor: Actor, number: int, side: Side
) -> tuple[Incident, RootCause]:
    mine = own_side(contract, actor)
    incident = find_incident(session, contract, number)
    row = find_root_cause(session, incident)
    if row is None:
        raise NotFound
    if mine is not side:
        raise NotAllowed(
            say("Only the vendor can do this.")
            if side is Side.VENDOR
            else say("Only the customer can do this.")
        )
    return incident, row


def _standing(row: RootCause, at: datetime) -> Standing:
    return standing(
        [one.kind for one in row.accounts],
        preliminary_due=row.preliminary_due_at, final_due=row.final_due_at, now=at,
    )  # fmt: skip


def _say(
    session: Session,
    incident: Incident,
    row: RootCause,
    kind: Kind,
    content: Mapping[str, str],
    actor: Actor,
    side: Side,
    *,
    at: datetime,
) -> Account:
    account = Account(
        id=new_id(at), region=row.region, contract_id=row.contract_id, root_cause_id=row.id,
        position=len(row.accounts) + 1, kind=kind.value, at=at, person_id=actor.person_id,
        side=side.value,
    )  # fmt: skip
    put(session, account, content=dict(content))
    row.accounts.append(account)
    session.flush()
    _record(session, incident, f"incident:root_cause:{kind.value}", actor, at=at)
    return account


def _record(
    session: Session, incident: Incident, event: str, actor: Actor, *, at: datetime
) -> None:
    record(
        session, incident.contract_id, event, actor=actor.log, at=at,
        facts={"incident": incident.number, "severity": incident.severity},
    )  # fmt: skip


def _tell(
    session: Session,
    contract: Contract,
    incident: Incident,
    side: Side,
    what: str,
    cause: str,
    actor: Actor | None,
    *,
    at: datetime,
) -> None:
    for person in people_to_tell(contract, side):
        tell(
            session,
            event="incidents:root_cause:told",
            to=person,
            chain=contract.id,
            cause=cause,
            link=f"{path_of(contract, incident)}/root-cause",
            at=at,
            by=actor.person_id if actor else None,
            what=what,
            number=incident.number,
            severity=incident.severity,
            sender=actor.organisation_name if actor else say("The portal"),
            due=None,
        )
