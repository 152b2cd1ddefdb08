"""Numbered migrations by Alembic: one history for the directory, one for every region."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, event, text

from portal.kit.db import is_postgresql
from portal.kit.walls import spoken

FOLDER = Path(__file__).resolve().parents[2] / "migrations"


def _config(history: str, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER / history))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


class BadDatabase(Exception):
    """A database was made in a way that the portal cannot keep its promises on."""


def upgrade(engine: Engine, history: str) -> tuple[str | None, str | None]:
    """Bring one database to the newest migration, in one transaction; return (before, after).

    Who migrates the same database at the same moment waits for it.
    """
    with engine.begin() as connection:
        return _upgrade(connection, history)


def _upgrade(connection: Connection, history: str) -> tuple[str | None, str | None]:
    if is_postgresql(connection):
        _take_turns(connection)
        _demand_plain_order(connection)
    before = current(connection)
    with spoken(connection):
        command.upgrade(_config(history, connection), "head")
    if is_postgresql(connection):
        _let_keys_wait(connection)
        if history == "region":
            _show_parties_only(connection)
    return before, current(connection)


CHANGES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE", "COMMENT")


def rehearse(engine: Engine, history: str) -> tuple[str | None, str | None, list[str]]:
    """Do what `upgrade` would do and undo it; return (before, after, statements that change)."""
    said: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.lstrip().upper().startswith(CHANGES):
            said.append(statement.strip())

    with engine.connect() as connection, connection.begin() as whole:
        event.listen(connection, "before_cursor_execute", note)
        before, after = _upgrade(connection, history)
        event.remove(connection, "before_cursor_execute", note)
        whole.rollback()
    return before, after, said


def _take_turns(connection: Connection) -> None:
    """Wait for another migration of this database; the lock ends with the transaction."""
    connection.execute(text("SET LOCAL lock_timeout = '10min'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('migrate', 0))"))


def _demand_plain_order(connection: Connection) -> None:
    """Refuse a database that sorts text by a language: ids and instants sort by their bytes."""
    found = connection.execute(
        text(
            "SELECT datcollate, pg_encoding_to_char(encoding) FROM pg_database "
            "WHERE datname = current_database()"
        )
    ).one()
    if found[0] not in {"C", "POSIX", "C.UTF-8", "C.utf8"} or found[1] != "UTF8":
        raise BadDatabase(
            f"the database sorts by {found[0]} in {found[1]}: make it with "
            "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
        )


PARTY = """current_setting('counterpart.acting', true) = '*'
OR current_setting('counterpart.acting', true) IN (vendor_id, customer_id)"""
OF_PARTY = """current_setting('counterpart.acting', true) = '*'
OR coalesce((SELECT true FROM contracts AS c WHERE c.id = contract_id), false)"""
# EXISTS would say the same, and be answered by a list of all contracts made anew for each query.
POLICY = "parties_by_key"
BARE = """
SELECT c.relname, bool_or(a.attname = 'vendor_id')
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
AND NOT EXISTS (SELECT 1 FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = :policy)
AND (a.attname = 'vendor_id' OR (a.attname = 'contract_id' AND a.attnotnull))
GROUP BY c.relname ORDER BY c.relname
"""
# They outlive the contract's own row: where it went, that it was deleted; a file may be nobody's.
OUTLIVING = frozenset({"deletions", "documents", "moves"})


def _show_parties_only(connection: Connection) -> None:
    """Show rows of a contract to its parties and to the portal, whatever a query forgets to ask."""
    for table, names_both in connection.execute(text(BARE), {"policy": POLICY}).all():
        if table in OUTLIVING:
            continue
        seen = PARTY if names_both else OF_PARTY
        connection.execute(text(f'DROP POLICY IF EXISTS parties ON "{table}"'))
        connection.execute(text(f'CREATE POLICY {POLICY} ON "{table}" USING ({seen})'))
        connection.execute(text(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'))
        connection.execute(text(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY'))


LET_WAIT = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE contype = 'f' AND NOT condeferrable AND connamespace = current_schema()::regnamespace
"""


def _let_keys_wait(connection: Connection) -> None:
    """Let one transaction check its references at its end, as SQLite can: for rows that move."""
    for table, name in connection.execute(text(LET_WAIT)).all():
        connection.execute(text(f'ALTER TABLE {table} ALTER CONSTRAINT "{name}" DEFERRABLE'))


def current(connection: Connection) -> str | None:
    """Return the migration a database stands at."""
    return MigrationContext.configure(connection).get_current_revision()


def newest(history: str) -> str | None:
    """Return the newest migration of a history."""
    return ScriptDirectory.from_config(_config(history)).get_current_head()


def differences(engine: Engine, metadata: MetaData) -> list[Any]:
    """Return how the database differs from the models; empty means equal.

    Comments on columns are for readers of the models: SQLite keeps none.
    """
    with engine.connect() as connection:
        wanted = _with_waiting_keys(metadata) if is_postgresql(connection) else metadata
        found: list[Any] = compare_metadata(MigrationContext.configure(connection), wanted)
        return [
            one for one in found if not (isinstance(one, list) and one[0][0] == "modify_comment")
        ]


def _with_waiting_keys(metadata: MetaData) -> MetaData:
    copy = MetaData()
    for table in metadata.sorted_tables:
        for key in table.to_metadata(copy).foreign_key_constraints:
            key.deferrable = True
    return copy


def write_revision(
    engine: Engine, history: str, metadata: MetaData, *, number: str, message: str
) -> None:
    """Write the next migration from the difference to the models, to be read and completed."""
    with engine.begin() as connection:
        config = _config(history, connection)
        config.attributes["metadata"] = metadata
        command.revision(config, message, autogenerate=True, rev_id=number)
