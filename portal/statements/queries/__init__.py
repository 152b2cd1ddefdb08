"""Finding statements, and gathering the facts a month is computed from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import takewhile
from typing import Any

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session, defer, selectinload

from portal.accounts.rules import Actor
from portal.changes.queries import changes_of, outages_of
from portal.contracts.models import Contract, Fact, Version
from portal.contracts.queries import service_end, terms_in_force, version_in_force
from portal.contracts.rules.document import canonical_bytes, sha256_of
from portal.contracts.rules.life import Side
from portal.incidents.queries import told_all, told_between
from portal.kit.errors import NotFound
from portal.negotiation import rules as negotiation
from portal.negotiation.queries import negotiation_of
from portal.residency.models import DataKey, Document
from portal.statements.models import (
    Import,
    Revision,
    SealTry,
    Statement,
    StatementEvent,
)
from portal.statements.queries.ledger import (
    Account,
    account_of,
    ended_with_credits,
    entries_for,
    first_day,
    first_day_of,
    ledger_of,
    line_of,
)
from portal.statements.queries.risk import risks_among
from portal.statements.rules.figures import earlier_of, figures
from portal.statements.rules.measured import Earlier, Figures, MonthFacts, facts_begin
from portal.statements.rules.month import Month, last_month, service_bounds
from portal.statements.rules.replay import Past
from portal.statements.rules.reviews import Told
from portal.statements.rules.settling import FROZEN, Event, Stage, Standing, standing
from portal.statements.rules.totals import uptime_missed
from portal.terms.rules import load_schema

__all__ = [
    "Account",
    "account_of",
    "ended_with_credits",
    "entries_for",
    "first_day",
    "first_day_of",
    "ledger_of",
    "line_of",
    "risks_among",
]


@dataclass(frozen=True)
class Computed:
    """The figures of a month, the version and facts they rest on, and their hash."""

    figures: Figures
    version: Version
    sha256: str
    facts: MonthFacts


def compute(
    session: Session, contract: Contract, month: Month, *, known_at: datetime,
    delivered: datetime | None = None,
) -> Computed:  # fmt: skip
    """Compute a month from the facts recorded until a moment; the same answer whenever asked.

    `delivered`: the vendor delivers the report of the month just now.
    """
    version = _version_of(contract, month)
    facts = month_facts(session, contract, month, known_at=known_at)
    facts = replace(facts, delivered=facts.delivered or delivered)
    found = figures(facts)
    found |= {
        "contract": contract.id, "version": version.number, "version_sha256": version.sha256,
    }  # fmt: skip
    return Computed(found, version, sha256_of(canonical_bytes(found)), facts)


def _version_of(contract: Contract, month: Month) -> Version:
    version = version_in_force(contract, on=first_day_of(contract, month))
    if version is None:
        raise NotFound
    return version


def month_facts(
    session: Session, contract: Contract, month: Month, *, known_at: datetime
) -> MonthFacts:
    """Gather what a month is computed from; about ten queries, however much happened in it."""
    start, ends = first_day(contract), service_end(contract)
    terms = terms_in_force(session, contract, on=first_day_of(contract, month))
    end = service_bounds(month, terms, start, ends)[1]
    told = told_between(session, contract, begin=facts_begin(month, terms), end=end, now=known_at)
    return MonthFacts(
        month=month, terms=terms, start=start, known_at=known_at,
        incidents=[(one.promises, one.history) for one in told],
        outages=outages_of(session, contract, known_at=known_at),
        changes=changes_of(session, contract, known_at=known_at),
        earlier=earlier_months(session, contract, month, known_at=known_at),
        delivered=_delivered_at(session, contract, month, known_at=known_at), ends=ends,
    )  # fmt: skip


def _delivered_at(
    session: Session, contract: Contract, month: Month, *, known_at: datetime
) -> datetime | None:
    """Return when the vendor first stood by a month's statement."""
    return session.scalar(
        select(func.min(StatementEvent.at))
        .join(Statement, Statement.id == StatementEvent.statement_id)
        .where(
            Statement.contract_id == contract.id, Statement.month == str(month),
            StatementEvent.kind == "confirmed", StatementEvent.at <= known_at,
        )
    )  # fmt: skip


