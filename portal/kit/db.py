"""The database kit: directory and regional models, UTC instants, and the unit of work.

`db.session` knows the directory only. Regional models carry a bind key that exists in no bind,
so using one through `db.session` raises; a region's session comes from `residency`.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import (
    Boolean,
    Connection,
    Dialect,
    Engine,
    Integer,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session, scoped_session
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeDecorator

from portal.kit import clock

REGIONAL = "regional"
WORK = logging.getLogger("counterpart.work")

# A GET reads and may share the database; every other request takes the write lock at BEGIN, because
# a read lock that must be raised to a write lock fails at once under SQLite.
reading: ContextVar[bool] = ContextVar("reading", default=False)
# The organisation a request acts for, as soon as it is known: PostgreSQL then shows it no row of
# other parties' contracts. Before, and outside requests, it is the portal itself that acts.
PORTAL = "*"
acting: ContextVar[str] = ContextVar("acting", default=PORTAL)


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


POSTGRESQL = "postgresql"
# How long libpq waits, in its own words, for a server that is not there or is there no more: by
# itself it would wait for minutes, and a request with it.
PATIENCE = {
    "connect_timeout": 5, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}  # fmt: skip


def options_for(address: str) -> dict[str, Any]:
    """Return how an engine of this address is opened.

    An error names the statement and never its values: they are what people typed. A server that
    was restarted is met by a connection that is tried before it is used.
    """
    url = make_url(address)
    if url.get_backend_name() != POSTGRESQL:
        return {"hide_parameters": True}
    patience = {name: value for name, value in PATIENCE.items() if name not in url.query}
    return {"hide_parameters": True, "pool_pre_ping": True, "connect_args": patience}


def open_engine(address: str) -> Engine:
    """Open a database by its address, hardened."""
    engine = create_engine(address, **options_for(address))
    harden(engine)
    return engine


def is_postgresql(bound: Session | Connection | Engine) -> bool:
    """Whether a session, a connection or an engine speaks to PostgreSQL."""
    engine = bound.get_bind() if isinstance(bound, Session) else bound
    return engine.dialect.name == POSTGRESQL


def harden(engine: Engine) -> None:
    """Make an engine safe for concurrent writers and append-only triggers."""
    if is_postgresql(engine):
        event.listen(engine, "connect", _wait_at_most)
        event.listen(engine, "checkin", _keep_no_reader)
    else:
        _harden_sqlite(engine)


def _wait_at_most(connection: Any, record: Any) -> None:
    """Wait for a lock as long as SQLite waits, and leave no lock behind that nobody uses.

    Until a session says for whom it acts, it acts for the portal.
    """
    connection.execute("SET lock_timeout = '15s'")
    connection.execute(f"SET counterpart.acting = '{PORTAL}'")
    connection.execute("SET idle_in_transaction_session_timeout = '10min'")
    connection.commit()


def _keep_no_reader(connection: Any, record: Any) -> None:
    """Keep no connection that takes no writes: the next may find a server that does.

    One keeps what it was told at its beginning, also after the server takes writes again. What it
    takes is known here without asking: the server says it by itself.
    """
    words = ("default_transaction_read_only", "in_hot_standby")
    if connection is not None and "on" in map(connection.info.parameter_status, words):
        record.invalidate()


def _harden_sqlite(engine: Engine) -> None:
    def on_connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
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
        _hold_organisation(concrete)
        yield concrete
        concrete.commit()
    except BaseException:
        concrete.rollback()
        raise


@contextmanager
def by_itself(session: Session, what: str) -> Iterator[None]:
    """Do one part of a job by itself: what fails is told, undone, and stops no other."""
    try:
        yield
    except Exception:  # whatever it is: the other parts are not to wait for it
        WORK.exception("%s failed", what)
        session.rollback()


def let_go(session: Session) -> None:
    """End what a request reads, so that nobody waits for its locks while a slow thing is asked.

    What it changed must be committed by then; all it read is read anew afterwards.
    """
    for one in (session, db.session()):
        if one.new or one.dirty or one.deleted:
            raise RuntimeError("changes are not committed yet: ask before they are made")
        one.commit()
        one.expire_all()


def _hold_organisation(session: Session) -> None:
    """On PostgreSQL, let one request at a time change what an organisation has in the directory.

    SQLite lets one write at all. What was read before the lock is read again.
    """
    if isinstance(session, DirectorySession) and acting.get() != PORTAL:
        if not is_postgresql(session):
            return
        lock_in_turn(session, f"organisation {acting.get()}")
        if not (session.new or session.dirty or session.deleted):
            session.expire_all()


def lock_in_turn(session: Session, name: str) -> None:
    """On PostgreSQL, wait until no other transaction holds this name; hold it until the end."""
    if is_postgresql(session):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


@contextmanager
def alone_with(engine: Engine, name: str) -> Iterator[bool]:
    """On PostgreSQL, say whether nobody else is at this now; nobody is until the block ends.

    For long work that several would do at once and one would keep. It waits for nobody, and a
    process that dies lets go. On SQLite it says yes to all: there are few, on one machine.
    """
    if not is_postgresql(engine):
        yield True
        return
    with engine.connect() as connection:
        key = func.hashtextextended(name, 0)
        yield bool(connection.scalar(select(func.pg_try_advisory_xact_lock(key))))


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


def check_references_last(session: Session) -> None:
    """Let rows of this transaction come in any order; each must have what it refers to at the end.

    On PostgreSQL it takes references that were made to wait, as the migrations make them.
    """
    late = "SET CONSTRAINTS ALL DEFERRED" if is_postgresql(session) else LAST_ON_SQLITE
    session.execute(text(late))


LAST_ON_SQLITE = "PRAGMA defer_foreign_keys = ON"


def overwrite_deleted(session: Session) -> None:
    """On SQLite, let what this connection deletes be overwritten, not only forgotten."""
    if not is_postgresql(session):
        session.execute(text("PRAGMA secure_delete = ON"))


def clear_deleted(engine: Engine, tables: Sequence[str]) -> None:
    """Leave nothing of deleted rows in the files of the database itself.

    What a server keeps beside them, its write-ahead log and its own backups, ages out as its
    operator set it; the rows are sealed with keys that were among what was deleted.
    """
    with engine.connect() as connection:
        if is_postgresql(engine):
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql(f"VACUUM {', '.join(tables)}")
            return
        raw: Any = connection.connection.dbapi_connection
        connection.rollback()
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def insert_for(session: Session) -> Any:
    """Return the INSERT that knows ON CONFLICT in the words of the session's engine."""
    return postgresql.insert if is_postgresql(session) else sqlite.insert


def insert_once(session: Session, table: type[Base], values: dict[str, Any], *, key: str) -> bool:
    """Insert a row unless one with the same `key` is there; return whether it was inserted."""
    done = session.execute(
        insert_for(session)(table)
        .values(**values)
        .on_conflict_do_nothing(index_elements=[key])
        .returning(getattr(table, key))
    )
    return done.first() is not None


@compiles(CreateTable, "sqlite")
def _strict(element: CreateTable, compiler: Any, **kw: Any) -> str:
    text: str = compiler.visit_create_table(element, **kw)
    return text.rstrip() + " STRICT\n\n"
