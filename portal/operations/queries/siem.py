"""Entries for a security monitor, as OCSF 1.x events: ids, counts and hashes, as in the log itself.

At least once and in order: the cursor is moved after the lines were handed over, and each event
carries the entry's hash as its identity.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.audit import queries as log
from portal.audit.models import DirectoryEntry
from portal.kit import clock
from portal.kit.db import is_postgresql

AUTHENTICATION, ACCOUNT_CHANGE, API_ACTIVITY = 3002, 3001, 6003
CLASS_WORDS = {
    AUTHENTICATION: "Authentication",
    ACCOUNT_CHANGE: "Account Change",
    API_ACTIVITY: "API Activity",
}
SIGN_INS = ("person:sign_in:", "person:code:", "person:passkey:used", "person:recovery_code:")
SETTLED, EPOCH = timedelta(minutes=1), datetime(1970, 1, 1, tzinfo=UTC)
OTHER, LOGON, LOGOFF = 99, 1, 2
SUCCESS, FAILURE = 1, 2


def events_after(
    place: str, session: Session, cursor: int, *, most: int = 1000
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (cursor, event) of the entries of a place after a cursor, in the order of the log."""
    rows = _directory(session, cursor, most) if place == "directory" else _region(session, cursor)
    for number, (position, body, digest) in enumerate(rows):
        if number == most:
            return
        yield position, event_of(place, json.loads(body), digest)


def _directory(session: Session, cursor: int, most: int) -> Iterator[tuple[int, str, str]]:
    if is_postgresql(session):
        yield from _by_time(session, cursor, most)
        return
    rowid: Any = text("entries.rowid")
    rows = session.execute(
        select(rowid, DirectoryEntry.body, DirectoryEntry.hash)
        .where(text("entries.rowid > :cursor"))
        .order_by(rowid)
        .limit(most),
        {"cursor": cursor},
    )
    yield from ((row[0], row[1], row[2]) for row in rows)


def _by_time(session: Session, cursor: int, most: int) -> Iterator[tuple[int, str, str]]:
    """PostgreSQL numbers no rows: the cursor is the instant of an entry, in microseconds.

    The last minute waits, so that no entry is committed before one that was handed over. Entries
    of one instant are handed over together.
    """
    since = clock.stamp(EPOCH + timedelta(microseconds=cursor))
    rows = session.execute(
        select(DirectoryEntry.at, DirectoryEntry.body, DirectoryEntry.hash)
        .where(DirectoryEntry.at > since, DirectoryEntry.at <= clock.stamp(clock.now() - SETTLED))
        .order_by(DirectoryEntry.at, DirectoryEntry.chain, DirectoryEntry.seq)
        .limit(most + 1)
    ).all()
    if len(rows) > most:
        rows = [row for row in rows if row[0] < rows[most][0]]
    for at, body, digest in rows:
        yield (clock.read_stamp(at) - EPOCH) // timedelta(microseconds=1), body, digest


def _region(session: Session, cursor: int) -> Iterator[tuple[int, str, str]]:
    for one in log.placed_since(session, cursor):
        yield one.place + 1, one.body, one.hash


def event_of(place: str, entry: dict[str, Any], digest: str) -> dict[str, Any]:
    """Return an entry as an event of OCSF; the field dictionary is in docs/operating.md."""
    kind, activity = classed(entry["event"])
    return {
        "class_uid": kind,
        "class_name": CLASS_WORDS[kind],
        "category_uid": kind // 1000,
        "activity_id": activity,
        "type_uid": kind * 100 + activity,
        "severity_id": 1,
        "status_id": FAILURE if entry["event"].endswith(":failed") else SUCCESS,
        "time": entry["at"],
        "metadata": {
            "version": "1.4.0",
            "uid": digest,
            "sequence": entry["seq"],
            "product": {"name": "Counterpart"},
            "log_name": place,
        },
        "actor": {"user": {"uid": entry["actor"]}},
        "api": {"operation": entry["event"]},
        "unmapped": {"chain": entry["chain"], "prev": entry["prev"], "facts": entry["facts"]},
    }


def classed(event: str) -> tuple[int, int]:
    """Return the class and the activity of an event by its name."""
    if event.startswith(SIGN_INS):
        return AUTHENTICATION, LOGOFF if event.endswith(":ended") else LOGON
    if event.startswith(("person:", "organisation:")):
        return ACCOUNT_CHANGE, OTHER
    return API_ACTIVITY, OTHER
