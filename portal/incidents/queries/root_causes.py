"""Finding the accounts of causes, and the actions that follow from them."""

from datetime import UTC, date, datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from portal.contracts.models import Contract
from portal.incidents.models import Incident, Measure, RootCause


def find_root_cause(session: Session, incident: Incident) -> RootCause | None:
    """Return the root cause that is asked of an incident, if one is."""
    return session.scalar(
        select(RootCause)
        .where(RootCause.incident_id == incident.id)
        .options(selectinload(RootCause.accounts), selectinload(RootCause.measures))
        .execution_options(populate_existing=True)
    )


def root_causes_of(session: Session, contract: Contract) -> list[tuple[RootCause, Incident]]:
    """Return every root cause of a contract with its incident, the soonest due first."""
    rows = session.execute(
        select(RootCause, Incident)
        .join(Incident, Incident.id == RootCause.incident_id)
        .where(RootCause.contract_id == contract.id)
        .options(selectinload(RootCause.accounts))
        .order_by(RootCause.final_due_at)
    )
    return [(row[0], row[1]) for row in rows]


def open_measures(session: Session, contract: Contract) -> list[tuple[Measure, Incident]]:
    """Return the actions that are not done, the soonest due first, each with its incident."""
    rows = session.execute(
        select(Measure, Incident)
        .join(RootCause, RootCause.id == Measure.root_cause_id)
        .join(Incident, Incident.id == RootCause.incident_id)
        .where(Measure.contract_id == contract.id, Measure.done_at.is_(None))
        .order_by(Measure.due, Measure.id)
    )
    return [(row[0], row[1]) for row in rows]


def overdue_causes(session: Session, contract: Contract, *, before: date) -> list[RootCause]:
    """Return the root causes whose full account was due before a day and is not there."""
    return list(
        session.scalars(
            select(RootCause).where(
                RootCause.contract_id == contract.id,
                RootCause.final_at.is_(None),
                RootCause.final_due_at < _midnight(before),
            )
        )
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
