"""Who approves, who signs, whose turn it is, and where that leaves the member who looks."""

from dataclasses import dataclass
from datetime import date, datetime

from portal.accounts.rules import Actor
from portal.contracts.models import Contract, Stakeholder
from portal.contracts.queries.finding import name_of, own_side, side_of, turn
from portal.contracts.queries.in_force import current_version
from portal.contracts.queries.life import state
from portal.contracts.rules.life import Side, State
from portal.contracts.rules.order import ALL_AT_ONCE, Seat, listed, open_seats
from portal.contracts.rules.waiting import Standing


def signed_by(contract: Contract) -> dict[str, datetime]:
    """Return who signed the version that stands, and when, by person."""
    return _since_frozen(contract, "signed")


def _since_frozen(contract: Contract, kind: str) -> dict[str, datetime]:
    facts = sorted(contract.facts, key=lambda fact: (fact.at, fact.id))
    frozen = max((i for i, fact in enumerate(facts) if fact.kind == "frozen"), default=len(facts))
    return {fact.person_id: fact.at for fact in facts[frozen:] if fact.kind == kind}


def approved_by(contract: Contract) -> dict[str, datetime]:
    """Return who approved the version that stands, and when, by person."""
    return _since_frozen(contract, "approved")


def approvers(contract: Contract) -> list[Stakeholder]:
    """Return who approves before anybody signs, each person once, the vendor's first."""
    rows = sorted(contract.stakeholders, key=lambda row: (row.side != Side.VENDOR, row.id))
    return list({row.person_id: row for row in rows if row.approves}.values())


def approvals_missing(contract: Contract) -> list[Stakeholder]:
    """Return the approvers who have not approved the version that stands."""
    given = approved_by(contract)
    return [row for row in approvers(contract) if row.person_id not in given]


def signs_at_once(contract: Contract) -> bool:
    """Return whether all are asked to sign at the same time (term A13.order of the version)."""
    version = current_version(contract)
    return version is not None and version.canonical["terms"].get("A13.order") == ALL_AT_ONCE


def seats_of(contract: Contract) -> list[Seat]:
    """Return the places to sign as the rules of order see them."""
    signed = signed_by(contract)
    return [
        Seat(
            slot.id, slot.position, slot.person_id, slot.name, signed.get(slot.person_id),
            bool(slot.together),
        )
        for slot in sorted(contract.slots, key=lambda slot: slot.position)
    ]  # fmt: skip


def seats_to_sign(contract: Contract) -> list[Seat]:
    """Return the places whose turn it is: none while an approval is missing."""
    return open_seats(
        seats_of(contract), all_at_once=signs_at_once(contract),
        approvals_missing=len(approvals_missing(contract)),
    )  # fmt: skip


def standing(contract: Contract, actor: Actor, *, today: date) -> Standing:
    """Return where a contract stands for the member who looks."""
    side = own_side(contract, actor)
    where = state(contract, today=today)
    open_now = seats_to_sign(contract) if where is State.SIGNING else []
    approving = approvals_missing(contract) if where is State.SIGNING else []
    awaited = [row.name for row in approving] or [seat.name for seat in open_now]
    return Standing(
        state=where,
        turn=turn(contract),
        side=side,
        step=contract.step,
        mine_to_sign=any(seat.person_id == actor.person_id for seat in open_now),
        next_signer=listed(awaited) or None,
        other_name=name_of(contract, side.other),
        mine_to_approve=any(row.person_id == actor.person_id for row in approving),
        approving=bool(approving),
    )


@dataclass(frozen=True)
class Place:
    """A signer's place: who signs for whom, and whether they have."""

    position: int
    person_id: str
    name: str
    title: str
    organisation: str
    signed_at: datetime | None
    is_next: bool


def signing_order(contract: Contract, *, today: date) -> list[Place]:
    """Return the signers of both sides in order."""
    signed = signed_by(contract)
    signing = state(contract, today=today) is State.SIGNING
    following = {seat.slot_id for seat in seats_to_sign(contract)} if signing else set()
    return [
        Place(
            position=slot.position,
            person_id=slot.person_id,
            name=slot.name,
            title=slot.title,
            organisation=name_of(contract, Side(slot.side)),
            signed_at=signed.get(slot.person_id),
            is_next=slot.id in following,
        )
        for slot in sorted(contract.slots, key=lambda slot: slot.position)
    ]


def signers_across(contract: Contract, actor: Actor) -> list[str]:
    """Return the persons who sign for the other side."""
    side = side_of(contract, actor)
    return [slot.person_id for slot in contract.slots if slot.side != side]
