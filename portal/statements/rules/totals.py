"""What a month's credits come to: under the caps, in money; and whether failure is chronic."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from portal.sla.rules.credits import Capped, Chronic, cap, money
from portal.statements.rules.judged import Attained
from portal.statements.rules.measured import Figures, MonthFacts, Terms, exact
from portal.statements.rules.month import PERIOD_MONTHS, Month, term_of
from portal.terms.rules.numbers import MINOR_DIGITS


def capped(credits: Iterable[Figures], facts: MonthFacts) -> Capped:
    """Return the sum of what the lines earn, before and after the caps (clause 12.6)."""
    terms = facts.terms
    earned = sum((Fraction(c["percent"]) for c in credits if c["earns"]), Fraction(0))
    first, months = term_of(facts.month, Month(facts.start.year, facts.start.month), terms)
    used = sum(
        (one.due_percent for one in facts.earlier if first <= one.month < facts.month), Fraction(0)
    )
    return cap(
        earned, monthly=_percent(terms.get("K5")), term=_percent(terms.get("K6")), used=used,
        months=months,
    )  # fmt: skip


def _percent(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def monthly_fee(terms: Terms) -> tuple[Decimal, str] | None:
    """Return the fee of one month and its currency (clause 12.5); None where none is agreed."""
    base = terms.get("O1")
    if not isinstance(base, Mapping):
        return None
    months = PERIOD_MONTHS[str(terms.get("O1.period") or "month")]
    return Decimal(base["amount"]) / months, base["currency"]


def added_minutes(credits: Iterable[Figures]) -> Fraction:
    """Return the minutes that the lines add to the contract; no cap limits them (clause 12.8)."""
    return sum((Fraction(c["extension"]) for c in credits if c["earns"]), Fraction(0))


@dataclass(frozen=True)
class MonthCredit:
    """What the credits of a month come to: the fee's share under its caps, and minutes of time."""

    capped: Capped
    extension: Fraction


def totals(found: Capped, credits: Iterable[Figures], facts: MonthFacts) -> Figures:
    """Return the sums as figures, in percent of the monthly fee, in money and in minutes added."""
    fee = monthly_fee(facts.terms)
    amounts: dict[str, str | None] = {"amount": None, "currency": None, "fee": None}
    if fee is not None:
        digits = MINOR_DIGITS.get(fee[1], 2)
        amounts = {
            "amount": str(money(found.due, fee[0], digits=digits)),
            "currency": fee[1],
            "fee": str(money(Fraction(100), fee[0], digits=digits)),
        }
    return {
        "earned": exact(found.earned),
        "due": exact(found.due),
        "cut_by_month": exact(found.cut_by_month),
        "cut_by_term": exact(found.cut_by_term),
        "extension": exact(added_minutes(credits)),
        **amounts,
    }


def earned_back(facts: MonthFacts, *, kept: bool) -> list[Figures]:
    """Return the credit that this month's good end earns back (clause 12.9): one month's, or none.

    It is that of the month directly before so many months in a row that kept every promise.
    """
    terms = facts.terms
    months, share = terms.get("K15.months"), terms.get("K15.share")
    if not terms.get("K15") or not months or share is None or not kept:
        return []
    by_month = {one.month: one for one in facts.earlier}
    row = [by_month.get(facts.month.plus(-back)) for back in range(1, months)]
    bad = by_month.get(facts.month.plus(-months))
    if bad is None or not all(one and one.every_promise_kept for one in row):
        return []
    part = Fraction(Decimal(str(share))) / 100
    percent, extension = bad.due_percent * part, bad.extension * part
    if bad.every_promise_kept or not (percent or extension):
        return []
    return [{
        "month": str(bad.month), "share": exact(part * 100), "percent": exact(percent),
        "extension": exact(extension), "clause": "12.9", "term": "K15",
    }]  # fmt: skip


def every_promise_kept(uptime: Iterable[Figures], attainment: Iterable[Figures]) -> bool:
    """Return whether each commitment judged in the month was kept."""
    shares = [row for row in attainment if row["commitment"]]
    return all(f["kept"] or not f["judged"] for f in uptime) and all(f["kept"] for f in shares)


def chronic(
    facts: MonthFacts, uptime: Sequence[Figures], attained: Sequence[Attained], s1: int
) -> list[Figures]:
    """Return how far each kind of chronic failure has come by this month (clause 12.11)."""
    before = sorted((e for e in facts.earlier if e.month < facts.month), key=lambda e: e.month)
    flags = {
        "uptime_months": [*(e.uptime_missed for e in before), uptime_missed(uptime)],
        "attainment_months": [
            *(e.attainment_missed for e in before), any(not one.kept for one in attained),
        ],
    }  # fmt: skip
    counts = [*(e.s1_incidents for e in before), s1]
    rows = []
    for row in facts.terms.get("K13") or ():
        within = _within_months(row["within"])
        if row["failure"] == "s1_incidents":
            reached = sum(counts[-within:])
            failed = reached >= row["count"]
        else:
            missed = flags[row["failure"]]
            reached = sum(missed[-within:])
            failed = Chronic(row["count"], within).award(missed).may_end
        rows.append({
            "failure": row["failure"], "count": row["count"], "within": within,
            "reached": reached, "failed": failed, "clause": "12.11", "term": "K13",
        })  # fmt: skip
    return rows


def uptime_missed(figures: Iterable[Figures]) -> bool:
    """Return whether the software as a whole missed its uptime in a judged period."""
    return any(f["scope"] == "software" and f["judged"] and not f["kept"] for f in figures)


def _within_months(value: Mapping[str, Any]) -> int:
    return int(value["n"]) if value["unit"] == "mo" else max(1, -(-int(value["n"]) // 30))
