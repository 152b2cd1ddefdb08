"""The figures of a month: one pure function from facts and terms to a document that is hashed.

Format "counterpart-statement/1". Every figure names its clause, its term and what it rests on.
Percentages are exact fractions as text beside what is shown; times are RFC 3339 in UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from portal.changes.rules.minutes import work_minutes
from portal.changes.rules.outages import (
    Outage,
    critical_modules,
    downs_of,
    exclusions_of,
    module_downs,
)
from portal.changes.rules.plan import Change
from portal.sla.rules import tzdata_version
from portal.sla.rules import uptime as up
from portal.sla.rules.credits import Banded, Capped, Chronic, cap, money, with_peak_factor
from portal.sla.rules.incident import History
from portal.sla.rules.instants import Span, to_micros
from portal.sla.rules.ladders import BadLadder, ladder_from_term
from portal.sla.rules.promises import Promises
from portal.sla.rules.uptime import Basis, Down, Exclusion, Hours, Uptime, UptimeRule, measure
from portal.sla.rules.uptime_terms import degraded_weight, hours_between, uptime_rule
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
from portal.statements.rules.month import PERIOD_MONTHS, Month, service_bounds, term_of
from portal.terms.rules.numbers import MINOR_DIGITS

FORMAT = "counterpart-statement/1"
Terms = Mapping[str, Any]
Figures = dict[str, Any]


@dataclass(frozen=True)
class Earlier:
    """What an earlier month's statement came to."""

    month: Month
    due_percent: Fraction
    uptime_missed: bool
    attainment_missed: bool
    s1_incidents: int


@dataclass(frozen=True)
class MonthFacts:
    """Everything a month is computed from, as it was known at `known_at`.

    A month that is not over is computed as if nothing more happened in it.

    `incidents` pair each history with the promises of the version it was reported under; they
    reach back to the beginning of the period and of the quarter.
    """

    month: Month
    terms: Terms
    start: date
    known_at: datetime
    incidents: Sequence[tuple[Promises, History]] = ()
    outages: Sequence[Outage] = ()
    changes: Sequence[Change] = ()
    earlier: Sequence[Earlier] = ()


def period_months(terms: Terms) -> int:
    """Return how many months the period of measurement has (D4)."""
    return PERIOD_MONTHS[str(terms.get("D4") or "month")]


def facts_begin(month: Month, terms: Terms) -> datetime:
    """Return from when on facts are needed: the beginning of the period, and of the quarter."""
    first = min(month.first_of(period_months(terms)), month.first_of(3))
    return first.bounds(terms)[0]


