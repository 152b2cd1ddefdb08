"""The risk panel of a contract, and of all contracts of one's organisation."""

from typing import Any

from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand
from portal.contracts.queries import find_contract, list_contracts, side_of, terms_in_force
from portal.contracts.rules.life import State
from portal.incidents.models import Incident
from portal.incidents.queries import told_between
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.web import needs, page
from portal.residency.databases import regions
from portal.statements import queries
from portal.statements.routes.doors import Visit, bp, visit
from portal.statements.rules import risk as rules
from portal.statements.rules.month import Month
from portal.statements.rules.reports import report_due

# A portfolio shows this many contracts a page: each takes a month's computation.
PAGE = 20


@bp.get("/contracts/<ref>/risk")
@needs("contract:see")
def risk(ref: str) -> ResponseReturnValue:
    """Show what is at risk in a contract now, each figure with its way out."""
    seen = visit(ref)
    found = risks_of(seen)
    return page("statements/risk.html", **seen.frame(), **_words(), risks=found)


def _words() -> dict[str, Any]:
    return {"level_words": rules.LEVEL_WORDS, "level_kinds": rules.LEVEL_KINDS}


def risks_of(seen: Visit) -> list[rules.Risk]:
    """Return the risks of a contract from its live facts."""
    session, contract = seen.session, seen.contract
    month = queries.compute(session, contract, seen.month, known_at=seen.now)
    weak = session.scalars(
        select(Incident.number).where(Incident.contract_id == contract.id, Incident.security == 1)
    ).all()
    since = seen.now - rules.LATELY
    told = told_between(session, contract, begin=since, end=seen.now, now=seen.now)
    pairs = [(one.promises, one.history) for one in told]
    return rules.risks(rules.Now(
        terms=seen.terms, at=seen.now, month=month.figures, incidents=pairs,
        weaknesses=[rules.Weakness(h.number, h) for _, h in pairs if h.number in set(weak)],
        outages=month.facts.outages, changes=month.facts.changes, statements=_statements(seen),
        overdue=[
            rules.WayOut(words, f"incidents/{number}" if number else "incidents")
            for words, number in queries.overdue_duties(session, contract, now=seen.now)
        ],
    ))  # fmt: skip


def _statements(seen: Visit) -> list[tuple[str, Any, Any, Any]]:
    rows = []
    for row in queries.statements_of(seen.session, seen.contract):
        month = Month.read(row.month)
        due = report_due(month, seen.terms) or month.bounds(seen.terms)[1]
        rows.append((row.month, queries.standing_of(row).stage, due, row.events[-1].at))
    return rows


@bp.get("/risk")
@needs("contract:see")
def portfolio() -> ResponseReturnValue:
    """Show what is at risk over all contracts in force, the worst first."""
    actor, now = current_actor(), clock.now()
    demand(actor, "contract:see")
    sessions = [session for _, session in regions().each()]
    rows = [row for row in list_contracts(sessions, actor, today=now.date())
            if row.state is State.IN_FORCE]  # fmt: skip
    found = [(row, risks_of(_visit(actor, row.ref))) for row in rows[:PAGE]]
    order = list(rules.Level)
    found.sort(key=lambda pair: -order.index(rules.worst(pair[1])))
    return page(
        "statements/portfolio.html", **_words(), rows=found, left=max(0, len(rows) - PAGE),
        worst=rules.worst,
    )  # fmt: skip


def _visit(actor: Actor, ref: str) -> Visit:
    session: Session = regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    side, now = side_of(contract, actor), clock.now()
    if side is None:
        raise NotFound
    terms = terms_in_force(session, contract, on=now.date())
    return Visit(session, actor, contract, side, terms, now)
