"""Telling those whom a policy or a factor concerns: one's own people, and the other parties."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from portal.accounts.models import Person
from portal.accounts.queries import members_with
from portal.accounts.rules import Role
from portal.kit.db import db
from portal.notices.actions import tell
from portal.notices.rules import Recipient


def keepers_of(organisation_id: str) -> list[Person]:
    """Return whom an organisation's safety is told: its administrators, else its signatories."""
    rows = members_with(organisation_id, Role.ORG_ADMIN)
    return [row.person for row in rows or members_with(organisation_id, Role.SIGNATORY)]


def tell_keepers(
    organisations: Iterable[str], event: str, *, link: str, by: str, at: datetime, **words: Any
) -> int:
    """Tell the keepers of organisations, in the caller's transaction; return how many people."""
    told = 0
    for organisation_id in sorted(set(organisations)):
        for person in keepers_of(organisation_id):
            tell_one(person, organisation_id, event, link=link, by=by, at=at, **words)
            told += 1
    return told


def tell_one(
    person: Person,
    organisation_id: str | None,
    event: str,
    *,
    link: str,
    by: str,
    at: datetime,
    **words: Any,
) -> None:
    """Tell one person, once for this instant."""
    tell(
        db.session(), event=event, chain=words.get("chain", organisation_id or person.id),
        to=Recipient(person.id, person.name, person.email, organisation_id),
        cause=f"{at.timestamp():.6f}", link=link, by=by, when=at, at=at,
        **{name: word for name, word in words.items() if name != "chain"},
    )  # fmt: skip
