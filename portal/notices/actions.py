"""Telling people, and delivering what is due."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.kit.db import insert_once, transaction
from portal.kit.refs import new_id
from portal.notices import rules
from portal.notices.letters import letter
from portal.notices.models import DirectoryMail, DirectoryNotice, RegionMail, RegionNotice
from portal.notices.queries import wishes_of

LEASE = timedelta(minutes=2)


def tell(
    session: Session,
    *,
    event: str,
    to: rules.Recipient,
    chain: str,
    cause: str,
    link: str,
    at: datetime,
    by: str | None = None,
    **words: Any,
) -> None:
    """Tell one person of an event, in the caller's transaction, once for each `cause`.

    Writes the notice in the portal and, as the person and their organisation wish, the mail: now,
    after their quiet hours, with their next digest, or none. `chain` is the contract (or the
    account) it is about, `link` the path of the page to open, `by` the person who caused it and is
    shown a mail that fails; `words` fill the subject and the letter, which also know `name`,
    `ref` and `address`. Neither may say what a contract says.
    """
    kind = rules.event_of(event)
    wishes = wishes_of(session, to, kind)
    words = {"name": to.name, "ref": chain, "address": _base_url() + link, **words}
    subject = kind.subject.format_map(words)
    dedupe = _dedupe(event, cause, to.person_id)
    digest = wishes.channel is rules.Channel.DIGEST
    _insert(
        session, RegionNotice, DirectoryNotice, dedupe=dedupe, person_id=to.person_id,
        organisation_id=to.organisation_id, event=event, chain=chain,
        subject=rules.header(subject), link=link, created_at=at,
        digest_at=rules.digest_after(at, wishes.reader) if digest else None,
        recipient=rules.header(to.email), name=rules.header(to.name),
    )  # fmt: skip
    if wishes.channel is not rules.Channel.MAIL:
        return
    if wishes.thin and not kind.proof and kind.weight is not rules.Weight.SECURITY:
        subject, text = f"Something waits for you: {chain}", letter("notices_thin", **words)
    else:
        text = letter(kind.letter, **words)
    write_mail(
        session, chain=chain, dedupe=dedupe, recipient=to.email, name=to.name, subject=subject,
        text=text, at=at, due_at=rules.sent_at(at, wishes.reader) if kind.waits_for_morning else at,
        person_id=to.person_id, event=event, caused_by=by,
    )  # fmt: skip


def _base_url() -> str:
    found: str = current_app.config["SETTINGS"].base_url
    return found


def _dedupe(event: str, cause: str, person_id: str) -> str:
    key = f"{event}.{cause}.{person_id}"
    return key if len(key) <= 160 else f"{event}.{hashlib.sha256(key.encode()).hexdigest()}"


def _insert(session: Session, regional: Any, central: Any, *, dedupe: str, **values: Any) -> None:
    """Insert a row of the session's own table unless its `dedupe` key is known."""
    values |= {"id": new_id(values["created_at"]), "dedupe": dedupe}
    if "region" in session.info:
        values["region"] = session.info["region"]
    insert_once(session, regional if "region" in values else central, values, key="dedupe")


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
    due_at: datetime | None = None,
    person_id: str | None = None,
    event: str | None = None,
    caused_by: str | None = None,
) -> None:
    """Add a mail to the outbox in the caller's transaction; a known `dedupe` key adds nothing.

    The floor under `tell`, for those who are nobody in the portal yet.
    """
    _insert(
        session, RegionMail, DirectoryMail, dedupe=dedupe, chain=chain,
        recipient=rules.header(recipient), name=rules.header(name), subject=rules.header(subject),
        text=text, created_at=at, due_at=due_at or at, attempts=0, person_id=person_id,
        event=event, caused_by=caused_by,
    )  # fmt: skip


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