def earlier_months(
    session: Session, contract: Contract, month: Month, *, known_at: datetime
) -> list[Earlier]:
    """Return what earlier statements came to, in the revisions known at a moment."""
    rows = session.execute(
        select(Statement.month, Revision)
        .join(Revision, Revision.statement_id == Statement.id)
        .where(
            Statement.contract_id == contract.id,
            Statement.month < str(month),
            Revision.known_at <= known_at,
        )
        .order_by(Statement.month, Revision.number)
    )
    latest: dict[str, Revision] = {}
    for name, revision in rows:
        latest[name] = revision
    return [earlier_of(revision.figures) for revision in latest.values()]


def statements_of(session: Session, contract: Contract) -> list[Statement]:
    """Return the statements of a contract, newest month first, without their figures."""
    return list(
        session.scalars(
            select(Statement)
            .where(Statement.contract_id == contract.id)
            .options(selectinload(Statement.events), selectinload(Statement.revisions))
            .order_by(Statement.month.desc())
        )
    )


def told_months(session: Session, contract: Contract, *, last: int) -> list[Told]:
    """Return what the last so many statements say; two queries."""
    rows = session.scalars(
        select(Statement)
        .where(Statement.contract_id == contract.id)
        .options(selectinload(Statement.revisions))
        .order_by(Statement.month.desc())
        .limit(last)
    )
    found = [(row, latest_revision(row).figures) for row in rows]
    return [
        Told(
            Month.read(row.month), uptime_missed(figures["uptime"]),
            Fraction(figures["totals"]["due"]),
        )
        for row, figures in found
    ]  # fmt: skip


def find_statement(session: Session, contract: Contract, month: str) -> Statement:
    """Return the statement of a month, or raise `NotFound`."""
    row = session.scalar(
        select(Statement)
        .where(Statement.contract_id == contract.id, Statement.month == month)
        .options(selectinload(Statement.events), selectinload(Statement.revisions))
    )
    if row is None:
        raise NotFound
    return row


def statement_of(session: Session, contract: Contract, month: str) -> Statement | None:
    """Return the statement of a month, if it was issued."""
    return session.scalar(
        select(Statement).where(Statement.contract_id == contract.id, Statement.month == month)
    )


def frozen_after(session: Session, contract: Contract, month: str) -> list[Statement]:
    """Return the settled statements of later months, with their figures."""
    return list(
        session.scalars(
            select(Statement)
            .where(
                Statement.contract_id == contract.id, Statement.month > month,
                Statement.stage.in_([stage.value for stage in FROZEN]),
            )
            .options(selectinload(Statement.revisions))
        )
    )  # fmt: skip


def settled_end(session: Session, contract: Contract) -> datetime | None:
    """Return up to when all months issued are settled; None while the first is not."""
    rows = session.execute(
        select(Statement.month, Statement.stage)
        .where(Statement.contract_id == contract.id)
        .order_by(Statement.month)
    )
    settled = [month for month, _ in takewhile(lambda row: Stage(row[1]) in FROZEN, rows)]
    if not settled:
        return None
    month = Month.read(settled[-1])
    terms = terms_in_force(session, contract, on=first_day_of(contract, month))
    return month.bounds(terms)[1]


def issued_months(session: Session, contract: Contract) -> set[str]:
    """Return the months that have a statement."""
    return set(session.scalars(select(Statement.month).where(Statement.contract_id == contract.id)))


def standing_of(row: Statement) -> Standing:
    """Return where a statement stands."""
    return standing([
        Event(e.kind, e.at, e.revision, Side(e.side) if e.side else None) for e in row.events
    ])  # fmt: skip


def latest_revision(row: Statement) -> Revision:
    """Return the figures that stand."""
    return row.revisions[-1]


def sealed_document(session: Session, row: Statement) -> Document:
    """Return the sealed file of a statement, or raise `NotFound`."""
    key = next((e.document_id for e in row.events if e.kind == "sealed"), None)
    document = session.get(Document, key) if key else None
    if document is None:
        raise NotFound
    return document


def seal_tries(session: Session, row: Statement) -> Sequence[SealTry]:
    """Return the failed tries to seal a statement, oldest first."""
    return session.scalars(
        select(SealTry).where(SealTry.statement_id == row.id).order_by(SealTry.id)
    ).all()


