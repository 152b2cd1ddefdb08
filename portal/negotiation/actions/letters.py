"""Thin mail of the room: it names the contract's reference and counts, no term and no value."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.contracts.queries import people_to_tell
from portal.negotiation.queries import Negotiation
from portal.notices.actions import write_mail
from portal.notices.letters import letter

SUBJECTS = {
    "round": "Your turn to answer",
    "recalled": "A round was recalled",
    "frozen": "The terms are frozen",
    "shared": "A comment for you",
    "mentioned": "You are mentioned",
    "approval": "Your approval is asked for",
}


def tell(
    session: Session, found: Negotiation, key: str, event: str, *, at: datetime, **facts: Any
) -> None:
    """Write to those of the other side."""
    people = people_to_tell(found.contract, found.side.other)
    sender = found.names[found.side]
    write_letters(session, found.contract, people, key, event, sender=sender, at=at, **facts)


def write_letters(
    session: Session,
    contract: Contract,
    people: Iterable[tuple[str, str]],
    key: str,
    event: str,
    *,
    sender: str,
    at: datetime,
    page: str = "terms",
    chain: str | None = None,
    **facts: Any,
) -> None:
    """Write one mail to each of these (name, e-mail); `key` and the event mail once.

    Mail about what is internal belongs to the side's own `chain`, as its entries do.
    """
    address = current_app.config["SETTINGS"].base_url
    for name, email in people:
        text = letter(
            f"negotiation_{event}", name=name, sender=sender, ref=contract.ref,
            address=f"{address}/contracts/{contract.ref}/{page}", **facts,
        )  # fmt: skip
        write_mail(
            session, chain=chain or contract.id, dedupe=f"negotiation:{event}:{key}:{email}",
            recipient=email, name=name, subject=f"{SUBJECTS[event]}: {contract.ref}",
            text=text, at=at,
        )  # fmt: skip
