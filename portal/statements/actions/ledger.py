"""The credit ledger: what an accepted statement grants, what lapses unclaimed, what is paid."""

from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.models import Contract
from portal.contracts.queries import terms_in_force
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.statements.actions.words import add_word, side_for
from portal.statements.models import CreditEntry, Statement
from portal.statements.queries import standing_of
from portal.statements.rules.settling import claim_needed, claim_until


def grant_credit(session: Session, contract: Contract, row: Statement, *, at: datetime) -> None:
    """Write what an accepted statement grants, in the caller's transaction.

    A credit that needs a claim is granted if it was claimed, and lapses if its time has passed; in
    between it waits for the claim.
    """
    totals = row.revisions[-1].figures["totals"]
    if Fraction(totals["due"]) == 0 or _has(session, row, "granted", "lapsed"):
        return
    found = standing_of(row)
    terms = terms_in_force(session, contract, on=row.issued_at.date())
    if not claim_needed(terms) or found.claimed_at:
        _add(session, contract, row, "granted", totals, at=at)
        return
    until = claim_until(found.issued_at, terms)
    if until is not None and at > until:
        _add(session, contract, row, "lapsed", totals, at=at)


def claim_credit(
    session: Session, contract: Contract, actor: Actor, row: Statement, *, at: datetime
) -> None:
    """Claim the credit of a month, where the contract asks for a claim, within its time."""
    demand(actor, "statement:settle")
    if side_for(contract, actor) is not Side.CUSTOMER:
        raise Refused("Only the customer claims a credit.")
    terms = terms_in_force(session, contract, on=row.issued_at.date())
    with transaction(session):
        found = standing_of(row)
        if not claim_needed(terms):
            raise Refused("The contract grants credits without a claim.")
        if found.claimed_at:
            raise Refused("The credit of this month was claimed already.")
        until = claim_until(found.issued_at, terms)
        if until is not None and at > until:
            raise Refused("The time to claim this credit is over.")
        add_word(session, contract, row, "claimed", actor=actor, at=at)
        if found.frozen:
            grant_credit(session, contract, row, at=at)


def pay_credit(
    session: Session, contract: Contract, actor: Actor, row: Statement, *, how: str, at: datetime
) -> None:
    """Record how a granted credit was paid: the invoice it came off, or the refund."""
    demand(actor, "statement:settle")
    if side_for(contract, actor) is not Side.VENDOR:
        raise Refused("The vendor records how it paid a credit.")
    if not how.strip():
        raise Refused("Name the invoice or the refund.")
    with transaction(session):
        if not _has(session, row, "granted"):
            raise Refused("There is no granted credit to pay.")
        if _has(session, row, "paid"):
            raise Refused("This credit was paid already.")
        totals = row.revisions[-1].figures["totals"]
        _add(session, contract, row, "paid", {**totals, "how": how.strip()}, at=at, actor=actor)
        record(
            session, contract.id, "statements:credit:paid", actor=actor.log, at=at,
            facts={"month": row.month},
        )  # fmt: skip


def _has(session: Session, row: Statement, *kinds: str) -> bool:
    found = session.scalar(
        select(CreditEntry.id).where(
            CreditEntry.statement_id == row.id, CreditEntry.kind.in_(kinds)
        )
    )
    return found is not None


def _add(
    session: Session, contract: Contract, row: Statement, kind: str, totals: dict[str, Any], *,
    at: datetime, actor: Actor | None = None,
) -> None:  # fmt: skip
    entry = CreditEntry(
        id=new_id(at), region=contract.region, contract_id=contract.id, statement_id=row.id,
        kind=kind, at=at, person_id=actor.person_id if actor else None,
    )  # fmt: skip
    put(session, entry, value={
        "percent": totals["due"], "amount": totals["amount"], "currency": totals["currency"],
        "how": totals.get("how"),
    })  # fmt: skip
