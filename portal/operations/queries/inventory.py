"""Every key this portal holds: what it is for, how old it is, and how far a rotation has come."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.accounts.pepper import FILE as PEPPER
from portal.accounts.pepper import peppers
from portal.accounts.queries import recovery_codes_behind, recovery_codes_kept
from portal.accounts.rules import RECOVERY_CODES
from portal.kit.db import REGIONAL, Base, db, reading
from portal.kit.errors import NotFound
from portal.kit.vault import Pair, Ring, Sealed, cipher_of
from portal.operations.queries.subject import Subject
from portal.residency.databases import RegionDatabase
from portal.residency.models import DataKey, Document
from portal.signing.keys import KEY_FILE, PAIRS_FILE, is_sealed_by_present


@dataclass(frozen=True)
class Key:
    """One key file. `covers` is how many things it seals, `left` how many the old one still does.

    `rotation` is the command that makes a new one; empty where there is none, with the reason.
    """

    name: str
    purpose: str
    file: str
    since: datetime | None
    mark: str
    covers: int | None
    left: int
    rotating: bool
    rotation: str
    note: str = ""


def inventory(subject: Subject) -> list[Key]:
    """Return every key, those of regions last; a count a table, however many rows."""
    folder = subject.settings.keys
    directory = Ring(folder / "directory.key")
    covers, left = sealed_in_directory(db.session(), directory)
    found = [
        _key("directory", "Seals factors, names behind entries and playbooks", directory.path,
             covers, left, "counterpart keys rotate directory"),
        _signing(subject),
        _key("session", "Signs the forms’ own cookie", folder / "session.key", None, 0,
             "counterpart keys rotate session", "Then restart the web processes one by one."),
        _pepper(subject),
        _key("addresses", "Hashes the addresses of erased people", folder / "addresses.key",
             None, 0, "", "Not rotated: nobody knows these addresses any more to hash them anew."),
    ]  # fmt: skip
    for name, database in subject.regions.databases.items():
        covers, left = wrapped_in(subject.regions.session(name), database)
        found.append(
            _key(f"region-{name}", f"Wraps the keys of the contracts of {name}",
                 database.region.key_file, covers, left, f"counterpart keys rotate region-{name}",
                 _where(database))
        )  # fmt: skip
        found.append(_contracts(subject.regions.session(name), database))
        found.append(
            _key(f"log-{name}", f"Signs the checkpoints of {name}", folder / f"log-{name}.json",
                 None, 0, f"counterpart keys rotate log-{name}",
                 "The old one signs the new one, so that receipts stay good.")
        )  # fmt: skip
    return found


def _key(
    name: str, purpose: str, path: Path, covers: int | None, left: int, rotation: str,
    note: str = "",
) -> Key:  # fmt: skip
    there = path.exists()
    return Key(
        name=name, purpose=purpose, file=path.name,
        since=datetime.fromtimestamp(path.stat().st_mtime, UTC) if there else None,
        mark=hashlib.sha256(path.read_bytes()).hexdigest()[:12] if there else "missing",
        covers=covers, left=left, rotating=path.with_name(f"{path.name}.old").exists(),
        rotation=rotation, note=note,
    )  # fmt: skip


def _pepper(subject: Subject) -> Key:
    known = peppers(subject.settings)
    left = sum(recovery_codes_behind(known.mark).values()) if known.before is not None else 0
    return _key(
        "pepper", f"Hashes recovery codes, {RECOVERY_CODES} a person",
        subject.settings.keys / PEPPER, recovery_codes_kept(), left,
        "counterpart keys rotate pepper", "Codes of the old one count until used or made anew.",
    )  # fmt: skip


def _where(database: RegionDatabase) -> str:
    """Say where a region's key lies, and how it comes to the other place."""
    token, name = database.region.token, database.region.name
    key = database.token_key()
    if key is not None:
        return f"Lies on the token {key.token.label} as {key.label}; the file names it."
    if token is not None:
        return f"Lies in a file. To the token: counterpart keys rotate region-{name} --to token"
    return "Lies in a file."


def _signing(subject: Subject) -> Key:
    path = subject.settings.keys / KEY_FILE
    there = (subject.settings.keys / PAIRS_FILE).exists()
    left = 0 if not there or is_sealed_by_present(subject.settings) else 3
    return _key(
        "signing", "Seals the private keys of root, seal and time stamps", path,
        3 if there else 0, left, "counterpart keys rotate signing",
        "The seal itself is renewed by `counterpart keys renew-seal`.",
    )  # fmt: skip


