"""The directory and the regions: they open, are whole, are walled, and their logs hold."""

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError, SQLAlchemyError
from sqlalchemy.orm import Session

from portal.audit import queries as log
from portal.audit.signer import signer_of
from portal.kit import migrate, rights, walls
from portal.kit.db import db, is_postgresql
from portal.kit.faults import DISK_FULL
from portal.kit.vault import CannotOpen
from portal.operations.queries.subject import Subject
from portal.operations.rules import Check, Level, judged
from portal.residency.actions import read_document
from portal.residency.databases import RegionDatabase, WrongRegion
from portal.residency.models import DataKey, Document

PRAGMAS = {"journal_mode": "wal", "foreign_keys": "1", "recursive_triggers": "1"}


def checks(subject: Subject) -> Iterator[Check]:
    """Yield the checks of every database, store and log."""
    yield from vital(subject)
    for where, history, engine in subject.engines():
        if where not in subject.silent:
            yield from _inside(where, history, engine)
            if is_postgresql(engine):
                yield _rights(where, engine, subject.settings.serving_role)
    yield _chains("directory", db.session())
    for where, database, session in subject.each_region():
        yield _identity(where, database)
        yield _data_keys(where, database, session)
        yield _documents(where, database, session)
        yield _chains(where, session)


def vital(subject: Subject) -> Iterator[Check]:
    """Yield whether each database opens, is migrated, and was not put back."""
    for where, history, engine in subject.engines():
        yield from _opens(where, history, engine)
    for where, database, session in subject.each_region():
        yield _extends(subject, where, database, session)


def _opens(where: str, history: str, engine: Engine) -> Iterator[Check]:
    try:
        with engine.connect() as connection:
            found = migrate.current(connection)
            why_not = _keeps_from_writing(connection)
    except SQLAlchemyError as error:
        yield judged(
            f"database opens ({where})", type(error).__name__, holds=False,
            mend="start the database, or mend its address in counterpart.toml",
        )  # fmt: skip
        return
    yield judged(f"database opens ({where})", "yes", holds=True, mend="")
    yield judged(
        f"database takes writes ({where})", f"no: {why_not[0]}" if why_not else "yes",
        holds=why_not is None, mend=why_not[1] if why_not else "",
    )  # fmt: skip
    newest = migrate.newest(history)
    yield judged(
        f"migrations ({where})", f"at {found}, newest {newest}", holds=found == newest,
        mend="counterpart migrate",
    )  # fmt: skip


# Sorts a few hundred kilobytes in a memory too small for them: the server must write them down,
# where its tables lie unless temp_tablespaces says otherwise, and forgets them at once.
NEEDS_ROOM = text(
    "SELECT max(a) FROM (SELECT repeat(md5(n::text), 8) AS a FROM generate_series(1, 2000) AS n"
    " ORDER BY a OFFSET 1) AS sorted"
)


def _keeps_from_writing(connection: Connection) -> tuple[str, str] | None:
    """Return why a server takes no writes now, and what mends it; None where it takes them.

    Of a file the disk and the home are asked. A server's disk is seen by nobody but itself.
    """
    if not is_postgresql(connection):
        return None
    if connection.execute(text("SHOW transaction_read_only")).scalar() != "off":
        return (
            "it is read-only",
            "it is a standby, or default_transaction_read_only is on: name the one that writes",
        )
    try:
        connection.execute(text("SET LOCAL work_mem = '64kB'"))
        connection.execute(NEEDS_ROOM)
    except DBAPIError as error:
        connection.rollback()
        if getattr(error.orig, "sqlstate", None) != DISK_FULL:
            raise
        return "its disk is full", "free space on the disk of the server; nothing is signed on it"
    return None


def _extends(subject: Subject, where: str, database: RegionDatabase, session: Session) -> Check:
    remembered = signer_of(subject.settings, database.region).remembered()
    size = log.size_of(session)
    signed = remembered.size if remembered else 0
    return judged(
        f"log extends ({where})", f"{size} entries, {signed} signed for", holds=size >= signed,
        mend="the database was put back: restore a newer backup, or record the gap",
    )  # fmt: skip


