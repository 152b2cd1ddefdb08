"""Telling people about renewals: that something is due and where, never what the contract says."""

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
from portal.notices.actions import tell, write_mail
from portal.notices.actions.telling import base_url
from portal.notices.letters import letter
from portal.notices.rules import Recipient, event_of
from portal.renewals.rules.reading import Terms


@dataclass(frozen=True)
class Post:
    """Tells people about one contract, in the caller's transaction."""

    session: Session
    contract: Contract
    at: datetime

    def tell(self, side: Side, event: str, cause: str, **words: Any) -> None:
        """Tell the people of one side; the same cause tells each person once."""
        for person in people_to_tell(self.contract, side):
            self.tell_person(person, event, cause, **words)

    def tell_both(self, event: str, cause: str, **words: Any) -> None:
        """Tell the people of both sides."""
        for side in Side:
            self.tell(side, event, cause, **words)

    def tell_person(
        self, to: Recipient, event: str, cause: str, *, page: str = "/renewal", **words: Any
    ) -> None:
        """Tell one person, in the portal and by mail as they wish."""
        ref = self.contract.ref
        tell(
            self.session, event=event, to=to, chain=ref, cause=cause,
            link=f"/contracts/{ref}{page}", at=self.at, **words,
        )  # fmt: skip

    def mail(self, event: str, cause: str, name: str, email: str, page: str, **words: Any) -> None:
        """Write to an address for notices that belongs to nobody in the portal."""
        kind, ref = event_of(event), self.contract.ref
        known = {"name": name, "ref": ref, "address": f"{base_url()}/contracts/{ref}{page}"}
        mark = hashlib.sha256(email.encode()).hexdigest()[:16]
        write_mail(
            self.session, chain=ref, dedupe=f"{event}.{cause}.{mark}", recipient=email, name=name,
            subject=kind.subject % known, text=letter(kind.letter, **known, **words),
            at=self.at,
        )  # fmt: skip


def addresses_for(contract: Contract, terms: Terms, side: Side) -> list[tuple[str, str]]:
    """Return a side's addresses for notices (A8) that are not those of its people anyway."""
    people = {person.email for person in people_to_tell(contract, side)}
    return [
        (row["person"] or row["role"] or name_of(contract, side), row["email"])
        for row in terms.get("A8") or ()
        if row["side"] == side.value
        and row["email"]
        and row["email"] not in people
        and _sendable(row["email"])
    ]


def _sendable(email: str) -> bool:
    try:
        return read_email(email) == email
    except Refused:
        return False
