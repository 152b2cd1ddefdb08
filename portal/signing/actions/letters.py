"""Thin mail of the signing room: where to go and which hashes, never what the contract says."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.contracts.models import Contract, SignerSlot, Version
from portal.contracts.queries import people_to_tell
from portal.contracts.rules.life import Side
from portal.notices.actions import write_mail
from portal.notices.letters import letter
from portal.signing import queries


def everyone(session: Session, contract: Contract) -> list[tuple[str, str]]:
    """Return (name, e-mail) of both sides' people and signers, but those who want no more mail."""
    silent = queries.withdrawn_persons(session, contract)
    unwanted = {slot.email for slot in contract.slots if slot.person_id in silent}
    pairs = [pair for side in Side for pair in people_to_tell(contract, side)]
    pairs += [(slot.name, slot.email) for slot in contract.slots]
    return [(n, e) for e, n in {email: name for name, email in pairs}.items() if e not in unwanted]


SUBJECTS = {
    "invitation": "Your turn to sign {ref}",
    "declined": "{ref} was declined",
    "consent_withdrawn": "{ref}: a consent was withdrawn",
    "completed": "{ref} is signed and sealed",
}
PAGES = {"invitation": "/sign"}


@dataclass(frozen=True)
class Post:
    """Writes thin mail about one contract, in the caller's transaction."""

    session: Session
    contract: Contract
    base_url: str
    at: datetime

    def write(self, event: str, cause: str, name: str, email: str, **words: Any) -> None:
        """Write one mail of an event; the same cause mails the same person once."""
        ref = self.contract.ref
        address = f"{self.base_url}/contracts/{ref}{PAGES.get(event, '')}"
        mark = hashlib.sha256(email.encode()).hexdigest()[:16]
        write_mail(
            self.session, chain=self.contract.id, dedupe=f"signing:{event}:{cause}:{mark}",
            recipient=email, name=name, subject=SUBJECTS[event].format(ref=ref),
            text=letter(f"signing_{event}", name=name, ref=ref, address=address, **words),
            at=self.at,
        )  # fmt: skip

    def invite(self, version: Version, slot: SignerSlot) -> None:
        """Tell the next signer that it is their turn."""
        self.write("invitation", f"{version.id}:{slot.id}", slot.name, slot.email)
