"""Planning reviews from the terms, calling and moving them, minutes, and what was agreed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.audit.rules import Actor as LogActor
from portal.contracts.models import Contract
from portal.contracts.queries import own_side, people_to_tell, state, terms_in_force
from portal.contracts.rules.life import RUNNING, Side
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.kept_words import keep, kept
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.notices.actions import tell
from portal.renewals.actions.projection import hold
from portal.renewals.rules.dates import add_days
from portal.reviews.models import Review, ReviewAction
from portal.reviews.queries import (
    find_action,
    find_review,
    known_reviews,
    seen_for,
)
from portal.reviews.rules.agenda import agenda_of
from portal.reviews.rules.schedule import Kind, Planned, planned

AHEAD = 45
"""Days ahead in which a review is planned and both sides are invited."""


def plan_reviews(session: Session, contract_id: str, *, at: datetime) -> int:
    """Plan what the terms ask for, each review once; return how many are new.

    A review whose day the terms moved moves with them, unless a person set its day.
    """
    with transaction(session):
        contract = hold(session, contract_id)
        today = at.date()
        if state(contract, today=today) not in RUNNING:
            return 0
        terms, known = terms_in_force(session, contract, on=today), known_reviews(session, contract)
        wanted = planned(terms, today, add_days(today, AHEAD))
        new = [_add(session, contract, one, at=at) for one in wanted if one.key not in known]
        for one in wanted:
            row = known.get(one.key)
            if row is not None:
                _follow(session, contract, row, one.on, at=at)
        return len(new)


def _add(
    session: Session, contract: Contract, one: Planned, *, at: datetime,
    actor: LogActor = PORTAL, fixed: bool = False,
) -> Review:  # fmt: skip
    row = Review(
        id=new_id(at), region=contract.region, contract_id=contract.id, kind=one.kind.value,
        key=one.key, due_on=one.on.isoformat(), sequence=0, changed_at=at, fixed=int(fixed),
    )  # fmt: skip
    put(session, row, why=keep(one.why))
    session.flush()
    record(
        session, contract.id, "review:planned", actor=actor, at=at,
        facts={"review": row.id, "kind": row.kind},
    )  # fmt: skip
    _tell_both(session, contract, row, "review:planned", at=at)
    return row


def _follow(session: Session, contract: Contract, row: Review, on: date, *, at: datetime) -> None:
    if row.held_on or row.fixed or row.due_on == on.isoformat():
        return
    _move(session, contract, row, on, actor=PORTAL, at=at)


def _move(
    session: Session, contract: Contract, row: Review, on: date, *, actor: LogActor, at: datetime
) -> None:
    row.due_on, row.sequence, row.changed_at = on.isoformat(), row.sequence + 1, at
    record(
        session, contract.id, "review:moved", actor=actor, at=at,
        facts={"review": row.id, "kind": row.kind, "sequence": row.sequence},
    )  # fmt: skip
    _tell_both(session, contract, row, "review:moved", at=at)


def _tell_both(
    session: Session, contract: Contract, row: Review, event: str, *, at: datetime
) -> None:
    for person in [person for side in Side for person in people_to_tell(contract, side)]:
        tell(
            session, event=event, to=person, chain=contract.id,
            cause=f"{row.id}:{row.sequence}", link=f"/contracts/{contract.id}/reviews/{row.id}",
            at=at,
        )  # fmt: skip


def call_review(
    session: Session, actor: Actor, contract: Contract, *, kind: Kind, on: date, why: str,
    at: datetime,
) -> Review:  # fmt: skip
    """Ask the other side to a review beyond those the contract plans."""
    demand(actor, "review:keep")
    _demand_running(contract, actor, at=at)
    if on < at.date():
        raise Refused(say("Choose a day that has not passed."))
    if not why.strip():
        raise Refused(say("Say why: it stands at the top of the agenda."))
    with transaction(session):
        contract = hold(session, contract.id)
        one = Planned(kind, f"called:{new_id(at)}", on, why.strip())
        return _add(session, contract, one, at=at, actor=actor.log, fixed=True)


def _demand_running(contract: Contract, actor: Actor, *, at: datetime) -> Side:
    side = own_side(contract, actor)
    if state(contract, today=at.date()) not in RUNNING:
        raise Refused(say("Reviews belong to a contract in force."))
    return side


def move_review(
    session: Session, actor: Actor, contract: Contract, review_id: str, *, on: date, at: datetime
) -> Review:
    """Set another day; everybody's calendar follows."""
    demand(actor, "review:keep")
    with transaction(session):
        contract = hold(session, contract.id)
        _demand_running(contract, actor, at=at)
        row = find_review(session, contract, review_id)
        if row.held_on:
            raise Refused(say("This review was held already."))
        if on < at.date():
            raise Refused(say("Choose a day that has not passed."))
        row.fixed = 1
        _move(session, contract, row, on, actor=actor.log, at=at)
        return row


@dataclass(frozen=True)
class Agreed:
    """Something agreed in a review: what, who does it, on which side, by when."""

    text: str
    owner: str
    side: Side
    due_on: date


def hold_review(
    session: Session,
    actor: Actor,
    contract: Contract,
    review_id: str,
    *,
    held_on: date,
    minutes: str,
    agreed: Sequence[Agreed],
    at: datetime,
) -> Review:
    """Keep the minutes with the agenda as it was, and the actions; both sides read them."""
    demand(actor, "review:keep")
    with transaction(session):
        contract = hold(session, contract.id)
        _demand_running(contract, actor, at=at)
        row = find_review(session, contract, review_id)
        if row.held_on:
            raise Refused(say("The minutes of this review are kept already."))
        if held_on > at.date():
            raise Refused(say("A review cannot have been held in the future."))
        seen = seen_for(session, contract, row, at=at)
        items = agenda_of(seen, why=kept(row.why), called=row.key.startswith("called:"))
        row.held_on, row.held_by, row.changed_at = held_on.isoformat(), actor.person_id, at
        put(
            session, row,
            minutes={"text": minutes.strip(), "by": actor.name,
                     "agenda": keep([asdict(item) for item in items])},
        )  # fmt: skip
        for one in agreed:
            _add_action(session, contract, row, one, at=at)
        session.expire(row, ["actions"])
        record(
            session, contract.id, "review:held", actor=actor.log, at=at,
            facts={"review": row.id, "kind": row.kind, "actions": len(agreed)},
        )  # fmt: skip
        _tell_both(session, contract, row, "review:held", at=at)
        return row


def _add_action(
    session: Session, contract: Contract, review: Review, one: Agreed, *, at: datetime
) -> ReviewAction:
    row = ReviewAction(
        id=new_id(at), region=contract.region, contract_id=contract.id, review_id=review.id,
        side=one.side.value, due_on=one.due_on.isoformat(),
    )  # fmt: skip
    return put(session, row, said={"text": one.text, "owner": one.owner})


def finish_action(
    session: Session, actor: Actor, contract: Contract, action_id: str, *, at: datetime
) -> ReviewAction:
    """Mark an action done; only the side whose it is can."""
    demand(actor, "review:keep")
    with transaction(session):
        contract = hold(session, contract.id)
        side = own_side(contract, actor)
        row = find_action(session, contract, action_id)
        if row.side != side:
            raise Refused(say("The side whose action it is says when it is done."))
        if row.done_at:
            raise Refused(say("This action is done already."))
        row.done_at = at
        record(
            session, contract.id, "review:action:done", actor=actor.log, at=at,
            facts={"review": row.review_id, "action": row.id},
        )  # fmt: skip
        return row
