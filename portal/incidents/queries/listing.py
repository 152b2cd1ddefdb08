"""Lists of a contract's incidents: filtered, newest first, a page at a time by key."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.incidents.models import ClockRecord, Incident
from portal.incidents.queries import module_key
from portal.kit import clock

PAGE = 25
MISSED = ("breached",)


@dataclass(frozen=True)
class Wanted:
    """What a person filters by; everything empty means all."""

    severity: str = ""
    standing: str = ""
    module: str = ""
    breach: str = ""
    begin: date | None = None
    end: date | None = None

    def conditions(self, contract: Contract) -> list[ColumnElement[bool]]:
        """The same as conditions on incidents of a contract."""
        found: list[ColumnElement[bool]] = [Incident.contract_id == contract.id]
        if self.severity:
            found.append(Incident.severity == self.severity)
        if self.standing:
            found.append(Incident.standing == self.standing)
        if self.module:
            found.append(Incident.module_key == module_key(contract.id, self.module))
        if self.begin:
            found.append(Incident.reported_at >= _midnight(self.begin))
        if self.end:
            found.append(Incident.reported_at < _midnight(self.end + timedelta(days=1)))
        if self.breach == "any":
            found.append(Incident.breaches > 0)
        elif self.breach == "none":
            found.append(Incident.breaches == 0)
        elif self.breach:
            missed = select(ClockRecord.incident_id).where(
                ClockRecord.incident_id == Incident.id,
                ClockRecord.aim == self.breach,
                ClockRecord.result.in_(MISSED),
                ClockRecord.superseded == 0,
            )
            found.append(missed.exists())
        return found


@dataclass(frozen=True)
class Listing:
    """One page of a list, and the key of the next."""

    rows: list[Incident]
    older: str | None


def list_incidents(
    session: Session, contract: Contract, wanted: Wanted, *, before: str = "", size: int = PAGE
) -> Listing:
    """Return a page of incidents, newest first; one query, the same cost on every page."""
    where = wanted.conditions(contract)
    key = read_key(before)
    if key is not None:
        at, id = key
        where.append(
            or_(Incident.reported_at < at, and_(Incident.reported_at == at, Incident.id < id))
        )
    rows = list(
        session.scalars(
            select(Incident)
            .where(*where)
            .order_by(Incident.reported_at.desc(), Incident.id.desc())
            .limit(size + 1)
        )
    )
    more = len(rows) > size
    rows = rows[:size]
    return Listing(rows, write_key(rows[-1]) if more else None)


def every_incident(
    session: Session, contract: Contract, wanted: Wanted, *, size: int = 500
) -> Iterator[Incident]:
    """Yield all incidents that are wanted, newest first, a page at a time."""
    before = ""
    while True:
        found = list_incidents(session, contract, wanted, before=before, size=size)
        for row in found.rows:
            yield row
            # Whoever reads it is done with it: a long file holds one page of rows at a time.
            session.expunge(row)
        if found.older is None:
            return
        before = found.older


def write_key(incident: Incident) -> str:
    """Return the key of the page that follows an incident."""
    return f"{clock.stamp(incident.reported_at)}_{incident.id}"


def read_key(text: str) -> tuple[datetime, str] | None:
    """Read a key of a page; anything else is the first page."""
    stamp, _, id = text.partition("_")
    try:
        return clock.read_stamp(stamp), id
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
