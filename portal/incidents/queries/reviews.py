"""Finding executive reviews, and the facts their agendas are written from."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.incidents.models import Escalation, ExecutiveReview, Incident, Measure
from portal.incidents.queries.root_causes import open_measures
from portal.kit.errors import NotFound


def reviews_of(session: Session, contract: Contract) -> list[ExecutiveReview]:
    """Return the executive reviews of a contract, the latest first."""
    return list(
        session.scalars(
            select(ExecutiveReview)
            .where(ExecutiveReview.contract_id == contract.id)
            .order_by(ExecutiveReview.number.desc())
        )
    )


def find_review(session: Session, contract: Contract, number: int) -> ExecutiveReview:
    """Return one review, or raise `NotFound`."""
    row = session.scalar(
        select(ExecutiveReview).where(
            ExecutiveReview.contract_id == contract.id, ExecutiveReview.number == number
        )
    )
    if row is None:
        raise NotFound
    return row


def last_cause(session: Session, contract: Contract, trigger: str) -> str | None:
    """Return what called the latest review of a trigger."""
    return session.scalar(
        select(ExecutiveReview.cause)
        .where(ExecutiveReview.contract_id == contract.id, ExecutiveReview.trigger == trigger)
        .order_by(ExecutiveReview.number.desc())
        .limit(1)
    )


@dataclass(frozen=True)
class Agenda:
    """What the executives look at: the incidents that called them, how far those climbed, and the
    actions that are still open."""

    incidents: list[Incident]
    climbed: dict[str, list[str]]
    measures: list[tuple[Measure, Incident]]


def agenda_of(session: Session, contract: Contract, review: ExecutiveReview) -> Agenda:
    """Return the facts of a review's agenda; three queries."""
    incidents = list(
        session.scalars(
            select(Incident)
            .where(
                Incident.contract_id == contract.id,
                Incident.number.in_(review.facts.get("incidents") or [0]),
            )
            .order_by(Incident.number)
        )
    )
    rows = session.execute(
        select(Escalation.incident_id, Escalation.level)
        .where(Escalation.incident_id.in_([one.id for one in incidents]))
        .order_by(Escalation.level)
    )
    climbed: dict[str, list[str]] = {}
    for incident_id, level in rows:
        climbed.setdefault(incident_id, []).append(level)
    return Agenda(incidents, climbed, open_measures(session, contract))
