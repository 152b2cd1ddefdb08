"""What the worker should have done by now."""

import json
import smtplib
import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit import queries as log
from portal.kit import clock
from portal.kit.db import db
from portal.notices.queries import mail_table, waits_since
from portal.operations.queries.subject import Subject
from portal.operations.rules import Check, Level, age_words, judged
from portal.signing.models import SealFailure
from portal.signing.queries import unsealed_since, unstamped_since

LATE_MAIL = timedelta(minutes=10)
LATE_SEAL = timedelta(minutes=15)
LATE_STAMP = timedelta(hours=1)
LATE_CHECKPOINT = timedelta(hours=2)
LATE_BACKUP = timedelta(hours=26)
LATE_CHECK = timedelta(hours=26)
MARKER = "last-backup.json"
CHECKED = "last-check.json"


def checks(subject: Subject) -> Iterator[Check]:
    """Yield the checks of mail, checkpoints, seals and backups."""
    yield from late(subject)
    yield from _refused("directory", db.session(), subject.at)
    for where, _, session in subject.each_region():
        yield from _refused(where, session, subject.at)
        yield _checkpoint(where, session, subject.at)
        yield _seals(where, session, subject.at)
    yield from _smtp(subject)
    yield _backup(subject)
    yield _checked(subject)


def late(subject: Subject) -> Iterator[Check]:
    """Yield whether what people were promised is done beside them: mail, seals, time stamps.

    Nobody at a page waits for any of it, and all of it goes on by itself.
    """
    if "directory" not in subject.silent:
        yield _mail("directory", db.session(), subject.at)
    for where, _, session in subject.each_region():
        yield _mail(where, session, subject.at)
        yield _waiting(
            f"deeds on their way ({where})", unsealed_since(session), subject.at, LATE_SEAL,
            "start `counterpart work`; the contract's page says what is in the way",
        )  # fmt: skip
        yield _waiting(
            f"time stamps ({where})", unstamped_since(session), subject.at, LATE_STAMP,
            "name another authority that answers (docs/operating.md); deeds are sealed meanwhile",
        )  # fmt: skip


def _mail(where: str, session: Session, at: datetime) -> Check:
    return _waiting(
        f"mail on its way ({where})", waits_since(session, at=at), at, LATE_MAIL,
        "start `counterpart work`, or mend [mail] host, port and starttls, or the server",
    )  # fmt: skip


def _waiting(name: str, since: datetime | None, at: datetime, limit: timedelta, mend: str) -> Check:
    age = at - since if since else timedelta(0)
    said = f"the oldest waits {age_words(age)}" if since else "none"
    return judged(name, said, holds=age <= limit, mend=mend)


def _refused(where: str, session: Session, at: datetime) -> Iterator[Check]:
    table = mail_table(session)
    since = waits_since(session, at=at, refused=True)
    age = at - since if since else timedelta(0)
    yield judged(
        f"mail refused for now ({where})", f"for {age_words(age)}" if since else "none",
        holds=age <= LATE_MAIL, otherwise=Level.WARNING,
        mend="the sender sees which mail it was and what was said; it is tried for five days",
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
