"""Signs of life of the workers, in the directory: who works, and how each job last went."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from portal.kit.db import insert_for, transaction
from portal.notices.models import JobRun, Worker

FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True)
class JobOutcome:
    """How one run of a job went; `error` is the kind of its failure, never its words."""

    name: str
    at: datetime
    took: timedelta
    error: str | None


def beat(
    session: Session, worker_id: str, place: str, outcomes: Iterable[JobOutcome], *, at: datetime
) -> None:
    """Write that a worker lives, and its jobs' last outcomes; forget workers long silent.

    Several workers write of the same jobs: the run that ended last is told, whoever made it.
    """
    with transaction(session):
        row = session.get(Worker, worker_id)
        if row is None:
            row = Worker(id=worker_id, place=place[:80], started_at=at)
            session.add(row)
        row.seen_at = at
        # In one order, so that two who do this wait for each other and not in a circle.
        for one in sorted(outcomes, key=lambda outcome: outcome.name):
            _tell(session, one)
        session.execute(delete(Worker).where(Worker.seen_at < at - FORGOTTEN))


def _tell(session: Session, one: JobOutcome) -> None:
    said = {"ran_at": one.at, "error": one.error,
            "took_ms": round(one.took.total_seconds() * 1000)}  # fmt: skip
    row = insert_for(session)(JobRun).values(name=one.name, **said)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["name"], set_=said, where=JobRun.ran_at <= row.excluded.ran_at
        )
    )


def leave(session: Session, worker_id: str) -> None:
    """Take a worker that stops off the list."""
    with transaction(session):
        session.execute(delete(Worker).where(Worker.id == worker_id))
