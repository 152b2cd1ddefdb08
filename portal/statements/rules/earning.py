"""Which credits a month earns: a line for each broken commitment, whether or not it earns."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from portal.sla.rules import uptime as up
from portal.sla.rules.credits import Banded, with_peak_factor
from portal.sla.rules.ladders import BadLadder, ladder_from_term
from portal.statements.rules.judged import CLAUSES, MissCredit
from portal.statements.rules.measured import Figures, Scope, Terms, exact, stamp


def credit_lines(
    scopes: Sequence[Scope], misses: Sequence[MissCredit], terms: Terms
) -> tuple[list[Figures], list[str]]:
    """Return a line for each broken commitment, and what in the terms cannot be reckoned."""
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
