"""The entries of a person's calendar, and whose calendar an address is."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from portal.accounts.models import Membership
from portal.accounts.rules import Actor
from portal.changes.queries import visible_changes
from portal.changes.rules.agenda import agenda
from portal.changes.rules.plan import KIND_WORDS, Stage
from portal.contracts.models import Contract
from portal.contracts.queries import name_of, side_of, terms_in_force
from portal.kit.db import db
from portal.kit.errors import NotFound
from portal.renewals.models import CalendarFeed, PlannedDate, Renewal
from portal.renewals.queries.term import dates_of, renewal_of
from portal.renewals.rules.calendar import (
    AHEAD,
    BEHIND,
    DATES,
    Entry,
    Subject,
    date_entry,
    statement_entries,
    uid_of,
)
from portal.renewals.rules.dates import add_days

MOST_DATES = 3000
MOST_CONTRACTS = 60
"""Of so many contracts, those that renew soonest, the recurring windows are told too."""
STRETCHES_AHEAD = timedelta(days=120)


def hash_of(token: str) -> str:
    """Return what is kept of a calendar's address."""
    return hashlib.sha256(token.encode()).hexdigest()


def feed_by_token(token: str) -> CalendarFeed:
    """Return the calendar of an address that still holds, or raise `NotFound`."""
    found = db.session.scalar(
        select(CalendarFeed).where(
            CalendarFeed.token_sha256 == hash_of(token), CalendarFeed.revoked_at.is_(None)
        )
    )
    if found is None:
        raise NotFound
    return found


def member_of(feed: CalendarFeed) -> Membership:
    """Return the membership a calendar is read for; it ends with it."""
    found = db.session.scalar(
        select(Membership)
        .where(
            Membership.person_id == feed.person_id,
            Membership.organisation_id == feed.organisation_id,
            Membership.ended_at.is_(None),
        )
        .options(joinedload(Membership.person), joinedload(Membership.organisation))
    )
    if found is None or found.person.deactivated_at is not None:
        raise NotFound
    return found


def feeds_of(actor: Actor) -> Sequence[CalendarFeed]:
    """Return the actor's own calendar addresses that still hold."""
    return db.session.scalars(
        select(CalendarFeed)
        .where(
            CalendarFeed.person_id == actor.person_id,
            CalendarFeed.organisation_id == actor.organisation_id,
            CalendarFeed.revoked_at.is_(None),
        )
        .order_by(CalendarFeed.created_at)
    ).all()


def entries_of(
    session: Session, actor: Actor, wanted: frozenset[Subject], *, at: datetime
) -> Iterator[Entry]:
    """Yield the entries of one region that the actor's roles want."""
    today = at.astimezone(UTC).date()
    kinds = [kind for kind, (subject, _) in DATES.items() if subject in wanted]
    if kinds:
        yield from _planned(session, actor, kinds, today=today)
    if wanted & {Subject.MAINTENANCE, Subject.FREEZE, Subject.STATEMENT}:
        for contract in _soonest(session, actor):
            yield from _of_contract(session, contract, actor, wanted, at=at)


def _planned(
    session: Session, actor: Actor, kinds: Sequence[str], *, today: date
) -> Iterator[Entry]:
    rows = session.execute(
        select(PlannedDate, Contract.vendor_id, Contract.vendor_name, Contract.customer_name)
        .join(Contract, Contract.id == PlannedDate.contract_id)
        .where(
            or_(
                Contract.vendor_id == actor.organisation_id,
                Contract.customer_id == actor.organisation_id,
            ),
            PlannedDate.kind.in_(kinds),
            PlannedDate.due_on >= add_days(today, -BEHIND).isoformat(),
            PlannedDate.due_on <= add_days(today, AHEAD).isoformat(),
        )
        .order_by(PlannedDate.due_on, PlannedDate.contract_id, PlannedDate.kind)
        .limit(MOST_DATES)
    )
    for planned, vendor_id, vendor, customer in rows:
        yield entry_of(planned, customer if vendor_id == actor.organisation_id else vendor)


def entry_of(planned: PlannedDate, other: str) -> Entry:
    """Return a planned date as an entry of a calendar."""
    return date_entry(
        kind=planned.kind, number=planned.number, ref=planned.contract_id, other=other,
        on=date.fromisoformat(planned.due_on), sequence=planned.sequence,
        changed_at=planned.changed_at, cancelled=planned.cancelled_at is not None,
    )  # fmt: skip


def date_of(session: Session, contract: Contract, actor: Actor, kind: str) -> Entry:
    """Return one date of the running term as an entry, or raise `NotFound`."""
    row, side = renewal_of(session, contract), side_of(contract, actor)
    if row is None or side is None or kind not in DATES:
        raise NotFound
    found = [one for one in dates_of(session, contract, row.number) if one.kind == kind]
    if not found:
        raise NotFound
    return entry_of(found[0], name_of(contract, side.other))


def _soonest(session: Session, actor: Actor) -> Sequence[Contract]:
    return session.scalars(
        select(Contract)
        .join(Renewal, Renewal.contract_id == Contract.id)
        .where(
            or_(
                Renewal.vendor_id == actor.organisation_id,
                Renewal.customer_id == actor.organisation_id,
            ),
            Renewal.state != "over",
        )
        .options(selectinload(Contract.facts), selectinload(Contract.versions))
        .order_by(Renewal.notice_by)
        .limit(MOST_CONTRACTS)
    ).all()


def _of_contract(
    session: Session, contract: Contract, actor: Actor, wanted: frozenset[Subject], *, at: datetime
) -> Iterator[Entry]:
    side = side_of(contract, actor)
    if side is None:
        return
    terms, other = terms_in_force(session, contract, on=at.date()), name_of(contract, side.other)
    ref = contract.id
    for stretch in agenda(terms, at, at + STRETCHES_AHEAD):
        subject = Subject.MAINTENANCE if stretch.kind == "window" else Subject.FREEZE
        if subject in wanted:
            yield Entry(
                uid=uid_of(stretch.kind, f"{stretch.begin:%Y%m%dT%H%M%SZ}", ref),
                subject=subject,
                summary=f"{_thin(stretch.kind)}: {ref}, {other}",
                text=f"{_thin(stretch.kind)} of contract {ref}.",
                begins=stretch.begin,
                ends=stretch.end,
                path=f"/contracts/{ref}/calendar",
            )
    if Subject.MAINTENANCE in wanted:
        yield from _changes(session, contract, actor, other, at=at)
    if Subject.STATEMENT in wanted:
        yield from statement_entries(terms, ref=ref, other=other, today=at.date())


def _thin(kind: str) -> str:
    return {"window": "Maintenance window", "freeze": "Freeze", "peak": "Peak"}[kind]


def _changes(
    session: Session, contract: Contract, actor: Actor, other: str, *, at: datetime
) -> Iterator[Entry]:
    for change in visible_changes(session, contract, actor):
        if (change.over_at or change.plan.end) < at - timedelta(days=BEHIND):
            continue
        words = KIND_WORDS[change.plan.kind]
        yield Entry(
            uid=uid_of("change", change.ref, contract.id),
            subject=Subject.MAINTENANCE,
            summary=f"{words} {change.ref}: {contract.id}, {other}",
            text=f"{words} {change.ref} of contract {contract.id}.",
            begins=change.begun_at or change.plan.begin,
            ends=change.over_at or change.plan.end,
            path=f"/contracts/{contract.id}/changes/{change.ref}",
            sequence=len(change.events),
            cancelled=change.stage is Stage.WITHDRAWN,
            alarms=(timedelta(days=1),),
        )
