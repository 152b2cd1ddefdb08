"""Which credits a month earns: a line for each broken commitment, whether or not it earns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from portal.sla.rules import uptime as up
from portal.sla.rules.credits import (
    Award,
    Banded,
    InPlaceOf,
    ProRata,
    StepPerUnit,
    Units,
    with_peak_factor,
)
from portal.sla.rules.instants import to_micros
from portal.sla.rules.ladders import BadLadder, Ladder, band, ladder, ladder_from_term
from portal.statements.rules.judged import Attained, Judged
from portal.statements.rules.measured import Figures, Scope, Terms, exact
from portal.statements.rules.misses import CLAUSES, PRESUMED, Asked, MissCredit, miss_credits
from portal.terms.rules.durations import length_of

ONE = Fraction(1)


@dataclass(frozen=True)
class Rests:
    """What a month's credits rest on: its promises measured, its clocks and their shares."""

    scopes: Sequence[Scope]
    clocks: Sequence[Judged]
    attained: Sequence[Attained]


def credit_lines(on: Rests, terms: Terms, asked: Asked) -> tuple[list[Figures], list[str]]:
    """Return a line for each broken commitment, and what in the terms cannot be reckoned."""
    problems: list[str] = []
    lines = []
    try:
        lines = _availability(on.scopes, terms)
    except BadLadder as defect:
        problems.append(f"The credit ladder ({_source(terms)}) cannot be used: {defect.message}")
    misses = miss_credits(on.clocks, on.attained, terms, asked)
    return [*lines, *(_miss_line(miss) for miss in misses)], problems


# ---- availability --------------------------------------------------------------------------------

Shape = Callable[[Scope], Award]


def _source(terms: Terms) -> str:
    """Return the term that says what a missed availability earns."""
    named = {"extension": "K1.extension", "step": "K1.step"}
    form = str(terms.get("K1.shape") or "bands")
    return named.get(form, "K1.shape" if form.startswith("pro_rata") else "K1")


def _shape_of(terms: Terms) -> Shape | None:
    """Return how a missed availability is turned into an award (K1.shape); None: it earns none."""
    match str(terms.get("K1.shape") or "bands"):
        case "bands" if terms.get("K1"):
            return _banded(ladder_from_term(terms["K1"]))
        case "extension" if terms.get("K1.extension"):
            return _banded(_more_time(terms))
        case "pro_rata":
            return _by_minute(InPlaceOf.MONEY)
        case "pro_rata_time":
            return _by_minute(InPlaceOf.TIME)
        case "step":
            return _stepped(terms)
    return None


def _more_time(terms: Terms) -> Ladder:
    rows = terms["K1.extension"]
    return ladder(
        band(row["from"], row["to"], length_of(row["time"]) or timedelta(0)) for row in rows
    )


def _banded(bands: Ladder) -> Shape:
    def award(scope: Scope) -> Award:
        # A presumed miss lies just below the promise: in the band that ends there.
        below = Fraction(scope.target) - Fraction(1, 10**9)
        return Banded(bands).award(below if scope.only_presumed else scope.period.percent)

    return award


def _by_minute(form: InPlaceOf) -> Shape:
    def award(scope: Scope) -> Award:
        shape = ProRata(scope.target, form)
        found = shape.award(scope.period.percent, period=scope.served)
        # The fee of a minute is that of the whole period, also where service began within it.
        fees = Fraction(to_micros(scope.served), to_micros(scope.whole)) * scope.months
        return Award(percent=found.percent * fees, extension=found.extension)

    return award


def _stepped(terms: Terms) -> Shape | None:
    unit, most = length_of(terms.get("K1.unit")), terms.get("K1.most")
    if unit is None or terms.get("K1.step") is None:
        return None
    shape = StepPerUnit(
        Decimal(str(terms["K1.step"])), unit, Units(terms.get("K1.units") or "full"),
        None if most is None else Decimal(str(most)),
    )  # fmt: skip

    def award(scope: Scope) -> Award:
        short = ProRata(scope.target, InPlaceOf.TIME).award(
            scope.period.percent, period=scope.served
        )
        return shape.award(timedelta.resolution if scope.only_presumed else short.extension)

    return award


def _availability(scopes: Sequence[Scope], terms: Terms) -> list[Figures]:
    """Return a line a missed promise; only the greatest earns, the others show why not."""
    shape = _shape_of(terms)
    if shape is None:
        return []
    factor = Decimal(str(terms.get("K4") or 1))
    lines = []
    for scope in scopes:
        if not scope.judged or scope.kept:
            continue
        # What a missing report is the cause of lies in no peak.
        share = Fraction(0) if scope.only_presumed else scope.period.share_within(scope.peaks)
        times = with_peak_factor(ONE, factor=factor, share=share)
        lines.append(_uptime_line(scope, shape(scope), times, _source(terms)))
    winner = max(lines, key=_worth, default=None)
    for line in lines:
        if any(_worth(line)):
            line["earns"] = line is winner
            line["why_not"] = None if line is winner else GREATER
    return lines


def _worth(line: Figures) -> tuple[Fraction, Fraction]:
    return Fraction(line["percent"]), Fraction(line["extension"])


GREATER = "the greatest credit for availability is due; bands do not add up"


def _uptime_line(scope: Scope, award: Award, times: Fraction, term: str) -> Figures:
    minutes = Fraction(to_micros(award.extension), up.MINUTE)
    cause = f"{up.shown(scope.period.percent)} % of {scope.target} % promised"
    return {
        "kind": "availability",
        "name": scope.name,
        "clause": "12.1",
        "term": term,
        "cause": PRESUMED if scope.only_presumed else cause,
        "refs": sorted({ref for p in scope.period.pieces if p.counted for ref in p.refs}),
        "incident": None,
        "percent": exact(award.percent * times),
        "extension": exact(minutes * times),
        "factor": exact(times),
        "earns": False,
        "why_not": "nothing in the terms pays for this uptime",
    }


def _miss_line(line: MissCredit) -> Figures:
    return {
        "kind": line.aim.value,
        "name": line.name,
        "clause": CLAUSES[line.term],
        "term": line.term,
        "cause": line.cause,
        "refs": [],
        "incident": line.incident,
        "percent": exact(line.percent),
        "extension": "0",
        "factor": exact(line.factor),
        "earns": line.why_not is None,
        "why_not": line.why_not,
    }
