"""The people of a contract's sides: who can be named, who is named, and who is told."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.models import Membership, Person
from portal.accounts.rules import NEGOTIATORS, Actor
from portal.contracts.models import Contract
from portal.contracts.queries.finding import name_of, organisation_of, side_of
from portal.contracts.rules.life import Side
from portal.contracts.rules.people import FUNCTION_WORDS, OWNER, Member, suggested
from portal.kit.db import directory_reader
from portal.notices.rules import Recipient


def members_of(organisation_id: str) -> list[Member]:
    """Return the members of an organisation who can be named on a contract, by name.

    Read beside whatever transaction is open, so that a page never holds the directory's lock.
    """
    with directory_reader() as directory:
        return _members(directory, organisation_id)


def _members(directory: Session, organisation_id: str) -> list[Member]:
    rows = directory.execute(
        select(Person, Membership.roles)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.organisation_id == organisation_id,
            Membership.ended_at.is_(None),
            Person.deactivated_at.is_(None),
        )
        .order_by(Person.name)
    )
    return [
        Member(person.id, person.name, person.email, frozenset(roles.split(",")))
        for person, roles in rows
    ]


def people_to_tell(contract: Contract, side: Side) -> list[Recipient]:
    """Return whom a side's notices go to, each person once, the owner first.

    Before a side has named its people, or once all of them have left, its notices go to all its
    members who may negotiate. Whoever has left the organisation is told nothing any more.
    """
    organisation = organisation_of(contract, side)
    with directory_reader() as directory:
        members = {member.person_id: member for member in _members(directory, organisation)}
    named = [row for row in contract.stakeholders if row.side == side and row.person_id in members]
    named.sort(key=lambda row: row.function != OWNER)
    found = [Recipient(row.person_id, row.name, row.email, organisation) for row in named] or [
        Recipient(m.person_id, m.name, m.email, organisation)
        for m in members.values()
        if m.roles & {*NEGOTIATORS}
    ]
    return list({person.person_id: person for person in reversed(found)}.values())[::-1]


@dataclass(frozen=True)
class SidePeople:
    """The people of a side, as (function, names) in words, the owner first."""

    name: str
    word: str
    people: list[tuple[str, str]]


def people_of(contract: Contract) -> list[SidePeople]:
    """Return the people of both sides, the vendor's first."""
    sides = []
    for side in Side:
        named = []
        for function, words in FUNCTION_WORDS.items():
            rows = [p for p in contract.stakeholders if (p.side, p.function) == (side, function)]
            if rows:
                named.append((words, ", ".join(str(row.name) for row in rows)))
        sides.append(SidePeople(name_of(contract, side), side.value, named))
    return sides


def people_to_edit(
    contract: Contract, actor: Actor, members: Sequence[Member]
) -> dict[str, str | None]:
    """Return the people of the actor's side by field; who named nobody is given suggestions."""
    side = side_of(contract, actor)
    named = {row.function: row.person_id for row in contract.stakeholders if row.side == side}
    found: dict[str, str | None] = {**named}
    if not named:
        found = {name: suggested(name, members) for name in FUNCTION_WORDS}
    mine = [slot for slot in contract.slots if slot.side == side]
    for number, slot in enumerate(mine, 1):
        found |= {f"signer_{number}": slot.person_id, f"title_{number}": slot.title}
        found[f"together_{number}"] = "yes" if slot.together else None
    found |= {f"approves_{row.function}": "yes" for row in contract.stakeholders
              if row.side == side and row.approves}  # fmt: skip
    return found
