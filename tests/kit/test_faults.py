"""What an error of a database means: come again at once, come again later, or a slip of ours."""

import sqlite3

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError, InvalidRequestError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from portal.kit.db import reading
from portal.kit.faults import Fault, fault_of, is_undone


def raised(orig: BaseException, *, lost: bool = False) -> DBAPIError:
    return OperationalError("SELECT 1", {}, orig, connection_invalidated=lost)


def on_sqlite(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError("secret")
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (raised(errors.DeadlockDetected()), Fault.BUSY),
        (raised(errors.SerializationFailure()), Fault.BUSY),
        (raised(errors.LockNotAvailable()), Fault.BUSY),
        (raised(errors.AdminShutdown(), lost=True), Fault.AWAY),
        (raised(errors.CannotConnectNow()), Fault.AWAY),
        (raised(errors.TooManyConnections()), Fault.AWAY),
        (raised(errors.DiskFull()), Fault.AWAY),
        (raised(errors.IdleInTransactionSessionTimeout()), Fault.AWAY),
        (raised(errors.ReadOnlySqlTransaction()), Fault.AWAY),
        (raised(psycopg.OperationalError("connection refused")), Fault.AWAY),
        (raised(psycopg.InterfaceError("closed"), lost=True), Fault.AWAY),
        (raised(errors.UniqueViolation()), None),
        (raised(errors.UndefinedTable()), None),
        (raised(errors.InvalidPassword()), None),
        (raised(on_sqlite("SQLITE_BUSY_SNAPSHOT")), Fault.BUSY),
        (raised(on_sqlite("SQLITE_FULL")), Fault.AWAY),
        (raised(on_sqlite("SQLITE_READONLY_DBMOVED")), Fault.AWAY),
        (raised(on_sqlite("SQLITE_ERROR")), None),
        (NoConnection(), Fault.AWAY),
        (InvalidRequestError(), None),
    ],
)
def test_each_error_has_one_meaning(error: DBAPIError, expected: Fault | None) -> None:
    assert fault_of(error) is expected


@pytest.mark.parametrize(
    ("error", "certain"),
    [
        (raised(errors.DiskFull()), True),
        (raised(errors.ReadOnlySqlTransaction()), True),
        (raised(errors.UniqueViolation()), True),
        (raised(errors.SerializationFailure()), True),
        (raised(errors.DiskFull(), lost=True), False),
        (raised(errors.AdminShutdown(), lost=True), False),
        (raised(errors.IoError()), False),
        (raised(psycopg.OperationalError("connection lost"), lost=True), False),
        (raised(on_sqlite("SQLITE_FULL")), True),
        (raised(on_sqlite("SQLITE_IOERR_FSYNC")), False),
    ],
)
def test_only_what_the_database_itself_refused_is_certainly_undone(
    error: DBAPIError, certain: bool
) -> None:
    assert is_undone(error) is certain


def test_a_reader_that_tried_to_write_made_a_slip() -> None:
    before = reading.set(True)
    assert fault_of(raised(errors.ReadOnlySqlTransaction())) is None
    reading.reset(before)
