"""Writing, publishing and retiring a catalogue."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.models import Organisation
from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.kit.db import db, transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.words import say
from portal.plans.models import CatalogueVersion
from portal.plans.queries import DRAFT, PUBLISHED, RETIRED, find_own, own_versions, raw_of
from portal.plans.rules import load_examples
from portal.plans.rules.writing import Raw, empty, next_draft, publishing_problems, read_import
from portal.terms.rules import load_schema, value_sha256

SCHEMA = "1"


class DraftMoved(Refused):
    """The draft is another than the one that was seen."""


def start_draft(actor: Actor, *, at: datetime) -> CatalogueVersion:
    """Open the next version as a draft: the newest one's offer, or an empty one."""
    return _new_draft(actor, "catalogue:draft:started", lambda vendor, number, newest: (
        empty(vendor) if newest is None
        else next_draft(load_schema(SCHEMA), raw_of(newest), number=number)
    ), at=at)  # fmt: skip


def import_draft(actor: Actor, text: str, *, at: datetime) -> CatalogueVersion:
    """Open the next version as a draft read from JSON; `Unfit` says what cannot stand."""
    return _new_draft(actor, "catalogue:draft:imported", lambda vendor, number, newest: (
        read_import(load_schema(SCHEMA), text, vendor=vendor, number=number)
    ), at=at)  # fmt: skip


_Begin = Callable[[str, int, CatalogueVersion | None], Raw]


def _new_draft(actor: Actor, event: str, begin: _Begin, *, at: datetime) -> CatalogueVersion:
    demand(actor, "catalogue:edit")
    with transaction(db.session) as session:
        versions = own_versions(actor)
        if any(row.status == DRAFT for row in versions):
            raise Refused(say("There is a draft already. Publish it or discard it first."))
        newest = versions[0] if versions else None
        organisation = session.get_one(Organisation, actor.organisation_id)
        number = newest.number + 1 if newest else 1
        raw = {**begin(organisation.name, number, newest), "version": number}
        row = _row(organisation, raw, number=number, at=at)
        session.add(row)
        record(
            session, actor.organisation_id, event, actor=actor.log, at=at,
            facts={"catalogue": row.id, "number": number, "sha256": row.sha256},
        )  # fmt: skip
    return row


def _row(
    organisation: Organisation, raw: Mapping[str, Any], *, number: int, at: datetime
) -> CatalogueVersion:
    return CatalogueVersion(
        id=new_id(at), organisation_id=organisation.id, slug=organisation.slug, number=number,
        status=DRAFT, content=_text(raw), sha256=value_sha256(dict(raw)), note="", created_at=at,
    )  # fmt: skip


def _text(raw: Mapping[str, Any]) -> str:
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":"))


def change_draft(
    actor: Actor,
    catalogue_id: str,
    change: Callable[[Raw], Raw],
    *,
    seen_sha256: str,
    at: datetime,
) -> CatalogueVersion:
    """Store a changed draft; `Unfit` says what cannot stand, `DraftMoved` that another was faster.

    `change` is a rule that takes the draft as it stands and returns it changed.
    """
    demand(actor, "catalogue:edit")
    with transaction(db.session) as session:
        row = _draft(actor, catalogue_id, seen_sha256=seen_sha256)
        raw = change(raw_of(row))
        row.content, row.sha256 = _text(raw), value_sha256(raw)
        if row.sha256 != seen_sha256:
            record(
                session, actor.organisation_id, "catalogue:draft:saved", actor=actor.log, at=at,
                facts={"catalogue": row.id, "number": row.number, "sha256": row.sha256},
            )  # fmt: skip
    return row


def _draft(actor: Actor, catalogue_id: str, *, seen_sha256: str | None = None) -> CatalogueVersion:
    row = find_own(actor, catalogue_id)
    db.session.refresh(row)
    if row.status != DRAFT:
        raise Refused(say("A published version never changes. Start the next one."))
    if seen_sha256 is not None and row.sha256 != seen_sha256:
        raise DraftMoved(say("Somebody changed this draft while you wrote. Open it again."))
    return row


def discard_draft(actor: Actor, catalogue_id: str, *, at: datetime) -> None:
    """Throw a draft away; its number is free again."""
    demand(actor, "catalogue:edit")
    with transaction(db.session) as session:
        row = _draft(actor, catalogue_id)
        session.delete(row)
        record(
            session, actor.organisation_id, "catalogue:draft:discarded", actor=actor.log, at=at,
            facts={"catalogue": row.id, "number": row.number},
        )  # fmt: skip


def publish(
    actor: Actor, catalogue_id: str, *, note: str, seen_sha256: str, at: datetime
) -> CatalogueVersion:
    """Publish a draft as it was seen; from now on it never changes, and customers may start."""
    demand(actor, "catalogue:publish")
    with transaction(db.session) as session:
        row = _draft(actor, catalogue_id, seen_sha256=seen_sha256)
        problems = publishing_problems(load_schema(SCHEMA), raw_of(row))
        if problems:
            raise Refused(problems[0])
        row.status, row.published_at, row.note = PUBLISHED, at, " ".join(note.split())[:300]
        record(
            session, actor.organisation_id, "catalogue:published", actor=actor.log, at=at,
            facts={"catalogue": row.id, "number": row.number, "sha256": row.sha256},
        )  # fmt: skip
    return row


def retire(actor: Actor, catalogue_id: str, *, at: datetime) -> None:
    """Take a published version out of the offer; contracts that rest on it keep it."""
    demand(actor, "catalogue:publish")
    with transaction(db.session) as session:
        row = find_own(actor, catalogue_id)
        db.session.refresh(row)
        if row.status != PUBLISHED:
            raise Refused(say("Only a published version can be retired."))
        row.status, row.retired_at = RETIRED, at
        record(
            session, actor.organisation_id, "catalogue:retired", actor=actor.log, at=at,
            facts={"catalogue": row.id, "number": row.number, "sha256": row.sha256},
        )  # fmt: skip


def plant_examples(session: Session, *, at: datetime) -> int:
    """Store the public examples that are not there yet; return how many were new."""
    with transaction(session):
        known = set(
            session.scalars(
                select(CatalogueVersion.slug).where(CatalogueVersion.organisation_id.is_(None))
            )
        )
        new = {f"public.{s}": raw for s, raw in load_examples().items()}
        for slug, raw in new.items():
            if slug not in known:
                session.add(_planted(None, slug, raw, at=at))
    return len(new.keys() - known)


def plant_catalogue(
    session: Session, organisation: Organisation, raw: Mapping[str, Any], *, at: datetime
) -> CatalogueVersion:
    """Store a vendor's catalogue that was published elsewhere, in the caller's transaction.

    Its content stays byte for byte what contracts are pinned to.
    """
    row = _planted(organisation.id, organisation.slug, raw, at=at)
    session.add(row)
    session.flush()
    return row


def _planted(
    organisation_id: str | None, slug: str, raw: Mapping[str, Any], *, at: datetime
) -> CatalogueVersion:
    return CatalogueVersion(
        id=new_id(at), organisation_id=organisation_id, slug=slug, number=raw["version"],
        status=PUBLISHED, content=_text(raw), sha256=value_sha256(dict(raw)), note="",
        created_at=at, published_at=at,
    )  # fmt: skip
