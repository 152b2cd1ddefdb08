"""Finding changes, outages and monitors of a contract that was found for the member who asks."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from portal.accounts.rules import Actor
from portal.changes.models import ChangeEvent, ChangeRow, Monitor, OutageEventRow, OutageRow
from portal.changes.rules.outages import Outage, OutageEvent, outage_of
from portal.changes.rules.plan import Change, Event, change_of, plan_from_json
from portal.contracts.models import Contract
from portal.contracts.queries import side_of
from portal.contracts.rules.life import Side
from portal.kit.errors import NotFound


def change_rows(session: Session, contract: Contract) -> list[ChangeRow]:
    """Return all changes of a contract with their events, oldest plan first."""
    return list(
        session.scalars(
            select(ChangeRow)
            .where(ChangeRow.contract_id == contract.id)
            .options(selectinload(ChangeRow.events))
            .order_by(ChangeRow.begin, ChangeRow.id)
        )
    )


def changes_of(
    session: Session, contract: Contract, *, known_at: datetime | None = None
) -> list[Change]:
    """Return the announced changes as the rules read them, as they were known at a moment."""
    found = [as_change(row, known_at=known_at) for row in change_rows(session, contract)]
    return [change for change in found if change.announced_at is not None]


def changes_among(session: Session, refs: Sequence[str]) -> dict[str, list[Change]]:
    """Return the announced changes of several contracts; two queries for all."""
    rows = session.scalars(
        select(ChangeRow)
        .where(ChangeRow.contract_id.in_(refs))
        .options(selectinload(ChangeRow.events))
        .order_by(ChangeRow.begin, ChangeRow.id)
    )
    found: dict[str, list[Change]] = {ref: [] for ref in refs}
    for row in rows:
        change = as_change(row)
        if change.announced_at is not None:
            found[row.contract_id].append(change)
    return found


def visible_changes(session: Session, contract: Contract, actor: Actor) -> list[Change]:
    """Return the changes a member may see: what was never announced is the vendor's own."""
    vendor = side_of(contract, actor) is Side.VENDOR
    found = [as_change(row) for row in change_rows(session, contract)]
    return [change for change in found if vendor or change.announced_at is not None]


def find_change(session: Session, contract: Contract, actor: Actor, ref: str) -> ChangeRow:
    """Return one change; what the vendor never announced is not found by the customer."""
    row = session.scalar(
        select(ChangeRow)
        .where(ChangeRow.contract_id == contract.id, ChangeRow.ref == ref)
        .options(selectinload(ChangeRow.events))
    )
    if row is None:
        raise NotFound
    if as_change(row).announced_at is None and side_of(contract, actor) is not Side.VENDOR:
        raise NotFound
    return row


def as_change(row: ChangeRow, *, known_at: datetime | None = None) -> Change:
    """Return a stored change as the rules read it."""
    plan = plan_from_json(row.content, kind=row.kind, sort=row.sort, begin=row.begin, end=row.end)
    events = [_event(e) for e in row.events if known_at is None or e.recorded_at <= known_at]
    return change_of(row.ref, plan, events)


def _event(row: ChangeEvent) -> Event:
    return Event(row.kind, row.at, row.recorded_at, Side(row.side), row.begin, row.end)


def outage_rows(session: Session, contract: Contract) -> list[OutageRow]:
    """Return all outages of a contract with their events, newest first."""
    return list(
        session.scalars(
            select(OutageRow)
            .where(OutageRow.contract_id == contract.id)
            .options(selectinload(OutageRow.events))
            .order_by(OutageRow.id.desc())
        )
    )


def outages_of(
    session: Session, contract: Contract, *, known_at: datetime | None = None
) -> list[Outage]:
    """Return the outages as the rules read them, as they were known at a moment."""
    found = (as_outage(row, known_at=known_at) for row in outage_rows(session, contract))
    return [outage for outage in found if outage is not None]


def outages_among(session: Session, refs: Sequence[str]) -> dict[str, list[Outage]]:
    """Return the outages of several contracts; two queries for all."""
    rows = session.scalars(
        select(OutageRow)
        .where(OutageRow.contract_id.in_(refs))
        .options(selectinload(OutageRow.events))
        .order_by(OutageRow.id.desc())
    )
    found: dict[str, list[Outage]] = {ref: [] for ref in refs}
    for row in rows:
        found[row.contract_id].append(standing_outage(row))
    return found


def find_outage(session: Session, contract: Contract, ref: str) -> OutageRow:
    """Return one outage of a contract."""
    row = session.scalar(
        select(OutageRow)
        .where(OutageRow.contract_id == contract.id, OutageRow.ref == ref)
        .options(selectinload(OutageRow.events))
    )
    if row is None:
        raise NotFound
    return row


def as_outage(row: OutageRow, *, known_at: datetime | None = None) -> Outage | None:
    """Return a stored outage as the rules read it; None before it was recorded."""
    return outage_of(
        row.ref, [_outage_event(event) for event in row.events], effect=row.effect,
        modules=row.content["modules"], by_monitor=row.monitor_id is not None, known_at=known_at,
    )  # fmt: skip


def standing_outage(row: OutageRow) -> Outage:
    """Return a stored outage as it stands now."""
    outage = as_outage(row)
    if outage is None:
        raise NotFound
    return outage


def _outage_event(row: OutageEventRow) -> OutageEvent:
    return OutageEvent(row.kind, row.recorded_at, Side(row.side), row.begin, row.end, row.cause)


def monitors_of(session: Session, contract: Contract, side: Side) -> Sequence[Monitor]:
    """Return the monitors of one side, oldest first."""
    return session.scalars(
        select(Monitor)
        .where(Monitor.contract_id == contract.id, Monitor.side == side)
        .order_by(Monitor.id)
    ).all()


def find_monitor(session: Session, contract: Contract, side: Side, key: str) -> Monitor:
    """Return one monitor of a side."""
    row = session.get(Monitor, key)
    if row is None or row.contract_id != contract.id or row.side != side:
        raise NotFound
    return row


def monitor_by_token(session: Session, ref: str, token_sha256: str) -> tuple[Monitor, Contract]:
    """Return the monitor whose token has this hash, and its contract; `NotFound` for any other."""
    row = session.scalar(
        select(Monitor).where(
            Monitor.contract_id == ref,
            Monitor.token_sha256 == token_sha256,
            Monitor.revoked_at.is_(None),
        )
    )
    if row is None:
        raise NotFound
    return row, session.get_one(Contract, row.contract_id)


def open_outages_of(session: Session, monitor: Monitor) -> list[OutageRow]:
    """Return the outages a monitor reported that are not over."""
    rows = session.scalars(
        select(OutageRow)
        .where(OutageRow.monitor_id == monitor.id)
        .options(selectinload(OutageRow.events))
    )
    return [row for row in rows if not standing_outage(row).over]
