"""The database kit: directory and regional models, UTC instants, and the unit of work.

`db.session` knows the directory only. Regional models carry a bind key that exists in no bind,
so using one through `db.session` raises; a region's session comes from `residency`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import Boolean, Dialect, Engine, Integer, String, Table, Text, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session, scoped_session
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeDecorator

from portal.kit import clock

REGIONAL = "regional"

# A GET reads and may share the database; every other request takes the write lock at BEGIN, because
# a read lock that must be raised to a write lock fails at once under SQLite.
reading: ContextVar[bool] = ContextVar("reading", default=False)


class Base(DeclarativeBase):
    """The parent of every table."""


class DirectorySession(FlaskSession):
    """The directory's session; it holds the key for sealed columns of people."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.info["cipher_of"] = current_app.extensions.get("directory_cipher_of")


db = SQLAlchemy(model_class=Base, session_options={"class_": DirectorySession})

if TYPE_CHECKING:

    class Model(Base):
        """What every table inherits from (Flask-SQLAlchemy makes it at run time)."""

        __abstract__ = True
        __table__: ClassVar[Table]

else:
    Model = db.Model


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as RFC 3339 text of fixed width (sorts as time)."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return clock.stamp(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else clock.read_stamp(value)


# SQLite's STRICT tables know TEXT, INTEGER, REAL and BLOB only.
@compiles(String, "sqlite")
@compiles(Text, "sqlite")
def _text(element: Any, compiler: Any, **kw: Any) -> str:
    return "TEXT"


@compiles(Boolean, "sqlite")
@compiles(Integer, "sqlite")
def _integer(element: Any, compiler: Any, **kw: Any) -> str:
    return "INTEGER"


def harden_sqlite(engine: Engine, *, synchronous: str) -> None:
    """Make a SQLite engine safe for concurrent writers and append-only triggers."""
    if engine.dialect.name != "sqlite":
        return

    def on_connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "recursive_triggers=ON",
            "busy_timeout=15000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN" if reading.get() else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


AnySession = Session | scoped_session[Any]


@contextmanager
def transaction(session: AnySession) -> Iterator[Session]:
    """Commit everything done inside, or nothing."""
    concrete = session() if isinstance(session, scoped_session) else session
    try:
        yield concrete
        concrete.commit()
    except BaseException:
        concrete.rollback()
        raise


def let_go(session: Session) -> None:
    """End what a request reads, so that nobody waits for its locks while a slow thing is asked.

    What it changed must be committed by then; all it read is read anew afterwards.
    """
    for one in (session, db.session()):
        if one.new or one.dirty or one.deleted:
            raise RuntimeError("changes are not committed yet: ask before they are made")
        one.commit()
        one.expire_all()


@contextmanager
def directory_reader() -> Iterator[Session]:
    """Read the directory beside a region's transaction, without waiting for its write lock."""
    before = reading.set(True)
    try:
        with Session(db.engine, expire_on_commit=False) as session:
            session.info["cipher_of"] = current_app.extensions.get("directory_cipher_of")
            yield session
    finally:
        reading.reset(before)


def insert_once(session: Session, table: type[Base], values: dict[str, Any], *, key: str) -> bool:
    """Insert a row unless one with the same `key` is there; return whether it was inserted."""
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[
        session.get_bind().dialect.name
    ]
    done: Any = session.execute(
        insert(table).values(**values).on_conflict_do_nothing(index_elements=[key])
    )
    return bool(done.rowcount)


@compiles(CreateTable, "sqlite")
def _strict(element: CreateTable, compiler: Any, **kw: Any) -> str:
    text: str = compiler.visit_create_table(element, **kw)
    return text.rstrip() + " STRICT\n\n"
