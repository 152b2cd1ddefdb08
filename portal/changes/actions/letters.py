"""Telling both sides of changes and outages: a reference and a link, no content."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.contracts.queries import name_of, people_to_tell
from portal.contracts.rules.life import Side
from portal.notices.actions import tell


def tell_side(
    session: Session,
    contract: Contract,
    side: Side,
    *,
    event: str,
    what: str,
    item: str,
    path: str,
    cause: str,
    at: datetime,
    by: str | None = None,
) -> None:
    """Tell each person of a side once for each cause."""
    for person in people_to_tell(contract, side):
        tell(
            session, event=event, to=person, chain=contract.id, cause=cause, at=at, by=by,
            link=f"/contracts/{contract.id}/{path}", what=what, item=item,
            sender=name_of(contract, side.other),
        )  # fmt: skip
