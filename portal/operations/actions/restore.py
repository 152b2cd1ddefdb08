"""Putting a backup back into an empty home, and checking everything it holds."""

import hashlib
import json
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session

from portal.audit import queries as log
from portal.audit.signer import signer_of
from portal.kit import migrate
from portal.kit.db import REGIONAL, db, open_engine
from portal.kit.errors import Refused
from portal.kit.files import replace
from portal.kit.transfer import NotEmpty, copy_database
from portal.kit.vault import CannotOpen
from portal.operations import age
from portal.operations.actions.backup import DATABASE, DIRECTORY, FORMAT, KEYS, MANIFEST
from portal.residency.actions import read_document
from portal.residency.databases import RegionDatabase, Regions
from portal.residency.models import Document
from portal.residency.stores import Store
from portal.settings.rules import Settings

SQLITE = "sqlite:///"


def restore(settings: Settings, folder: Path, *, identity: str) -> dict[str, Any]:
    """Put every part of a backup in its place; `Refused` for a damaged one or a home in use.

    Nothing is written before every part is whole and opens.
    """
    manifest = read_manifest(folder)
    _demand_empty(settings)
    with tempfile.TemporaryDirectory(prefix="restore-", dir=_beside(settings)) as draft:
        opened = [_open_part(folder, part, Path(draft), identity) for part in manifest["parts"]]
        # Documents first: where a store fails, the home is still empty and the same call goes on.
        for part, place in zip(manifest["parts"], opened, strict=True):
            _put_documents(settings, part["name"], place / "documents")
        for part, place in zip(manifest["parts"], opened, strict=True):
            _put_back(settings, part["name"], place)
            _remember(settings, part)
    return manifest


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a backup whose parts have the sizes and hashes it names."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(f"{folder.name} holds no readable {MANIFEST}.") from error
    if manifest.get("format") != FORMAT:
        raise Refused(f"This is not a {FORMAT}.")
    for part in manifest["parts"]:
        path = folder / f"{part['name']}.tar.age"
        if not path.exists():
            raise Refused(f"The part {path.name} is missing.")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != part["sha256"]:
            raise Refused(f"The part {path.name} is not the one the manifest names.")
    return manifest


def _beside(settings: Settings) -> Path:
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return settings.home


def _demand_empty(settings: Settings) -> None:
    taken = [settings.directory, *(region.database for region in settings.regions.values())]
    if any(Path(url.removeprefix(SQLITE)).exists() for url in taken):
        raise Refused("This home has data. A backup is put back into an empty one.")


def _open_part(folder: Path, part: dict[str, Any], draft: Path, identity: str) -> Path:
    tar, place = draft / "part.tar", draft / str(part["name"])
    age.decrypt(folder / f"{part['name']}.tar.age", tar, identity)
    with tarfile.open(tar) as packed:
        packed.extractall(place, filter="data")
    tar.unlink()
    return place


def _put_back(settings: Settings, name: str, place: Path) -> None:
    if name == KEYS:
        settings.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in place.iterdir():
            _move(path, settings.keys / path.name)
        return
    if name == DIRECTORY:
        _put_database(place / DATABASE, settings.directory, "directory")
        return
    _put_database(place / DATABASE, settings.regions[name].database, "region")


def _put_database(file: Path, address: str, history: str) -> None:
    if address.startswith(SQLITE):
        _move(file, Path(address.removeprefix(SQLITE)))
        return
    source, target = open_engine(f"{SQLITE}{file}"), open_engine(address)
    try:
        for one in (source, target):
            migrate.upgrade(one, history)
        copy_database(source, target, db.metadatas[REGIONAL if history == "region" else None])
    except NotEmpty as error:
        raise Refused("This home has data. A backup is put back into an empty one.") from error
    finally:
        source.dispose()
        target.dispose()


def _put_documents(settings: Settings, name: str, documents: Path) -> None:
    if name in {KEYS, DIRECTORY}:
        return
    if name not in settings.regions:
        raise Refused(f"The region {name} is not configured here.")
    store = Store(settings.regions[name])
    for path in sorted(documents.rglob("*")):
        key = path.relative_to(documents).as_posix()
        if path.is_file() and not store.put_once(key, path.read_bytes()):
            raise Refused(f"The document store of {name} holds another file as {key}.")


def _remember(settings: Settings, part: dict[str, Any]) -> None:
    """Give a signer without a memory the checkpoint of the backup; its own memory stays."""
    if part.get("checkpoint"):
        signer = signer_of(settings, settings.regions[part["name"]])
        if not signer.memory.exists():
            replace(signer.memory, part["checkpoint"].encode())


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.move(source, target)
    target.chmod(0o600)


def verify_home(settings: Settings, regions: Regions, manifest: dict[str, Any]) -> dict[str, Any]:
    """Check databases, logs, checkpoints and every document; return counts and `findings`.

    A log shorter than what its signer remembers, or than the manifest says, is told as a gap with
    its range.
    """
    report: dict[str, Any] = {"entries": 0, "documents": 0, "findings": []}
    _check_database(report, DIRECTORY, settings.directory)
    entries, wrong = log.check(db.session())
    report["entries"] += entries
    report["findings"] += [f"{DIRECTORY} {f.chain}: {f.message}" for f in wrong]
    by_name = {part["name"]: part for part in manifest["parts"]}
    for database, session in regions.each():
        if database.region.name in by_name:
            _check_region(report, settings, database, session, by_name[database.region.name])
    report["ok"] = not report["findings"]
    return report


def _check_database(report: dict[str, Any], where: str, url: str) -> None:
    if not url.startswith(SQLITE):
        return  # A server checks its pages as it reads them; every row was compared when put back.
    engine = create_engine(url)
    with engine.connect() as connection:
        found = str(connection.execute(text("PRAGMA integrity_check")).scalar())
    engine.dispose()
    if found != "ok":
        report["findings"].append(f"{where}: {found}")


def _check_region(
    report: dict[str, Any],
    settings: Settings,
    database: RegionDatabase,
    session: Session,
    part: dict[str, Any],
) -> None:
    name = database.region.name
    _check_database(report, name, database.region.database)
    entries, wrong = log.check(session)
    report["entries"] += entries
    report["findings"] += [f"{name} {f.chain}: {f.message}" for f in wrong]
    signer = signer_of(settings, database.region)
    size, remembered = log.size_of(session), signer.remembered()
    held = max(part["entries"], remembered.size if remembered else 0)
    if size < held:
        report["findings"].append(f"{name}: entries {size + 1} to {held} are missing (a gap)")
    else:
        report["findings"] += [f"{name}: {said}" for said in log.check_tree(session, signer, [])]
    for row in session.scalars(select(Document)):
        report["documents"] += 1
        report["findings"] += _check_document(name, database, session, row)


def _check_document(
    where: str, database: RegionDatabase, session: Session, row: Document
) -> list[str]:
    try:
        content = read_document(session, database, row)
    except (CannotOpen, OSError) as error:
        return [f"{where}: document {row.id} does not open ({type(error).__name__})"]
    if hashlib.sha256(content).hexdigest() != row.sha256:
        return [f"{where}: document {row.id} is not the one that was stored"]
    return []