def _inside(where: str, history: str, engine: Engine) -> Iterator[Check]:
    if is_postgresql(engine):
        yield from _postgresql(where, history, engine)
        return
    with engine.connect() as connection:
        for name, wanted in PRAGMAS.items():
            found = str(connection.execute(text(f"PRAGMA {name}")).scalar())
            yield judged(
                f"{name.replace('_', ' ')} ({where})", found, holds=found == wanted,
                mend="open the database through the portal only; it sets this itself",
            )  # fmt: skip
        found = str(connection.execute(text("PRAGMA quick_check")).scalar())
        yield judged(
            f"integrity ({where})", found, holds=found == "ok", mend="restore the last backup"
        )
        missing = _walls(history) - walls.standing(connection)
    yield judged(
        f"walls ({where})", "stand" if not missing else f"{len(missing)} missing or changed",
        holds=not missing,
        mend="somebody removed triggers: compare with a backup, run `counterpart audit verify`",
    )  # fmt: skip


ROLE = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


def _postgresql(where: str, history: str, engine: Engine) -> Iterator[Check]:
    wanted = {name for name, _ in _walls(history)}
    with engine.connect() as connection:
        for name, value in SAFE.items():
            found = str(connection.execute(text(f"SHOW {name}")).scalar())
            yield judged(
                f"{name.replace('_', ' ')} ({where})", found, holds=found == value,
                mend=f"set {name} = {value} in postgresql.conf: a crash loses what was signed",
            )  # fmt: skip
        is_above = bool(connection.execute(text(ROLE)).scalar())
        yield judged(
            f"role ({where})", "above row-level security" if is_above else "an ordinary one",
            holds=not is_above, mend="connect as a role that is no superuser (docs/operating.md)",
        )  # fmt: skip
        standing = {
            name.partition(" ")[0] for name, says in walls.standing(connection) if says[-1] == "O"
        }
    missing = wanted - standing
    yield judged(
        f"walls ({where})", "stand" if not missing else f"{len(missing)} missing or off",
        holds=not missing,
        mend="somebody removed triggers: compare with a backup, run `counterpart audit verify`",
    )  # fmt: skip


def _rights(where: str, engine: Engine, role: str | None) -> Check:
    """Whether who serves may not change what only grows, whatever becomes of the triggers."""
    if role is None:
        return judged(
            f"rights ({where})", "the owner of the tables serves", holds=False,
            otherwise=Level.WARNING, mend="name a serving_role (docs/operating.md)",
        )  # fmt: skip
    with engine.connect() as connection:
        try:
            found = rights.excess(connection, role)
        except ProgrammingError:
            found = [f"there is no role {role}"]
    said = "only what serving takes" if not found else f"{found[0]} ({len(found)} in all)"
    return judged(
        f"rights ({where})", said, holds=not found,
        mend="run `counterpart migrate` as the owner; the role is no member of the owner's",
    )  # fmt: skip


@cache
def _walls(history: str) -> frozenset[tuple[str, str]]:
    """Return the triggers the migrations make, read off a database made by them just now."""
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'walls.db'}")
        migrate.upgrade(engine, history)
        with engine.connect() as connection:
            found = walls.standing(connection)
        engine.dispose()
    return found


def _identity(where: str, database: RegionDatabase) -> Check:
    try:
        database.check_identity()
        said, holds = "the database says so too", True
    except WrongRegion as error:
        said, holds = str(error), False
    return judged(
        f"identity ({where})", said, holds=holds, mend="two database addresses are swapped"
    )


def _data_keys(where: str, database: RegionDatabase, session: Session) -> Check:
    ids = session.scalars(select(DataKey.id).order_by(DataKey.id)).all()
    cipher_of = database.cipher_for(session)
    shut = 0
    for contract_id in ids:
        try:
            cipher_of(contract_id)
        except CannotOpen:
            shut += 1
    return judged(
        f"contract keys ({where})", f"{len(ids) - shut} of {len(ids)} open", holds=shut == 0,
        mend="the region's key file is not the one these were wrapped with: put it back",
    )  # fmt: skip


def _documents(where: str, database: RegionDatabase, session: Session) -> Check:
    row = session.scalar(select(Document).order_by(Document.created_at.desc()).limit(1))
    said, holds = "none yet", True
    if row is not None:
        try:
            size = len(read_document(session, database, row))
            said, holds = f"the newest opens ({size} bytes)", size == row.size
        except (CannotOpen, OSError) as error:
            said, holds = f"the newest does not open: {type(error).__name__}", False
    return judged(
        f"documents ({where})", said, holds=holds, mend="restore the store from the last backup"
    )


def _chains(where: str, session: Session) -> Check:
    count, wrong = log.check(session)
    said = f"{count} entries hold" if not wrong else f"{len(wrong)} of {count} entries do not hold"
    return judged(
        f"log chains ({where})", said, holds=not wrong, mend="counterpart audit verify names them"
    )
