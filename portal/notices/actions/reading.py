"""Reading notices, and choosing how to be told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from portal.audit.actions import record
from portal.audit.rules import Actor
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.words import say
from portal.notices import rules
from portal.notices.models import Choice, ReaderRow
from portal.notices.queries import choices_of, find_notice, notice_table, read_by


def mark_read(
    session: Session, person_id: str, organisation_id: str | None, notice_id: str, *, at: datetime
) -> str:
    """Mark one of a person's notices read, and return the path it leads to."""
    with transaction(session):
        notice = find_notice(session, person_id, organisation_id, notice_id)
        notice.read_at = notice.read_at or at
        return str(notice.link)


def mark_all_read(
    session: Session, person_id: str, organisation_id: str | None, *, until: str, at: datetime
) -> int:
    """Mark what a person has seen on the page read, up to the newest notice `until`."""
    table = notice_table(session)
    with transaction(session):
        done: Any = session.execute(
            update(table)
            .where(
                read_by(table, person_id, organisation_id),
                table.read_at.is_(None),
                table.id <= until,
            )
            .values(read_at=at)
            .execution_options(synchronize_session=False)
        )
    return int(done.rowcount)


def choose(
    session: Session,
    actor: Actor,
    reader: rules.Reader,
    channels: Mapping[str, rules.Channel],
    *,
    at: datetime,
) -> None:
    """Keep how a person wants to be told: their reader's settings, and a channel by event.

    Only optional events can be chosen; the others stay as they are.
    """
    fixed = [name for name in channels if not rules.is_optional(name)]
    if fixed:
        raise Refused(say("Legal and security notices always come by mail."))
    with transaction(session):
        row = session.get(ReaderRow, actor.person) or ReaderRow(person_id=actor.person)
        row.zone, row.language, row.weekly = reader.zone.key, reader.language, int(reader.weekly)
        row.digest_at = f"{reader.digest_at:%H:%M}"
        row.quiet_from, row.quiet_until = None, None
        if reader.quiet:
            row.quiet_from, row.quiet_until = (f"{wall:%H:%M}" for wall in reader.quiet)
        session.add(row)
        for event, channel in channels.items():
            session.merge(Choice(person_id=actor.person, event=event, channel=channel.value))
        record(
            session, actor.person, "person:notice_wishes:changed", actor=actor, at=at,
            facts={
                "quiet": reader.quiet is not None,
                "channels": {name: channel.value for name, channel in sorted(channels.items())},
            },
        )  # fmt: skip


def silence(session: Session, actor: Actor, event: str, *, at: datetime) -> None:
    """Keep an optional event in the portal only; `DIGEST` silences all that a digest gathers."""
    with transaction(session):
        known = choices_of(session, actor.person)
        events = [event]
        if event == rules.DIGEST:
            events = [name for name, channel in known.items() if channel is rules.Channel.DIGEST]
        changed = [name for name in events if known.get(name) is not rules.Channel.PORTAL]
        for name in changed:
            portal = rules.Channel.PORTAL.value
            session.merge(Choice(person_id=actor.person, event=name, channel=portal))
        if changed:
            record(
                session, actor.person, "person:notice:silenced", actor=actor, at=at,
                facts={"events": changed},
            )  # fmt: skip
