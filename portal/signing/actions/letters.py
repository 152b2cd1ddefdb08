"""Thin mail of the signing room: where to go and which hashes, never what the contract says."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.contracts.models import Contract, SignerSlot, Version
from portal.contracts.queries import name_of, people_to_tell, side_of
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.notices.actions import write_mail
from portal.notices.letters import letter
from portal.signing import queries
from portal.signing.models import Signature


def everyone(session: Session, contract: Contract) -> list[tuple[str, str]]:
    """Return (name, e-mail) of both sides' people and signers, but those who want no more mail."""
    silent = queries.withdrawn_persons(session, contract)
    unwanted = {slot.email for slot in contract.slots if slot.person_id in silent}
    pairs = [pair for side in Side for pair in people_to_tell(contract, side)]
    pairs += [(slot.name, slot.email) for slot in contract.slots]
    return [(n, e) for e, n in {email: name for name, email in pairs}.items() if e not in unwanted]


SUBJECTS = {
    "invitation": "Your turn to sign {ref}",
    "receipt": "Receipt: a signature on {ref}",
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

    def receipt(self, actor: Actor, row: Signature, head: str) -> None:
        """Hand the hashes of a signature to the signer and to the other side's people."""
        side = side_of(self.contract, actor) or Side.VENDOR
        others = people_to_tell(self.contract, side.other)
        for name, email in dict.fromkeys([(actor.name, actor.email), *others]):
            self.write(
                "receipt", row.id, name, email, organisation=name_of(self.contract, side),
                signed_at=clock.stamp(row.signed_at), signature=row.id,
                sha256=row.version_sha256, head=head,
            )  # fmt: skip
