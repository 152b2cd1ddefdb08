"""A backup: one encrypted part for the directory, one a region, one for the keys where asked.

Each part is a tar of the database as it stood at one instant (SQLite's online backup, so people go
on writing) and, taken after it, the documents: every document a row names was stored before the
row. Parts are encrypted to a public key; who makes backups cannot read them.
"""

import hashlib
import io
import json
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from portal.audit import queries as log
from portal.kit import clock, migrate
from portal.kit.db import REGIONAL, db, is_postgresql, open_engine
from portal.kit.errors import Refused
from portal.kit.files import replace
from portal.kit.transfer import copy_database
from portal.operations import age
from portal.operations.queries.work import MARKER
from portal.residency.databases import RegionDatabase, Regions
from portal.settings.rules import Settings

FORMAT = "counterpart-backup/1"
MANIFEST = "manifest.json"
DATABASE = "database.sqlite"
DIRECTORY = "directory"
KEYS = "keys"


def back_up(
    settings: Settings,
    regions: Regions,
    folder: Path,
    *,
    recipients: Sequence[str],
    at: datetime,
    only: str | None = None,
    with_keys: bool = False,
) -> dict[str, Any]:
    """Write the parts and their manifest into a folder that has none; return the manifest.

    `only` names the directory or one region, so that a region's backup stays in that region.
    """
    if (folder / MANIFEST).exists():
        raise Refused(f"{folder.name} holds a backup already. Give each its own folder.")
    if not recipients:
        raise Refused("Name at least one recipient: a backup is never written in the clear.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    manifest: dict[str, Any] = {"format": FORMAT, "made_at": clock.stamp(at), "parts": []}
    with tempfile.TemporaryDirectory(dir=settings.home, prefix=".backup-") as draft:
        for name, facts in _parts(settings, regions, Path(draft), only=only, keys=with_keys):
            plain, sealed = Path(draft) / f"{name}.tar", folder / f"{name}.tar.age"
            age.encrypt(plain, sealed, list(recipients))
            plain.unlink()
            manifest["parts"].append(
                {"name": name, "size": sealed.stat().st_size, "sha256": _sha256(sealed), **facts}
            )
    if not manifest["parts"]:
        raise Refused(f"There is nothing called {only} here.")
    replace(folder / MANIFEST, json.dumps(manifest, indent=1).encode())
    replace(settings.home / MARKER, json.dumps({"at": clock.stamp(at)}).encode())
    return manifest


def _parts(
    settings: Settings, regions: Regions, draft: Path, *, only: str | None, keys: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    if only in (None, DIRECTORY):
        with tarfile.open(draft / f"{DIRECTORY}.tar", "w") as tar:
            revision = _add_database(tar, db.engine, draft, history="directory")
        yield DIRECTORY, {"revision": revision}
    for name, database in regions.databases.items():
        if only in (None, name):
            yield name, _pack_region(regions, database, draft)
    if keys and only is None:
        with tarfile.open(draft / f"{KEYS}.tar", "w") as tar:
            for path in sorted(settings.keys.iterdir()):
                if path.is_file() and not path.name.startswith("."):
                    tar.add(path, arcname=path.name)
        yield KEYS, {}


def _pack_region(regions: Regions, database: RegionDatabase, draft: Path) -> dict[str, Any]:
    name = database.region.name
    with tarfile.open(draft / f"{name}.tar", "w") as tar:
        session = regions.session(name)
        # Read before the copy: the copy then holds at least these entries.
        entries, last = log.size_of(session), log.last_checkpoint(session)
        note = last.note if last else None
        session.rollback()
        revision, documents = _add_database(tar, database.engine, draft, history="region"), 0
        for key in database.store.each_key():
            _add_bytes(tar, f"documents/{key}", database.store.get(key))
            documents += 1
    return {
        "revision": revision, "documents": documents, "entries": entries, "checkpoint": note,
    }  # fmt: skip


def _add_database(tar: tarfile.TarFile, engine: Engine, draft: Path, *, history: str) -> str | None:
    copy = draft / DATABASE
    if is_postgresql(engine):
        _copy_from_server(engine, copy, history)
    else:
        with (
            closing(sqlite3.connect(str(engine.url.database))) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    with engine.connect() as connection:
        revision = migrate.current(connection)
    tar.add(copy, arcname=DATABASE)
    copy.unlink()
    return revision


def _copy_from_server(engine: Engine, copy: Path, history: str) -> None:
    """Read a server's database as it stands at one instant into a file like any other's."""
    target = open_engine(f"sqlite:///{copy}")
    migrate.upgrade(target, history)
    copy_database(engine, target, db.metadatas[REGIONAL if history == "region" else None])
    target.dispose()


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    tar.addfile(member, io.BytesIO(content))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
