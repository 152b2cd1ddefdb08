"""Rotating a key while the portal runs: a new one beside the old, all sealed anew, the old removed.

Each step can be repeated: after a crash the same command goes on. Every process looks at the key
file for every use, so none needs to be stopped.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.actions import address_key, end_recovery_codes_behind
from portal.accounts.pepper import peppers
from portal.audit import queries as log
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.audit.signer import Forked, signer_of
from portal.evidence.actions import keep_log
from portal.kit.db import Base, db, transaction
from portal.kit.errors import Refused
from portal.kit.files import replace
from portal.kit.vault import Ring, is_elsewhere, new_key
from portal.operations.actions import resealing
from portal.operations.queries.inventory import (
    context_of,
    inventory,
    sealed_in_directory,
    sealed_models,
    wrapped_in,
)
from portal.operations.queries.subject import Subject
from portal.residency.databases import RegionDatabase
from portal.residency.models import DataKey
from portal.signing import keys as signing

Told = Callable[[int, int], None]
BATCH = 200


def rotate(
    subject: Subject, name: str, *, to: str | None = None, told: Told = lambda done, of: None
) -> None:
    """Make a new key and seal everything under it; the old one still opens until `finish`.

    `to`: "file" or "token", where a region's new key shall lie; None: where the present one does.
    `told` hears how many of how many are done.
    """
    if to is not None and name not in {f"region-{one}" for one in subject.regions.databases}:
        raise Refused(f"{name} lies in a file. Only the key of a region can lie on a token.")
    if name in _log_keys(subject):
        _change_log_key(subject, name)
        return
    if name.startswith("contracts-"):
        resealing.reseal(_contracts_of(subject, name), told, at=subject.at)
        _record(name, "portal:key:rotated", subject.at)
        return
    path = _path_of(subject, name)
    if name == "pepper":
        peppers(subject.settings)  # there is one to replace
        address_key(subject.settings)  # and erased addresses do not hang on it
        db.session.rollback()
    begin(path, _maker(subject, name, to))
    if name == "directory":
        _seal_directory(Ring(path), told)
    elif name == "signing":
        signing.seal_anew(subject.settings)
        told(3, 3)
    elif name.startswith("region-"):
        _wrap_region(subject.regions[name.removeprefix("region-")], told)
    _record(name, "portal:key:rotated", subject.at)


def _maker(subject: Subject, name: str, to: str | None) -> Callable[[], bytes]:
    """Return what makes the new key: a file's bytes, or one on the region's token and its name."""
    database = subject.regions.databases.get(name.removeprefix("region-"))
    if database is None or not name.startswith("region-"):
        return new_key
    held = database.region.key_file.read_bytes()
    waits = database.ring.old_path.exists() and database.ring.old_path.read_bytes() != held
    if to is not None and waits and is_elsewhere(held) is not (to == "token"):
        raise Refused(f"A rotation of {name} waits: run `counterpart keys finish {name}` first.")
    on_token = is_elsewhere(held) if to is None else to == "token"
    return database.made_on_token if on_token else new_key


def finish(subject: Subject, name: str, *, reset: bool = False) -> None:
    """Remove the old key; `Refused` while it still opens something the new one does not.

    `reset` ends the recovery codes that still need the old pepper, and tells their people.
    """
    if reset and name != "pepper":
        raise Refused(f"Nothing of {name} can be reset: run the command without --reset.")
    if name.startswith("contracts-"):
        resealing.retire(_contracts_of(subject, name))
        _record(name, "portal:key:retired", subject.at)
        return
    path = _path_of(subject, name)
    old = Ring(path).old_path
    if not old.exists():
        raise Refused(f"No rotation of {name} waits to be finished.")
    if reset:
        end_recovery_codes_behind(peppers(subject.settings), at=subject.at)
    left = next(key.left for key in inventory(subject) if key.name == name)
    if left:
        again = f"Run `counterpart keys rotate {name}` again."
        if name == "pepper":
            again = "They go as people use them or make new ones; --reset ends them and tells them."
        raise Refused(f"The old key still serves {left}. {again}")
    db.session.rollback()
    old.unlink()
    _record(name, "portal:key:retired", subject.at)


def _log_keys(subject: Subject) -> list[str]:
    return [f"log-{region}" for region in subject.regions.databases]


def _change_log_key(subject: Subject, name: str) -> None:
    """Hand a region's log over to a new key. Nothing is sealed by it, so there is no `finish`.

    The log says so itself: by an entry of the region, under the new key's first checkpoint.
    """
    region = name.removeprefix("log-")
    session = subject.regions.session(region)
    signer = signer_of(subject.settings, subject.regions[region].region)
    old = signer.vkey
    try:
        keep_log(session, signer, at=subject.at, now=True)
        with signer.alone():
            last = log.last_checkpoint(session)
            signer.change_key(stored=last.note if last else None)
            session.commit()
    except Forked as error:
        raise Refused(str(error)) from error
    marks = {"old": _mark(old), "new": _mark(signer.vkey), "key": name}
    with transaction(session):
        record(session, "portal:keys", "portal:key:rotated", actor=PORTAL, at=subject.at,
               facts=marks)  # fmt: skip
    keep_log(session, signer, at=subject.at, now=True)
    _record(name, "portal:key:rotated", subject.at)


def _mark(vkey: str) -> str:
    return vkey.split("+")[1]


def renew_seal(subject: Subject) -> None:
    """Make a new seal and time-stamp unit under the same root."""
    if subject.settings.own_seal is not None:
        raise Refused("The seal is your own: renew it with the authority that issued it.")
    signing.renew_seal(subject.settings, at=subject.at)
    _record("seal", "portal:key:rotated", subject.at)


def begin(path: Path, make: Callable[[], bytes] = new_key) -> None:
    """Put a new key in the place of the old one, and the old one beside it.

    The old one is written first: at no instant is there a key that neither file holds.
    """
    old = Ring(path).old_path
    if not old.exists():
        replace(old, path.read_bytes())
    if old.read_bytes() == path.read_bytes():
        replace(path, make())


def _contracts_of(subject: Subject, name: str) -> RegionDatabase:
    found = subject.regions.databases.get(name.removeprefix("contracts-"))
    if found is None:
        raise Refused(f"{name} is not a key that can be rotated: there is no such region.")
    return found


def _path_of(subject: Subject, name: str) -> Path:
    known = {
        "directory": subject.settings.keys / "directory.key",
        "signing": subject.settings.keys / signing.KEY_FILE,
        "session": subject.settings.keys / "session.key",
        "pepper": subject.settings.keys / "pepper.key",
        **{
            f"region-{one}": database.region.key_file
            for one, database in subject.regions.databases.items()
        },
    }
    if name not in known:
        contracts = (f"contracts-{one}" for one in subject.regions.databases)
        names = ", ".join([*known, *contracts, *_log_keys(subject)])
        raise Refused(f"{name} is not a key that can be rotated. Choose: {names}.")
    return known[name]


def _wrap_region(database: RegionDatabase, told: Told) -> None:
    """Wrap the contract keys anew, a few at a time, so that people go on writing in between."""
    with database.open_session() as session:
        total, left = wrapped_in(session, database)
        ids = list(session.scalars(select(DataKey.id).order_by(DataKey.id)))
        session.rollback()
        for start in range(0, len(ids), BATCH):
            with transaction(session):
                for row in session.scalars(
                    select(DataKey).where(DataKey.id.in_(ids[start : start + BATCH]))
                ):
                    row.wrapped = _wrapped_anew(database, row.id, row.wrapped)
                    if row.wrapped_before is not None:
                        row.wrapped_before = _wrapped_anew(database, row.id, row.wrapped_before)
            told(min(start + BATCH, len(ids)), total)
        if not left:
            told(total, total)


def _wrapped_anew(database: RegionDatabase, contract_id: str, wrapped: bytes) -> bytes:
    if database.ring.is_current(wrapped, context=f"data_keys|wrapped|{contract_id}"):
        return wrapped
    return database.wrap(contract_id, database.unwrap(contract_id, wrapped))


def _seal_directory(ring: Ring, told: Told) -> None:
    session = db.session()
    total, _ = sealed_in_directory(session, ring)
    session.rollback()
    done = 0
    for model, columns in sealed_models():
        for start in range(0, _count(session, model), BATCH):
            with transaction(session), resealing.down(session, model):
                rows = session.scalars(
                    select(model).order_by(model.id).offset(start).limit(BATCH)  # type: ignore[attr-defined]
                )
                for row in rows.all():
                    for column in columns:
                        sealed = getattr(row, column.column)
                        if sealed is None:
                            continue
                        done += 1
                        context = context_of(row, column)
                        if not ring.is_current(sealed, context=context):
                            plain = ring.open(sealed, context=context)
                            setattr(row, column.column, ring.seal(plain, context=context))
                session.flush()
            told(done, total)


def _count(session: Session, model: type[Base]) -> int:
    count = len(session.scalars(select(model.id)).all())  # type: ignore[attr-defined]
    session.rollback()
    return count


def _record(name: str, event: str, at: datetime) -> None:
    with transaction(db.session) as session:
        record(session, "portal:keys", event, actor=PORTAL, at=at, facts={"key": name})
