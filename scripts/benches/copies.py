"""Copies of a contract: its rows written again under another reference, sealed and chained anew.

A copy has new ids everywhere, a data key of its own under which every column is sealed anew, and a
chain of entries of its own, hashed and placed in the region's log anew, so that the portal's own
code opens and verifies it. It is not signed anew: signatures and deeds are those of the contract
it was copied from. Without `whole`, answers of the negotiation and all but the newest mails and
notices are left out; without `documents`, documents are rows without a file in the store.
"""

import hashlib
import json
import random
import re
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg
import rfc8785
from sqlalchemy import func, select

from portal.audit import rules as log_rules
from portal.audit.models import Leaf
from portal.kit.db import REGIONAL, db
from portal.kit.vault import Cipher, cipher_of, new_key
from portal.operations.queries.inventory import context_of, regional_models
from portal.residency import rules
from portal.residency.actions import read_document
from portal.residency.actions.documents import key_of
from portal.residency.models import Document
from portal.residency.rules import new_public_ref

AT_ONCE, NEWEST = 500, 6
LEFT_OUT = frozenset({"answers", "looks"})
CUT = frozenset({"inbox", "outbox"})
SPREAD = frozenset({"contracts", "inbox", "outbox"})
TOKEN = re.compile(r"[0-9a-f]{64}|[0-9a-f]{32}|[0-9A-HJKMNP-TV-Z]{26}|[a-z]{2}-[2-9A-Z]{10}")
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
DICE = random.Random(7)


