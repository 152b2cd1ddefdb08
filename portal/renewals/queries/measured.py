"""What the portal measured in a term: the facts that a renewal is judged and negotiated by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.incidents.models import ClockRecord, Incident, NamedContact
from portal.renewals.queries.term import Running
from portal.renewals.rules.conditions import Measured
from portal.renewals.rules.dates import start_of
from portal.renewals.rules.promised import Kept, Run, kept_by_term, share
from portal.statements.models import CreditEntry, Statement
from portal.statements.queries import latest_revision, statements_of

Measure = Callable[[Session, Running], Measured]


@dataclass(frozen=True)
class Term:
    """A term as a stretch of time."""

    begin: datetime
    end: datetime


def term_of(found: Running) -> Term:
    """Return the running term's first and last instant."""
    return Term(start_of(found.span.begins, found.zone), start_of(found.span.ends, found.zone))


def runs_in(session: Session, contract: Contract, begin: datetime, end: datetime) -> list[Run]:
    """Return every target that was met or missed between two instants; one query."""
    rows = session.execute(
        select(
            ClockRecord.term, ClockRecord.result, ClockRecord.started_at, ClockRecord.due_at,
            ClockRecord.met_at, ClockRecord.counted_seconds,
        ).where(
            ClockRecord.contract_id == contract.id,
            ClockRecord.superseded == 0,
            ClockRecord.fell_due_at >= begin,
            ClockRecord.fell_due_at < end,
            ClockRecord.result.in_(("met", "breached")),
        )
    )  # fmt: skip
    return [
        Run(
            term=row.term,
            met=row.result == "met",
            left=(row.due_at - row.met_at) if row.due_at and row.met_at else None,
            whole=(row.due_at - row.started_at) if row.due_at else None,
            counted=timedelta(seconds=row.counted_seconds or 0),
        )
        for row in rows
    ]


def kept_in(session: Session, found: Running) -> list[Kept]:
    """Return how each target was kept in the running term."""
    stretch = term_of(found)
    return kept_by_term(runs_in(session, found.contract, stretch.begin, stretch.end))


def open_credits(session: Session, refs: Sequence[str]) -> dict[str, int]:
    """Return how many credits were granted and neither paid nor expired, by contract."""
    settled = select(CreditEntry.statement_id).where(CreditEntry.kind.in_(("paid", "expired")))
    rows = session.execute(
        select(CreditEntry.contract_id, func.count())
        .where(
            CreditEntry.contract_id.in_(refs),
            CreditEntry.kind == "granted",
            CreditEntry.statement_id.not_in(settled),
        )
        .group_by(CreditEntry.contract_id)
    )
    return {ref: count for ref, count in rows}  # noqa: C416  a row is not a pair to mypy


def scores(session: Session, refs: Sequence[str], *, since: datetime) -> dict[str, Decimal]:
    """Return the share of targets met since an instant, in percent, by contract."""
    met: dict[str, list[int]] = {}
    rows = session.execute(
        select(ClockRecord.contract_id, ClockRecord.result, func.count())
        .where(
            ClockRecord.contract_id.in_(refs),
            ClockRecord.superseded == 0,
            ClockRecord.fell_due_at >= since,
            ClockRecord.result.in_(("met", "breached")),
        )
        .group_by(ClockRecord.contract_id, ClockRecord.result)
    )
    for ref, result, count in rows:
        met.setdefault(ref, [0, 0])[result == "breached"] += count
    return {ref: share(kept, missed) for ref, (kept, missed) in met.items()}


def measured_in(session: Session, found: Running) -> Measured:
    """Return what was measured in the running term; what nobody measured is None."""
    contract, stretch = found.contract, term_of(found)
    runs = runs_in(session, contract, stretch.begin, stretch.end)
    kept = sum(run.met for run in runs)
    issued = statements_of(session, contract)
    return Measured(
        chronic_failures=_chronic(issued) if issued else None,
        open_credits=open_credits(session, [contract.id]).get(contract.id, 0) if issued else None,
        attainment=share(kept, len(runs) - kept) if runs else None,
    )


def _chronic(issued: Sequence[Statement]) -> int:
    newest = max(issued, key=lambda row: row.month)
    rows = latest_revision(newest).figures.get("chronic") or ()
    return sum(bool(row.get("failed")) for row in rows)


@dataclass(frozen=True)
class Used:
    """How much of what the contract includes was used in the term."""

    incidents: int
    contacts: int


def used_in(session: Session, found: Running) -> Used:
    """Return how many incidents were reported and contacts named; two counts."""
    stretch, ref = term_of(found), found.contract.id
    incidents = session.scalar(
        select(func.count()).where(
            Incident.contract_id == ref,
            Incident.reported_at >= stretch.begin,
            Incident.reported_at < stretch.end,
        )
    )
    contacts = session.scalar(select(func.count()).where(NamedContact.contract_id == ref))
    return Used(incidents or 0, contacts or 0)
