"""What the lines of the credit ledger come to: owed, due when, with which interest (clause 12.8).

A line is never changed. `granted` and `interest` are owed to the customer; `returned` (earned
back), `paid` and `expired` take from it; `lapsed` was never owed.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from portal.terms.rules.numbers import MINOR_DIGITS

Terms = Mapping[str, Any]
BILLING_MONTHS = {"month": 1, "quarter": 3, "year": 12}
SIGNS = {"granted": 1, "interest": 1, "returned": -1, "paid": -1, "expired": -1, "lapsed": 0}
REFUND_WITHIN = timedelta(days=30)
ZERO = Decimal(0)


@dataclass(frozen=True)
class Line:
    """One line: whose month it is, what it says, when, and how much."""

    month: str
    kind: str
    on: date
    amount: Decimal | None
    currency: str | None
    extension: Fraction = Fraction(0)


@dataclass(frozen=True)
class Owed:
    """A credit that is granted and not settled: what is left of it, when due, and its interest."""

    month: str
    amount: Decimal
    currency: str
    due: date | None
    interest: Decimal


def balance(lines: Iterable[Line]) -> dict[str, Decimal]:
    """Return what is owed in all, by currency; below zero where more was earned back than owed."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        if line.amount is not None and line.currency:
            sums.setdefault(line.currency, ZERO)
            sums[line.currency] += SIGNS[line.kind] * line.amount
    return {currency: amount for currency, amount in sums.items() if amount}


def added_time(lines: Iterable[Line]) -> timedelta:
    """Return the time that runs free of charge after the last term, in whole days (clause 12.8)."""
    signs = SIGNS | {"expired": 0, "paid": 0}
    minutes = sum((signs[line.kind] * line.extension for line in lines), Fraction(0))
    return timedelta(days=-(-minutes // (24 * 60)))


def still_owed(
    lines: Sequence[Line], terms: Terms, *, start: date, ended: date | None, on: date
) -> list[Owed]:
    """Return the credits that wait for their payment, the oldest month first."""
    found = []
    for granted in (line for line in lines if line.kind == "granted"):
        mine = [line for line in lines if line.month == granted.month]
        if granted.amount is None or not granted.currency or _is_settled(mine):
            continue
        left = sum((SIGNS[line.kind] * (line.amount or ZERO) for line in mine), ZERO)
        if left > 0:
            due = payment_due(granted.on, terms, start=start, ended=ended)
            late = interest(left, granted.currency, terms, due=due, on=on)
            found.append(Owed(granted.month, left, granted.currency, due, late))
    return sorted(found, key=lambda one: one.month)


def _is_settled(lines: Iterable[Line]) -> bool:
    return any(line.kind in ("paid", "expired") for line in lines)


def payment_due(granted: date, terms: Terms, *, start: date, ended: date | None) -> date | None:
    """Return when a credit is due (K9): with the next invoice, or after the contract ends.

    None: no invoice will come any more and the contract asks for no refund, or it has not ended.
    """
    last = None if ended is None else ended + REFUND_WITHIN
    if terms.get("K9") == "cash_at_end":
        return last
    invoice = _next_invoice(granted, terms, start)
    if ended is None or invoice <= ended:
        return invoice
    return last if terms.get("K9") == "refund_if_none" else None


def _next_invoice(granted: date, terms: Terms, start: date) -> date:
    """Return the begin of the first billing period after a day, counted from the service start."""
    months = BILLING_MONTHS[str(terms.get("O5.period") or "month")]
    passed = (granted.year - start.year) * 12 + granted.month - start.month
    step = max(0, passed // months)
    while (begin := months_later(start, step * months)) <= granted:
        step += 1
    return begin


def months_later(start: date, months: int) -> date:
    """Return the day so many months after an anchor; a day the month lacks is its last one."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def interest(
    amount: Decimal, currency: str, terms: Terms, *, due: date | None, on: date
) -> Decimal:
    """Return the simple interest of a credit not paid when due: months, and days as thirtieths."""
    rate = terms.get("K9.interest")
    if rate is None or due is None or on <= due:
        return ZERO
    months = (on.year - due.year) * 12 + on.month - due.month
    if months_later(due, months) > on:
        months -= 1
    days = (on - months_later(due, months)).days
    exact = Fraction(amount) * Fraction(Decimal(str(rate))) / 100 * (months + Fraction(days, 30))
    return rounded(exact, currency)


def rounded(exact: Fraction, currency: str) -> Decimal:
    """Return an amount in the smallest unit of its currency, half a unit up."""
    unit = Decimal(1).scaleb(-MINOR_DIGITS.get(currency, 2))
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(
        unit, rounding=ROUND_HALF_UP
    )


def expires(terms: Terms, *, ended: date | None) -> bool:
    """Return whether what is not used by now is forgotten: the contract has ended (K10)."""
    return ended is not None and bool(terms.get("K10"))
