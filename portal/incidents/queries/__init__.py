"""Finding incidents. A contract was found as its party's before; its incidents are that party's.

`told_between` is what statements, risk and replays build on: each incident of a period with its
history, the promises of the version it pins, and its clocks.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, selectinload

from portal.accounts.models import Person
from portal.contracts.models import Contract, Version
from portal.contracts.rules.life import Side
from portal.incidents.models import Incident, IncidentEvent, NamedContact, Watcher
from portal.kit.db import db
from portal.kit.errors import NotFound
from portal.sla.rules.incident import Event, Happened, History
from portal.sla.rules.outcomes import Outcome, outcomes
from portal.sla.rules.promises import Promises, promises_of


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

    Each is told as it stands at `now`. Three queries, however many incidents.
    """
    lasted = or_(Incident.closed_at.is_(None), Incident.closed_at >= begin)
    return _told(session, contract, now=now, where=(Incident.reported_at < end, lasted))


def told_all(session: Session, contract: Contract, *, now: datetime) -> list[Told]:
    """Return every incident of the contract, oldest first, for a replay of proposed terms."""
    return _told(session, contract, now=now, where=())


def tell(session: Session, contract: Contract, incident: Incident, *, now: datetime) -> Told:
    """Return one incident as it stands at `now`."""
    promises = promises_under(session, contract, incident.version_id)
    history = history_of(incident)
    return Told(incident, history, promises, outcomes(promises, history, now=now))


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
    )
    return [tell(session, contract, incident, now=now) for incident in rows]


def find_incident(session: Session, contract: Contract, number: int) -> Incident:
    """Return one incident of a contract by its number, or raise `NotFound`."""
    found = session.scalar(
        select(Incident)
        .where(Incident.contract_id == contract.id, Incident.number == number)
        .options(selectinload(Incident.events), selectinload(Incident.clocks))
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


def promises_under(session: Session, contract: Contract, version_id: str) -> Promises:
    """Return the promises of a signed version, read once a session."""
    known: dict[str, Promises] = session.info.setdefault("promises", {})
    if version_id not in known:
        version = session.get(Version, version_id)
        if version is None or version.contract_id != contract.id:
            raise NotFound
        known[version_id] = promises_of(version.canonical["terms"])
    return known[version_id]


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


def people_of_incident(
    session: Session, contract: Contract, incident: Incident
) -> list[tuple[str, str]]:
    """Return (name, e-mail) of those who follow an incident: its watchers, and both sides' people
    for support, each once."""
    watching = session.scalars(
        select(Watcher.person_id).where(Watcher.incident_id == incident.id)
    ).all()
    found: dict[str, str] = {}
    for side, function in ((Side.VENDOR, "support"), (Side.CUSTOMER, "it")):
        named = [p for p in contract.stakeholders if p.side == side]
        first = [p for p in named if p.function == function] or named
        found |= {str(person.email): str(person.name) for person in first}
    rows = db.session.execute(select(Person.name, Person.email).where(Person.id.in_(watching)))
    found |= {email: name for name, email in rows}
    return [(name, email) for email, name in found.items()]
