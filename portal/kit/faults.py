"""Faults of a database, told apart: somebody else was first, it does not serve now, or it is ours.

The first two are no fault of what was asked: the same, sent again, may be done.
"""

from enum import StrEnum

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from portal.kit.db import reading


class Fault(StrEnum):
    """Why a database did not do what it was asked."""

    BUSY = "busy"  # another one held what was needed; nothing was changed
    AWAY = "away"  # it is stopped, out of reach, full, or takes no writes


# Appendix A of PostgreSQL's manual. A deadlock is broken by ending one of those who are in it.
BUSY = {"40001": "serialization", "40P01": "deadlock", "55P03": "lock timeout"}
READ_ONLY = "25006"
# Classes: 08 the connection, 53 memory, disk and connections, 57 an operator stopped it, 58 its
# system. 25P03 ends a transaction that stood idle.
AWAY_CLASSES = ("08", "53", "57", "58", "25P03")
BUSY_ON_SQLITE = ("SQLITE_BUSY", "SQLITE_LOCKED")
AWAY_ON_SQLITE = ("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR")


DISK_FULL = "53100"
# Said by the database itself about a statement or a commit that it did not carry out.
UNDONE_CLASSES = ("23", *BUSY, READ_ONLY, DISK_FULL)
UNDONE_ON_SQLITE = ("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_BUSY", "SQLITE_CONSTRAINT")


def is_undone(error: DBAPIError) -> bool:
    """Whether it is certain that nothing was committed; a lost connection leaves it open."""
    if isinstance(error.orig, psycopg.Error):
        state = error.orig.sqlstate or ""
        return not error.connection_invalidated and state.startswith(UNDONE_CLASSES)
    return getattr(error.orig, "sqlite_errorname", "").startswith(UNDONE_ON_SQLITE)


def fault_of(error: SQLAlchemyError) -> Fault | None:
    """Return what kept a database from doing it; None where the statement itself was wrong."""
    if isinstance(error, NoConnection):
        return Fault.AWAY
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, psycopg.Error):
        return _on_postgresql(error.orig, is_lost=error.connection_invalidated)
    return _on_sqlite(getattr(error.orig, "sqlite_errorname", ""))


def _on_postgresql(error: psycopg.Error, *, is_lost: bool) -> Fault | None:
    state = error.sqlstate or ""
    if state in BUSY:
        return Fault.BUSY
    # A mere reader that was refused a write is our own slip.
    if state == READ_ONLY and not reading.get():
        return Fault.AWAY
    # Who never got through, or was cut off, has no word of the server.
    silent = not state and isinstance(error, psycopg.OperationalError)
    return Fault.AWAY if is_lost or silent or state.startswith(AWAY_CLASSES) else None


def _on_sqlite(name: str) -> Fault | None:
    if name.startswith(BUSY_ON_SQLITE):
        return Fault.BUSY
    return Fault.AWAY if name.startswith(AWAY_ON_SQLITE) else None
