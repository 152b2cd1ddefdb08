"""Delivering the outbox: at least once, and by one worker at a time, however many there are.

A mail is claimed by one UPDATE that takes the lease, handed over outside any transaction, and
finished only by the try that still holds the lease. A worker that is killed leaves a lease that
runs out; the mail then goes again with the same Message-ID.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.errors import MessageError
from email.message import EmailMessage
from typing import Any

from sqlalchemy import Row, or_, select, update
from sqlalchemy.orm import Session

from portal.audit.actions import record
from portal.audit.rules import Actor
from portal.kit.db import transaction
from portal.kit.errors import NotFound
from portal.kit.refs import new_id
from portal.notices import rules
from portal.notices.actions.telling import insert_notice
from portal.notices.letters import headline
from portal.notices.queries import mail_table, reader_by
from portal.notices.smtp import ServerAway, Undeliverable

LOG = logging.getLogger("counterpart.mail")
FAILED = "notices:mail:failed"


@dataclass(frozen=True)
class Carrier:
    """How mail leaves: who sends it, how it is handed over, and for how long a try holds it.

    `send` returns what the mail server said, if there is one. `unsubscribe` gives the address that
    turns an event off for a person.
    """

    sender: str
    send: Callable[[EmailMessage], str | None]
    lease: timedelta
    unsubscribe: Callable[[str, str], str] | None = None


def deliver_due(
    session: Session, carrier: Carrier, *, now: Callable[[], datetime], most: int = 200
) -> int:
    """Hand over up to `most` mails that are due, each under a lease of its own; count the tries.

    The one due first goes first. Where nobody is there to take it, the others wait with it.
    """
    for tried in range(most):
        row = _claim(session, carrier.lease, at=now())
        if row is None:
            return tried
        end = _try(carrier, row)
        _finish(session, row, end, at=now())
        if isinstance(end, rules.Failure) and end.away:
            return tried + 1
    return most


def _claim(session: Session, lease: timedelta, *, at: datetime) -> Row[Any] | None:
    table = mail_table(session)
    first = (
        select(table.id)
        .where(
            table.sent_at.is_(None),
            table.dead_at.is_(None),
            table.due_at <= at,
            or_(table.leased_until.is_(None), table.leased_until <= at),
        )
        .order_by(table.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    with transaction(session):
        return session.execute(
            update(table)
            .where(table.id == first)
            .values(
                leased_until=at + lease, leased_by=new_id(at), attempts=table.attempts + 1
            )
            .returning(*table.__table__.columns)
            .execution_options(synchronize_session=False)
        ).first()  # fmt: skip


def _try(carrier: Carrier, row: Row[Any]) -> rules.Failure | str | None:
    try:
        return carrier.send(_message(carrier, row))
    except Undeliverable as error:
        return rules.Failure(str(error)[:300], final=True)
    except (ValueError, MessageError) as error:
        return rules.Failure(f"This mail cannot be written: {error}"[:300], final=True)
    except ServerAway as error:
        if row.last_error != str(error)[:300]:
            LOG.warning("no mail can be handed over: %s", error)
        return rules.Failure(str(error)[:300], final=False, away=True)
    except OSError as error:
        return rules.Failure((str(error) or type(error).__name__)[:300], final=False)


def _message(carrier: Carrier, row: Row[Any]) -> EmailMessage:
    optional = row.event and row.person_id and rules.is_optional(row.event)
    off = carrier.unsubscribe if optional else None
    return rules.message(
        key=row.id, sender=carrier.sender, recipient=row.recipient, name=row.name,
        subject=row.subject, text=row.text, at=row.created_at,
        unsubscribe=off(row.person_id, row.event) if off else None,
    )  # fmt: skip


def _finish(
    session: Session, row: Row[Any], end: rules.Failure | str | None, *, at: datetime
) -> None:
    """Store what became of a try, unless its lease has passed to another."""
    table = mail_table(session)
    stretch = random.random()  # noqa: S311  spreads retries, guards nothing
    values = rules.outcome(end, attempts=row.attempts, at=at, stretch=stretch)
    with transaction(session):
        done: Any = session.execute(
            update(table)
            .where(table.id == row.id, table.leased_by == row.leased_by)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        if done.rowcount and "dead_at" in values:
            _alert(session, row, at=at)


def _alert(session: Session, row: Any, *, at: datetime) -> None:
    """Tell the person who caused a mail that it was given up; the log names the row only."""
    LOG.error("mail %s was given up after %s tries", row.id, row.attempts)
    if row.caused_by:
        language = reader_by(session, row.caused_by).language
        subject = headline(rules.event_of(FAILED).subject % {"ref": row.chain}, language=language)
        insert_notice(
            session,
            event=FAILED,
            subject=subject,
            cause=f"{row.id}.{row.attempts}",
            person_id=row.caused_by,
            organisation_id=None,
            chain=row.chain,
            link="/notices/mail",
            at=at,
        )


def note_bounce(session: Session, key: str, why: str, *, at: datetime) -> bool:
    """Mark a mail that came back after it was handed over; return whether it is one of ours."""
    table = mail_table(session)
    with transaction(session):
        row = session.get(table, key)
        if row is None:
            return False
        if row.dead_at is None:
            row.dead_at, row.last_error = at, f"Came back: {why}"[:300]
            _alert(session, row, at=at)
    return True


def try_again(session: Session, actor: Actor, key: str, *, at: datetime) -> None:
    """Put a mail that was given up back into the outbox; only who caused it may."""
    table = mail_table(session)
    with transaction(session):
        done: Any = session.execute(
            update(table)
            .where(table.id == key, table.caused_by == actor.person, table.dead_at.is_not(None))
            .values(
                dead_at=None,
                sent_at=None,
                answer=None,
                last_error=None,
                due_at=at,
                attempts=0,
                leased_until=None,
                leased_by=None,
            )
            .execution_options(synchronize_session=False)
        )
        if not done.rowcount:
            raise NotFound
        chain = session.scalar(select(table.chain).where(table.id == key)) or ""
        record(session, chain, "notices:mail:retried", actor=actor, at=at, facts={"mail": key})
