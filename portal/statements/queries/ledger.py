"""Finding the lines of the credit ledger, and how the account stands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.contracts.models import Contract, Fact
from portal.contracts.queries import service_end, service_start, terms_in_force
from portal.kit.errors import NotFound
from portal.sla.rules import zone
from portal.statements.models import CreditEntry, Statement
from portal.statements.rules.ledger import SIGNS, Line, Owed, added_time, balance, still_owed
from portal.statements.rules.month import Month


def ledger_of(session: Session, contract: Contract) -> list[tuple[Statement, CreditEntry]]:
    """Return the credit ledger of a contract, oldest line first."""
    rows = session.execute(
        select(Statement, CreditEntry)
        .join(CreditEntry, CreditEntry.statement_id == Statement.id)
        .where(CreditEntry.contract_id == contract.id)
    )
    # A payment and its interest are of one moment: what is owed comes before what settles it.
    order = list(SIGNS)
    pairs = [(statement, entry) for statement, entry in rows]
    return sorted(pairs, key=lambda pair: (pair[1].at, order.index(pair[1].kind), pair[1].id))


@dataclass(frozen=True)
class Account:
    """How the credit ledger of a contract stands on a day."""

    terms: Mapping[str, Any]
    ended: date | None
    owed: list[Owed]
    balance: dict[str, Decimal]
    added: timedelta


def account_of(session: Session, contract: Contract, *, on: datetime) -> Account:
    """Return what is owed of the credits of a contract, with its interest, and the time added."""
    terms = terms_in_force(session, contract, on=on.date())
    own = zone(str(terms.get("M4") or "UTC"))
    lines = [
        line_of(row, entry.kind, entry.at.astimezone(own).date(), entry.value)
        for row, entry in ledger_of(session, contract)
    ]
    ended = service_end(contract, "ended")
    owed = still_owed(
        lines, terms, start=first_day(contract), ended=ended, on=on.astimezone(own).date()
    )
    return Account(terms, ended, owed, balance(lines), added_time(lines))


def line_of(row: Statement, kind: str, on: date, value: Mapping[str, Any]) -> Line:
    """Return a line of the ledger as the rules read it."""
    amount = None if value["amount"] is None else Decimal(value["amount"])
    return Line(row.month, kind, on, amount, value["currency"], Fraction(value["extension"]))


def entries_for(session: Session, rows: Iterable[Statement]) -> Sequence[CreditEntry]:
    """Return the ledger lines of these statements."""
    keys = [row.id for row in rows]
    return session.scalars(select(CreditEntry).where(CreditEntry.statement_id.in_(keys))).all()


def ended_with_credits(session: Session) -> list[str]:
    """Return the contracts of a region that ended with a credit not settled, for the worker."""
    closed = select(CreditEntry.statement_id).where(CreditEntry.kind.in_(("paid", "expired")))
    return list(
        session.scalars(
            select(CreditEntry.contract_id)
            .join(Fact, Fact.contract_id == CreditEntry.contract_id)
            .where(
                Fact.kind == "ended", CreditEntry.kind == "granted",
                CreditEntry.statement_id.not_in(closed),
            )
            .distinct()
        )
    )  # fmt: skip


def first_day(contract: Contract) -> date:
    """Return the first day of service: the start agreed, or the day all had signed."""
    start = service_start(contract)
    if start is not None:
        return start
    done = next((fact.at for fact in contract.facts if fact.kind == "completed"), None)
    if done is None:
        raise NotFound
    return done.date()


def first_day_of(contract: Contract, month: Month) -> date:
    """Return the first day of service in a month, whose terms the month is computed under."""
    return max(date(month.year, month.month, 1), first_day(contract))
