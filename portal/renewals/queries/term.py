"""The term a contract runs in, read from its signed terms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session, aliased

from portal.accounts.rules import Actor
from portal.contracts.models import Contract, Fact, InterimChange, Version
from portal.contracts.queries import (
    current_version,
    dated_facts,
    find_contract,
    side_of,
    terms_in_force,
    version_in_force,
)
from portal.contracts.rules.amending import Decision as Decided
from portal.contracts.rules.life import Side, completed_at
from portal.kit.errors import NotFound
from portal.renewals.models import Decision, Notice, PlannedDate, Receipt, Renewal
from portal.renewals.rules import money
from portal.renewals.rules.dates import Plan, Span, term
from portal.renewals.rules.notices import Kind, local_date, reminded_in_time
from portal.renewals.rules.reading import Terms, duty_deadline, notice_deadline, plan_of, zone_of


@dataclass(frozen=True)
class Running:
    """A contract with the terms that run it, and the term it is in."""

    contract: Contract
    version: Version
    terms: Terms
    plan: Plan
    span: Span
    completed_at: datetime

    @property
    def notice_by(self) -> date:
        """The last day on which a notice against this term's renewal is in time."""
        return notice_deadline(self.terms, self.span.ends).on

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which deadlines are counted."""
        return zone_of(self.terms)

    def today(self, at: datetime) -> date:
        """Return the day it is where deadlines are counted."""
        return local_date(at, zone_of(self.terms))


def running(
    session: Session, contract: Contract, *, on: date, number: int | None = None
) -> Running:
    """Return the term a completed contract is in, by the terms in force on a day.

    `NotFound` before completion. Without a number it is the term the dates were kept for.
    """
    version, done = version_in_force(contract, on=on), completed_at(dated_facts(contract))
    if version is None or done is None:
        raise NotFound
    terms: Terms = terms_in_force(session, contract, on=on)
    if number is None:
        row = renewal_of(session, contract)
        number = row.number if row else 0
    plan = plan_of(terms, signed_at=_signed_at(contract, done), shared_end=_shared(session, terms))
    return Running(contract, version, terms, plan, term(plan, number), done)


def _signed_at(contract: Contract, done: datetime) -> datetime:
    signed = [fact.at for fact in contract.facts if fact.kind == "all_signed"]
    return max(signed, default=done)


def _shared(session: Session, terms: Terms) -> date | None:
    """Return the end of the contract this one ends with (P14), where it is one of this region."""
    other = terms.get("P14")
    if not other:
        return None
    ends = session.scalar(select(Renewal.ends).where(Renewal.contract_id == other["name"]))
    return date.fromisoformat(ends) if ends else None


def signed_version(contract: Contract) -> Version:
    """Return the version both sides signed."""
    version = current_version(contract)
    if version is None:
        raise NotFound
    return version


def renewal_of(session: Session, contract: Contract) -> Renewal | None:
    """Return the stored term of a contract, once the worker has computed it."""
    return session.scalar(select(Renewal).where(Renewal.contract_id == contract.id))


def ends_among(session: Session, refs: Sequence[str]) -> dict[str, date]:
    """Return the day after the term each of these contracts is in, as far as it is computed."""
    rows = session.execute(
        select(Renewal.contract_id, Renewal.ends).where(Renewal.contract_id.in_(refs))
    )
    return {ref: date.fromisoformat(ends) for ref, ends in rows}


def unknown_contracts(session: Session, refs: Sequence[str]) -> list[str]:
    """Return those of some completed contracts whose dates nobody has computed yet.

    An amendment has none.
    """
    missing = select(Contract.id).where(
        Contract.id.in_(refs),
        Contract.amends_id.is_(None),
        ~exists().where(Renewal.contract_id == Contract.id),
    )
    return list(session.scalars(missing.order_by(Contract.id)))


def changed_contracts(session: Session) -> list[str]:
    """Return the contracts whose terms were changed since their dates were computed."""
    child = aliased(Contract)
    amended = (
        select(Renewal.contract_id)
        .join(child, child.amends_id == Renewal.contract_id)
        .join(Fact, (Fact.contract_id == child.id) & (Fact.kind == "completed"))
        .where(Renewal.state == "running", _read_before(Fact.at))
    )
    interim = (
        select(Renewal.contract_id)
        .join(InterimChange, InterimChange.contract_id == Renewal.contract_id)
        .where(
            Renewal.state == "running",
            InterimChange.decision == Decided.AGREED,
            _read_before(InterimChange.decided_at),
        )
    )
    return list(dict.fromkeys([*session.scalars(amended), *session.scalars(interim)]))


def _read_before(at: Any) -> ColumnElement[bool]:
    return or_(Renewal.read_at.is_(None), Renewal.read_at < at)


def due_contracts(session: Session, *, at: datetime, limit: int = 500) -> list[str]:
    """Return the contracts with a date that is due, the longest overdue first."""
    due = (
        select(PlannedDate.contract_id)
        .where(*_waiting(), PlannedDate.due_at <= at)
        .order_by(PlannedDate.due_at)
        .limit(limit)
    )
    return list(dict.fromkeys(session.scalars(due)))


def due_dates(session: Session, contract: Contract, *, at: datetime) -> list[PlannedDate]:
    """Return a contract's dates that are due and not done, in order."""
    due = (
        select(PlannedDate)
        .where(PlannedDate.contract_id == contract.id, *_waiting(), PlannedDate.due_at <= at)
        .order_by(PlannedDate.due_at, PlannedDate.kind)
    )
    return list(session.scalars(due))


