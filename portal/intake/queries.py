"""Finding the files an organisation brought; another's are not found."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.contracts.models import Contract
from portal.intake.models import Intake, IntakeFault
from portal.kit.errors import NotFound


def intakes_of(session: Session, contract: Contract, actor: Actor) -> Sequence[Intake]:
    """Return the organisation's files for a contract, newest first."""
    return session.scalars(
        select(Intake)
        .where(Intake.contract_id == contract.id, Intake.organisation_id == actor.organisation_id)
        .order_by(Intake.id.desc())
    ).all()


def find_intake(session: Session, contract: Contract, actor: Actor, intake_id: str) -> Intake:
    """Return one file, or raise `NotFound`."""
    row = session.get(Intake, intake_id, populate_existing=True)
    mine = (contract.id, actor.organisation_id)
    if row is None or (row.contract_id, row.organisation_id) != mine:
        raise NotFound
    return row


def faults_of(
    session: Session, intake: Intake, *, limit: int | None = None
) -> Sequence[IntakeFault]:
    """Return what is wrong, in the order of the file."""
    query = select(IntakeFault).where(IntakeFault.intake_id == intake.id)
    return session.scalars(query.order_by(IntakeFault.line, IntakeFault.id).limit(limit)).all()


def waiting_intakes(session: Session, *, at: datetime) -> list[str]:
    """Return the files that are to be read on, or taken, and that no worker holds."""
    reading = Intake.checked_at.is_(None)
    taking = and_(Intake.confirmed_at.is_not(None), Intake.taken_at.is_(None))
    free = or_(Intake.leased_until.is_(None), Intake.leased_until < at)
    query = select(Intake.id).where(
        or_(reading, taking), free, Intake.dropped_at.is_(None), Intake.problem.is_(None)
    )
    return list(session.scalars(query.order_by(Intake.id)))
