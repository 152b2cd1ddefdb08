"""Telling people of the room's events: the reference and counts, no term and no value."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.contracts.queries import people_to_tell
from portal.negotiation.queries import Negotiation
from portal.notices.actions import tell
from portal.notices.rules import Recipient


def tell_others(
    session: Session,
    found: Negotiation,
    event: str,
    cause: str,
    *,
    by: Actor,
    at: datetime,
    page: str = "terms",
    **words: Any,
) -> None:
    """Tell those of the other side."""
    people = people_to_tell(found.contract, found.side.other)
    tell_each(session, found, event, cause, people, by=by, at=at, page=page, **words)


def tell_each(
    session: Session,
    found: Negotiation,
    event: str,
    cause: str,
    people: Iterable[Recipient],
    *,
    by: Actor | None,
    at: datetime,
    page: str = "terms",
    **words: Any,
) -> None:
    """Tell each of these once for each cause."""
    for person in people:
        tell(
            session, event=event, to=person, chain=found.contract.id, cause=cause,
            link=f"/contracts/{found.contract.ref}/{page}", by=by.person_id if by else None,
            sender=found.names[found.side], at=at, **words,
        )  # fmt: skip
