"""What an error of a database means: come again at once, come again later, or a slip of ours."""

import sqlite3

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError, InvalidRequestError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from portal.kit.db import reading
from portal.kit.faults import Fault, fault_of


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


def test_a_reader_that_tried_to_write_made_a_slip() -> None:
    before = reading.set(True)
    assert fault_of(raised(errors.ReadOnlySqlTransaction())) is None
    reading.reset(before)
