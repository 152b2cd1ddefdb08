"""Finding which profiles a contract is under, what waits, and who looked at what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from portal.audit.queries import Line, lines
from portal.contracts.models import Contract
from portal.kit.errors import NotFound
from portal.profiles import rules
from portal.profiles.models import ProfileTurn
from portal.profiles.rules import Profile, Turn


def root_of(contract: Contract) -> str:
    """Return the contract whose profiles hold: an amendment is under those of what it amends."""
    return contract.amends_id or contract.id


def turns_of(session: Session, contract: Contract) -> Sequence[ProfileTurn]:
    """Return every turn of a contract, the newest first."""
    return session.scalars(
        select(ProfileTurn)
        .where(ProfileTurn.contract_id == root_of(contract))
        .order_by(ProfileTurn.id.desc())
    ).all()


def _agreed(rows: Iterable[ProfileTurn]) -> list[Turn]:
    # Oldest first, so that of two turns of one instant the later one decides.
    return [Turn(Profile(row.profile), row.on, row.holds_from) for row in rows]


def profiles_of(session: Session, contract: Contract, *, at: datetime) -> frozenset[Profile]:
    """Return the profiles a contract is under; one query."""
    return rules.holding(_agreed(reversed(turns_of(session, contract))), at=at)


def is_regulated(session: Session, contract: Contract, *, at: datetime) -> bool:
    """Return whether signatures of a contract follow 21 CFR Part 11."""
    return Profile.REGULATED in profiles_of(session, contract, at=at)


def profiles_of_ref(session: Session, ref: str, *, at: datetime) -> frozenset[Profile]:
    """Return the profiles of a contract by its reference; one query, empty for an unknown one."""
    rows = session.scalars(
        select(ProfileTurn)
        .join(
            Contract,
            or_(
                Contract.id == ProfileTurn.contract_id,
                Contract.amends_id == ProfileTurn.contract_id,
            ),
        )
        .where(Contract.id == ref, ProfileTurn.holds_from <= at)
        .order_by(ProfileTurn.id)
    )
    return rules.holding(_agreed(rows), at=at)


def open_turns(session: Session, contract: Contract) -> Sequence[ProfileTurn]:
    """Return the turns the other side has not answered yet."""
    return [
        row
        for row in turns_of(session, contract)
        if row.agreed_at is None and row.withdrawn_at is None
    ]


def find_turn(session: Session, contract: Contract, turn_id: str) -> ProfileTurn:
    """Return a turn of this contract, or raise `NotFound`."""
    row = session.get(ProfileTurn, turn_id)
    if row is None or row.contract_id != contract.id:
        raise NotFound
    return row


def contracts_under(
    session: Session, organisation_id: str, profile: Profile, *, at: datetime
) -> list[str]:
    """Return an organisation's contracts of a region that are under a profile, or will be.

    One that leaves the profile counts until it has left; two queries.
    """
    either = or_(
        Contract.vendor_id == organisation_id, Contract.customer_id == organisation_id
    )  # fmt: skip
    rows = session.scalars(
        select(ProfileTurn)
        .join(Contract, Contract.id == ProfileTurn.contract_id)
        .where(either, ProfileTurn.profile == profile, ProfileTurn.holds_from.is_not(None))
        .order_by(ProfileTurn.id)
    )
    turns: dict[str, list[ProfileTurn]] = {}
    for row in rows:
        turns.setdefault(row.contract_id, []).append(row)
    return [ref for ref, mine in turns.items() if profile in rules.holding(_agreed(mine), at=at)]


def refs_under(session: Session, profile: Profile, *, at: datetime) -> set[str]:
    """Return every contract of a region under a profile, with its amendments; two queries."""
    parent = aliased(ProfileTurn)
    rows = session.scalars(
        select(parent).where(parent.profile == profile, parent.holds_from <= at).order_by(parent.id)
    )
    turns: dict[str, list[ProfileTurn]] = {}
    for row in rows:
        turns.setdefault(row.contract_id, []).append(row)
    under = {ref for ref, mine in turns.items() if profile in rules.holding(_agreed(mine), at=at)}
    children = session.scalars(select(Contract.id).where(Contract.amends_id.in_(under)))
    return under | set(children)


@dataclass(frozen=True)
class View:
    """One look: who, for whom, when, at which record."""

    at: datetime
    name: str
    organisation: str
    record: str


@dataclass(frozen=True)
class Viewed:
    """A record with how often, by how many and when last it was looked at."""

    record: str
    looks: int
    people: int
    last: datetime


def chain_of(ref: str) -> str:
    """Return the chain on which looks at a contract are entered."""
    return f"{ref}/{rules.VIEWS}"


def views_of(session: Session, ref: str, *, record: str | None = None) -> list[View]:
    """Return the looks at a contract or at one record of it, the newest first."""
    found = [_view(line) for line in lines(session, chain_of(ref))]
    return [one for one in reversed(found) if record is None or one.record == record]


def _view(line: Line) -> View:
    return View(line.at, line.name, line.organisation, str(line.facts.get("record", "")))


def viewed(views: Iterable[View]) -> list[Viewed]:
    """Return each record once, the one looked at last first."""
    by_record: dict[str, list[View]] = {}
    for one in views:
        by_record.setdefault(one.record, []).append(one)
    rows = [
        Viewed(
            record, len(mine), len({(v.name, v.organisation) for v in mine}),
            max(v.at for v in mine),
        )
        for record, mine in by_record.items()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: row.last, reverse=True)
