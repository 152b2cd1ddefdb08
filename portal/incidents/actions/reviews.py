"""Calling executive reviews by the contract's numbers, and writing down what they decided."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.contracts.models import Contract
from portal.contracts.queries import people_to_tell, side_of
from portal.contracts.rules.life import Side
from portal.incidents.models import ClockRecord, ExecutiveReview, Incident, RootCause
from portal.incidents.queries import promises_on
from portal.incidents.rules import reviews as rules
from portal.kit.db import transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.kept_words import keep
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.notices.actions import tell
from portal.sla.rules.promises import Promises

LOOK_BACK = timedelta(days=400)


def keep_reviews(session: Session, contract: Contract, *, at: datetime) -> int:
    """Call the reviews whose numbers are reached, each once; return how many."""
    promises = promises_on(session, contract, at.date())
    called = [
        _by_count(session, contract, promises, at=at),
        *_by_overdue(session, contract, promises, at=at),
        _by_attainment(session, contract, promises, at=at),
    ]
    return sum(
        call_review(session, contract, one, promises, at=at) is not None for one in called if one
    )


def call_review(
    session: Session, contract: Contract, called: rules.Called, promises: Promises, *, at: datetime
) -> ExecutiveReview | None:
    """Call one review, unless its cause has called one before; both sides are told."""
    with transaction(session):
        known = session.scalar(
            select(ExecutiveReview.id).where(
                ExecutiveReview.contract_id == contract.id,
                ExecutiveReview.trigger == called.trigger,
                ExecutiveReview.cause == called.cause,
            )
        )
        if known:
            return None
        last = session.scalar(
            select(func.max(ExecutiveReview.number)).where(
                ExecutiveReview.contract_id == contract.id
            )
        )
        row = ExecutiveReview(
            id=new_id(at), region=contract.region, contract_id=contract.id,
            number=(last or 0) + 1, trigger=called.trigger, cause=called.cause, called_at=at,
            due_at=rules.review_due(promises, at),
        )  # fmt: skip
        facts = {
            "sentence": str(called.sentence), "said": keep(called.sentence),
            "incidents": list(called.incidents), "outages": list(called.outages),
            "months": list(called.months),
        }  # fmt: skip
        put(session, row, facts=facts)
        session.flush()
        record(
            session, contract.id, "incident:review:called", actor=PORTAL, at=at,
            facts={"number": row.number, "trigger": called.trigger},
        )  # fmt: skip
        _tell(session, contract, row, at=at)
        return row


def hold_review(
    session: Session, contract: Contract, actor: Actor, number: int, *, outcome: str, at: datetime
) -> ExecutiveReview:
    """Write down that a review was held and what it decided."""
    demand(actor, "review:hold")
    if side_of(contract, actor) is None:
        raise NotFound
    if not outcome.strip():
        raise Refused(say("Write down what was decided, who does it and by when."))
    with transaction(session):
        row = session.scalar(
            select(ExecutiveReview).where(
                ExecutiveReview.contract_id == contract.id, ExecutiveReview.number == number
            )
        )
        if row is None:
            raise NotFound
        if row.held_at is not None:
            raise Refused(say("This review is written down already."))
        row.held_at, row.held_by = at, actor.person_id
        put(session, row, outcome=outcome.strip())
        record(
            session, contract.id, "incident:review:held", actor=actor.log, at=at,
            facts={"number": row.number, "trigger": row.trigger},
        )  # fmt: skip
        return row


def _by_count(
    session: Session, contract: Contract, promises: Promises, *, at: datetime
) -> rules.Called | None:
    since = session.scalar(
        select(func.max(ExecutiveReview.called_at)).where(
            ExecutiveReview.contract_id == contract.id, ExecutiveReview.trigger == "s1_count"
        )
    )
    rows = session.execute(
        select(Incident.id, Incident.number, Incident.reported_at)
        .where(
            Incident.contract_id == contract.id, Incident.severity == "S1",
            Incident.excluded != "claimed", Incident.reported_at > at - LOOK_BACK,
        )
        .order_by(Incident.reported_at)
    )  # fmt: skip
    critical = [rules.Critical(row[0], row[1], row[2]) for row in rows]
    return rules.by_count(promises.terms, critical, since=since, now=at)


def _by_overdue(
    session: Session, contract: Contract, promises: Promises, *, at: datetime
) -> list[rules.Called]:
    rows = session.execute(
        select(RootCause.id, Incident.number, RootCause.final_due_at)
        .join(Incident, Incident.id == RootCause.incident_id)
        .where(
            RootCause.contract_id == contract.id, RootCause.final_at.is_(None),
            RootCause.final_due_at < at,
        )
    )  # fmt: skip
    found = [(row[0], row[1], row[2]) for row in rows]
    return rules.by_overdue(promises.terms, found, now=at)


def _by_attainment(
    session: Session, contract: Contract, promises: Promises, *, at: datetime
) -> rules.Called | None:
    end = datetime(at.year, at.month, 1, tzinfo=UTC)
    begin = (end - timedelta(days=1)).replace(day=1)
    counted: Any = dict(
        session.execute(
            select(ClockRecord.result, func.count())
            .join(Incident, Incident.id == ClockRecord.incident_id)
            .where(
                ClockRecord.contract_id == contract.id, ClockRecord.fell_due_at >= begin,
                ClockRecord.fell_due_at < end, ClockRecord.superseded == 0,
                Incident.excluded == "no", ClockRecord.result.in_(("met", "breached")),
            )
            .group_by(ClockRecord.result)
        ).all()
    )  # fmt: skip
    met, missed = counted.get("met", 0), counted.get("breached", 0)
    return rules.by_attainment(promises.terms, met=met, due=met + missed, month=f"{begin:%Y-%m}")


def _tell(session: Session, contract: Contract, row: ExecutiveReview, *, at: datetime) -> None:
    for person in [p for side in Side for p in people_to_tell(contract, side)]:
        tell(
            session, event="incidents:review:called", to=person, chain=contract.id, at=at,
            cause=row.id, link=f"/contracts/{contract.id}/executive-reviews/{row.number}",
            number=row.number, due=row.due_at,
        )  # fmt: skip