def contracts_owed(
    session: Session, *, at: datetime, among: Sequence[str] | None = None
) -> list[str]:
    """Return the contracts, of these or of a region, that may lack the statement of a month.

    Told by columns alone, so that a look between two months opens nothing. An amendment has none:
    its contract has.
    """
    newest = _newest_month(at)
    rows = session.execute(
        select(Contract.id, func.max(Statement.month))
        .join(Fact, (Fact.contract_id == Contract.id) & (Fact.kind == "completed"))
        .outerjoin(Statement, Statement.contract_id == Contract.id)
        .where(Contract.amends_id.is_(None), _among(Contract.id, among))
        .group_by(Contract.id)
    )
    last = {ref: month for ref, month in rows if month is None or month < newest}
    over = _last_months(session, among)
    return sorted(ref for ref, month in last.items() if (month or "") < over.get(ref, newest))


def _newest_month(at: datetime) -> str:
    """Return the newest month that is over anywhere on earth."""
    ahead = at + timedelta(hours=14)
    return str(Month(ahead.year, ahead.month).plus(-1))


def _among(column: Any, refs: Sequence[str] | None) -> ColumnElement[bool]:
    return true() if refs is None else column.in_(refs)


def _last_months(session: Session, among: Sequence[str] | None) -> dict[str, str]:
    """Return the last month of service of every one of them that is over."""
    days = session.execute(
        select(Fact.contract_id, Fact.effective_on).where(
            Fact.kind.in_(("ended", "renewed")), _among(Fact.contract_id, among)
        )
    )
    return {ref: str(last_month(date.fromisoformat(day))) for ref, day in days if day}


def served_contracts(session: Session, refs: Sequence[str]) -> Sequence[Contract]:
    """Return contracts with what tells their months of service, for the worker."""
    return session.scalars(
        select(Contract)
        .where(Contract.id.in_(refs))
        .options(
            selectinload(Contract.facts),
            selectinload(Contract.versions).options(defer(Version.canonical_enc)),
        )
        .order_by(Contract.id)
    ).all()


def statements_at(session: Session, stages: Iterable[str]) -> list[Statement]:
    """Return the statements of a region that stand at some stages, for the worker."""
    return list(
        session.scalars(
            select(Statement)
            .where(Statement.stage.in_(list(stages)))
            .options(selectinload(Statement.events), selectinload(Statement.revisions))
            .order_by(Statement.id)
        )
    )


def statements_due(session: Session, *, at: datetime) -> list[Statement]:
    """Return the statements of a region whose silence says something by now, for the worker."""
    return list(
        session.scalars(
            select(Statement)
            .where(Statement.act_at < at)
            .options(selectinload(Statement.events), selectinload(Statement.revisions))
            .order_by(Statement.act_at, Statement.id)
        )
    )


def imports_of(session: Session, contract: Contract, organisation_id: str) -> list[Import]:
    """Return what an organisation imported for replays of a contract, newest first."""
    # Held while the names are opened, so that no row asks for the key by itself.
    held = session.get(DataKey, contract.id)
    rows = session.scalars(
        select(Import)
        .where(Import.contract_id == contract.id, Import.organisation_id == organisation_id)
        .options(defer(Import.rows_enc))
        .order_by(Import.id.desc())
    ).all()
    del held
    return list(rows)


def find_import(session: Session, contract: Contract, organisation_id: str, key: str) -> Import:
    """Return one import of an organisation, or raise `NotFound`."""
    row = session.get(Import, key)
    if row is None or row.contract_id != contract.id or row.organisation_id != organisation_id:
        raise NotFound
    return row


def terms_on_table(
    session: Session, contract: Contract, actor: Actor, *, at: datetime,
    base: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the terms a replay holds the past against: those signed, else one's side's offer.

    What is not offered yet is taken from `base`, or from the schema's defaults without one.
    """
    if version_in_force(contract) is not None:
        return dict(terms_in_force(session, contract, on=at.date()))
    found = negotiation_of(session, contract, actor, at=at)
    offered = negotiation.values_of(found.standings, found.words)
    told = {term: value for term, value in offered.items() if value is not None}
    if base is None:
        base = load_schema(contract.schema_version).defaults()
    return {**base, **told}


def past_of(
    session: Session, contract: Contract, *, now: datetime, since: datetime | None = None
) -> Past:
    """Return what happened under a contract, whatever was promised; from `since` on if given."""
    histories = [one.history for one in told_all(session, contract, now=now)]
    outages = outages_of(session, contract)
    if since is not None:
        histories = [one for one in histories if one.reported >= since]
        outages = [one for one in outages if one.begin >= since]
    return Past(histories, outages, changes_of(session, contract))
