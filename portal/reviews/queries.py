"""Finding reviews and what their agenda is written from."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, selectinload

from portal.accounts.rules import Actor
from portal.changes.queries import changes_of
from portal.changes.rules.agenda import agenda
from portal.changes.rules.plan import Stage
from portal.contracts.models import Contract
from portal.contracts.queries import terms_in_force
from portal.incidents.models import ExecutiveReview, Incident, NamedContact
from portal.incidents.queries.root_causes import open_measures
from portal.kit.errors import NotFound
from portal.renewals.models import Renewal
from portal.renewals.queries.measured import measured_in, open_credits, runs_in
from portal.renewals.queries.term import Running, renewal_of
from portal.renewals.rules.calendar import BEHIND, Entry, Subject, alarms_of
from portal.renewals.rules.conditions import Measured
from portal.renewals.rules.dates import add_days, start_of
from portal.renewals.rules.promised import share
from portal.renewals.rules.reading import zone_of
from portal.reviews.models import Review, ReviewAction
from portal.reviews.rules.agenda import Seen
from portal.reviews.rules.schedule import KIND_WORDS, Kind, peak_name


def reviews_of(session: Session, contract: Contract) -> list[Review]:
    """Return the reviews of a contract, the latest day first."""
    found = select(Review).where(Review.contract_id == contract.id)
    return list(
        session.scalars(
            found.options(selectinload(Review.actions)).order_by(Review.due_on.desc(), Review.id)
        )
    )


def find_review(session: Session, contract: Contract, review_id: str) -> Review:
    """Return one review of a contract, or raise `NotFound`."""
    found = session.scalar(
        select(Review)
        .where(Review.id == review_id, Review.contract_id == contract.id)
        .options(selectinload(Review.actions))
    )
    if found is None:
        raise NotFound
    return found


def find_action(session: Session, contract: Contract, action_id: str) -> ReviewAction:
    """Return one action of a contract's reviews, or raise `NotFound`."""
    found = session.get(ReviewAction, action_id)
    if found is None or found.contract_id != contract.id:
        raise NotFound
    return found


def known_reviews(session: Session, contract: Contract) -> dict[str, Review]:
    """Return a contract's reviews by key."""
    rows = session.scalars(select(Review).where(Review.contract_id == contract.id))
    return {row.key: row for row in rows}


def open_actions(session: Session, contract: Contract) -> list[ReviewAction]:
    """Return the actions of all reviews that are not done, the earliest due first."""
    found = select(ReviewAction).where(
        ReviewAction.contract_id == contract.id, ReviewAction.done_at.is_(None)
    )
    return list(session.scalars(found.order_by(ReviewAction.due_on)))


def held_between(session: Session, contract: Contract, begin: date, end: date) -> int:
    """Return how many reviews were held from one day up to another."""
    return (
        session.scalar(
            select(func.count()).where(
                Review.contract_id == contract.id,
                Review.held_on >= begin.isoformat(),
                Review.held_on < end.isoformat(),
            )
        )
        or 0
    )


def measured_with_reviews(session: Session, found: Running) -> Measured:
    """Return what a renewal is judged by, the reviews that were held included."""
    held = held_between(session, found.contract, found.span.begins, found.span.ends)
    return replace(measured_in(session, found), reviews_held=held)


def seen_for(session: Session, contract: Contract, review: Review, *, at: datetime) -> Seen:
    """Return the facts the agenda of a review is written from; about ten queries."""
    terms = terms_in_force(session, contract, on=at.date())
    zone = zone_of(terms)
    since = start_of(_since(session, contract, review), zone)
    runs = runs_in(session, contract, since, at)
    missed = session.scalars(
        select(Incident.number)
        .where(
            Incident.contract_id == contract.id, Incident.breaches > 0,
            Incident.reported_at >= since,
        )
        .order_by(Incident.number)
    )  # fmt: skip
    kept = sum(run.met for run in runs)
    row = renewal_of(session, contract)
    return Seen(
        since=since.astimezone(zone).date(),
        attainment=share(kept, len(runs) - kept) if runs else None,
        targets=len(runs),
        missed_targets=len(runs) - kept,
        breached=list(missed),
        credits=open_credits(session, [contract.id]).get(contract.id, 0),
        actions=[(one.said["text"], one.said["owner"], one.due_on)
                 for one in open_actions(session, contract) if one.review_id != review.id],
        measures=[
            (measure.words, measure.owner, date.fromisoformat(measure.due))
            for measure, _ in open_measures(session, contract)
        ],
        changes=[
            (change.ref, change.plan.begin.astimezone(zone).date())
            for change in changes_of(session, contract)
            if change.plan.begin > at and change.stage is not Stage.WITHDRAWN
        ],
        contacts=session.scalar(
            select(func.count()).where(NamedContact.contract_id == contract.id)
        ) or 0,
        contacts_every=(terms.get("G7") or {}).get("n"),
        peaks=[
            (peak_name(one), one.begin.astimezone(zone).date())
            for one in agenda(terms, at, at + timedelta(days=120)) if one.kind == "peak"
        ],
        notice_by=date.fromisoformat(row.notice_by) if row and row.state == "running" else None,
        today=at.astimezone(zone).date(),
    )  # fmt: skip


