"""What a month's credits come to: under the caps, in money; and whether failure is chronic."""

from collections.abc import Iterable, Mapping, Sequence
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


def totals(found: Capped, facts: MonthFacts) -> Figures:
    """Return the sums as figures, in percent of the monthly fee and in money."""
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
        **amounts,
    }


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
