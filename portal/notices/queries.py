"""Finding how a person wants to be told, and what they were told."""

from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.kit.db import directory_reader
from portal.notices import rules
from portal.notices.models import Choice, MailRule, ReaderRow


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
