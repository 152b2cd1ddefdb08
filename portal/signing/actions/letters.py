"""Notices of the signing room: where to go and which hashes, never what the contract says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.contracts.models import Contract, SignerSlot, Stakeholder
from portal.contracts.queries import approvers, organisation_of, people_to_tell
from portal.contracts.rules.life import Side
from portal.notices.actions import tell
from portal.notices.rules import Recipient
from portal.signing import queries
from portal.signing.models import Invitation

APPROVE, SIGN = "approve", "sign"
INVITED = {SIGN: "signing:signer:invited", APPROVE: "signing:approver:invited"}
REMINDED = "signing:signer:reminded"
# The first failure, and then when it lasts an hour, a working day and longer.
ALERT_AT = frozenset({1, 4, 12, 36, 108})
PAGES = {
    **dict.fromkeys([*INVITED.values(), REMINDED], "/sign"),
    "signing:slot:delegated": "/signing",
    "signing:slot:reassigned": "/signing",
    "signing:version:reopened": "/signing",
    "signing:reopening:proposed": "/signing",
    "signing:paper:asked": "/signing",
}


def signer(contract: Contract, slot: SignerSlot) -> Recipient:
    """Return a signer as one who is told."""
    organisation = organisation_of(contract, Side(slot.side))
    return Recipient(slot.person_id, slot.name, slot.email, organisation)


def approver(contract: Contract, row: Stakeholder) -> Recipient:
    """Return an approver as one who is told."""
    organisation = organisation_of(contract, Side(row.side))
    return Recipient(row.person_id, row.name, row.email, organisation)


def alert_administrators(
    session: Session, contract: Contract, at: datetime, *, tries: int, cause: Exception
) -> None:
    """Tell the portal's administrators that a deed fails: at once, then more and more rarely."""
    if tries not in ALERT_AT:
        return
    for to in queries.administrators():
        tell(
            session, event="signing:deed:failed", to=to, chain=contract.id,
            cause=f"{contract.id}:{at:%Y%m%d%H%M%S}", link="/", at=at, tries=tries,
            error=type(cause).__name__,
        )  # fmt: skip


def everyone(session: Session, contract: Contract) -> list[Recipient]:
    """Return all who take part, each once, but those who want no more mail."""
    silent = queries.withdrawn_persons(session, contract)
    people = [person for side in Side for person in people_to_tell(contract, side)]
    people += [approver(contract, row) for row in approvers(contract)]
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
        """Tell one person of an event, once a cause; none who withdrew consent to such records."""
        if to.person_id in queries.withdrawn_persons(self.session, self.contract):
            return
        tell(
            self.session, event=event, to=to, chain=self.contract.id, cause=cause,
            link=f"/contracts/{self.contract.ref}{PAGES.get(event, '')}", by=self.by, at=self.at,
            **words,
        )  # fmt: skip

    def invite(self, row: Invitation, to: Recipient) -> None:
        """Tell somebody that it is their turn to approve or to sign."""
        self.write(INVITED[row.kind], f"{row.version_id}:{row.id}", to)

    def both_sides(self, event: str, cause: str, **words: Any) -> None:
        """Tell the people of both sides."""
        for side in Side:
            for person in people_to_tell(self.contract, side):
                self.write(event, cause, person, **words)

    def everyone(
        self,
        event: str,
        cause: str,
        *,
        signed: frozenset[str] | set[str] | None = None,
        **words: Any,
    ) -> None:
        """Tell all who take part; with `signed`, also whether their own signature fell."""
        for person in everyone(self.session, self.contract):
            own = {} if signed is None else {"had_signed": person.person_id in signed}
            self.write(event, cause, person, **words, **own)
