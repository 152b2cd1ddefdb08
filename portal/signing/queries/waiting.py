"""Whom a signing waits for and since when, what happened to it, and who can take a place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.models import Membership, Person
from portal.accounts.rules import Actor, Role
from portal.contracts.models import Contract, Fact, Version
from portal.contracts.queries import (
    approvals_missing,
    members_of,
    name_of,
    organisation_of,
    template_of,
)
from portal.contracts.rules.life import Side
from portal.kit.db import directory_reader
from portal.kit.words import say
from portal.notices.rules import Recipient
from portal.signing import rules
from portal.signing.models import Handover, Invitation
from portal.signing.queries.signers import open_now


def setting(contract: Contract, name: str) -> int:
    """Return a setting of the workflow: `reminder_hours`, `offer_expiry_days` or `archive_days`."""
    return template_of(contract).settings[name]


def offer_ends(contract: Contract, version: Version) -> datetime:
    """Return when the offer to sign a version ends."""
    return rules.expires_at(version.frozen_at, days=setting(contract, "offer_expiry_days"))


def holds_role(actor: Actor, role: Role) -> bool:
    """Return whether the actor holds a role at this moment, whatever they held at sign-in."""
    with directory_reader() as directory:
        roles = directory.scalar(
            select(Membership.roles).where(
                Membership.person_id == actor.person_id,
                Membership.organisation_id == actor.organisation_id,
                Membership.ended_at.is_(None),
            )
        )
    return roles is not None and role in roles.split(",")


def administrators() -> list[Recipient]:
    """Return the portal's administrators as those who are told when something breaks."""
    with directory_reader() as directory:
        rows = directory.scalars(
            select(Person).where(Person.operator == 1, Person.deactivated_at.is_(None))
        )
        return [Recipient(row.id, row.name, row.email, None) for row in rows]


def candidates(contract: Contract, side: Side) -> list[rules.Candidate]:
    """Return the members of a side who could take a place to sign."""
    return [
        rules.Candidate(member.person_id, member.name, member.email, member.may_sign)
        for member in members_of(organisation_of(contract, side))
    ]


def invitations_of(session: Session, version: Version) -> Sequence[Invitation]:
    """Return everybody who was asked to approve or sign a version, the first asked first."""
    query = select(Invitation).where(Invitation.version_id == version.id)
    return session.scalars(query.order_by(Invitation.invited_at, Invitation.id)).all()


@dataclass(frozen=True)
class Awaited:
    """Somebody the signing waits for: who, to do what, since when, how often reminded."""

    person_id: str
    name: str
    organisation: str
    verb: str
    invitation: Invitation | None

    @property
    def since(self) -> datetime | None:
        """When it became their turn."""
        return self.invitation.invited_at if self.invitation else None

    def asked(self) -> rules.Asked:
        """Return the invitation as the rules see it."""
        row = self.invitation
        if row is None:
            raise LookupError("not invited yet")
        return rules.Asked(row.invited_at, row.asked_at, row.reminders, row.resent_at)

    def is_invitation(self, invitation_id: str) -> bool:
        """Return whether this is the one who was asked by an invitation."""
        return self.invitation is not None and self.invitation.id == invitation_id


def awaited(session: Session, contract: Contract, version: Version) -> list[Awaited]:
    """Return whom the signing of a version waits for now, and since when."""
    asked = {(row.kind, row.person_id): row for row in invitations_of(session, version)}
    missing = approvals_missing(contract)
    sides = {slot.id: slot.side for slot in contract.slots}
    if missing:
        waiting = [(row.person_id, row.name, row.side, "approve") for row in missing]
    else:
        waiting = [
            (seat.person_id, seat.name, sides[seat.slot_id], "sign")
            for seat in open_now(session, contract, version)
        ]
    return [
        Awaited(person, name, name_of(contract, Side(side)), verb, asked.get((verb, person)))
        for person, name, side, verb in waiting
    ]


def open_reopening(contract: Contract) -> Fact | None:
    """Return the proposal to open the terms again that nobody answered yet."""
    told = {"reopening", "reopening_refused", "reopened", "frozen", "all_signed"}
    facts = [fact for fact in dated(contract) if fact.kind in told]
    return facts[-1] if facts and facts[-1].kind == "reopening" else None


def dated(contract: Contract) -> list[Fact]:
    """Return the facts of a contract in time order."""
    return sorted(contract.facts, key=lambda fact: (fact.at, fact.id))


@dataclass(frozen=True)
class Passed:
    """One dated thing that happened to a signing, in words both sides read."""

    at: datetime
    words: str
    organisation: str
    reason: str


PASSED_WORDS = {
    "frozen": say("The terms were frozen"),
    "deed_prepared": say("The deed was ready, and the first were asked"),
    "approved": say("Approved for signature"),
    "signed": say("Signed"),
    "all_signed": say("Signed by all"),
    "completed": say("Sealed and completed"),
    "delegated": say("A signer gave their place to a colleague"),
    "reassigned": say("A place was given to another person before it was reached"),
    "reopening": say("Opening the terms again was proposed"),
    "reopening_refused": say("The terms were kept frozen"),
    "reopened": say("The terms were opened again: everything signed until then is void"),
    "declined": say("Declined"),
    "voided": say("The signing was voided"),
    "withdrawn": say("Withdrawn"),
    "expired": say("The offer to sign expired"),
}


def happened(contract: Contract) -> list[Passed]:
    """Return the dated facts of a signing as both sides read them, the latest first."""
    return [
        Passed(
            fact.at, PASSED_WORDS[fact.kind],
            name_of(contract, Side(fact.side)) if fact.side else "", fact.reason or "",
        )
        for fact in reversed(dated(contract))
        if fact.kind in PASSED_WORDS
    ]  # fmt: skip


def handovers_of(session: Session, contract: Contract) -> Sequence[Handover]:
    """Return the places that were given to another person, the latest first."""
    query = select(Handover).where(Handover.contract_id == contract.id)
    return session.scalars(query.order_by(Handover.at.desc(), Handover.id.desc())).all()
