"""Copying a whole database into an empty one, of the same engine or the other, and comparing both.

Everything happens in one transaction of the target: it is all there and the same, or nothing is.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, insert, select, text

from portal.kit import walls
from portal.kit.db import LAST_ON_SQLITE, is_postgresql
from portal.kit.migrate import current

BATCH = 500


class NotTheSame(Exception):
    """What was read and what is in the target differ; nothing was kept."""


class NotEmpty(Exception):
    """The target holds rows already."""


@dataclass(frozen=True)
class Copied:
    """A table in both databases: its rows, and the SHA-256 over all of them in the target."""

    table: str
    rows: int
    sha256: str


def compare_databases(source: Engine, target: Engine, metadata: MetaData) -> list[Copied]:
    """Compare every table of two databases; raise `NotTheSame` at the first that differs."""
    with source.connect() as old, target.connect() as new:
        return [_compared(old, new, table) for table in metadata.sorted_tables]


def copy_database(source: Engine, target: Engine, metadata: MetaData) -> list[Copied]:
    """Copy every table into a migrated and empty database, and compare them there.

    Raise `NotEmpty` or `NotTheSame`; the target is then as it was.
    """
    with source.connect() as old, target.begin() as new:
        if is_postgresql(old):
            old.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        if current(old) != current(new):
            raise NotTheSame(f"the source is at {current(old)}, the target at {current(new)}")
        tables = metadata.sorted_tables
        _demand_empty(new, tables)
        new.execute(text("SET CONSTRAINTS ALL DEFERRED" if is_postgresql(new) else LAST_ON_SQLITE))
        with walls.down(new, "INSERT", "UPDATE", "DELETE"):
            for table in tables:
                for rows in _batches(old, table):
                    new.execute(insert(table), rows)
            copied = [_compared(old, new, table) for table in tables]
    return copied


def _demand_empty(new: Connection, tables: Sequence[Table]) -> None:
    for table in tables:
        found = new.execute(select(table).limit(1)).first()
        if found is not None:
            raise NotEmpty(f"{table.name} holds rows already")


def _batches(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    with connection.execute(_in_order(table), execution_options={"yield_per": BATCH}) as found:
        for some in found.mappings().partitions(BATCH):
            yield [dict(row) for row in some]


def _in_order(table: Table) -> Any:
    return select(table).order_by(*table.primary_key.columns)


def _compared(old: Connection, new: Connection, table: Table) -> Copied:
    (count, wanted), (found_count, found) = _digest(old, table), _digest(new, table)
    if (count, wanted) != (found_count, found):
        raise NotTheSame(f"{table.name}: {count} rows here, {found_count} there, or not the same")
    return Copied(table.name, count, found)


def _digest(connection: Connection, table: Table) -> tuple[int, str]:
    """Return how many rows a table has, and the SHA-256 over them in the order of their keys."""
    count, said = 0, hashlib.sha256()
    for rows in _batches(connection, table):
        for row in rows:
            said.update(json.dumps({k: _plain(v) for k, v in row.items()}, sort_keys=True).encode())
            said.update(b"\n")
        count += len(rows)
    return count, said.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
