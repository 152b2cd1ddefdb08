"""The figures of a month: one pure function from facts and terms to a document that is hashed.

Format "counterpart-statement/1". Every figure names its clause, its term and what it rests on.
Percentages are exact fractions as text beside what is shown; times are RFC 3339 in UTC.
"""

from collections.abc import Sequence
from fractions import Fraction

from portal.sla.rules import tzdata_version
from portal.sla.rules import uptime as up
from portal.sla.rules.credits import Capped
from portal.sla.rules.incident import History
from portal.sla.rules.promises import Promises
from portal.sla.rules.uptime_terms import hours_between
from portal.statements.rules.earning import credit_lines
from portal.statements.rules.judged import (
    Attained,
    Judged,
    attainment,
    judged,
    known_history,
    miss_credits,
)
from portal.statements.rules.measured import (
    Earlier,
    Figures,
    MonthFacts,
    measured,
    minute_figures,
    piece_figure,
    stamp,
    uptime_figure,
)
from portal.statements.rules.month import Month, service_bounds
from portal.statements.rules.totals import capped, chronic, totals, uptime_missed

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
    credits, problems = credit_lines(scopes, lines, terms)
    sums = capped(credits, facts)
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
        "totals": totals(sums, facts),
        "chronic": chronic(facts, uptime, attained, grave),
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
    return capped(credit_lines(scopes, lines, terms)[0], facts)


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


def earlier_of(stored: Figures) -> Earlier:
    """Return what a later month needs of stored figures."""
    return Earlier(
        Month.read(stored["month"]), Fraction(stored["totals"]["due"]),
        uptime_missed(stored["uptime"]), any(not a["kept"] for a in stored["attainment"]),
        stored["s1_incidents"],
    )  # fmt: skip
