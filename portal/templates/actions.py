"""Writing, publishing and retiring templates."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts.models import Organisation
from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.kit.db import db, transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.words import say
from portal.templates.models import TemplateVersion
from portal.templates.queries import (
    DRAFT,
    PUBLISHED,
    RETIRED,
    find_own,
    find_template,
    raw_of,
    versions_of,
)
from portal.templates.rules import shipped_templates, writing
from portal.templates.rules.writing import Raw, Unfit
from portal.terms.rules import load_schema, value_sha256


class DraftMoved(Refused):
    """The draft is another than the one that was seen."""


def create_template(
    actor: Actor, *, title: str, copy_of: str, acknowledged: str, at: datetime
) -> TemplateVersion:
    """Open the first draft of a new template, beginning as a version the actor may read.

    `acknowledged` is "yes" where they said that it is for none of the documents the ESIGN Act
    leaves out; without it nothing is made.
    """
    demand(actor, "template:edit")
    if acknowledged != "yes":
        raise Unfit("acknowledged", say("Confirm that it is for none of these documents."))
    called = writing.titled(title)
    with transaction(db.session) as session:
        source = find_template(actor, copy_of)
        organisation = session.get_one(Organisation, actor.organisation_id)
        slug = f"{organisation.slug}.{writing.slug_of(called)}"[:70]
        raw = writing.next_draft(raw_of(source), title=called, number=1)
        row = _draft_row(organisation.id, slug, called, raw, number=1, at=at)
        session.add(row)
        try:
            session.flush()
        except IntegrityError:
            raise Unfit("title", say("You have a template of this name already.")) from None
        _record(session, actor, "template:created", row, at=at)
    return row


def start_draft(actor: Actor, template_id: str, *, at: datetime) -> TemplateVersion:
    """Open the next version of one's own template as a draft."""
    demand(actor, "template:edit")
    with transaction(db.session) as session:
        seen = find_own(actor, template_id)
        newest = versions_of(seen.slug)[0]
        if newest.status == DRAFT:
            raise Refused(say("There is a draft already. Publish it or discard it first."))
        number = newest.number + 1
        raw = writing.next_draft(raw_of(newest), title=newest.title, number=number)
        row = _draft_row(
            newest.organisation_id, newest.slug, newest.title, raw, number=number, at=at
        )
        session.add(row)
        session.flush()
        _record(session, actor, "template:draft:started", row, at=at)
    return row


def _draft_row(
    organisation_id: str | None,
    slug: str,
    title: str,
    raw: Mapping[str, Any],
    *,
    number: int,
    at: datetime,
) -> TemplateVersion:
    return TemplateVersion(
        id=new_id(at), organisation_id=organisation_id, slug=slug, title=title, number=number,
        status=DRAFT, content=_text(raw), sha256=value_sha256(dict(raw)), created_at=at,
    )  # fmt: skip


def _text(raw: Mapping[str, Any]) -> str:
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":"))


def _record(
    session: Session, actor: Actor, event: str, row: TemplateVersion, *, at: datetime
) -> None:
    record(
        session, actor.organisation_id, event, actor=actor.log, at=at,
        facts={"template": row.id, "number": row.number, "sha256": row.sha256},
    )  # fmt: skip


def change_draft(
    actor: Actor,
    template_id: str,
    change: Callable[[Raw], Raw],
    *,
    seen_sha256: str,
    at: datetime,
) -> TemplateVersion:
    """Store a changed draft; `Unfit` says what cannot stand, `DraftMoved` who was faster."""
    demand(actor, "template:edit")
    with transaction(db.session) as session:
        row = _draft(actor, template_id, seen_sha256=seen_sha256)
        _store(row, change(raw_of(row)))
        if row.sha256 != seen_sha256:
            _record(session, actor, "template:draft:saved", row, at=at)
    return row


def _store(row: TemplateVersion, raw: Raw) -> None:
    row.content, row.sha256 = _text(raw), value_sha256(raw)


def _draft(actor: Actor, template_id: str, *, seen_sha256: str | None = None) -> TemplateVersion:
    row = find_own(actor, template_id)
    db.session.refresh(row)
    if row.status != DRAFT:
        raise Refused(say("A published version never changes. Start the next one."))
    if seen_sha256 is not None and row.sha256 != seen_sha256:
        raise DraftMoved(say("Somebody changed this draft while you wrote. Open it again."))
    return row


def publish(
    actor: Actor, template_id: str, *, note: str, seen_sha256: str, at: datetime
) -> TemplateVersion:
    """Publish a draft as it was seen, with its line in the changelog; it never changes again."""
    demand(actor, "template:publish")
    with transaction(db.session) as session:
        row = _draft(actor, template_id, seen_sha256=seen_sha256)
        raw = raw_of(row)
        problems = writing.publishing_problems(load_schema(raw["schema"]), raw)
        if problems:
            raise Refused(problems[0])
        _store(row, writing.with_change(raw, note=note, day=at.date().isoformat()))
        row.status, row.published_at = PUBLISHED, at
        _record(session, actor, "template:published", row, at=at)
    return row


def retire(actor: Actor, template_id: str, *, at: datetime) -> None:
    """Let nobody start from a published version any more; contracts that rest on it keep it."""
    demand(actor, "template:publish")
    with transaction(db.session) as session:
        row = find_own(actor, template_id)
        db.session.refresh(row)
        if row.status != PUBLISHED:
            raise Refused(say("Only a published version can be retired."))
        row.status, row.retired_at = RETIRED, at
        _record(session, actor, "template:retired", row, at=at)


def discard_draft(actor: Actor, template_id: str, *, at: datetime) -> None:
    """Throw a draft away; its number is free again."""
    demand(actor, "template:edit")
    with transaction(db.session) as session:
        row = _draft(actor, template_id)
        _record(session, actor, "template:draft:discarded", row, at=at)
        session.delete(row)


def plant_shipped(session: Session, *, at: datetime) -> int:
    """Store the portal's own templates that are not there yet; return how many were new."""
    with transaction(session):
        stored = select(TemplateVersion).where(TemplateVersion.organisation_id.is_(None))
        known = {(row.slug, row.number) for row in session.scalars(stored)}
        new = [
            (slug, raw) for slug, raw in shipped_templates() if (slug, raw["number"]) not in known
        ]
        for slug, raw in new:
            row = _draft_row(None, slug, raw["name"], raw, number=raw["number"], at=at)
            row.status, row.published_at = raw["status"], at
            session.add(row)
    return len(new)
