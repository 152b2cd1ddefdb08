"""Telling people about their own account: in the directory, with its cause."""

from datetime import datetime
from typing import Any

from portal.accounts.models import Person
from portal.kit.db import db
from portal.notices.actions import tell
from portal.notices.rules import Recipient


def tell_person(person: Person, event: str, *, at: datetime, **words: Any) -> None:
    """Tell a person about their own account in the caller's transaction, once for this instant."""
    tell(
        db.session(), event=event, to=Recipient(person.id, person.name, person.email),
        chain=person.id, cause=f"{at.timestamp():.6f}", link="/security", when=at, at=at, **words,
    )  # fmt: skip