def _waiting() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return PlannedDate.done_at.is_(None), PlannedDate.cancelled_at.is_(None)


def dates_of(session: Session, contract: Contract, number: int) -> list[PlannedDate]:
    """Return every date of one term, done or not, in order."""
    found = select(PlannedDate).where(
        PlannedDate.contract_id == contract.id, PlannedDate.number == number
    )
    return list(session.scalars(found.order_by(PlannedDate.due_at, PlannedDate.kind)))


def notices_of(session: Session, contract: Contract) -> list[Notice]:
    """Return the notices of a contract, oldest first."""
    found = select(Notice).where(Notice.contract_id == contract.id).order_by(Notice.serial)
    return list(session.scalars(found))


def find_notice(session: Session, contract: Contract, serial: int) -> Notice:
    """Return a notice by its number in the contract."""
    found = session.scalar(
        select(Notice).where(Notice.contract_id == contract.id, Notice.serial == serial)
    )
    if found is None:
        raise NotFound
    return found


def notice_about(session: Session, contract: Contract, number: int, *kinds: Kind) -> Notice | None:
    """Return the first notice of these kinds about a term, if one was given."""
    return session.scalar(
        select(Notice)
        .where(
            Notice.contract_id == contract.id,
            Notice.number == number,
            Notice.kind.in_([kind.value for kind in kinds]),
        )
        .order_by(Notice.serial)
        .limit(1)
    )


def receipt_of(session: Session, notice: Notice) -> Receipt | None:
    """Return the other side's confirmation of a notice, if there is one."""
    return session.scalar(select(Receipt).where(Receipt.notice_id == notice.id))


def counts_from(session: Session, notice: Notice) -> date | None:
    """Return the day a notice counts as received; None while its delivery is not confirmed."""
    if notice.received_on:
        return date.fromisoformat(notice.received_on)
    receipt = receipt_of(session, notice)
    return date.fromisoformat(receipt.received_on) if receipt else None


def in_time(session: Session, notice: Notice) -> bool:
    """Return whether a notice counts as received on its last day or before."""
    received = counts_from(session, notice)
    return received is not None and received.isoformat() <= notice.due_on


def was_reminded(session: Session, found: Running) -> bool:
    """Return whether the reminder the vendor owes went out in time (P9)."""
    given = session.scalars(
        select(Notice.given_at).where(
            Notice.contract_id == found.contract.id,
            Notice.number == found.span.number,
            Notice.kind == Kind.REMINDER.value,
        )
    )
    duty = duty_deadline(found.terms, found.notice_by)
    return reminded_in_time(list(given), duty, zone_of(found.terms))


def left_unreminded(session: Session, contract: Contract, number: int, *, on: date) -> bool:
    """Return whether a term began by a renewal that the vendor did not remind of in time."""
    if number == 0:
        return False
    before = running(session, contract, number=number - 1, on=on)
    return not was_reminded(session, before)


def price_told(session: Session, found: Running) -> Notice | None:
    """Return the price notice of a term that was told in time."""
    notice = notice_about(session, found.contract, found.span.number, Kind.PRICE)
    return notice if notice and in_time(session, notice) else None


def decision_of(session: Session, found: Running, side: Side) -> Decision | None:
    """Return what one side last decided about the running term; the caller is of that side."""
    return session.scalar(
        select(Decision)
        .where(
            Decision.contract_id == found.contract.id,
            Decision.side == side.value,
            Decision.number == found.span.number,
        )
        .order_by(Decision.id.desc())
        .limit(1)
    )


def own_decision(session: Session, found: Running, actor: Actor) -> Decision | None:
    """Return what the actor's own side decided; the other side's is never found."""
    side = side_of(found.contract, actor)
    return decision_of(session, found, side) if side else None


def successor_of(session: Session, row: Renewal, actor: Actor) -> Contract | None:
    """Return the contract that is to renew this one."""
    return find_contract(session, actor, row.successor) if row.successor else None


def quote_of(terms: Terms, *, fee: Decimal | None = None) -> money.Quote | None:
    """Return the next term at its dearest, or at a fee that was told."""
    base, rule = money.fee_of(terms), money.price_rule_of(terms)
    months = terms.get("P4")
    if base is None or not months:
        return None
    percent = money.largest_rise(rule)
    if fee is not None:
        percent = (fee / base.amount - 1) * 100 if base.amount else Decimal(0)
    return money.dearest(base, rule, months=months["n"], percent=percent)
