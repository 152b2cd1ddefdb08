"""One mail for all a person wanted to hear of later, when their digest is due."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.kit.db import transaction
from portal.kit.words import say_n
from portal.notices.actions.telling import base_url, write_mail
from portal.notices.letters import headline, letter
from portal.notices.queries import notice_table, reader_by, thin_among
from portal.notices.rules import DIGEST


def send_digests(session: Session, *, now: Callable[[], datetime], most: int = 200) -> int:
    """Write the digests that are due in this database, one mail a person; count them.

    After a time of silence the digests that were missed come as one. What was read meanwhile in
    the portal is left out; where nothing is left, no mail is sent.
    """
    table = notice_table(session)
    waiting = (table.digest_at.is_not(None), table.digested_at.is_(None))
    for sent in range(most):
        at = now()
        with transaction(session):
            person = session.scalar(
                select(table.person_id)
                .where(*waiting, table.digest_at <= at)
                .order_by(table.digest_at)
                .limit(1)
            )
            if person is None:
                return sent
            rows = session.scalars(
                select(table)
                .where(*waiting, table.digest_at <= at, table.person_id == person)
                .order_by(table.created_at)
            ).all()
            _write(session, [row for row in rows if row.read_at is None], at=at)
            ids = [row.id for row in rows]
            session.execute(update(table).where(table.id.in_(ids)).values(digested_at=at))
    return most


def _write(session: Session, rows: list[Any], *, at: datetime) -> None:
    if not rows:
        return
    last, told = rows[-1], [row.organisation_id for row in rows if row.organisation_id]
    thin = thin_among(session, told)
    language = reader_by(session, last.person_id).language
    subject = say_n("%(num)s notice in Counterpart", "%(num)s notices in Counterpart", len(rows))
    write_mail(
        session,
        chain=last.person_id,
        dedupe=f"digest.{last.id}",
        recipient=last.recipient,
        name=last.name,
        subject=headline(subject, language=language),
        at=at,
        person_id=last.person_id,
        event=DIGEST,
        text=letter(
            "notices_digest",
            language=language,
            name=last.name,
            lines=[row.chain if row.organisation_id in thin else row.subject for row in rows],
            address=f"{base_url()}/notices",
        ),
    )