def figures(facts: MonthFacts) -> Figures:
    """Return the figures of a month; the same facts give the same bytes, whenever asked."""
    terms, month = facts.terms, facts.month
    begin, end = service_bounds(month, terms, facts.start)
    known = _known(facts)
    found = [one for pair in known for one in judged(*pair, now=facts.known_at)]
    mine = [one for one in found if begin <= one.fell_due < end]
    measured = _measured(facts, begin, end)
    attained = attainment(mine, terms)
    hours = hours_between(terms, begin, end)
    quarter = month.first_of(3)
    lines = miss_credits(
        found, terms, quarter=(quarter.bounds(terms)[0], quarter.plus(2).bounds(terms)[1]),
        month=(begin, end), peaks=hours.in_peaks, now=facts.known_at,
    )  # fmt: skip
    uptime = [_uptime_figure(one, terms) for one in measured]
    credits, problems = _credits(measured, lines, terms)
    capped = _capped(credits, facts)
    reported = [history for _, history in known if begin <= history.reported < end]
    grave = sum(history.events[0].severity == "S1" for history in reported)
    return {
        "format": FORMAT,
        "month": str(month),
        "zone": str(terms.get("M4") or "UTC"),
        "begin": _at(begin),
        "end": _at(end),
        "known_at": _at(facts.known_at),
        "tzdata": tzdata_version(),
        "uptime": uptime,
        "minutes": _minutes(measured[0].uptime),
        "pieces": [_piece(piece) for piece in measured[0].uptime.pieces],
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
    measured = _measured(facts, begin, end) if facts.outages or facts.changes else []
    return _capped(_credits(measured, lines, terms)[0], facts)


# ---- uptime --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scope:
    """One promise of availability, measured over the month and over its whole period."""

    kind: str
    name: str
    clause: str
    term: str
    target: Decimal
    uptime: Uptime
    period: Uptime
    plain: Uptime
    judged: bool
    peaks: tuple[Span, ...]

    @property
    def kept(self) -> bool:
        """Whether the period keeps the promise, compared exactly."""
        return self.period.percent >= Fraction(self.target)


def _measured(facts: MonthFacts, begin: datetime, end: datetime) -> list[Scope]:
    terms, months = facts.terms, period_months(facts.terms)
    first = service_bounds(facts.month.first_of(months), terms, facts.start)[0]
    first = min(first, begin)
    weight, critical = degraded_weight(terms), critical_modules(terms)
    now = min(end, max(begin, facts.known_at))
    outages = [one if one.end else replace(one, end=max(one.begin, now)) for one in facts.outages]
    work = work_minutes(facts.changes, terms, until=now)
    closed = facts.month.ends_period(months)
    outs = [*exclusions_of(outages, terms), *work.exclusions]

    def scope(
        kind: str, name: str, clause: str, term: str, target: str, downs: Sequence[Down],
        excluded: Sequence[Exclusion],
    ) -> Scope:  # fmt: skip
        rule, hours = uptime_rule(terms), hours_between(terms, first, end)
        peaks = hours.in_peaks
        if kind == "peaks":
            rule = UptimeRule(Basis.SALES_CRITICAL, shortest=rule.shortest)
            hours = Hours(selling=peaks)
        ask = _Asked(downs, excluded, hours, rule)
        plain = _Asked(downs, excluded, Hours(), UptimeRule(shortest=rule.shortest))
        month = ask.between(begin, end)
        return Scope(
            kind, name, clause, term, Decimal(str(target)), month,
            month if first == begin else ask.between(first, end),
            plain.between(begin, end), closed, peaks,
        )  # fmt: skip

    all_downs = [*downs_of(outages, degraded=weight, critical=critical), *work.downs]
    found = [scope("software", "The software", "5.1", "D1", terms["D1"], all_downs, outs)]
    if terms.get("D3") and found[0].peaks:
        found.append(scope("peaks", "In peaks", "5.6", "D3", terms["D3"], all_downs, outs))
    for row in terms.get("D5") or ():
        name = row["module"]
        works = [c for c in facts.changes if not c.plan.modules or name in c.plan.modules]
        mine = work_minutes(works, terms, until=now)
        down = [*module_downs(outages, name, degraded=weight), *mine.downs]
        excluded = [*exclusions_of(outages, terms), *mine.exclusions]
        found.append(scope("module", name, "5.7", "D5", row["target"], down, excluded))
    return found


@dataclass(frozen=True)
class _Asked:
    downs: Sequence[Down]
    excluded: Sequence[Exclusion]
    hours: Hours
    rule: UptimeRule

    def between(self, begin: datetime, end: datetime) -> Uptime:
        return measure(
            begin, end, downs=self.downs, exclusions=self.excluded, hours=self.hours, rule=self.rule
        )


def _uptime_figure(scope: Scope, terms: Terms) -> Figures:
    return {
        "scope": scope.kind,
        "name": scope.name,
        "clause": scope.clause,
        "term": scope.term,
        "target": str(scope.target),
        "percent": _exact(scope.uptime.percent),
        "shown": str(up.shown(scope.uptime.percent)),
        "unweighted": str(up.shown(scope.plain.percent)),
        "period": str(terms.get("D4") or "month"),
        "period_percent": _exact(scope.period.percent),
        "period_shown": str(up.shown(scope.period.percent)),
        "judged": scope.judged,
        "kept": scope.kept,
        "down_minutes": _exact(_down_minutes(scope.plain)),
        "refs": sorted({ref for p in scope.uptime.pieces if p.counted for ref in p.refs}),
    }


def _down_minutes(plain: Uptime) -> Fraction:
    return plain.lost / up.MINUTE


def _minutes(uptime: Uptime) -> dict[str, str]:
    return {
        name: _exact(Fraction(to_micros(length), up.MINUTE))
        for name, length in uptime.minutes.items()
    }


def _piece(piece: up.Piece) -> Figures:
    return {
        "begin": _at(piece.begin),
        "end": _at(piece.end),
        "minutes": _exact(Fraction(to_micros(piece.length), up.MINUTE)),
        "counted": piece.counted,
        "reason": piece.reason,
        "weight": _exact(piece.weight),
        "down": _exact(piece.down),
        "refs": list(piece.refs),
    }


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
    measured: Sequence[Scope], misses: Sequence[MissCredit], terms: Terms
) -> tuple[list[Figures], list[str]]:
    problems: list[str] = []
    lines = []
    try:
        lines = _availability(measured, terms)
    except BadLadder as defect:
        problems.append(f"The credit ladder (K1) cannot be used: {defect.message}")
    return [*lines, *(_miss_line(miss) for miss in misses)], problems


def _availability(measured: Sequence[Scope], terms: Terms) -> list[Figures]:
    """Return a line a missed promise; only the greatest earns, the others show why not."""
    if not terms.get("K1"):
        return []
    shape = Banded(ladder_from_term(terms["K1"]))
    factor = Decimal(str(terms.get("K4") or 1))
    lines = []
    for scope in measured:
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
        "percent": _exact(percent),
        "factor": _exact(percent / base if base else Fraction(1)),
        "earns": False,
        "why_not": None if base else "no band of the ladder holds this uptime",
    }


def _miss_line(line: MissCredit) -> Figures:
    miss = line.miss
    return {
        "kind": miss.aim.value,
        "name": f"{miss.severity}, incident {miss.incident}",
        "clause": CLAUSES[line.term],
        "term": line.term,
        "cause": f"due {_at(miss.due)}, {'met ' + _at(miss.met_at) if miss.met_at else 'not met'}",
        "refs": [],
        "incident": miss.incident,
        "percent": _exact(line.percent),
        "factor": _exact(line.factor),
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
        "earned": _exact(capped.earned),
        "due": _exact(capped.due),
        "cut_by_month": _exact(capped.cut_by_month),
        "cut_by_term": _exact(capped.cut_by_term),
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


def _exact(number: Fraction) -> str:
    return str(number)


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def minutes_shown(text: str) -> str:
    """Return exact minutes as people read them: whole minutes, or with one decimal."""
    number = Fraction(text)
    return str(number) if number.denominator == 1 else f"{float(number):.1f}"


def percent_shown(text: str) -> str:
    """Return an exact percentage of the fee as people read it."""
    number = Fraction(text)
    whole = Decimal(number.numerator) / Decimal(number.denominator)
    return f"{whole.quantize(Decimal('0.01')).normalize():f}"
