"""Finding catalogues. What is published, everybody signed in may read; a draft only its own
organisation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from portal.accounts.models import Organisation
from portal.accounts.rules import Actor
from portal.kit.db import db, directory_reader
from portal.kit.errors import NotFound
from portal.plans.models import CatalogueVersion
from portal.plans.rules import Catalogue, catalogue_of, shipped_catalogues
from portal.terms.rules import canonical

DRAFT, PUBLISHED, RETIRED = "draft", "published", "retired"


def raw_of(row: CatalogueVersion) -> dict[str, Any]:
    """Return the structure of a stored version; decimals stay the strings they were written in."""
    found: dict[str, Any] = json.loads(row.content, parse_float=str)
    return found


@dataclass(frozen=True)
class Offer:
    """A published catalogue, and whose it is."""

    row: CatalogueVersion
    owner: str
    organisation_id: str | None
    slug: str
    catalogue: Catalogue

    @property
    def is_example(self) -> bool:
        """Whether these are facts of a public page and not an offer."""
        return self.organisation_id is None


def offers() -> list[Offer]:
    """Return the newest published catalogue of every vendor, then the public examples, by name."""
    rows = db.session.execute(
        select(CatalogueVersion, Organisation.name)
        .outerjoin(Organisation, Organisation.id == CatalogueVersion.organisation_id)
        .where(CatalogueVersion.status == PUBLISHED)
        .order_by(CatalogueVersion.slug, CatalogueVersion.number)
    )
    newest = {row.slug: (row, name) for row, name in rows}
    found = [_offer(row, name) for row, name in newest.values()]
    return sorted(found, key=lambda offer: (offer.is_example, offer.owner, offer.slug))


def _offer(row: CatalogueVersion, name: str | None) -> Offer:
    catalogue = catalogue_of(raw_of(row))
    return Offer(row, name or catalogue.vendor, row.organisation_id, row.slug, catalogue)


def offer_of(organisation_id: str) -> Catalogue | None:
    """Return the newest published catalogue of a vendor, if it has one."""
    row = db.session.scalar(
        select(CatalogueVersion)
        .where(
            CatalogueVersion.organisation_id == organisation_id,
            CatalogueVersion.status == PUBLISHED,
        )
        .order_by(CatalogueVersion.number.desc())
        .limit(1)
    )
    return catalogue_of(raw_of(row)) if row else None


def own_versions(actor: Actor) -> Sequence[CatalogueVersion]:
    """Return every version of the actor's own catalogue, newest first."""
    return db.session.scalars(
        select(CatalogueVersion)
        .where(CatalogueVersion.organisation_id == actor.organisation_id)
        .order_by(CatalogueVersion.number.desc())
    ).all()


def find_catalogue(actor: Actor, catalogue_id: str) -> CatalogueVersion:
    """Return a version the actor may read, or raise `NotFound`."""
    row = db.session.get(CatalogueVersion, catalogue_id)
    if row is None or (row.status == DRAFT and row.organisation_id != actor.organisation_id):
        raise NotFound
    return row


def find_own(actor: Actor, catalogue_id: str) -> CatalogueVersion:
    """Return a version of the actor's own organisation, or raise `NotFound`."""
    row = find_catalogue(actor, catalogue_id)
    if row.organisation_id != actor.organisation_id:
        raise NotFound
    return row


def readable(actor: Actor, ids: Sequence[str]) -> dict[str, CatalogueVersion]:
    """Return those of these versions the actor may read, by id; one query."""
    rows = db.session.scalars(select(CatalogueVersion).where(CatalogueVersion.id.in_(ids)))
    mine = actor.organisation_id
    return {row.id: row for row in rows if row.status != DRAFT or row.organisation_id == mine}


def pinned_catalogue(sha256: str) -> Catalogue | None:
    """Return the catalogue with this very content, stored or shipped, if this host has it."""
    raw = _pinned_raw(sha256)
    return None if raw is None else catalogue_of(raw)


def pinned_text(sha256: str) -> bytes | None:
    """Return the catalogue with this hash as the canonical JSON it is of, if it is here."""
    raw = _pinned_raw(sha256)
    return None if raw is None else canonical(raw)


def _pinned_raw(sha256: str) -> dict[str, Any] | None:
    with directory_reader() as directory:
        row = directory.scalar(
            select(CatalogueVersion).where(CatalogueVersion.sha256 == sha256).limit(1)
        )
        if row is not None:
            return raw_of(row)
    shipped: Mapping[str, dict[str, Any]] = shipped_catalogues()
    return shipped.get(sha256)
