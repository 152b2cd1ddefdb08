"""Taking a person out of the inbox and the outbox."""

from typing import Any

from sqlalchemy import delete, or_, update
from sqlalchemy.orm import Session

from portal.notices.models import (
    Choice,
    DirectoryMail,
    DirectoryNotice,
    ReaderRow,
    RegionMail,
    RegionNotice,
)


def forget_mail(session: Session, person_id: str, email: str) -> None:
    """Delete a person's notices and empty their mail, in the caller's transaction.

    That a mail was written, and when, stays: the row keeps its key, so that nothing is sent twice.
    """
    regional = "region" in session.info
    mail: Any = RegionMail if regional else DirectoryMail
    notice: Any = RegionNotice if regional else DirectoryNotice
    session.execute(delete(notice).where(notice.person_id == person_id))
    session.execute(
        update(mail)
        .where(or_(mail.person_id == person_id, mail.recipient == email))
        .values(recipient="", name="", subject="", text="", answer=None, last_error=None)
    )
    session.execute(
        update(mail)
        .where(mail.recipient == "", mail.sent_at.is_(None), mail.dead_at.is_(None))
        .values(dead_at=mail.created_at)
    )
    if not regional:
        for table in (Choice, ReaderRow):
            session.execute(delete(table).where(table.person_id == person_id))
