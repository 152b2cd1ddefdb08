"""The inbox and the outbox, in the directory and in each region; and how each person reads."""

from datetime import datetime

from sqlalchemy import ColumnElement, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kit.db import REGIONAL, Instant, Model
from portal.notices.rules import LATE


def _few(name: str, column: str, where: str) -> Index:
    """Return an index over the few rows that still wait, so that history costs nothing."""
    only: ColumnElement[bool] = text(where)  # type: ignore[assignment]
    return Index(name, column, sqlite_where=only, postgresql_where=only)


WAITING = "sent_at IS NULL AND dead_at IS NULL"
UNREAD = "read_at IS NULL"
UNDIGESTED = "digest_at IS NOT NULL AND digested_at IS NULL"
GIVEN_UP = "dead_at IS NOT NULL"


def _mail_indexes() -> tuple[Index, ...]:
    return (
        _few("outbox_waiting", "due_at", WAITING),
        _few("outbox_given_up", "caused_by", GIVEN_UP),
        Index("outbox_caused", "caused_by", "id"),
    )


def _notice_indexes() -> tuple[Index, ...]:
    return (
        Index("inbox_of_person", "person_id", "id"),
        _few("inbox_unread", "person_id", UNREAD),
        _few("inbox_undigested", "digest_at", UNDIGESTED),
    )


class MailColumns:
    """One mail to one person; `dedupe` is unique, so that a cause mails once."""

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    dedupe: Mapped[str] = mapped_column(String(160), unique=True)
    chain: Mapped[str] = mapped_column(String(64), index=True)
    recipient: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(120))
    subject: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    leased_by: Mapped[str | None] = mapped_column(String(26), comment="the try that holds it")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    dead_at: Mapped[datetime | None] = mapped_column(Instant)
    answer: Mapped[str | None] = mapped_column(
        String(300), comment="of the mail server that took it"
    )
    last_error: Mapped[str | None] = mapped_column(String(300))
    person_id: Mapped[str | None] = mapped_column(String(26), comment="the reader")
    event: Mapped[str | None] = mapped_column(String(80))
    caused_by: Mapped[str | None] = mapped_column(String(26), comment="the person who caused it")

    @property
    def is_late(self) -> bool:
        """Whether it was handed over long after it was due."""
        return self.sent_at is not None and self.sent_at - self.due_at > LATE


class RegionMail(MailColumns, Model):
    """Mail about a contract."""

    __tablename__ = "outbox"
    __bind_key__ = REGIONAL
    __table_args__ = _mail_indexes()

    region: Mapped[str] = mapped_column(String(12))


class DirectoryMail(MailColumns, Model):
    """Mail about an account."""

    __tablename__ = "outbox"
    __table_args__ = _mail_indexes()


class NoticeColumns:
    """One notice to one person in the portal, thin as its mail; `dedupe` as in the outbox."""

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    dedupe: Mapped[str] = mapped_column(String(160), unique=True)
    person_id: Mapped[str] = mapped_column(String(26))
    organisation_id: Mapped[str | None] = mapped_column(
        String(26), comment="for whom the person reads it; none: for themselves"
    )
    event: Mapped[str] = mapped_column(String(80))
    chain: Mapped[str] = mapped_column(String(64), index=True)
    subject: Mapped[str] = mapped_column(String(200))
    link: Mapped[str] = mapped_column(String(300), comment="path in the portal")
    created_at: Mapped[datetime] = mapped_column(Instant)
    read_at: Mapped[datetime | None] = mapped_column(Instant)
    digest_at: Mapped[datetime | None] = mapped_column(
        Instant, comment="when the digest that names it is due; none: in no digest"
    )
    digested_at: Mapped[datetime | None] = mapped_column(Instant)
    recipient: Mapped[str] = mapped_column(String(254), comment="where the digest goes")
    name: Mapped[str] = mapped_column(String(120))


class RegionNotice(NoticeColumns, Model):
    """A notice about a contract."""

    __tablename__ = "inbox"
    __bind_key__ = REGIONAL
    __table_args__ = _notice_indexes()

    region: Mapped[str] = mapped_column(String(12))


class DirectoryNotice(NoticeColumns, Model):
    """A notice about an account."""

    __tablename__ = "inbox"
    __table_args__ = _notice_indexes()


class ReaderRow(Model):
    """How a person wants to be told; without a row: UTC, the browser's language, never quiet."""

    __tablename__ = "readers"

    person_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    zone: Mapped[str] = mapped_column(String(64), comment="IANA name")
    language: Mapped[str] = mapped_column(String(8))
    quiet_from: Mapped[str | None] = mapped_column(String(5), comment="wall time, HH:MM")
    quiet_until: Mapped[str | None] = mapped_column(String(5), comment="wall time, HH:MM")
    digest_at: Mapped[str] = mapped_column(String(5), comment="wall time, HH:MM")
    weekly: Mapped[int] = mapped_column(Integer, comment="1 = digests on Mondays only")


class Choice(Model):
    """The channel a person chose for one optional event; without a row: the event's own."""

    __tablename__ = "notice_choices"

    person_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    event: Mapped[str] = mapped_column(String(80), primary_key=True)
    channel: Mapped[str] = mapped_column(String(10))


class MailRule(Model):
    """What an organisation asks of mail to its people."""

    __tablename__ = "mail_rules"

    organisation_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    thin: Mapped[int] = mapped_column(Integer, comment="1 = mail says only that something waits")
    kept_thin: Mapped[int] = mapped_column(
        Integer, default=0, server_default="0", comment="1 = a profile says so, whatever was chosen"
    )

    @property
    def holds_back(self) -> bool:
        """Whether mail says only that something waits."""
        return bool(self.thin or self.kept_thin)


class Worker(Model):
    """A worker's sign of life."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    place: Mapped[str] = mapped_column(String(80), comment="host:process")
    started_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)


class JobRun(Model):
    """How a job went when some worker last ran it."""

    __tablename__ = "job_runs"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    ran_at: Mapped[datetime] = mapped_column(Instant)
    took_ms: Mapped[int] = mapped_column(Integer)
    error: Mapped[str | None] = mapped_column(String(80), comment="the kind of its failure")