def _since(session: Session, contract: Contract, review: Review) -> date:
    last = session.scalar(
        select(func.max(Review.held_on)).where(
            Review.contract_id == contract.id, Review.id != review.id
        )
    )
    return date.fromisoformat(last) if last else add_days(date.fromisoformat(review.due_on), -92)


def uid_of(ref: str, key: str) -> str:
    """Return the identity of a review in every calendar, planned or not yet."""
    return f"review.{key.replace(':', '-')}.{ref}@counterpart"


RUNNING_TERMS = select(Renewal.contract_id).where(Renewal.state != "over")
"""The contracts that run, for the worker."""


def executive_entries(session: Session, actor: Actor, *, at: datetime) -> Iterator[Entry]:
    """Yield the executive reviews that the numbers of the actor's contracts called.

    One stands on its last day until it was held, and then on the day it was.
    """
    rows = session.execute(
        select(ExecutiveReview, Contract)
        .join(Contract, Contract.id == ExecutiveReview.contract_id)
        .where(_of_actor(actor), ExecutiveReview.due_at >= at - timedelta(days=BEHIND))
        .order_by(ExecutiveReview.due_at)
        .limit(500)
    )
    for row, contract in rows:
        other = _other(actor, contract.vendor_id, contract.vendor_name, contract.customer_name)
        on = (row.held_at or row.due_at).date()
        yield Entry(
            uid=uid_of(contract.id, f"executive:{row.number}"),
            subject=Subject.REVIEW,
            summary=f"Executive review {row.number}: {contract.id}, {other}",
            text=f"Executive review {row.number} of contract {contract.id} with {other}.",
            begins=on,
            ends=add_days(on, 1),
            path=f"/contracts/{contract.id}/executive-reviews/{row.number}",
            sequence=1 if row.held_at else 0,
            changed_at=row.held_at or row.called_at,
            alarms=() if row.held_at else alarms_of(Subject.REVIEW),
        )


def _of_actor(actor: Actor) -> ColumnElement[bool]:
    mine = actor.organisation_id
    return or_(Contract.vendor_id == mine, Contract.customer_id == mine)


def _other(actor: Actor, vendor_id: str, vendor: str, customer: str) -> str:
    return customer if vendor_id == actor.organisation_id else vendor


def review_entries(session: Session, actor: Actor, *, at: datetime) -> Iterator[Entry]:
    """Yield the reviews of the actor's contracts as entries of a calendar."""
    yield from executive_entries(session, actor, at=at)
    rows = session.execute(
        select(Review, Contract.vendor_id, Contract.vendor_name, Contract.customer_name)
        .join(Contract, Contract.id == Review.contract_id)
        .where(
            _of_actor(actor),
            Review.due_on >= add_days(at.date(), -BEHIND).isoformat(),
        )
        .order_by(Review.due_on)
        .limit(500)
    )
    for row, vendor_id, vendor, customer in rows:
        other = _other(actor, vendor_id, vendor, customer)
        on, words = date.fromisoformat(row.due_on), KIND_WORDS[Kind(row.kind)]
        yield Entry(
            uid=uid_of(row.contract_id, row.key),
            subject=Subject.REVIEW,
            summary=f"{words}: {row.contract_id}, {other}",
            text=f"{words} of contract {row.contract_id} with {other}.",
            begins=on,
            ends=add_days(on, 1),
            path=f"/contracts/{row.contract_id}/reviews/{row.id}",
            sequence=row.sequence,
            changed_at=row.changed_at,
            alarms=alarms_of(Subject.REVIEW),
        )
