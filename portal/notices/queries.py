"""Finding how a person wants to be told, and what they were told."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.kit.db import directory_reader
from portal.notices import rules
from portal.notices.models import (
    Choice,
    DirectoryMail,
    DirectoryNotice,
    JobRun,
    MailRule,
    ReaderRow,
    RegionMail,
    RegionNotice,
    Worker,
)


@dataclass(frozen=True)
class Wishes:
    """Everything that decides how one event reaches one person."""

    reader: rules.Reader
    channel: rules.Channel
    thin: bool


def wishes_of(session: Session, to: rules.Recipient, event: rules.Event) -> Wishes:
    """Return how a person and their organisation want to be told of an event.

    A region's transaction reads the directory beside it, in a short reading session of its own,
    so that it never waits for the directory's write lock.
    """
    if "region" not in session.info:
        return _wishes(session, to, event)
    with directory_reader() as directory:
        return _wishes(directory, to, event)


def _wishes(directory: Session, to: rules.Recipient, event: rules.Event) -> Wishes:
    reader = directory.get(ReaderRow, to.person_id)
    choice = directory.get(Choice, (to.person_id, event.name)) if event.optional else None
    rule = directory.get(MailRule, to.organisation_id) if to.organisation_id else None
    return Wishes(
        reader=reader_of(reader),
        channel=rules.Channel(choice.channel) if choice else event.channel,
        thin=bool(rule and rule.thin),
    )


def reader_of(row: ReaderRow | None) -> rules.Reader:
    """Return a stored reader as the rules read it."""
    if row is None:
        return rules.ALWAYS
    quiet = None
    if row.quiet_from and row.quiet_until:
        quiet = (time.fromisoformat(row.quiet_from), time.fromisoformat(row.quiet_until))
    return rules.Reader(
        zone=ZoneInfo(row.zone), language=row.language, quiet=quiet,
        digest_at=time.fromisoformat(row.digest_at), weekly=bool(row.weekly),
    )  # fmt: skip


def mail_table(session: Session) -> Any:
    """Return the outbox of this session's database."""
    return RegionMail if "region" in session.info else DirectoryMail


def notice_table(session: Session) -> Any:
    """Return the inbox of this session's database."""
    return RegionNotice if "region" in session.info else DirectoryNotice


def thin_among(session: Session, organisations: Collection[str]) -> set[str]:
    """Return which of these organisations ask for thin mail."""
    rule = select(MailRule.organisation_id).where(
        MailRule.organisation_id.in_(organisations), MailRule.thin == 1
    )
    if "region" not in session.info:
        return set(session.scalars(rule))
    with directory_reader() as directory:
        return set(directory.scalars(rule))


@dataclass(frozen=True)
class Lag:
    """How an outbox stands: how many wait and are due, how many were given up, and the delay."""

    waiting: int
    given_up: int
    behind: timedelta


def lag_of(session: Session, *, at: datetime) -> Lag:
    """Return how far delivery is behind in this session's database."""
    table = mail_table(session)
    waits = (table.sent_at.is_(None), table.dead_at.is_(None), table.due_at <= at)
    count, oldest = session.execute(
        select(func.count(), func.min(table.due_at)).where(*waits)
    ).one()
    dead = session.scalar(select(func.count()).where(table.dead_at.is_not(None)))
    return Lag(count, dead or 0, at - oldest if oldest else timedelta())


ALIVE = timedelta(minutes=2)


@dataclass(frozen=True)
class Standing:
    """Who works, and how each job last went."""

    workers: list[str]
    jobs: list[JobRun]


def standing_of_work(directory: Session, *, at: datetime) -> Standing:
    """Return the workers that gave a sign of life lately, and every job's last outcome."""
    alive = select(Worker.place).where(Worker.seen_at >= at - ALIVE)
    jobs = directory.scalars(select(JobRun).order_by(JobRun.name)).all()
    return Standing(list(directory.scalars(alive)), list(jobs))
