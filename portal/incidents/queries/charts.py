"""Figures over a contract's incidents, added up by the database and never by loading them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.incidents.models import ClockRecord, Incident
from portal.kit.words import say
from portal.sla.rules.promises import Aim

AGES: Sequence[tuple[str, timedelta]] = (
    (say("under a day"), timedelta(days=1)),
    (say("1 to 3 days"), timedelta(days=3)),
    (say("3 to 7 days"), timedelta(days=7)),
    (say("7 to 30 days"), timedelta(days=30)),
)
OLDEST = say("over 30 days")


@dataclass(frozen=True)
class Attained:
    """How many targets of one aim and severity were met, missed or are contested."""

    aim: Aim
    severity: str
    met: int
    missed: int
    disputed: int

    @property
    def due(self) -> int:
        """How many fell due and are decided."""
        return self.met + self.missed


@dataclass(frozen=True)
class Speed:
    """Counted time to an act, for one aim and severity."""

    aim: Aim
    severity: str
    count: int
    mean: timedelta
    slowest: timedelta


def _counted(contract: Contract, begin: datetime, end: datetime) -> list[ColumnElement[bool]]:
    """Records that fell due in a period, of incidents that count."""
    left_out = select(Incident.id).where(
        Incident.contract_id == contract.id, Incident.excluded == "claimed"
    )
    return [
        ClockRecord.contract_id == contract.id,
        ClockRecord.fell_due_at >= begin,
        ClockRecord.fell_due_at < end,
        ClockRecord.superseded == 0,
        ClockRecord.incident_id.not_in(left_out),
    ]


def attained(
    session: Session, contract: Contract, *, begin: datetime, end: datetime
) -> list[Attained]:
    """Return attainment by aim and severity over what fell due in a period (clause 4.2)."""
    rows = session.execute(
        select(ClockRecord.aim, ClockRecord.severity, ClockRecord.result, func.count())
        .where(*_counted(contract, begin, end))
        .group_by(ClockRecord.aim, ClockRecord.severity, ClockRecord.result)
    )
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for aim, severity, result, count in rows:
        sums.setdefault((aim, severity), {})[result] = count
    return [
        Attained(
            Aim(aim), severity, found.get("met", 0), found.get("breached", 0),
            found.get("disputed", 0),
        )
        for (aim, severity), found in sorted(sums.items(), key=_order)
    ]  # fmt: skip


def _order(pair: tuple[tuple[str, str], object]) -> tuple[int, str]:
    (aim, severity), _ = pair
    return list(Aim).index(Aim(aim)), severity


def speeds(session: Session, contract: Contract, *, begin: datetime, end: datetime) -> list[Speed]:
    """Return the counted time to respond and to resolve, by severity."""
    rows = session.execute(
        select(
            ClockRecord.aim, ClockRecord.severity, func.count(),
            func.avg(ClockRecord.counted_seconds), func.max(ClockRecord.counted_seconds),
        )
        .where(
            *_counted(contract, begin, end),
            ClockRecord.aim.in_((Aim.RESPONSE.value, Aim.RESOLUTION.value)),
            ClockRecord.counted_seconds.is_not(None),
        )
        .group_by(ClockRecord.aim, ClockRecord.severity)
    )  # fmt: skip
    found = [
        Speed(Aim(aim), severity, count, timedelta(seconds=int(mean)), timedelta(seconds=slowest))
        for aim, severity, count, mean, slowest in rows
    ]
    return sorted(found, key=lambda one: (list(Aim).index(one.aim), one.severity))


def open_by_age(session: Session, contract: Contract, *, now: datetime) -> list[tuple[str, int]]:
    """Return how many incidents are open, by how long ago they were reported."""
    words = case(
        *((Incident.reported_at > now - age, str(label)) for label, age in AGES),
        else_=str(OLDEST),
    )
    rows = session.execute(
        select(words, func.count())
        .where(Incident.contract_id == contract.id, Incident.standing == "open")
        .group_by(words)
    )
    counts: dict[str, int] = {row[0]: row[1] for row in rows}
    return [(label, counts.get(label, 0)) for label in (*(one for one, _ in AGES), OLDEST)]


def by_month(
    session: Session, contract: Contract, *, begin: datetime, end: datetime
) -> list[tuple[str, int, int]]:
    """Return (month, reported, with a target missed) of each month, such as 2026-11."""
    month = func.substr(Incident.reported_at, 1, 7)
    missed = func.sum(case((Incident.breaches > 0, 1), else_=0))
    rows = session.execute(
        select(month, func.count(), missed)
        .where(
            and_(
                Incident.contract_id == contract.id,
                Incident.reported_at >= begin,
                Incident.reported_at < end,
            )
        )
        .group_by(month)
        .order_by(month)
    )
    return [(str(row[0]), row[1], row[2] or 0) for row in rows]
