"""Writing mail into the outbox, and delivering what is due."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.kit.db import transaction
from portal.kit.refs import new_id
from portal.notices import rules
from portal.notices.models import DirectoryMail, RegionMail

LEASE = timedelta(minutes=2)


def write_mail(
    session: Session,
    *,
    chain: str,
    dedupe: str,
    recipient: str,
    name: str,
    subject: str,
    text: str,
    at: datetime,
) -> None:
    """Add a mail to the outbox in the caller's transaction; a known `dedupe` key adds nothing."""
    table: Any = RegionMail if "region" in session.info else DirectoryMail
    if session.scalar(select(table.id).where(table.dedupe == dedupe)):
        return
    row = table(
        id=new_id(at),
        dedupe=dedupe,
        chain=chain,
        recipient=rules.header(recipient),
        name=rules.header(name),
        subject=rules.header(subject),
        text=text,
        created_at=at,
        due_at=at,
        attempts=0,
    )
    if isinstance(row, RegionMail):
        row.region = session.info["region"]
    session.add(row)


def deliver_due(
    session: Session, send: Callable[[EmailMessage], None], *, sender: str, at: datetime
) -> int:
    """Send what is due, each under a lease of its own; return how many were accepted."""
    table: Any = RegionMail if "region" in session.info else DirectoryMail
    sent = 0
    while True:
        with transaction(session):
            row = session.scalar(
                select(table)
                .where(
                    table.sent_at.is_(None),
                    table.dead_at.is_(None),
                    table.due_at <= at,
                    (table.leased_until.is_(None)) | (table.leased_until < at),
                )
                .order_by(table.due_at)
                .limit(1)
            )
            if row is None:
                return sent
            row.leased_until = at + LEASE
            row.attempts += 1
        message = rules.message(
            key=row.id,
            sender=sender,
            recipient=row.recipient,
            name=row.name,
            subject=row.subject,
            text=row.text,
            at=row.created_at,
        )
        error = _try(send, message)
        with transaction(session):
            session.execute(
                update(table)
                .where(table.id == row.id, table.sent_at.is_(None))
                .values(**rules.outcome(error, attempts=row.attempts, at=at))
            )
        sent += error is None


def _try(send: Callable[[EmailMessage], None], message: EmailMessage) -> str | None:
    try:
        send(message)
    except OSError as error:
        return str(error)[:300]
    return None
