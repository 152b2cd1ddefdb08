"""Writing the dates of a contract's term into columns, and moving them when the terms move them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.contracts.actions import COMPLETED, walk
from portal.contracts.models import Contract
from portal.contracts.queries import layers_of
from portal.kit.db import by_itself, transaction
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.renewals.models import PlannedDate, Renewal
from portal.renewals.queries.term import (
    Running,
    dates_of,
    quote_of,
    renewal_of,
    running,
    unknown_contracts,
)
from portal.renewals.rules.money import fee_of
from portal.renewals.rules.reading import mode_of, price_deadline
from portal.renewals.rules.schedule import ENDS, Due, decide_by, schedule, terms_change
from portal.residency.databases import hold_family


def hold(session: Session, contract_id: str) -> Contract:
    """Lock a contract for the caller's transaction, and read everything about it anew."""
    session.expire_all()
    hold_family(session, contract_id)
    return session.get_one(Contract, contract_id)


def enrol(session: Session, *, at: datetime, limit: int = 200) -> int:
    """Compute the dates of completed contracts that have none yet; return how many."""
    done = 0
    with walk(session, "dates", COMPLETED, most=limit) as some:
        missing = unknown_contracts(session, some)
        session.rollback()
        for contract_id in missing:
            with by_itself(session, f"first dates of {contract_id}"):
                _enrol_missing(session, contract_id, at=at)
                done += 1
    return done


def _enrol_missing(session: Session, contract_id: str, *, at: datetime) -> None:
    with transaction(session):
        contract = hold(session, contract_id)
        if renewal_of(session, contract) is None:
            _enrol(session, running(session, contract, number=0, on=at.date()), at=at)


def _enrol(session: Session, found: Running, *, at: datetime) -> Renewal:
    contract = found.contract
    row = Renewal(
        id=new_id(at), region=contract.region, contract_id=contract.id, state="running",
        vendor_id=contract.vendor_id, customer_id=contract.customer_id,
        completed_at=found.completed_at, vendor_decided=0, customer_decided=0,
    )  # fmt: skip
    project(session, row, found, at=at)
    record(
        session, contract.id, "renewal:dates:computed", actor=PORTAL, at=at,
        facts={"term": 0, "sha256": found.version.sha256},
    )  # fmt: skip
    return row


def refresh(session: Session, contract_id: str, *, at: datetime) -> bool:
    """Compute a contract's dates again after its terms changed; return whether one moved."""
    with transaction(session):
        contract = hold(session, contract_id)
        row = renewal_of(session, contract)
        if row is None or row.state != "running":
            return False
        return read_terms_again(session, row, running(session, contract, on=at.date()), at=at)


def read_terms_again(session: Session, row: Renewal, found: Running, *, at: datetime) -> bool:
    """Compute the running term's dates anew, in the caller's transaction; return whether any moved.

    It is an entry where one moved: who holds the dates in a calendar can see why.
    """
    moved = project(session, row, found, at=at)
    if moved:
        record(
            session, found.contract.id, "renewal:dates:computed", actor=PORTAL, at=at,
            facts={"term": row.number, "sha256": found.version.sha256, "moved": moved},
        )  # fmt: skip
    return moved > 0


def project(session: Session, row: Renewal, found: Running, *, at: datetime) -> int:
    """Write the running term and its dates, in the caller's transaction; return how many moved."""
    row.number, row.mode = found.span.number, mode_of(found.terms).value
    row.begins, row.ends = found.span.begins.isoformat(), found.span.ends.isoformat()
    price = price_deadline(found.terms, found.span.ends)
    row.notice_by = found.notice_by.isoformat()
    row.price_by = price.on.isoformat() if price else None
    row.decide_by = decide_by(found.notice_by).isoformat()
    row.version_sha256, row.read_at = found.version.sha256, at
    put(session, row, money=money_of(found.terms))
    session.flush()
    planned = schedule(found.terms, found.span, since=found.completed_at)
    planned += [
        terms_change(layer.starts, found.zone)
        for layer in layers_of(session, found.contract)
        if found.today(at) < layer.starts < found.span.ends
    ]
    return plan_dates(session, found.contract, found.span.number, planned, at=at)


def money_of(terms: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what the list shows of the price: a year now, and the next term at its dearest."""
    fee = fee_of(terms)
    if fee is None:
        return None
    told = {"yearly": str(fee.yearly), "currency": fee.currency}
    quote = quote_of(terms)
    if quote is not None:
        told |= {"worst": str(quote.total), "extra": str(quote.extra)}
    return told


def plan_dates(
    session: Session, contract: Contract, number: int, planned: Iterable[Due], *, at: datetime
) -> int:
    """Add, move and cancel the dates of a term; what is done stays as it was done."""
    known = {row.kind: row for row in dates_of(session, contract, number)}
    moved = 0
    for due in planned:
        row = known.pop(due.kind, None)
        if row is None:
            session.add(
                PlannedDate(
                    id=new_id(at), region=contract.region, contract_id=contract.id, number=number,
                    kind=due.kind, due_on=due.on.isoformat(), due_at=due.at, sequence=0,
                    changed_at=at, late=0,
                )
            )  # fmt: skip
        elif row.done_at is None and (row.due_at != due.at or row.cancelled_at):
            row.due_on, row.due_at, row.cancelled_at = due.on.isoformat(), due.at, None
            row.sequence, row.changed_at = row.sequence + 1, at
            moved += 1
    for row in known.values():
        moved += cancel(row, at=at)
    session.flush()
    return moved


def cancel(row: PlannedDate, *, at: datetime) -> bool:
    """Take a date off the plan, unless it is done; return whether that changed anything."""
    if row.done_at or row.cancelled_at:
        return False
    row.cancelled_at, row.changed_at, row.sequence = at, at, row.sequence + 1
    return True


def cancel_all_but_end(session: Session, contract: Contract, number: int, *, at: datetime) -> None:
    """Stop reminding of a term whose end is settled."""
    for row in dates_of(session, contract, number):
        if row.kind != ENDS:
            cancel(row, at=at)


def move_end(session: Session, row: Renewal, due: Due, *, at: datetime) -> None:
    """Let the running term end on another day than it was planned to."""
    row.ends = due.on.isoformat()
    for planned in session.scalars(
        select(PlannedDate).where(
            PlannedDate.contract_id == row.contract_id,
            PlannedDate.number == row.number,
            PlannedDate.kind == ENDS,
        )
    ):
        planned.due_on, planned.due_at = due.on.isoformat(), due.at
        planned.sequence, planned.changed_at = planned.sequence + 1, at