def wrapped_in(session: Session, database: RegionDatabase) -> tuple[int, int]:
    """Return how many contract keys a region holds, and how many the key before still wraps."""
    rows = session.execute(select(DataKey.id, DataKey.wrapped, DataKey.wrapped_before)).all()
    left = sum(
        not database.ring.is_current(one, context=f"data_keys|wrapped|{row.id}")
        for row in rows
        for one in (row.wrapped, row.wrapped_before)
        if one is not None
    )
    return len(rows), left


@dataclass(frozen=True)
class Kept:
    """How many values the keys of contracts seal, and how many of them the keys before."""

    covers: int
    left: int


def kept_by_contracts(database: RegionDatabase) -> Kept:
    """Count the sealed values of a region; every one is tried, so ask only during a rotation.

    In a session of its own, which has seen no key before and waits for no lock.
    """
    before = reading.set(True)
    try:
        with database.open_session() as session:
            tried = list(_tried(session))
    finally:
        reading.reset(before)
    return Kept(len(tried), tried.count(False))


def _tried(session: Session) -> Iterator[bool]:
    """Yield for each sealed value whether the present key of its contract opens it."""
    for model, columns in regional_models():
        for row in session.scalars(select(model).execution_options(yield_per=500)):
            try:
                keys = cipher_of(session, row.owner_key)  # type: ignore[attr-defined]
            except NotFound:  # of a contract that has left: nothing of it opens here
                continue
            for column in columns:
                sealed = getattr(row, column.column)
                if sealed is not None and isinstance(keys, Pair):
                    yield keys.is_current(sealed, context=context_of(row, column))


def documents_left(session: Session) -> int:
    """Count the documents that a key before the present one still seals."""
    behind = select(func.count()).where(
        Document.contract_id == DataKey.id, Document.generation != DataKey.generation
    )
    return session.scalar(behind) or 0


def _contracts(session: Session, database: RegionDatabase) -> Key:
    name = database.region.name
    keys, oldest = session.execute(select(func.count(), func.min(DataKey.created_at))).one()
    waits = select(func.count()).where(DataKey.wrapped_before.is_not(None))
    rotating = bool(session.scalar(waits))
    left = kept_by_contracts(database).left + documents_left(session) if rotating else 0
    return Key(
        name=f"contracts-{name}", purpose=f"Seal what the contracts of {name} hold, a key each",
        file=f"database of {name}", since=oldest, mark="one each", covers=keys, left=left,
        rotating=rotating, rotation=f"counterpart keys rotate contracts-{name}",
        note="Seals every value and document anew: hours where there are many.",
    )  # fmt: skip


def sealed_models() -> Iterator[tuple[type[Base], list[Sealed]]]:
    """Yield the directory's tables with sealed columns, and those columns."""
    return _sealed(regional=False)


def regional_models() -> Iterator[tuple[type[Base], list[Sealed]]]:
    """Yield the tables of a region with sealed columns, and those columns."""
    return _sealed(regional=True)


def _sealed(*, regional: bool) -> Iterator[tuple[type[Base], list[Sealed]]]:
    for mapper in Base.registry.mappers:
        model = mapper.class_
        if (getattr(model, "__bind_key__", None) == REGIONAL) is not regional:
            continue
        found = [
            one for kind in model.__mro__ for one in vars(kind).values() if isinstance(one, Sealed)
        ]
        if found:
            yield model, found


def sealed_in_directory(session: Session, ring: Ring) -> tuple[int, int]:
    """Return how many values the directory's key seals, and how many the key before still does."""
    covers = left = 0
    for model, columns in sealed_models():
        for row in session.scalars(select(model)):
            for column in columns:
                sealed = getattr(row, column.column)
                if sealed is not None:
                    covers += 1
                    left += not ring.is_current(sealed, context=context_of(row, column))
    return covers, left


def context_of(row: object, column: Sealed) -> str:
    """Return what binds a sealed value to its place, as `Sealed` does."""
    return f"{row.__tablename__}|{column.column}|{row.id}|{row.owner_key}"  # type: ignore[attr-defined]
