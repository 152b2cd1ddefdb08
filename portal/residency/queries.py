"""What this portal is set up with, what a region holds of contracts, and what it lacks to start."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal.audit.models import RegionEntry
from portal.kit.token import TokenAway
from portal.kit.vault import cipher_of, is_elsewhere
from portal.notices.models import RegionMail, RegionNotice
from portal.residency.databases import file_of, key_on_token
from portal.residency.models import DataKey, Document, is_inside
from portal.residency.rules import Facts
from portal.residency.stores import Store, StoreAway
from portal.settings.rules import Region, Settings

KEY_BYTES = 32


def open_keys(session: Session, refs: Collection[str]) -> None:
    """Open the keys of several contracts with one query, for as long as the session lives."""
    rows = session.scalars(select(DataKey).where(DataKey.id.in_(refs))).all() if refs else []
    for row in rows:
        cipher_of(session, row.id)


def facts_of(settings: Settings, region: Region) -> Facts:
    """Return what decides where data of a region goes."""
    return Facts(
        label=region.label,
        database=_kind(region.database),
        store=_store_words(region),
        relay=settings.smtp_host,
        backup=region.backup is not None,
        authorities=[urlsplit(one.url).hostname or one.url for one in settings.authorities],
        directory=_kind(settings.directory),
        on_token=region.key_file.exists() and is_elsewhere(region.key_file.read_bytes()),
    )


def _store_words(region: Region) -> str:
    bucket = region.bucket
    if bucket is None:
        return "a folder"
    return f"the bucket {bucket.name} in {bucket.location}, at {bucket.host}"


def _kind(address: str) -> str:
    return "SQLite" if address.startswith("sqlite:") else "PostgreSQL"


@dataclass(frozen=True)
class Held:
    """How much a region holds of some contracts."""

    entries: int
    documents: int
    size: int
    notices: int
    mails: int

    def __add__(self, other: "Held") -> "Held":
        return Held(
            self.entries + other.entries, self.documents + other.documents, self.size + other.size,
            self.notices + other.notices, self.mails + other.mails,
        )  # fmt: skip


AT_ONCE = 1_000
"""Of how many contracts one query asks: a database takes so many names and no more."""


def held_of(session: Session, contracts: Sequence[str]) -> Held:
    """Count what a region holds of contracts; four queries for a thousand of them."""
    held = Held(0, 0, 0, 0, 0)
    for first in range(0, len(contracts), AT_ONCE):
        held += _held_of(session, contracts[first : first + AT_ONCE])
    return held


def _held_of(session: Session, contracts: Sequence[str]) -> Held:
    files = session.execute(
        select(func.count(), func.coalesce(func.sum(Document.size), 0)).where(
            Document.contract_id.in_(contracts)
        )
    ).one()
    return Held(
        entries=_count(session, RegionEntry.chain, contracts, inner=True),
        documents=int(files[0]),
        size=int(files[1]),
        notices=_count(session, RegionNotice.chain, contracts),
        mails=_count(session, RegionMail.chain, contracts),
    )


def _count(
    session: Session, column: InstrumentedAttribute[str], contracts: Sequence[str], *,
    inner: bool = False,
) -> int:  # fmt: skip
    belongs: ColumnElement[bool] = column.in_(contracts)
    if inner and len(contracts) == 1:
        belongs = or_(belongs, is_inside(column, contracts[0]))
    return session.scalar(select(func.count()).where(belongs)) or 0


def missing_parts(settings: Settings) -> list[str]:
    """Return what each configured region lacks to start: database, store, key, backup target.

    Asked before anything is opened, for opening would make an empty one.
    """
    lacking = []
    for name, region in settings.regions.items():
        lacking += [f"region {name}: {said}" for said in _missing(region)]
    return lacking


def _missing(region: Region) -> list[str]:
    said = []
    database = file_of(region)
    if database is not None and not database.exists():
        said.append("its database is not there; a new region is made by `counterpart migrate`")
    if region.bucket is not None:
        said += bucket_problems(Store(region))
    elif not Path(region.store).is_dir():
        said.append("its document store is not there; put it back, or mend `store`")
    said += key_problems(region)
    target = region.backup
    if target is not None and not (Path(target).is_dir() and os.access(target, os.W_OK)):
        said.append("its backup target is not a folder the portal may write; mend `backup`")
    return said


def key_problems(region: Region) -> list[str]:
    """Return what is wrong with a region's key, be it in its file or on a token."""
    held = region.key_file.read_bytes() if region.key_file.exists() else b""
    if not is_elsewhere(held):
        if len(held) == KEY_BYTES:
            return []
        return ["its key is not there; put the key file back from where keys are kept"]
    if region.token is None:
        return [f"its key is on a token; say in [regions.{region.name}.pkcs11] which"]
    if region.token.pin is None:
        return [f"its key is on a token; give the PIN in the variable {region.token.pin_from}"]
    try:
        key_on_token(region.token, held).check()
    except TokenAway as away:
        return [f"its key is on a token: {away}; bring the token back, or mend `pkcs11`"]
    return []


def bucket_problems(store: Store) -> list[str]:
    """Return what is wrong with where a bucket is; nothing where its server is out of reach now.

    A store that is away for an hour must not keep everybody out: what needs it says so.
    """
    bucket = store.bucket
    if bucket is None:
        return []
    try:
        said = store.location()
    except FileNotFoundError:
        return [f"there is no bucket {bucket.name}; make it in {bucket.location}, or mend `store`"]
    except StoreAway:
        return []
    if said is not None and said != bucket.location:
        return [f"its bucket {bucket.name} is in {said}, not in {bucket.location}; mend `store`"]
    return []
