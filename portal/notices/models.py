"""The outbox, in the directory and in each region."""

from datetime import datetime

from sqlalchemy import Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kit.db import REGIONAL, Instant, Model


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
    due_at: Mapped[datetime] = mapped_column(Instant, index=True)
    leased_until: Mapped[datetime | None] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    dead_at: Mapped[datetime | None] = mapped_column(Instant)
    last_error: Mapped[str | None] = mapped_column(String(300))


class RegionMail(MailColumns, Model):
    """Mail about a contract."""

    __tablename__ = "outbox"
    __bind_key__ = REGIONAL

    region: Mapped[str] = mapped_column(String(12))


class DirectoryMail(MailColumns, Model):
    """Mail about an account."""

    __tablename__ = "outbox"
