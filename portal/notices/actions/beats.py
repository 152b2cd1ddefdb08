"""Signs of life of the workers, in the directory: who works, and how each job last went."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from portal.kit.db import transaction
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
    """Write that a worker lives, and its jobs' last outcomes; forget workers long silent."""
    with transaction(session):
        row = session.get(Worker, worker_id)
        if row is None:
            row = Worker(id=worker_id, place=place[:80], started_at=at)
            session.add(row)
        row.seen_at = at
        for one in outcomes:
            job = session.get(JobRun, one.name) or JobRun(name=one.name)
            job.ran_at, job.error = one.at, one.error
            job.took_ms = round(one.took.total_seconds() * 1000)
            session.add(job)
        session.execute(delete(Worker).where(Worker.seen_at < at - FORGOTTEN))


def leave(session: Session, worker_id: str) -> None:
    """Take a worker that stops off the list."""
    with transaction(session):
        session.execute(delete(Worker).where(Worker.id == worker_id))