@dataclass
class Pattern:
    """The rows of a contract, table by table, with what is sealed in them opened."""

    ref: str
    owners: list[str] = field(default_factory=list)
    rows: dict[str, list["Row"]] = field(default_factory=dict)
    people: list[tuple["Row", list[str], str]] = field(default_factory=list)
    entries: list[tuple["Row", dict[str, Any]]] = field(default_factory=list)
    documents: list[tuple[str, str, bytes]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


@dataclass
class Row:
    """A row as it is stored, and its sealed values opened: column, plain bytes, and whose key."""

    stored: dict[str, Any]
    named: list[tuple[str, list[str]]]
    sealed: list[tuple[str, bytes]] = field(default_factory=list)
    owner: str = ""

    def copied(self, names: Mapping[str, str], region: str) -> dict[str, Any]:
        """Return the row under other names, in a region."""
        copy = dict(self.stored)
        for column, pieces in self.named:
            copy[column] = "".join([names.get(piece, piece) for piece in pieces])
        if "region" in copy:
            copy["region"] = region
        return copy


def _quoted(columns: Iterable[str]) -> str:
    return ", ".join(f'"{one}"' for one in columns)


def _some_time(stamp: str) -> str:
    """Return an instant of the same day: no two contracts of a list begin at the same one."""
    hour, minute, second, rest = (DICE.randrange(n) for n in (24, 60, 60, 1_000_000))
    return f"{stamp[:11]}{hour:02}:{minute:02}:{second:02}.{rest:06}Z"


def _pieces(text: str) -> list[str]:
    found, last = [], 0
    for match in TOKEN.finditer(text):
        found += [text[last : match.start()], match.group()]
        last = match.end()
    return [*found, text[last:]]


def pattern_of(
    database: Any, session: Any, ref: str, *, whole: bool = False, documents: bool = False
) -> Pattern:
    """Read the rows of a contract, and its documents if asked."""

    opened: dict[tuple[str, str], tuple[str, list[tuple[str, bytes]]]] = {}
    sealing = {model.__tablename__: (model, columns) for model, columns in regional_models()}
    pattern = Pattern(ref)
    connection = session.connection()
    for table in db.metadatas[REGIONAL].sorted_tables:
        name, column = table.name, rules.column_of(table.name, table.columns.keys())
        if column is None or (name in LEFT_OUT and not whole):
            continue
        found = connection.exec_driver_sql(
            f"SELECT * FROM {name} WHERE {column} = ? OR {column} LIKE ? ORDER BY rowid",
            (ref, f"{ref}/%"),
        ).mappings()
        rows = [dict(row) for row in found]
        if name in CUT and not whole:
            rows = rows[-NEWEST:]
        if name in sealing:
            model, columns = sealing[name]
            for one in session.scalars(
                model.__table__.select().where(False)
                if not rows
                else _select(model, [row["id"] for row in rows])
            ):
                cipher = cipher_of(session, one.owner_key)
                plain = [
                    (c.column, cipher.open(getattr(one, c.column), context=context_of(one, c)))
                    for c in columns
                    if getattr(one, c.column) is not None
                ]
                opened[name, one.id] = (one.owner_key, plain)
        for row in rows:
            _take(pattern, name, row, opened.get((name, str(row.get("id")))))
    if documents:
        for one in session.query(Document).filter_by(contract_id=ref):
            pattern.documents.append((one.id, one.kind, read_document(session, database, one)))
    session.rollback()
    return pattern


def _select(model: Any, ids: list[str]) -> Any:

    return select(model).where(model.id.in_(ids))


def _take(pattern: Pattern, name: str, stored: dict[str, Any], opened: Any) -> None:
    named = [
        (column, _pieces(value))
        for column, value in stored.items()
        if isinstance(value, str) and column not in {"at", "event"} and TOKEN.search(value)
    ]
    row = Row(stored, named)
    if opened:
        row.owner, row.sealed = opened
    if "id" in stored and len(str(stored["id"])) == 26:
        pattern.ids.append(stored["id"])
    if name == "data_keys":
        pattern.owners.append(stored["id"])
    elif name == "leaves":
        return
    elif name == "entries":
        pattern.entries.append((row, json.loads(stored["body"])))
        return
    elif name == "entry_people":
        plain = dict(row.sealed)
        pattern.people.append((row, json.loads(plain["identity_enc"]), stored["id"]))
        return
    pattern.rows.setdefault(name, []).append(row)


# Writing copies


class Writer:
    """Writes copies into one region, some hundreds in a transaction."""

    def __init__(self, database: Any, administrator: str | None = None) -> None:

        self.database, self.name = database, database.region.name
        self.administrator = administrator
        with database.engine.connect() as connection:
            last = connection.scalar(select(func.max(Leaf.__table__.c.place)))
        self.place = 0 if last is None else last + 1
        self.waiting: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.held = 0

    def copy(
        self,
        pattern: Pattern,
        *,
        title: str,
        others: Mapping[str, str] | None = None,
        customer: str | None = None,
        content: bytes | None = None,
    ) -> str:
        """Write a contract again, with other names for some ids; return its reference."""

        ref = new_public_ref(self.name)
        names = {one: one[:10] + "".join(DICE.choices(CROCKFORD, k=16)) for one in pattern.ids}
        names |= {pattern.ref: ref, **(others or {})}
        ciphers = {}
        for row in pattern.rows["data_keys"]:
            key, owner = new_key(), row.stored["id"].replace(pattern.ref, ref)
            ciphers[row.stored["id"]] = (Cipher(key), owner)
            copy = row.copied(names, self.name) | {"wrapped": self.database.wrap(owner, key)}
            self.waiting["data_keys"].append(copy | {"wrapped_before": None, "generation": 0})
        self._people(pattern, names, ciphers)
        self._entries(pattern, names)
        for table, rows in pattern.rows.items():
            if table != "data_keys":
                for row in rows:
                    copy = row.copied(names, self.name)
                    if table == "contracts":
                        copy["customer_name"] = customer or copy["customer_name"]
                    if table in SPREAD:
                        copy["created_at"] = _some_time(copy["created_at"])
                    if table == "documents" and content is not None:
                        cipher = ciphers[copy["contract_id"].replace(ref, pattern.ref)][0]
                        copy |= {"sha256": hashlib.sha256(content).hexdigest(),
                                 "size": len(content), "generation": 0}  # fmt: skip
                        self._store(copy["id"], copy["contract_id"], copy["kind"], content, cipher)
                    self._seal(table, row, copy, ciphers, title)
                    self.waiting[table].append(copy)
        for old, kind, plain in pattern.documents:
            self._store(names[old], ref, kind, plain, ciphers[pattern.ref][0])
        self.held += 1
        if self.held >= AT_ONCE:
            self.flush()
        return ref

    def _store(self, id: str, owner: str, kind: str, content: bytes, cipher: Cipher) -> None:
        row = Document(id=id, contract_id=owner, kind=kind, generation=0)
        sealed = cipher.seal(content, context=f"documents|{kind}|{id}|{owner}")
        self.database.store.put_once(key_of(row), sealed)

    def _seal(
        self, table: str, row: Row, copy: dict[str, Any], ciphers: Mapping[str, Any], title: str
    ) -> None:
        for column, value in row.sealed:
            cipher, owner = ciphers[row.owner]
            is_title = table == "contracts" and column == "title_enc"
            plain = json.dumps(title).encode() if is_title else value
            copy[column] = cipher.seal(plain, context=f"{table}|{column}|{copy['id']}|{owner}")

    def _people(self, pattern: Pattern, names: dict[str, str], ciphers: Mapping[str, Any]) -> None:
        """Commit to the same people anew: a salt is never used for two contracts."""

        for row, identity, commitment in pattern.people:
            salt = secrets.token_hex(32)
            chain = row.stored["chain"].replace(pattern.ref, names[pattern.ref])
            id = log_rules.commitment(log_rules.Actor(*identity), salt)
            digest = hashlib.sha256(rfc8785.dumps([chain, *identity])).hexdigest()
            copy = row.copied(names, self.name) | {"id": id, "digest": digest}
            names[commitment] = id
            cipher, owner = ciphers[row.owner]
            for column, value in (("salt_enc", salt), ("identity_enc", identity)):
                plain = json.dumps(value).encode()
                copy[column] = cipher.seal(plain, context=f"entry_people|{column}|{id}|{owner}")
            self.waiting["entry_people"].append(copy)

    def _entries(self, pattern: Pattern, names: dict[str, str]) -> None:

        for row, _ in pattern.entries:
            old = row.stored["hash"]
            pieces = next(found for column, found in row.named if column == "body")
            body = "".join([names.get(piece, piece) for piece in pieces]).encode()
            head = log_rules.digest(body)
            names[old], names[old[:32]] = head, head[:32]
            copy = row.copied(names, self.name) | {"body": body.decode(), "hash": head}
            self.waiting["entries"].append(copy)
            leaf = {"place": self.place, "region": self.name, "chain": copy["chain"],
                    "seq": copy["seq"], "hash": log_rules.leaf_hash(body).hex()}  # fmt: skip
            self.waiting["leaves"].append(leaf)
            self.place += 1

    def flush(self) -> None:
        """Write what waits, in one transaction."""

        order = [table.name for table in db.metadatas[REGIONAL].sorted_tables]
        batches = [(name, self.waiting[name]) for name in order if self.waiting.get(name)]
        if self.administrator is None:
            self._write_sqlite(batches)
        else:
            self._write_postgresql(batches)
        self.waiting.clear()
        self.held = 0

    def _write_sqlite(self, batches: Iterable[tuple[str, list[dict[str, Any]]]]) -> None:
        with closing(sqlite3.connect(self.database.engine.url.database)) as connection:
            connection.isolation_level = None
            for pragma in ("synchronous=OFF", "foreign_keys=ON", "cache_size=-400000"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("PRAGMA defer_foreign_keys = ON")
            for table, rows in batches:
                columns = list(rows[0])
                marks = ", ".join("?" * len(columns))
                connection.executemany(
                    f"INSERT INTO {table} ({_quoted(columns)}) VALUES ({marks})",
                    [tuple(row.values()) for row in rows],
                )
            connection.execute("COMMIT")

    def _write_postgresql(self, batches: Iterable[tuple[str, list[dict[str, Any]]]]) -> None:

        assert self.administrator is not None
        with psycopg.connect(self.administrator) as connection, connection.cursor() as cursor:
            # The rows were let in once where they come from; only their number is new.
            cursor.execute("SET session_replication_role = replica")
            for table, rows in batches:
                with cursor.copy(f"COPY {table} ({_quoted(rows[0])}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(tuple(row.values()))
