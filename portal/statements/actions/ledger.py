"""The credit ledger: what an accepted statement grants, what lapses, is earned back or is paid."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.contracts.models import Contract
from portal.contracts.queries import terms_in_force
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.statements import queries
from portal.statements.actions.words import add_word, side_for
from portal.statements.models import CreditEntry, Statement
from portal.statements.queries import standing_of
from portal.statements.rules import ledger as rules
from portal.statements.rules.measured import Figures
from portal.statements.rules.settling import claim_needed, claim_until, earns


def settle_ledger(session: Session, contract: Contract, row: Statement, *, at: datetime) -> None:
    """Write what a statement grants and earns back, in the caller's transaction; each line once.

    A credit that needs a claim is granted if it was claimed; otherwise it waits for the claim.
    """
    found = row.revisions[-1].figures
    terms = terms_in_force(session, contract, on=row.issued_at.date())
    ready = not claim_needed(terms) or standing_of(row).claimed_at is not None
    if ready and earns(found["totals"]) and not _kinds(session, row) & {"granted", "lapsed"}:
        _add(session, contract, row, "granted", _value(found["totals"]), at=at)
        if not Fraction(found["totals"]["due"]):
            # Time needs no invoice: it is given by being granted.
            _close(session, contract, row, "Added after the last term", at=at)
    for back in found["earned_back"]:
        bad = queries.statement_of(session, contract, back["month"])
        if bad is not None:
            _return_credit(session, contract, bad, back, by=row.month, at=at)
    if terms.get("K15"):
        # The good months may have been settled before the bad one.
        for later in queries.frozen_after(session, contract, row.month):
            for back in later.revisions[-1].figures["earned_back"]:
                if back["month"] == row.month:
                    _return_credit(session, contract, row, back, by=later.month, at=at)


def let_lapse(session: Session, contract: Contract, row: Statement, *, at: datetime) -> bool:
    """Let a credit lapse that nobody claimed in time (K8); return whether it was due."""
    with transaction(session):
        session.refresh(row)
        if row.act_at is None or row.act_at >= at:
            return False
        row.act_at = None
        if _kinds(session, row) & {"granted", "lapsed"}:
            return False
        _add(session, contract, row, "lapsed", _value(row.revisions[-1].figures["totals"]), at=at)
        _record(session, contract, row, "lapsed", at=at)
    return True


def claim_credit(
    session: Session, contract: Contract, actor: Actor, row: Statement, *, at: datetime
) -> None:
    """Claim the credit of a month, where the contract asks for a claim, within its time."""
    demand(actor, "statement:settle")
    if side_for(contract, actor) is not Side.CUSTOMER:
        raise Refused(say("Only the customer claims a credit."))
    terms = terms_in_force(session, contract, on=row.issued_at.date())
    with transaction(session):
        found = standing_of(row)
        if not claim_needed(terms):
            raise Refused(say("The contract grants credits without a claim."))
        if found.claimed_at:
            raise Refused(say("The credit of this month was claimed already."))
        until = claim_until(found.issued_at, terms)
        if until is not None and at > until:
            raise Refused(say("The time to claim this credit is over."))
        add_word(session, contract, row, "claimed", actor=actor, at=at)
        if found.frozen:
            settle_ledger(session, contract, row, at=at)


def pay_credit(
    session: Session, contract: Contract, actor: Actor, row: Statement, *, how: str, at: datetime
) -> None:
    """Record how a granted credit was paid, with its interest: off which invoice, or the refund.

    What was earned back of credits already paid comes off it first (clause 12.9).
    """
    demand(actor, "statement:settle")
    if side_for(contract, actor) is not Side.VENDOR:
        raise Refused(say("The vendor records how it paid a credit."))
    if not how.strip():
        raise Refused(say("Name the invoice or the refund."))
    with transaction(session):
        kinds = _kinds(session, row)
        if "granted" not in kinds:
            raise Refused(say("There is no granted credit to pay."))
        if kinds & {"paid", "expired"}:
            raise Refused(say("This credit was paid already.") if "paid" in kinds else EXPIRED)
        account = queries.account_of(session, contract, on=at)
        owed = next((one for one in account.owed if one.month == row.month), None)
        value = _value(row.revisions[-1].figures["totals"]) | {"how": how.strip(), "extension": "0"}
        if owed is not None:
            if owed.interest:
                late = value | {"percent": "0", "amount": str(owed.interest), "how": None}
                _add(session, contract, row, "interest", late, at=at, actor=actor)
            value["amount"] = str(_payable(owed, account.balance.get(owed.currency, Decimal(0))))
        elif value["amount"] is not None:
            value["amount"] = "0"
        _add(session, contract, row, "paid", value, at=at, actor=actor)
        record(
            session, contract.id, "statements:credit:paid", actor=actor.log, at=at,
            facts={"month": row.month},
        )  # fmt: skip


EXPIRED = "This credit expired with the contract."


def _payable(owed: rules.Owed, balance: Decimal) -> Decimal:
    return max(Decimal(0), min(owed.amount, balance)) + owed.interest


def _return_credit(
    session: Session, contract: Contract, row: Statement, back: Figures, *, by: str, at: datetime
) -> None:
    """Take back the share of a granted credit that good months earned back; once (clause 12.9)."""
    mine = {entry.kind: entry for entry in queries.entries_for(session, [row])}
    if "granted" not in mine or "returned" in mine:
        return
    share, value = Fraction(back["share"]) / 100, mine["granted"].value
    amount, currency = value["amount"], value["currency"]
    if amount is not None and currency:
        amount = str(rules.rounded(Fraction(Decimal(amount)) * share, currency))
    _add(session, contract, row, "returned", {
        "percent": back["percent"], "extension": back["extension"], "amount": amount,
        "currency": currency, "how": by,
    }, at=at)  # fmt: skip
    _record(session, contract, row, "returned", at=at)
    if share == 1 and not mine.keys() & {"paid", "expired"}:
        _close(session, contract, row, "Earned back in full", at=at)


def _close(session: Session, contract: Contract, row: Statement, how: str, *, at: datetime) -> None:
    """Settle a credit that leaves nothing to pay."""
    currency = row.revisions[-1].figures["totals"]["currency"]
    value = {"percent": "0", "extension": "0", "amount": "0", "currency": currency, "how": how}
    _add(session, contract, row, "paid", value if currency else value | {"amount": None}, at=at)


def expire_credits(session: Session, contract: Contract, *, at: datetime) -> int:
    """Let what is still owed expire, where the contract has ended and says so (K10); return how
    many credits did."""
    with transaction(session):
        account = queries.account_of(session, contract, on=at)
        if not rules.expires(account.terms, ended=account.ended):
            return 0
        for owed in account.owed:
            row = queries.find_statement(session, contract, owed.month)
            _add(session, contract, row, "expired", {
                "percent": "0", "extension": "0", "amount": str(owed.amount),
                "currency": owed.currency, "how": None,
            }, at=at)  # fmt: skip
            _record(session, contract, row, "expired", at=at)
        return len(account.owed)


def _record(
    session: Session, contract: Contract, row: Statement, kind: str, *, at: datetime
) -> None:
    record(
        session, contract.id, f"statements:credit:{kind}", actor=PORTAL, at=at,
        facts={"month": row.month},
    )  # fmt: skip


def _kinds(session: Session, row: Statement) -> set[str]:
    return {entry.kind for entry in queries.entries_for(session, [row])}


def _value(totals: Figures) -> dict[str, Any]:
    return {
        "percent": totals["due"], "extension": totals["extension"], "amount": totals["amount"],
        "currency": totals["currency"], "how": None,
    }  # fmt: skip


def _add(
    session: Session, contract: Contract, row: Statement, kind: str, value: dict[str, Any], *,
    at: datetime, actor: Actor | None = None,
) -> None:  # fmt: skip
    entry = CreditEntry(
        id=new_id(at), region=contract.region, contract_id=contract.id, statement_id=row.id,
        kind=kind, at=at, person_id=actor.person_id if actor else None,
    )  # fmt: skip
    put(session, entry, value=value)
    session.flush()
