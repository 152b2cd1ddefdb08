"""Finding incidents. A contract was found as its party's before; its incidents are that party's.

`told_between` is what statements, risk and replays build on: each incident of a period with its
history, the promises of the version it pins, and its clocks.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, selectinload

from portal.contracts.models import Contract
from portal.contracts.queries import (
    TermsOverTime,
    members_of,
    organisation_of,
    terms_over_time,
)
from portal.contracts.rules.life import Side
from portal.incidents.models import Incident, IncidentEvent, NamedContact, Watcher
from portal.kit.errors import NotFound
from portal.notices.rules import Recipient
from portal.sla.rules.incident import Event, Happened, History
from portal.sla.rules.outcomes import Outcome, outcomes
from portal.sla.rules.promises import Promises, promises_of


class PromisesOverTime:
    """The promises of a contract on each day: signed terms, amendments, agreed schedules.

    Built once for whoever asks about many incidents. The answer for a day that has begun never
    changes, so an incident's clocks follow the terms of the day it was reported.
    """

    def __init__(
        self, session: Session, contract: Contract, *, terms: TermsOverTime | None = None
    ) -> None:
        self._terms = terms or terms_over_time(session, contract)
        self._known: dict[frozenset[tuple[str, str]], Promises] = {}

    def on(self, day: date) -> Promises:
        """Return the promises of a day."""
        holding = frozenset(
            (str(one.kind), one.source) for one in self._terms.layers if one.holds(day)
        )
        if holding not in self._known:
            self._known[holding] = promises_of(self._terms.on(day))
        return self._known[holding]


@dataclass(frozen=True)
class Told:
    """An incident with everything that follows from its events at one moment."""

    incident: Incident
    history: History
    promises: Promises
    outcomes: tuple[Outcome, ...]

    @property
    def version_id(self) -> str:
        """The version it was reported under."""
        return self.incident.version_id


def told_between(
    session: Session, contract: Contract, *, begin: datetime, end: datetime, now: datetime
) -> list[Told]:
    """Return the incidents that were open at some time from `begin` up to `end`, oldest first.

    Each is told as it stands at `now`. A fixed number of queries, however many incidents.
    """
    lasted = or_(Incident.closed_at.is_(None), Incident.closed_at >= begin)
    return _told(session, contract, now=now, where=(Incident.reported_at < end, lasted))


def told_among(
    session: Session,
    contracts: Mapping[str, PromisesOverTime],
    *,
    since: Mapping[str, datetime],
    now: datetime,
) -> dict[str, list[Told]]:
    """Return what `told_between` does up to now, for several contracts; two queries for all."""
    lasted = or_(Incident.closed_at.is_(None), Incident.closed_at >= min(since.values()))
    rows = session.scalars(
        select(Incident)
        .where(Incident.contract_id.in_(contracts), Incident.reported_at < now, lasted)
        .options(selectinload(Incident.events))
        .order_by(Incident.reported_at, Incident.id)
    )
    found: dict[str, list[Told]] = {ref: [] for ref in contracts}
    for row in rows:
        if row.closed_at is None or row.closed_at >= since[row.contract_id]:
            promises = contracts[row.contract_id].on(row.reported_at.date())
            found[row.contract_id].append(_tell(row, promises, now=now))
    return found


def told_all(session: Session, contract: Contract, *, now: datetime) -> list[Told]:
    """Return every incident of the contract, oldest first, for a replay of proposed terms."""
    return _told(session, contract, now=now, where=())


def tell(session: Session, contract: Contract, incident: Incident, *, now: datetime) -> Told:
    """Return one incident as it stands at `now`."""
    return _tell(incident, promises_for(session, contract, incident), now=now)


def _told(
    session: Session,
    contract: Contract,
    *,
    now: datetime,
    where: Sequence[ColumnElement[bool]],
) -> list[Told]:
    rows = session.scalars(
        select(Incident)
        .where(Incident.contract_id == contract.id, *where)
        .options(selectinload(Incident.events))
        .order_by(Incident.reported_at, Incident.id)
    ).all()
    if not rows:
        return []
    promises = PromisesOverTime(session, contract)
    return [_tell(row, promises.on(row.reported_at.date()), now=now) for row in rows]


def _tell(incident: Incident, promises: Promises, *, now: datetime) -> Told:
    history = history_of(incident)
    return Told(incident, history, promises, outcomes(promises, history, now=now))


def find_incident(session: Session, contract: Contract, number: int) -> Incident:
    """Return one incident of a contract by its number, or raise `NotFound`."""
    found = session.scalar(
        select(Incident)
        .where(Incident.contract_id == contract.id, Incident.number == number)
        .options(
            selectinload(Incident.events),
            selectinload(Incident.clocks),
            selectinload(Incident.escalations),
        )
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


def promises_for(session: Session, contract: Contract, incident: Incident) -> Promises:
    """Return the promises an incident was reported under."""
    return promises_on(session, contract, incident.reported_at.date())


def promises_on(session: Session, contract: Contract, day: date) -> Promises:
    """Return the promises in force on a day; `NotFound` before the contract is completed."""
    return PromisesOverTime(session, contract).on(day)


def history_of(incident: Incident) -> History:
    """Return an incident's events as the rules read them."""
    return History.of(
        incident.number,
        (event_of(row) for row in incident.events),
        module=incident.module_key,
        id=incident.id,
    )


def event_of(row: IncidentEvent) -> Event:
    """Return one event as the rules read it."""
    return Event(
        id=row.id,
        kind=Happened(row.kind),
        at=row.at,
        side=row.side,
        severity=row.severity,
        ground=row.ground,
        begins=row.begins_at,
        answers=row.answers,
        from_report=bool(row.from_report),
        counts=bool(row.counts),
        written_at=row.reported_at,
    )


def module_key(contract_id: str, module: str) -> str:
    """Return the mark by which a list finds a module without holding its name."""
    return hashlib.sha256(f"{contract_id}|{module}".encode()).hexdigest()[:16]


def module_names(contract: Contract, promises: Iterable[Promises]) -> dict[str, str]:
    """Return the names of the modules these versions support, by their marks."""
    names = (row["module"] for one in promises for row in one.terms.get("I1") or ())
    return {module_key(contract.id, name): name for name in names}


def contact_ids(session: Session, contract: Contract) -> set[str]:
    """Return the persons the customer named to open incidents; empty while it named nobody."""
    return set(
        session.scalars(
            select(NamedContact.person_id).where(NamedContact.contract_id == contract.id)
        )
    )


def people_of_incident(session: Session, contract: Contract, incident: Incident) -> list[Recipient]:
    """Return those who follow an incident: its watchers, and both sides' people for support."""
    watching = set(
        session.scalars(select(Watcher.person_id).where(Watcher.incident_id == incident.id))
    )
    found: dict[str, Recipient] = {}
    for side, function in ((Side.VENDOR, "support"), (Side.CUSTOMER, "it")):
        organisation = organisation_of(contract, side)
        members = {member.person_id: member for member in members_of(organisation)}
        mine = [row for row in contract.stakeholders if row.side == side]
        first = [row.person_id for row in mine if row.function == function]
        for person_id in (*(first or [row.person_id for row in mine]), *watching):
            if person_id in members:
                one = members[person_id]
                found[person_id] = Recipient(person_id, one.name, one.email, organisation)
    return list(found.values())
