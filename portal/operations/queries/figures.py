"""What a monitor asks of the databases at each look: work that waits, certificates, backups."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.audit import queries as log
from portal.kit import clock
from portal.kit.db import db
from portal.notices.queries import lag_of, standing_of_work
from portal.operations.queries.subject import Subject
from portal.operations.queries.work import MARKER, last_check
from portal.operations.rules import days_left
from portal.signing.keys import portal_keys
from portal.signing.queries import last_stamped_at, unsealed_since, unstamped_since


@dataclass(frozen=True)
class Figure:
    """One number with its name, what it means, and a label (a region, a job, a certificate)."""

    name: str
    meaning: str
    value: float
    label: str = ""
    of: str = ""


def figures(subject: Subject) -> Iterator[Figure]:
    """Yield the figures; a few queries a region, none grows with the number of contracts."""
    at = subject.at
    places: dict[str, Session] = {"directory": db.session()}
    places |= {name: subject.regions.session(name) for name in subject.regions.databases}
    for place, session in places.items():
        lag = lag_of(session, at=at)
        yield _of("outbox_pending", "Mails on their way", lag.waiting, "place", place)
        yield _of("outbox_behind_seconds", "How late the oldest mail is",
                  lag.behind.total_seconds(), "place", place)  # fmt: skip
        yield _of("outbox_given_up", "Mails that were given up", lag.given_up, "place", place)
    for name in subject.regions.databases:
        session = subject.regions.session(name)
        size, last = log.size_of(session), log.last_checkpoint(session)
        yield _of("audit_entries", "Entries of the log", size, "region", name)
        yield _of("audit_unsigned_entries", "Entries no checkpoint covers",
                  size - (last.size if last else 0), "region", name)  # fmt: skip
        yield from _deeds(session, name, at)
    yield from _work(at)
    yield from _checked(subject)
    yield from _certificates(subject)
    yield from _backup(subject)


def _of(name: str, meaning: str, value: float, label: str = "", of: str = "") -> Figure:
    return Figure(name, meaning, float(value), label, of)


def _work(at: datetime) -> Iterator[Figure]:
    found = standing_of_work(db.session(), at=at)
    yield _of("workers_alive", "Workers that gave a sign of life", len(found.workers))
    for job in found.jobs:
        yield _of("job_failed", "1: its last run failed", bool(job.error), "job", job.name)
        yield _of("job_last_run_timestamp", "When it ran last", job.ran_at.timestamp(), "job",
                  job.name)  # fmt: skip


def _deeds(session: Session, region: str, at: datetime) -> Iterator[Figure]:
    waits = unsealed_since(session)
    yield _of("seal_queue_seconds", "How long the oldest signed deed waits for its seal",
              (at - waits).total_seconds() if waits else 0, "region", region)  # fmt: skip
    waits = unstamped_since(session)
    yield _of("stamp_queue_seconds", "How long the oldest sealed deed waits for a time stamp",
              (at - waits).total_seconds() if waits else 0, "region", region)  # fmt: skip
    instants = [log.last_stamp_at(session), last_stamped_at(session)]
    stamped = max((one for one in instants if one), default=None)
    if stamped:
        yield _of("tsa_last_success_timestamp", "When an authority last gave a time stamp",
                  stamped.timestamp(), "region", region)  # fmt: skip


def _checked(subject: Subject) -> Iterator[Figure]:
    found = last_check(subject)
    if found:
        at, holds = found
        yield _of("audit_verify_ok", "1: every log held when it was last checked whole", holds)
        yield _of("audit_verify_timestamp", "When the logs were checked whole", at.timestamp())


def _certificates(subject: Subject) -> Iterator[Figure]:
    keys = portal_keys(subject.settings, at=subject.at)
    pairs = {"root": keys.root, "time stamps": keys.unit}
    if hasattr(keys.seal, "certificate"):
        pairs["seal"] = keys.seal
    for name, pair in pairs.items():
        left = days_left(pair.certificate.not_valid_after_utc, subject.at)
        yield _of("cert_expiry_days", "Days until it ends", left, "certificate", name)


def _backup(subject: Subject) -> Iterator[Figure]:
    path = subject.settings.home / MARKER
    if path.exists():
        made = clock.read_stamp(json.loads(path.read_text("utf-8"))["at"])
        yield _of("backup_last_success_timestamp", "When a backup was made", made.timestamp())
