"""The figures of a month: one pure function from facts and terms to a document that is hashed.

Format "counterpart-statement/1". Every figure names its clause, its term and what it rests on.
Percentages are exact fractions as text beside what is shown; times are RFC 3339 in UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from portal.sla.rules import tzdata_version
from portal.sla.rules import uptime as up
from portal.sla.rules.credits import Banded, Capped, Chronic, cap, money, with_peak_factor
from portal.sla.rules.incident import History
from portal.sla.rules.ladders import BadLadder, ladder_from_term
from portal.sla.rules.promises import Promises
from portal.sla.rules.uptime_terms import hours_between
from portal.statements.rules.judged import (
    CLAUSES,
    Attained,
    Judged,
    MissCredit,
    attainment,
    judged,
    known_history,
    miss_credits,
)
from portal.statements.rules.measured import (
    Earlier,
    Figures,
    MonthFacts,
    Scope,
    Terms,
    exact,
    measured,
    minute_figures,
    piece_figure,
    stamp,
    uptime_figure,
)
from portal.statements.rules.month import PERIOD_MONTHS, Month, service_bounds, term_of
from portal.terms.rules.numbers import MINOR_DIGITS

FORMAT = "counterpart-statement/1"


def figures(facts: MonthFacts) -> Figures:
    """Return the figures of a month; the same facts give the same bytes, whenever asked."""
    terms, month = facts.terms, facts.month
    begin, end = service_bounds(month, terms, facts.start)
    known = _known(facts)
    found = [one for pair in known for one in judged(*pair, now=facts.known_at)]
    mine = [one for one in found if begin <= one.fell_due < end]
    scopes = measured(facts, begin, end)
    attained = attainment(mine, terms)
    hours = hours_between(terms, begin, end)
    quarter = month.first_of(3)
    lines = miss_credits(
        found, terms, quarter=(quarter.bounds(terms)[0], quarter.plus(2).bounds(terms)[1]),
        month=(begin, end), peaks=hours.in_peaks, now=facts.known_at,
    )  # fmt: skip
    uptime = [uptime_figure(one, terms) for one in scopes]
    credits, problems = _credits(scopes, lines, terms)
    capped = _capped(credits, facts)
    reported = [history for _, history in known if begin <= history.reported < end]
    grave = sum(history.events[0].severity == "S1" for history in reported)
    return {
        "format": FORMAT,
        "month": str(month),
        "zone": str(terms.get("M4") or "UTC"),
        "begin": stamp(begin),
        "end": stamp(end),
        "known_at": stamp(facts.known_at),
        "tzdata": tzdata_version(),
        "uptime": uptime,
        "minutes": minute_figures(scopes[0].uptime),
        "pieces": [piece_figure(piece) for piece in scopes[0].uptime.pieces],
        "attainment": [_attained(one) for one in attained],
        "incidents": sorted(history.number for history in reported),
        "s1_incidents": grave,
        "credits": credits,
        "problems": problems,
        "totals": _totals(capped, facts),
        "chronic": _chronic(facts, uptime, attained, grave),
        "claim": {"mode": terms.get("K7"), "window": terms.get("K8")},
    }


def month_credit(facts: MonthFacts, found: Sequence[Judged]) -> Capped:
    """Return what a month's credits come to, before and after the caps, for clocks given."""
    terms, month = facts.terms, facts.month
    begin, end = service_bounds(month, terms, facts.start)
    quarter = month.first_of(3)
    peaks = hours_between(terms, begin, end).in_peaks
    lines = miss_credits(
        found, terms, quarter=(quarter.bounds(terms)[0], quarter.plus(2).bounds(terms)[1]),
        month=(begin, end), peaks=peaks, now=facts.known_at,
    )  # fmt: skip
    scopes = measured(facts, begin, end) if facts.outages or facts.changes else []
    return _capped(_credits(scopes, lines, terms)[0], facts)


# ---- incidents -----------------------------------------------------------------------------------


def _known(facts: MonthFacts) -> list[tuple[Promises, History]]:
    pairs = ((p, known_history(h, facts.known_at)) for p, h in facts.incidents)
    return [(promises, history) for promises, history in pairs if history is not None]


def _attained(one: Attained) -> Figures:
    return {
        "severity": one.severity,
        "aim": one.aim.value,
        "term": one.term,
        "clause": "4.2",
        "met": one.met,
        "missed": one.missed,
        "open": one.open,
        "required": str(one.required),
        "shown": None if one.share is None else str(up.shown(one.share, places=1)),
        "kept": one.kept,
        "incidents": list(one.incidents),
    }


