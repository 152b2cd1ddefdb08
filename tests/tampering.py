"""What an operator can do who owns the database: take its walls down and change what is behind."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from portal.kit import walls


@contextmanager
def walls_down(session: Session, *, tables: Collection[str] | None = None) -> Iterator[Connection]:
    """A connection in whose transaction, and ever after, no trigger of the tables refuses."""
    session.rollback()
    connection = session.connection()
    walls.take_down(connection, "INSERT", "UPDATE", "DELETE", tables=tables)
    yield connection
    session.commit()
    session.expire_all()
