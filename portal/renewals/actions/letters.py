"""Thin mail about renewals: that something is due and where, never what the contract says."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.accounts.rules import read_email
from portal.contracts.models import Contract
from portal.contracts.queries import name_of, people_to_tell
from portal.contracts.rules.life import Side
from portal.kit.errors import Refused
from portal.notices.actions import write_mail
from portal.notices.letters import letter
from portal.renewals.rules.reading import Terms

SUBJECTS = {
    "reminder": "A notice date comes up: {ref}",
    "price_soon": "The price notice is due soon: {ref}",
    "ending": "{ref} will end with its term",
    "renewed": "{ref} has been renewed",
    "ended": "{ref} has ended",
    "notice": "A notice was given: {ref}",
    "receipt": "Receipt for your notice: {ref}",
    "round": "A renewal is being prepared: {ref}",
}


@dataclass(frozen=True)
class Post:
    """Writes thin mail about one contract, in the caller's transaction."""

    session: Session
    contract: Contract
    base_url: str
    at: datetime

    def tell(self, side: Side, event: str, cause: str, **words: Any) -> None:
        """Write to the people of one side; the same cause mails each person once."""
        for person in people_to_tell(self.contract, side):
            self.write(event, cause, person.name, person.email, **words)

    def tell_both(self, event: str, cause: str, **words: Any) -> None:
        """Write to the people of both sides."""
        for side in Side:
            self.tell(side, event, cause, **words)

    def write(
        self, event: str, cause: str, name: str, email: str, *, page: str = "/renewal", **words: Any
    ) -> None:
        """Write one mail of an event."""
        ref = self.contract.ref
        text = letter(
            f"renewals_{event}", name=name, ref=ref,
            address=f"{self.base_url}/contracts/{ref}{page}", **words,
        )  # fmt: skip
        write_mail(
            self.session, chain=self.contract.id, dedupe=dedupe_of(event, cause, email),
            recipient=email, name=name, subject=SUBJECTS[event].format(ref=ref), text=text,
            at=self.at,
        )  # fmt: skip


def dedupe_of(event: str, cause: str, email: str) -> str:
    """Return the key under which a cause mails a person once."""
    mark = hashlib.sha256(email.encode()).hexdigest()[:16]
    return f"renewals:{event}:{cause}:{mark}"


def notice_recipients(contract: Contract, terms: Terms, side: Side) -> list[tuple[str, str]]:
    """Return whom a notice to a side is sent to: its addresses for it (A8), then its people."""
    pairs = [
        (row["person"] or row["role"] or name_of(contract, side), row["email"])
        for row in terms.get("A8") or ()
        if row["side"] == side.value and row["email"]
    ]
    pairs += [(person.name, person.email) for person in people_to_tell(contract, side)]
    return [(name, email) for email, name in {e: n for n, e in pairs if _sendable(e)}.items()]


def _sendable(email: str) -> bool:
    try:
        return read_email(email) == email
    except Refused:
        return False
