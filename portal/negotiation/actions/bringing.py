"""Starting a draft from terms that were agreed elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.audit.actions import record
from portal.contracts.models import Contract
from portal.contracts.queries import schema_of
from portal.contracts.rules.bringing import Brought, fitted
from portal.kit.db import transaction
from portal.negotiation import rules
from portal.negotiation.actions.answering import propose_clause, set_offers
from portal.terms.rules import Value


@dataclass(frozen=True)
class Taken:
    """How many terms and clauses were taken, and what was left, with why."""

    terms: int
    clauses: int
    left: Mapping[str, str]


def bring_terms(
    session: Session, contract: Contract, actor: Actor, brought: Brought, *,
    start: Mapping[str, Value], at: datetime,
) -> Taken:  # fmt: skip
    """Put the terms of a document into the private draft, over what the contract starts from.

    A value the template does not allow, or that is none of its term, is left and named. In the
    caller's transaction this is one act with the start.
    """
    found = fitted(brought.document, schema_of(contract))
    values, left = found.values, dict(found.left)
    try:
        set_offers(session, contract, actor, {**start, **values}, at=at)
    except rules.Incomplete as refusal:
        left |= {term: said[0] for term, said in refusal.problems.items() if term in values}
        values = {term: value for term, value in values.items() if term not in refusal.problems}
        set_offers(session, contract, actor, {**start, **values}, at=at)
    why = f"Taken over with the terms {brought.sha256[:16]}."
    for clause in found.clauses:
        propose_clause(session, contract, actor, value=dict(clause), reason=why, at=at)
    with transaction(session):
        record(
            session, contract.id, "contract:terms:brought", actor=actor.log, at=at,
            facts={"sha256": brought.sha256, "terms": len(values), "clauses": len(found.clauses),
                   "left": len(left)},
        )  # fmt: skip
    return Taken(len(values), len(found.clauses), left)
