"""Finding templates: an organisation's own, and the portal's. Another organisation's is found
only by the hash a contract is pinned to."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import or_, select

from portal.accounts.rules import Actor
from portal.kit.db import db, directory_reader
from portal.kit.errors import NotFound
from portal.templates.models import TemplateVersion
from portal.templates.rules import Template, load_template, template_of_raw

DRAFT, PUBLISHED, RETIRED = "draft", "published", "retired"


def raw_of(row: TemplateVersion) -> dict[str, Any]:
    """Return the structure of a stored version."""
    found: dict[str, Any] = json.loads(row.content)
    return found


def readable(actor: Actor) -> Sequence[TemplateVersion]:
    """Return every version the actor's organisation may read, newest first within a template."""
    return db.session.scalars(
        select(TemplateVersion)
        .where(
            or_(
                TemplateVersion.organisation_id == actor.organisation_id,
                TemplateVersion.organisation_id.is_(None),
            )
        )
        .order_by(TemplateVersion.title, TemplateVersion.slug, TemplateVersion.number.desc())
    ).all()


def published(actor: Actor) -> dict[str, Template]:
    """Return the newest published version of each template the actor may start from, by key."""
    found: dict[str, TemplateVersion] = {}
    for row in readable(actor):
        if row.status == PUBLISHED:
            found.setdefault(row.slug, row)
    return {row.key: template_of_raw(raw_of(row)) for row in found.values()}


def find_template(actor: Actor, template_id: str) -> TemplateVersion:
    """Return a version the actor may read, or raise `NotFound`."""
    row = db.session.get(TemplateVersion, template_id)
    if row is None or row.organisation_id not in (None, actor.organisation_id):
        raise NotFound
    return row


def find_own(actor: Actor, template_id: str) -> TemplateVersion:
    """Return a version of the actor's own organisation, or raise `NotFound`."""
    row = find_template(actor, template_id)
    if row.organisation_id is None:
        raise NotFound
    return row


def versions_of(slug: str) -> Sequence[TemplateVersion]:
    """Return every version of a template, newest first; the caller may read it."""
    return db.session.scalars(
        select(TemplateVersion)
        .where(TemplateVersion.slug == slug)
        .order_by(TemplateVersion.number.desc())
    ).all()


def pinned_template(key: str, sha256: str) -> Template:
    """Return the template a contract is pinned to: by its hash, else by name where it is shipped.

    Raises `TemplateBroken` where this host has neither.
    """
    with directory_reader() as directory:
        row = directory.scalar(
            select(TemplateVersion).where(TemplateVersion.sha256 == sha256).limit(1)
        )
        if row is not None:
            return template_of_raw(raw_of(row))
    name, _, number = key.rpartition("/")
    return load_template(name, int(number))


def archive_days(pins: Collection[tuple[str, str]]) -> dict[str, int]:
    """Return after how many days the contracts of pinned templates are archived, by SHA-256; one
    query however many."""
    if not pins:
        return {}
    with directory_reader() as directory:
        rows = directory.scalars(
            select(TemplateVersion).where(TemplateVersion.sha256.in_({sha for _, sha in pins}))
        )
        stored = {row.sha256: template_of_raw(raw_of(row)) for row in rows}
    found = {}
    for key, sha256 in pins:
        name, _, number = key.rpartition("/")
        template = stored.get(sha256) or load_template(name, int(number))
        found[sha256] = template.settings["archive_days"]
    return found