# ---- credits -------------------------------------------------------------------------------------


def _credits(
    scopes: Sequence[Scope], misses: Sequence[MissCredit], terms: Terms
) -> tuple[list[Figures], list[str]]:
    problems: list[str] = []
    lines = []
    try:
        lines = _availability(scopes, terms)
    except BadLadder as defect:
        problems.append(f"The credit ladder (K1) cannot be used: {defect.message}")
    return [*lines, *(_miss_line(miss) for miss in misses)], problems


def _availability(scopes: Sequence[Scope], terms: Terms) -> list[Figures]:
    """Return a line a missed promise; only the greatest earns, the others show why not."""
    if not terms.get("K1"):
        return []
    shape = Banded(ladder_from_term(terms["K1"]))
    factor = Decimal(str(terms.get("K4") or 1))
    lines = []
    for scope in scopes:
        if not scope.judged or scope.kept:
            continue
        base = shape.award(scope.period.percent).percent
        share = scope.period.share_within(scope.peaks)
        percent = with_peak_factor(base, factor=factor, share=share)
        lines.append(_uptime_line(scope, percent, base))
    winner = max(lines, key=lambda line: Fraction(line["percent"]), default=None)
    for line in lines:
        if Fraction(line["percent"]):
            line["earns"] = line is winner
            line["why_not"] = None if line is winner else GREATER
    return lines


GREATER = "the greatest credit for availability is due; bands do not add up"


def _uptime_line(scope: Scope, percent: Fraction, base: Fraction) -> Figures:
    return {
        "kind": "availability",
        "name": scope.name,
        "clause": "12.1",
        "term": "K1",
        "cause": f"{up.shown(scope.period.percent)} % of {scope.target} % promised",
        "refs": sorted({ref for p in scope.period.pieces if p.counted for ref in p.refs}),
        "incident": None,
        "percent": exact(percent),
        "factor": exact(percent / base if base else Fraction(1)),
        "earns": False,
        "why_not": None if base else "no band of the ladder holds this uptime",
    }


def _miss_line(line: MissCredit) -> Figures:
    miss = line.miss
    met = f"met {stamp(miss.met_at)}" if miss.met_at else "not met"
    return {
        "kind": miss.aim.value,
        "name": f"{miss.severity}, incident {miss.incident}",
        "clause": CLAUSES[line.term],
        "term": line.term,
        "cause": f"due {stamp(miss.due)}, {met}",
        "refs": [],
        "incident": miss.incident,
        "percent": exact(line.percent),
        "factor": exact(line.factor),
        "earns": line.why_not is None,
        "why_not": line.why_not,
    }


def _capped(credits: Iterable[Figures], facts: MonthFacts) -> Capped:
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


def _totals(capped: Capped, facts: MonthFacts) -> Figures:
    fee = monthly_fee(facts.terms)
    amounts: dict[str, str | None] = {"amount": None, "currency": None, "fee": None}
    if fee is not None:
        digits = MINOR_DIGITS.get(fee[1], 2)
        amounts = {
            "amount": str(money(capped.due, fee[0], digits=digits)),
            "currency": fee[1],
            "fee": str(money(Fraction(100), fee[0], digits=digits)),
        }
    return {
        "earned": exact(capped.earned),
        "due": exact(capped.due),
        "cut_by_month": exact(capped.cut_by_month),
        "cut_by_term": exact(capped.cut_by_term),
        **amounts,
    }


def _chronic(
    facts: MonthFacts, uptime: Sequence[Figures], attained: Sequence[Attained], s1: int
) -> list[Figures]:
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


def earlier_of(stored: Figures) -> Earlier:
    """Return what a later month needs of stored figures."""
    return Earlier(
        Month.read(stored["month"]), Fraction(stored["totals"]["due"]),
        uptime_missed(stored["uptime"]), any(not a["kept"] for a in stored["attainment"]),
        stored["s1_incidents"],
    )  # fmt: skip


def minutes_shown(text: str) -> str:
    """Return exact minutes as people read them: whole minutes, or with one decimal."""
    number = Fraction(text)
    return str(number) if number.denominator == 1 else f"{float(number):.1f}"


def percent_shown(text: str) -> str:
    """Return an exact percentage of the fee as people read it."""
    number = Fraction(text)
    whole = Decimal(number.numerator) / Decimal(number.denominator)
    return f"{whole.quantize(Decimal('0.01')).normalize():f}"
