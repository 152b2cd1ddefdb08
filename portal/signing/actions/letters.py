"""Notices of the signing room: where to go and which hashes, never what the contract says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.contracts.models import Contract, SignerSlot, Version
from portal.contracts.queries import organisation_of, people_to_tell
from portal.contracts.rules.life import Side
from portal.notices.actions import tell
from portal.notices.rules import Recipient
from portal.signing import queries

INVITED = "signing:signer:invited"


def signer(contract: Contract, slot: SignerSlot) -> Recipient:
    """Return a signer as one who is told."""
    organisation = organisation_of(contract, Side(slot.side))
    return Recipient(slot.person_id, slot.name, slot.email, organisation)


def everyone(session: Session, contract: Contract) -> list[Recipient]:
    """Return both sides' people and signers, each once, but those who want no more mail."""
    silent = queries.withdrawn_persons(session, contract)
    people = [person for side in Side for person in people_to_tell(contract, side)]
    people += [signer(contract, slot) for slot in contract.slots]
    unique = {person.person_id: person for person in people}
    # Whoever was erased has no address any more.
    return [one for one in unique.values() if one.email and one.person_id not in silent]


@dataclass(frozen=True)
class Post:
    """Tells people about one contract, in the caller's transaction."""

    session: Session
    contract: Contract
    at: datetime
    by: str | None = None

    def write(self, event: str, cause: str, to: Recipient, **words: Any) -> None:
        """Tell one person of an event; the same cause tells the same person once."""
        page = "/sign" if event == INVITED else ""
        tell(
            self.session, event=event, to=to, chain=self.contract.id, cause=cause,
            link=f"/contracts/{self.contract.ref}{page}", by=self.by, at=self.at, **words,
        )  # fmt: skip

    def invite(self, version: Version, slot: SignerSlot) -> None:
        """Tell the next signer that it is their turn."""
        self.write(INVITED, f"{version.id}:{slot.id}", signer(self.contract, slot))
