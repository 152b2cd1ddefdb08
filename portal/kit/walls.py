"""Walls: triggers that refuse a change whatever code asks for it, on SQLite and PostgreSQL.

Migrations write a wall once, as SQLite knows it: `CREATE TRIGGER name BEFORE event ON table
[WHEN condition] BEGIN SELECT RAISE(ABORT, 'why'); END`. On PostgreSQL the same statement becomes a
trigger on a function that holds the condition; anything of another shape stops the migration.
"""

import hashlib
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event, text

WALL = re.compile(
    r"\s*CREATE TRIGGER (?P<name>\w+)\s+BEFORE (?P<event>INSERT|UPDATE|DELETE)\s+ON (?P<table>\w+)"
    r"\s*(?:WHEN\s+(?P<when>.+?))?\s+BEGIN\s+SELECT\s+RAISE\(ABORT,\s*'(?P<why>[^']+)'\);\s*END\s*",
    re.DOTALL,
)
IS_OTHER = re.compile(r"\bIS NOT\b(?!\s+NULL\b)")
FUNCTION = """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $wall$
BEGIN
  IF {when} THEN
    RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $wall$
"""
TRIGGER = """
CREATE TRIGGER {name} BEFORE {event} ON {table}
FOR EACH {each} EXECUTE FUNCTION {function}('{why}')
"""


def on_postgresql(statement: str) -> str:
    """Return a statement of a migration as PostgreSQL takes it; only walls differ."""
    if not statement.lstrip().upper().startswith("CREATE TRIGGER"):
        return statement
    found = WALL.fullmatch(statement)
    if found is None:
        raise ValueError(f"not a wall that PostgreSQL could be given: {statement.strip()}")
    when = IS_OTHER.sub("IS DISTINCT FROM", " ".join((found["when"] or "true").split()))
    function = f"wall_{hashlib.sha256(when.encode()).hexdigest()[:16]}"
    parts = [FUNCTION.format(name=function, when=when)]
    parts.append(TRIGGER.format(**_named(found), each="ROW", function=function))
    if found["event"] == "DELETE" and found["when"] is None:
        whole = {**_named(found), "name": f"{found['name']}_all", "event": "TRUNCATE"}
        parts.append(TRIGGER.format(**whole, each="STATEMENT", function=function))
    return ";".join(parts)


def _named(found: re.Match[str]) -> dict[str, str]:
    return {name: found[name] for name in ("name", "event", "table", "why")}


@contextmanager
def spoken(connection: Connection) -> Iterator[None]:
    """Let a connection be given walls in the words of migrations, whichever engine it is."""

    def put(conn: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> Any:
        return on_postgresql(statement), parameters

    if connection.dialect.name != "postgresql":
        yield
        return
    event.listen(connection, "before_cursor_execute", put, retval=True)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", put)


STANDING = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": """
        SELECT t.tgname || ' ' || t.tgrelid::regclass, pg_get_triggerdef(t.oid) || p.prosrc
                                                       || t.tgenabled::text
        FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
        JOIN pg_class AS c ON c.oid = t.tgrelid
        WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
    """,
}


def standing(connection: Connection) -> frozenset[tuple[str, str]]:
    """Return the walls of a database: the name of each and what it says."""
    rows = connection.execute(text(STANDING[connection.dialect.name]))
    return frozenset((row[0], row[1]) for row in rows)


@contextmanager
def down(
    connection: Connection, *events: str, tables: Collection[str] | None = None
) -> Iterator[None]:
    """Take the walls against `events` down, and put them up again, inside one transaction.

    No other connection ever sees the database without them: after an error it is the rollback that
    puts them back. On PostgreSQL it takes the owner of the tables, and writers of them wait.
    """
    again = take_down(connection, *events, tables=tables)
    yield
    if connection.dialect.name != "sqlite":
        # References that wait for the end of the transaction hinder a change of their table.
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    for statement in again:
        connection.exec_driver_sql(statement)


def take_down(
    connection: Connection, *events: str, tables: Collection[str] | None = None
) -> list[str]:
    """Take the walls against `events` down; return the statements that put them up again."""
    act = _down_sqlite if connection.dialect.name == "sqlite" else _down_postgresql
    return act(connection, events, tables)


def _down_sqlite(
    connection: Connection, events: Collection[str], tables: Collection[str] | None
) -> list[str]:
    rows = connection.exec_driver_sql(
        "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY rowid"
    ).all()
    walls = [
        (row[0], row[2])
        for row in rows
        if (tables is None or row[1] in tables) and WALL.fullmatch(row[2])["event"] in events  # type: ignore[index]
    ]
    for name, _ in walls:
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    return [sql for _, sql in walls]


NAMED = """
SELECT c.relname, t.tgname, t.tgtype FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
ORDER BY c.relname, t.tgname
"""
BITS = {"INSERT": 4, "DELETE": 8, "UPDATE": 16}  # of pg_trigger.tgtype


def _down_postgresql(
    connection: Connection, events: Collection[str], tables: Collection[str] | None
) -> list[str]:
    bits = sum(BITS[one] for one in events)
    rows = [row for row in connection.execute(text(NAMED)) if row[2] & bits]
    walls = [(row[0], row[1]) for row in rows if tables is None or row[0] in tables]
    held = ", ".join(f'"{name}"' for name in sorted({table for table, _ in walls}))
    if held:
        # All at once and in one order, so that two who do this wait for each other.
        connection.exec_driver_sql(f"LOCK TABLE {held} IN SHARE ROW EXCLUSIVE MODE")
    for table, name in walls:
        connection.exec_driver_sql(f'ALTER TABLE "{table}" DISABLE TRIGGER "{name}"')
    return [f'ALTER TABLE "{table}" ENABLE TRIGGER "{name}"' for table, name in walls]
