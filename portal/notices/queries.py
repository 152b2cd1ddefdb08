"""Finding how a person wants to be told, and what they were told."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from portal.kit.db import directory_reader
from portal.kit.errors import NotFound
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
        thin=rule is not None and rule.holds_back,
    )


def reader_by(session: Session, person_id: str) -> rules.Reader:
    """Return how a person wants to be told, from any database's transaction."""
    if "region" not in session.info:
        return reader_of(session.get(ReaderRow, person_id))
    with directory_reader() as directory:
        return reader_of(directory.get(ReaderRow, person_id))


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
        MailRule.organisation_id.in_(organisations), MailRule.thin + MailRule.kept_thin > 0
    )
    if "region" not in session.info:
        return set(session.scalars(rule))
    with directory_reader() as directory:
        return set(directory.scalars(rule))


def waits_since(session: Session, *, at: datetime, refused: bool = False) -> datetime | None:
    """Return when the mail was due that waits longest: for anybody to take it, or refused for now.

    One mailbox that is full says nothing about how mail goes: the two are told apart.
    """
    table = mail_table(session)
    # A lease of nobody keeps what was refused; one of somebody is a try under way.
    held = and_(table.leased_by.is_(None), table.leased_until > at)
    open_ = or_(
        table.leased_by.is_not(None), table.leased_until.is_(None), table.leased_until <= at
    )
    found: datetime | None = session.scalar(
        select(func.min(table.due_at)).where(
            table.sent_at.is_(None), table.dead_at.is_(None), table.due_at <= at,
            held if refused else open_,
        )
    )  # fmt: skip
    return found


@dataclass(frozen=True)
class Lag:
    """How an outbox stands: how many wait and are due, how many were given up, and the delay.

    The delay is that of the mail server: what it refused for now does not count.
    """

    waiting: int
    given_up: int
    behind: timedelta


def lag_of(session: Session, *, at: datetime) -> Lag:
    """Return how far delivery is behind in this session's database."""
    table = mail_table(session)
    waits = (table.sent_at.is_(None), table.dead_at.is_(None), table.due_at <= at)
    count = session.scalar(select(func.count()).where(*waits))
    dead = session.scalar(select(func.count()).where(table.dead_at.is_not(None)))
    oldest = waits_since(session, at=at)
    return Lag(count or 0, dead or 0, at - oldest if oldest else timedelta())


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


def read_by(table: Any, person_id: str, organisation_id: str | None) -> ColumnElement[bool]:
    """What a person reads: their own notices, and those they get for the organisation they act for.

    Whoever has left an organisation no longer sees what they were told for it.
    """
    own = table.organisation_id.is_(None)
    theirs = or_(own, table.organisation_id == organisation_id) if organisation_id else own
    return and_(table.person_id == person_id, theirs)


def count_unread(
    sessions: Collection[Session], person_id: str, organisation_id: str | None, *, most: int
) -> int:
    """Return how many notices a person has not read, counted up to `most`; a query a database."""
    found = 0
    for session in sessions:
        table = notice_table(session)
        some = select(table.id).where(
            read_by(table, person_id, organisation_id), table.read_at.is_(None)
        )
        found += session.scalar(select(func.count()).select_from(some.limit(most).subquery())) or 0
    return min(found, most)


PAGE = 50


@dataclass(frozen=True)
class Inbox:
    """A page of notices, the newest first; `before` continues it."""

    notices: list[Any]
    before: str | None


def inbox_of(
    sessions: Collection[Session],
    person_id: str,
    organisation_id: str | None,
    *,
    unread_only: bool = False,
    before: str | None = None,
) -> Inbox:
    """Return a person's notices over all databases, by time; one query a database."""
    found: list[Any] = []
    for session in sessions:
        table = notice_table(session)
        query = select(table).where(read_by(table, person_id, organisation_id))
        if unread_only:
            query = query.where(table.read_at.is_(None))
        if before:
            query = query.where(table.id < before)
        found += session.scalars(query.order_by(table.id.desc()).limit(PAGE + 1))
    found.sort(key=lambda notice: notice.id, reverse=True)
    return Inbox(found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None)


def find_notice(
    session: Session, person_id: str, organisation_id: str | None, notice_id: str
) -> Any:
    """Return one of a person's own notices, or raise `NotFound`."""
    table = notice_table(session)
    mine = select(table).where(table.id == notice_id, read_by(table, person_id, organisation_id))
    found = session.scalar(mine)
    if found is None:
        raise NotFound
    return found


LOOK_BACK = timedelta(days=30)


def mail_caused_by(
    sessions: Collection[Session], person_id: str, *, at: datetime
) -> list[tuple[Session, Any]]:
    """Return the mail a person caused lately with where it lies: the failed, the late, the sent."""
    found: list[tuple[Session, Any]] = []
    for session in sessions:
        table = mail_table(session)
        query = select(table).where(
            table.caused_by == person_id, table.created_at >= at - LOOK_BACK
        )
        rows = session.scalars(query.order_by(table.id.desc()).limit(PAGE))
        found += [(session, row) for row in rows]
    found.sort(key=lambda pair: pair[1].id, reverse=True)
    return sorted(found, key=lambda pair: (pair[1].dead_at is None, pair[1].sent_at is not None))


def count_failed(sessions: Collection[Session], person_id: str) -> int:
    """Return how many mails a person caused were given up; one query a database."""
    return sum(
        session.scalar(
            select(func.count())
            .select_from(mail_table(session))
            .where(
                mail_table(session).caused_by == person_id,
                mail_table(session).dead_at.is_not(None),
            )
        )
        or 0
        for session in sessions
    )


def choices_of(directory: Session, person_id: str) -> dict[str, rules.Channel]:
    """Return the channel of every optional event for a person."""
    rows = directory.scalars(select(Choice).where(Choice.person_id == person_id))
    chosen = {row.event: rules.Channel(row.channel) for row in rows}
    return {
        name: chosen.get(name, event.channel)
        for name, event in rules.EVENTS.items()
        if event.optional
    }


def asks_for_thin_mail(directory: Session, organisation_id: str) -> bool:
    """Return whether an organisation asks for thin mail."""
    return bool(thin_among(directory, [organisation_id]))
