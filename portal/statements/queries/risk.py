"""Gathering what is at risk in several contracts of a region at once, as they stand now."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from portal.accounts.rules import Actor
from portal.changes.queries import changes_among, outages_among
from portal.contracts.models import Contract
from portal.contracts.queries import running_contracts, service_end, terms_of_each
from portal.incidents.models import ExecutiveReview, Incident, Measure, RootCause
from portal.incidents.queries import PromisesOverTime, Told, told_among
from portal.kit.words import say
from portal.residency.models import DataKey
from portal.statements.models import Revision, Statement
from portal.statements.queries.ledger import first_day, first_day_of
from portal.statements.rules import risk as rules
from portal.statements.rules.figures import earlier_of, figures
from portal.statements.rules.measured import Earlier, MonthFacts, facts_begin
from portal.statements.rules.month import Month
from portal.statements.rules.reports import report_due
from portal.statements.rules.risk import WayOut
from portal.statements.rules.settling import Event, standing

Duties = dict[str, list[WayOut]]


def risks_among(
    session: Session, actor: Actor, refs: Sequence[str], *, now: datetime
) -> dict[str, list[rules.Risk]]:
    """Return the risks of these contracts of the actor's in one region, by reference.

    A fixed number of queries, however many contracts, and each figure computed now.
    """
    if not refs:
        return {}
    # Held while the rows are opened, so that no contract asks for its key by itself.
    held = session.scalars(select(DataKey).where(DataKey.id.in_(refs))).all()
    contracts = running_contracts(session, actor, refs)
    found = _Gathered(session, contracts, now)
    risks = {contract.id: rules.risks(found.now_of(contract)) for contract in contracts}
    del held
    return risks


class _Gathered:
    """Everything the risks of these contracts rest on, fetched once for all of them."""

    def __init__(self, session: Session, contracts: Sequence[Contract], now: datetime) -> None:
        refs = [contract.id for contract in contracts]
        over_time = terms_of_each(session, contracts)
        self.at = now
        self.terms = {ref: terms.on(now.date()) for ref, terms in over_time.items()}
        self.months = {ref: Month.of(now, terms) for ref, terms in self.terms.items()}
        # A month is computed under the terms of its first day of service, as its statement is.
        self.month_terms = {
            contract.id: over_time[contract.id].on(first_day_of(contract, self.months[contract.id]))
            for contract in contracts
        }
        since = {ref: min(self._facts_begin(ref), now - rules.LATELY) for ref in refs}
        promises = {
            contract.id: PromisesOverTime(session, contract, terms=over_time[contract.id])
            for contract in contracts
        }
        self.told = told_among(session, promises, since=since, now=now) if refs else {}
        self.outages, self.changes = outages_among(session, refs), changes_among(session, refs)
        self.statements = _statements(session, refs)
        self.earlier = _earlier(session, refs)
        self.duties = overdue_duties(session, refs, now=now)

    def _facts_begin(self, ref: str) -> datetime:
        return facts_begin(self.months[ref], self.month_terms[ref])

    def now_of(self, contract: Contract) -> rules.Now:
        """Return what one contract looks like at this moment."""
        ref, at, month = contract.id, self.at, self.months[contract.id]
        begin = self._facts_begin(ref)
        lately = [one for one in self.told[ref] if _lasted(one, at - rules.LATELY)]
        facts = MonthFacts(
            month=month, terms=self.month_terms[ref], start=first_day(contract), known_at=at,
            ends=service_end(contract),
            incidents=[(o.promises, o.history) for o in self.told[ref] if _lasted(o, begin)],
            outages=self.outages[ref], changes=self.changes[ref],
            earlier=[one for one in self.earlier.get(ref, ()) if one.month < month],
        )  # fmt: skip
        return rules.Now(
            terms=self.terms[ref], at=at, month=figures(facts),
            incidents=[(one.promises, one.history) for one in lately],
            weaknesses=[
                rules.Weakness(o.incident.number, o.history) for o in lately if o.incident.security
            ],
            outages=facts.outages, changes=facts.changes,
            statements=[_line(row, self.terms[ref]) for row in self.statements.get(ref, ())],
            overdue=self.duties.get(ref, ()),
        )  # fmt: skip


def _lasted(one: Told, since: datetime) -> bool:
    return one.incident.closed_at is None or one.incident.closed_at >= since


def _statements(session: Session, refs: Sequence[str]) -> dict[str, list[Statement]]:
    rows = session.scalars(
        select(Statement)
        .where(Statement.contract_id.in_(refs))
        .options(selectinload(Statement.events))
        .order_by(Statement.month.desc())
    )
    found: dict[str, list[Statement]] = {}
    for row in rows:
        found.setdefault(row.contract_id, []).append(row)
    return found


def _line(row: Statement, terms: Mapping[str, Any]) -> tuple[str, Any, datetime, datetime]:
    month = Month.read(row.month)
    due = report_due(month, terms) or month.bounds(terms)[1]
    events = [Event(event.kind, event.at, event.revision) for event in row.events]
    return row.month, standing(events).stage, due, row.events[-1].at


def _earlier(session: Session, refs: Sequence[str]) -> dict[str, list[Earlier]]:
    """Return what the latest figures of every month came to."""
    rows = session.execute(
        select(Statement.contract_id, Statement.month, Revision)
        .join(Revision, Revision.statement_id == Statement.id)
        .where(Statement.contract_id.in_(refs))
        .order_by(Statement.month, Revision.number)
    )
    latest: dict[tuple[str, str], Revision] = {(ref, month): row for ref, month, row in rows}
    found: dict[str, list[Earlier]] = {}
    for (ref, _), row in latest.items():
        found.setdefault(ref, []).append(earlier_of(row.figures))
    return found


def overdue_duties(session: Session, refs: Sequence[str], *, now: datetime) -> Duties:
    """Return what is overdue of root causes, their measures and executive reviews, in words."""
    causes = session.execute(
        select(RootCause.contract_id, Incident.number)
        .join(Incident, RootCause.incident_id == Incident.id)
        .where(
            RootCause.contract_id.in_(refs), RootCause.final_at.is_(None),
            RootCause.final_due_at < now,
        )
        .order_by(RootCause.final_due_at)
    )  # fmt: skip
    measures = session.execute(
        select(Measure.contract_id, Incident.number)
        .join(RootCause, Measure.root_cause_id == RootCause.id)
        .join(Incident, RootCause.incident_id == Incident.id)
        .where(
            Measure.contract_id.in_(refs), Measure.done_at.is_(None),
            Measure.due < now.date().isoformat(),
        )
        .order_by(Measure.due)
    )  # fmt: skip
    reviews = session.execute(
        select(ExecutiveReview.contract_id, ExecutiveReview.number)
        .where(
            ExecutiveReview.contract_id.in_(refs), ExecutiveReview.held_at.is_(None),
            ExecutiveReview.due_at < now,
        )
        .order_by(ExecutiveReview.due_at)
    )  # fmt: skip
    found: Duties = {}
    for rows, words, page in (
        (causes, say("Root cause of incident %(number)s"), "incidents/{}/root-cause"),
        (measures, say("Measure of incident %(number)s"), "incidents/{}/root-cause"),
        (reviews, say("Executive review %(number)s"), "executive-reviews/{}"),
    ):
        for ref, number in rows:
            found.setdefault(ref, []).append(
                WayOut(words % {"number": number}, page.format(number))
            )
    return found
