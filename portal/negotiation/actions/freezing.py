"""Freezing what is agreed."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.models import Organisation
from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.actions import add_fact, add_version
from portal.contracts.models import Contract, Version
from portal.contracts.queries import amends
from portal.contracts.rules.freezing import frozen_document
from portal.kit.db import db, transaction
from portal.kit.errors import Refused
from portal.kit.words import say
from portal.negotiation import rules
from portal.negotiation.actions.draft import demand_workable
from portal.negotiation.actions.letters import tell_others
from portal.negotiation.actions.opening import open_waiting
from portal.negotiation.queries import Negotiation, negotiation_of, open_comments, readiness
from portal.terms.rules.special import frozen_clauses, is_special


def freeze(
    session: Session,
    contract: Contract,
    actor: Actor,
    *,
    at: datetime,
    seen_sha256: str | None = None,
) -> Version:
    """Freeze the agreed terms as the next version; either side may, once every condition holds.

    `seen_sha256` is `agreed_sha256` of what they saw; another one raises `Stale`.
    """
    demand(actor, "version:freeze")
    with transaction(session):
        found = negotiation_of(session, contract, actor, at=at)
        demand_workable(found)
        if found.waiting is not None:
            open_waiting(session, found, actor, at=at)
            found = negotiation_of(session, contract, actor, at=at)
        if seen_sha256 not in (None, rules.agreed_sha256(found.standings)):
            raise rules.Stale(say("The terms on the table changed since you looked."))
        lacking = rules.missing(freeze_conditions(session, found))
        if lacking:
            raise Refused(lacking)
        version = add_version(session, contract, document=_document(session, found, at=at), at=at)
        add_fact(session, contract, "frozen", person_id=actor.person_id, side=found.side, at=at)
        record(
            session, contract.id, "negotiation:version:frozen", actor=actor.log, at=at,
            facts={"number": version.number, "sha256": version.sha256},
        )  # fmt: skip
        tell_others(session, found, "negotiation:version:frozen", version.id, by=actor, at=at)
        return version


def freeze_conditions(session: Session, found: Negotiation) -> list[rules.Condition]:
    """List what a freeze of this negotiation needs, and whether it holds."""
    return rules.conditions(
        found.standings,
        found.findings(with_draft=False),
        found.slots(),
        names=found.names,
        open_comments=open_comments(session, found.contract),
        readiness=readiness(session, found),
    )


def _document(session: Session, found: Negotiation, *, at: datetime) -> dict[str, object]:
    contract = found.contract
    details: Callable[[str], str] = lambda id: db.session.get_one(Organisation, id).details  # noqa: E731
    values = rules.values_of(found.standings)
    return frozen_document(
        contract,
        version_number=len(contract.versions) + 1,
        terms={term: value for term, value in values.items() if not is_special(term)},
        special_terms=frozen_clauses(values),
        vendor_details=details(contract.vendor_id),
        customer_details=details(contract.customer_id),
        frozen_at=at,
        amends=amends(session, contract),
    )
