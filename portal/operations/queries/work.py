"""What the worker should have done by now."""

import json
import smtplib
import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit import queries as log
from portal.kit import clock
from portal.kit.db import db
from portal.notices.models import DirectoryMail, RegionMail
from portal.operations.queries.subject import Subject
from portal.operations.rules import Check, Level, age_words, judged
from portal.signing.models import SealFailure

LATE_MAIL = timedelta(minutes=10)
LATE_CHECKPOINT = timedelta(hours=2)
LATE_BACKUP = timedelta(hours=26)
LATE_CHECK = timedelta(hours=26)
MARKER = "last-backup.json"
CHECKED = "last-check.json"


def checks(subject: Subject) -> Iterator[Check]:
    """Yield the checks of mail, checkpoints, seals and backups."""
    yield from _outbox("directory", db.session(), DirectoryMail, subject.at)
    for where, _, session in subject.each_region():
        yield from _outbox(where, session, RegionMail, subject.at)
        yield _checkpoint(where, session, subject.at)
        yield _seals(where, session, subject.at)
    yield from _smtp(subject)
    yield _backup(subject)
    yield _checked(subject)


def _outbox(where: str, session: Session, table: Any, at: datetime) -> Iterator[Check]:
    waiting = (table.sent_at.is_(None), table.dead_at.is_(None))
    oldest = session.scalar(select(func.min(table.due_at)).where(*waiting))
    age = at - oldest if oldest else timedelta(0)
    yield judged(
        f"mail on its way ({where})", f"the oldest waits {age_words(age)}" if oldest else "none",
        holds=age <= LATE_MAIL, mend="start `counterpart work`, or look at its log",
    )  # fmt: skip
    dead = session.scalar(select(func.count()).select_from(table).where(table.dead_at.is_not(None)))
    yield judged(
        f"mail given up ({where})", str(dead), holds=not dead, otherwise=Level.WARNING,
        mend="mend the address or the mail server; the sender sees which mail it was",
    )  # fmt: skip


def _checkpoint(where: str, session: Session, at: datetime) -> Check:
    last, size = log.last_checkpoint(session), log.size_of(session)
    behind = size - (last.size if last else 0)
    age = at - last.at if last else timedelta(0)
    late = behind > 0 and (last is None or age > LATE_CHECKPOINT)
    said = f"{behind} entries since the last" if last else f"none yet over {size} entries"
    return judged(
        f"checkpoint ({where})", said, holds=not late, otherwise=Level.WARNING,
        mend="start `counterpart work`: it signs one every hour there is news",
    )  # fmt: skip


def _seals(where: str, session: Session, at: datetime) -> Check:
    since = at - timedelta(days=1)
    count = session.scalar(
        select(func.count()).select_from(SealFailure).where(SealFailure.at >= since)
    )
    return judged(
        f"failed seals ({where})", f"{count} in a day", holds=not count, otherwise=Level.WARNING,
        mend="the contract's page says why; the worker tries again by itself",
    )  # fmt: skip


def _smtp(subject: Subject) -> Iterator[Check]:
    settings = subject.settings
    if settings.smtp_host is None:
        return
    try:
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=5) as server:
            if settings.smtp_starttls:
                server.starttls(context=ssl.create_default_context())
            server.noop()
        said, holds = "answers", True
    except (OSError, smtplib.SMTPException) as error:
        said, holds = str(error) or type(error).__name__, False
    yield judged(
        "mail server", said, holds=holds, mend="mend [mail] host, port and starttls, or the server"
    )


def _checked(subject: Subject) -> Check:
    found = last_check(subject)
    age = subject.at - found[0] if found else None
    holds = found is not None and found[1] and age is not None and age <= LATE_CHECK
    said = "none yet"
    if found and age is not None:
        word = "all of it held" if found[1] else "it did NOT all hold"
        said = f"{age_words(age)} ago, {word}"
    return judged(
        "log checked whole", said, holds=holds,
        otherwise=Level.ERROR if found and not found[1] else Level.WARNING,
        mend="counterpart audit verify names what does not hold; the worker checks daily",
    )  # fmt: skip


def last_check(subject: Subject) -> tuple[datetime, bool] | None:
    """Return when the logs were last checked whole here, and whether they held."""
    path = subject.settings.home / CHECKED
    if not path.exists():
        return None
    held = json.loads(path.read_text("utf-8"))
    return clock.read_stamp(held["at"]), bool(held["ok"])


def _backup(subject: Subject) -> Check:
    path = subject.settings.home / MARKER
    made = clock.read_stamp(json.loads(path.read_text("utf-8"))["at"]) if path.exists() else None
    age = subject.at - made if made else None
    return judged(
        "backup", f"made {age_words(age)} ago" if age else "none yet",
        holds=age is not None and age <= LATE_BACKUP, otherwise=Level.WARNING,
        mend="counterpart backup --out FOLDER --to RECIPIENT, daily",
    )  # fmt: skip
