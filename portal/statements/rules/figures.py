"""The figures of a month: one pure function from facts and terms to a document that is hashed.

Format "counterpart-statement/1". Every figure names its clause, its term and what it rests on.
Percentages are exact fractions as text beside what is shown; times are RFC 3339 in UTC.
"""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from portal.sla.rules import tzdata_version
from portal.sla.rules import uptime as up
from portal.sla.rules.incident import History
from portal.sla.rules.promises import Promises
from portal.sla.rules.uptime_terms import hours_between
from portal.statements.rules.earning import Rests, credit_lines
from portal.statements.rules.judged import (
    Attained,
    Judged,
    attainment,
    judged,
    known_history,
)
from portal.statements.rules.measured import (
    Earlier,
    Figures,
    MonthFacts,
    Terms,
    measured,
    minute_figures,
    piece_figure,
    stamp,
    uptime_figure,
)
from portal.statements.rules.misses import Asked
from portal.statements.rules.month import Month
from portal.statements.rules.reports import is_missing, report_due, report_missing_from
from portal.statements.rules.totals import (
    MonthCredit,
    added_minutes,
    capped,
    chronic,
    earned_back,
    every_promise_kept,
    totals,
    uptime_missed,
)

FORMAT = "counterpart-statement/1"


def figures(facts: MonthFacts) -> Figures:
    """Return the figures of a month; the same facts give the same bytes, whenever asked."""
    terms, month = facts.terms, facts.month
    begin, end = facts.bounds
    known = _known(facts)
    found = [one for pair in known for one in judged(*pair, now=facts.known_at)]
    mine = [one for one in found if begin <= one.fell_due < end]
    missing = is_missing(month, terms, delivered=facts.delivered, now=facts.known_at)
    scopes = measured(facts, begin, end, presumed=missing)
    attained = [replace(one, presumed=missing) for one in attainment(mine, terms)]
    uptime = [uptime_figure(one, terms) for one in scopes]
    lines, problems = credit_lines(Rests(scopes, found, attained), terms, _asked(facts))
    reported = [history for _, history in known if begin <= history.reported < end]
    grave = sum(history.events[0].severity == "S1" for history in reported)
    shares = [_attained(one, terms) for one in attained]
    kept = every_promise_kept(uptime, shares)
    return {
        "format": FORMAT,
        "month": str(month),
        "zone": str(terms.get("M4") or "UTC"),
        "begin": stamp(begin),
        "end": stamp(end),
        "known_at": stamp(facts.known_at),
        "tzdata": tzdata_version(),
        "report": _report(facts, missing=missing),
        "uptime": uptime,
        "minutes": minute_figures(scopes[0].uptime),
        "pieces": [piece_figure(piece) for piece in scopes[0].uptime.pieces],
        "attainment": shares,
        "incidents": sorted(history.number for history in reported),
        "s1_incidents": grave,
        "credits": lines,
        "problems": problems,
        "totals": totals(capped(lines, facts), lines, facts),
        "earned_back": earned_back(facts, kept=kept),
        "chronic": chronic(facts, uptime, attained, grave),
        "claim": {"mode": terms.get("K7"), "window": terms.get("K8")},
    }


def month_credit(facts: MonthFacts, found: Sequence[Judged]) -> MonthCredit:
    """Return what a month's credits come to, before and after the caps, for clocks given."""
    terms, (begin, end) = facts.terms, facts.bounds
    scopes = measured(facts, begin, end) if facts.outages or facts.changes else []
    mine = [one for one in found if begin <= one.fell_due < end]
    rests = Rests(scopes, found, attainment(mine, terms))
    lines, _ = credit_lines(rests, terms, _asked(facts))
    return MonthCredit(capped(lines, facts), added_minutes(lines))


def _asked(facts: MonthFacts) -> Asked:
    terms, month = facts.terms, facts.month
    begin, end = facts.bounds
    first = month.first_of(3)
    quarter = first.bounds(terms)[0], first.plus(2).bounds(terms)[1]
    return Asked((begin, end), quarter, hours_between(terms, begin, end).in_peaks, facts.known_at)


def _report(facts: MonthFacts, *, missing: bool) -> Figures:
    due = report_due(facts.month, facts.terms)
    since = report_missing_from(facts.month, facts.terms)
    return {
        "due": due and stamp(due),
        "missing_from": since and stamp(since),
        "missing": missing,
        "clause": "12.13",
        "term": "K16",
    }


# ---- incidents -----------------------------------------------------------------------------------


def _known(facts: MonthFacts) -> list[tuple[Promises, History]]:
    pairs = ((p, known_history(h, facts.known_at)) for p, h in facts.incidents)
    return [(promises, history) for promises, history in pairs if history is not None]


def _attained(one: Attained, terms: Terms) -> Figures:
    return {
        "severity": one.severity,
        "aim": one.aim.value,
        "term": one.term,
        "clause": "4.2",
        "met": one.met,
        "missed": one.missed,
        "open": one.open,
        "required": str(one.required),
        "commitment": terms.get(f"C4.{one.severity}.commitment") == "credit",
        "shown": None if one.share is None else str(up.shown(one.share, places=1)),
        "kept": one.kept,
        "presumed": one.presumed and one.reached,
        "incidents": list(one.incidents),
    }


def earlier_of(stored: Figures) -> Earlier:
    """Return what a later month needs of stored figures."""
    return Earlier(
        Month.read(stored["month"]), Fraction(stored["totals"]["due"]),
        uptime_missed(stored["uptime"]), any(not a["kept"] for a in stored["attainment"]),
        stored["s1_incidents"], Fraction(stored["totals"]["extension"]),
        every_promise_kept(stored["uptime"], stored["attainment"]),
    )  # fmt: skip
