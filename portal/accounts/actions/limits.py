"""Counting tries in the database, so that all processes share one count (OWASP ASVS 5.0, 6.3.1)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, delete, or_, select, update
from sqlalchemy.orm import Session

from portal.accounts.models import Attempt
from portal.accounts.rules import LIMITS, Limit
from portal.kit.db import db, insert_for, reading, transaction


class _TooOften(Exception):
    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


def reserve(subjects: Mapping[str, str], *, at: datetime) -> datetime | None:
    """Count one try for each (scope, subject) before anything is compared.

    Return None when the try may go on, else the instant from which it may; a refused try counts
    nowhere. Runs in a transaction of its own.
    """
    try:
        with transaction(db.session) as session:
            for scope, subject in subjects.items():
                for limit in LIMITS[scope]:
                    _count(session, scope, subject, limit=limit, at=at)
    except _TooOften as refusal:
        return refusal.until
    return None


def give_back(subjects: Mapping[str, str], *, at: datetime) -> None:
    """Take back one reserved try of each subject: it succeeded, or was not a guess."""
    with transaction(db.session) as session:
        for scope, subject in subjects.items():
            for limit in LIMITS[scope]:
                session.execute(
                    update(Attempt)
                    .where(
                        Attempt.scope == scope,
                        Attempt.key == _key(subject),
                        Attempt.window == _length(limit),
                        Attempt.started == _number(limit, at),
                        Attempt.count > 0,
                    )
                    .values(count=Attempt.count - 1)
                )


def is_used_up(session: Session, scope: str, subject: str, *, at: datetime) -> bool:
    """Return whether no try is left now, in one of the windows of a scope."""
    full = [
        and_(
            Attempt.window == _length(limit), Attempt.started == _number(limit, at),
            Attempt.count >= limit.most,
        )
        for limit in LIMITS[scope]
    ]  # fmt: skip
    found = select(Attempt.scope).where(
        Attempt.scope == scope, Attempt.key == _key(subject), or_(*full)
    )
    return session.scalar(found.limit(1)) is not None


def forget_old_attempts(*, at: datetime) -> int:
    """Delete the counts of windows that are over; return how many."""
    now = int(at.timestamp())
    with transaction(db.session) as session:
        over = delete(Attempt).where((Attempt.started + 1) * Attempt.window <= now)
        done: Any = session.execute(over)
        return int(done.rowcount)


def _count(session: Session, scope: str, subject: str, *, limit: Limit, at: datetime) -> int:
    number = _number(limit, at)
    new = insert_for(session)(Attempt).values(
        scope=scope, key=_key(subject), window=_length(limit), started=number, count=1
    )
    same_window = Attempt.started == new.excluded.started
    counted = session.execute(
        new.on_conflict_do_update(
            index_elements=[Attempt.scope, Attempt.key, Attempt.window],
            set_={
                "count": case((same_window, Attempt.count + 1), else_=1),
                "started": new.excluded.started,
            },
            where=(~same_window) | (Attempt.count < limit.most),
        ).returning(Attempt.count)
    ).first()
    if counted is None:
        raise _TooOften(datetime.fromtimestamp((number + 1) * _length(limit), UTC))
    return int(counted[0])


def _key(subject: str) -> str:
    return hashlib.sha256(subject.encode()).hexdigest()


def _length(limit: Limit) -> int:
    return int(limit.window.total_seconds())


def _number(limit: Limit, at: datetime) -> int:
    return int(at.timestamp()) // _length(limit)


@dataclass(frozen=True)
class Counted:
    """How many tries of a window are left, and when it begins anew."""

    most: int
    left: int
    window: timedelta
    until: datetime
    allowed: bool


def count_up(scope: str, subject: str, *, at: datetime) -> Counted:
    """Count one try of a scope with one limit, and say how many are left; a refused one counts not.

    Runs in a transaction of its own beside whatever the request does, also where that only reads.
    """
    limit = LIMITS[scope][0]
    number = _number(limit, at)
    until = datetime.fromtimestamp((number + 1) * _length(limit), UTC)
    before = reading.set(False)
    try:
        with Session(db.engine) as session, session.begin():
            count = _count(session, scope, subject, limit=limit, at=at)
    except _TooOften:
        return Counted(limit.most, 0, limit.window, until, allowed=False)
    finally:
        reading.reset(before)
    return Counted(limit.most, limit.most - count, limit.window, until, allowed=True)
