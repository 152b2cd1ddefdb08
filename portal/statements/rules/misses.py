"""What missed targets earn (clauses 12.2 to 12.5): for each miss, each unit late, or each point."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from portal.sla.rules.credits import (
    FlatPerFailure,
    LinearPerPoint,
    StepPerUnit,
    Units,
    with_peak_factor,
)
from portal.sla.rules.instants import Span, clip, to_instant, to_micros, to_moment, union, without
from portal.sla.rules.promises import AIM_WORDS, Aim
from portal.sla.rules.uptime import shown
from portal.statements.rules.judged import Attained, Judged, Terms
from portal.statements.rules.measured import stamp
from portal.terms.rules.durations import length_of

# Clause 12.2 pays for first responses and updates, clause 12.3 for workarounds and resolutions.
CREDIT_TERM = {
    Aim.RESPONSE: "K2",
    Aim.UPDATE: "K2",
    Aim.WORKAROUND: "K3",
    Aim.RESOLUTION: "K3",
}
CLAUSES = {"K2": "12.2", "K3": "12.3"}
PER_MISS, PER_UNIT, PER_POINT = "miss", "late", "point"
NOTHING = Fraction(0)


@dataclass(frozen=True)
class MissCredit:
    """What one missed target, or one missed share of targets, earns; or why it earns nothing."""

    aim: Aim
    term: str
    name: str
    cause: str
    percent: Fraction
    factor: Fraction
    incident: int | None = None
    why_not: str | None = None


@dataclass(frozen=True)
class Asked:
    """The month that is asked about, its quarter, the peaks, and the moment of asking."""

    month: tuple[datetime, datetime]
    quarter: tuple[datetime, datetime]
    peaks: Sequence[Span]
    now: datetime


def miss_credits(
    found: Sequence[Judged], attained: Iterable[Attained], terms: Terms, asked: Asked
) -> list[MissCredit]:
    """Return what a month's misses earn, in the order they fell due, then the shares.

    `found` holds all clocks of the quarter so far, since the first misses of a quarter may be free,
    and of whole incidents, since the same minutes are paid for once.
    """
    misses = [one for one in found if one.missed and not one.open and _is_paid(one, terms)]
    misses = [one for one in misses if shape_of(CREDIT_TERM[one.aim], terms) != PER_POINT]
    misses.sort(key=lambda one: (one.due, one.incident, one.aim))
    doubled = _same_minutes(misses, asked.now)
    free = int(terms.get("K2.misses") or 0)
    lines: list[MissCredit] = []
    for miss in misses:
        why_not = "the same minutes earn a credit already" if miss in doubled else None
        in_quarter = asked.quarter[0] <= miss.due < asked.quarter[1]
        if not why_not and in_quarter and free and CREDIT_TERM[miss.aim] == "K2":
            free -= 1
            why_not = "one of the misses of the quarter that earn nothing"
        lines += _lines(miss, terms, asked, why_not)
    lines += [line for one in attained for line in _share_lines(one, terms, asked)]
    return _at_most(lines, terms)


def shape_of(term: str, terms: Terms) -> str:
    """Return what a credit for misses is earned for (K2.shape, K3.shape)."""
    return str(terms.get(f"{term}.shape") or PER_MISS)


def _is_paid(miss: Judged, terms: Terms) -> bool:
    return _is_commitment(miss.severity, CREDIT_TERM[miss.aim], terms)


def _is_commitment(severity: str, term: str, terms: Terms) -> bool:
    return terms.get(f"C4.{severity}.commitment") == "credit" and terms.get(term) is not None


def _same_minutes(misses: Sequence[Judged], now: datetime) -> set[Judged]:
    """Return the misses whose late time overlaps that of an earlier one of the same kind."""
    doubled: set[Judged] = set()
    reach: dict[tuple[int, str], datetime] = {}
    for miss in misses:
        key = miss.incident, CREDIT_TERM[miss.aim]
        end = miss.met_at or now
        if key in reach and miss.due < reach[key]:
            doubled.add(miss)
        reach[key] = max(reach.get(key, end), end)
    return doubled


# ---- for each miss, and for each unit of time late -----------------------------------------------


def _lines(miss: Judged, terms: Terms, asked: Asked, why_not: str | None) -> list[MissCredit]:
    """Return the line of a miss in this month: where it fell due, or while it goes on costing."""
    term, (begin, end) = CREDIT_TERM[miss.aim], asked.month
    late = max(miss.due, begin), min(miss.met_at or asked.now, end)
    fell_due = begin <= miss.due < end
    if shape_of(term, terms) == PER_UNIT:
        base = _passed(miss, term, terms, begin, late[1])
        if not fell_due and (late[0] >= late[1] or not base):
            return []
        why_not = why_not or (None if base else "no unit of time late has counted yet")
    elif fell_due:
        base = FlatPerFailure(Decimal(str(terms[term]))).award(1).percent
    else:
        return []
    inside = sum(e - b for b, e in clip(asked.peaks, to_instant(late[0]), to_instant(late[1])))
    length = to_micros(late[1] - late[0])
    factor = _factor(Fraction(inside, length) if length > 0 else NOTHING, terms)
    met = f"met {stamp(miss.met_at)}" if miss.met_at else "not met"
    line = MissCredit(
        miss.aim, term, f"{miss.severity}, incident {miss.incident}",
        f"due {stamp(miss.due)}, {met}", base * factor, factor, miss.incident,
    )  # fmt: skip
    return [replace(line, percent=NOTHING, why_not=why_not) if why_not else line]


def _passed(miss: Judged, term: str, terms: Terms, begin: datetime, until: datetime) -> Fraction:
    """Return what the units that passed in a month earn: up to its end, less up to its begin."""
    shape = _step(term, terms)
    if shape is None:
        return NOTHING
    before = shape.award(_late(miss, begin)).percent
    return max(NOTHING, shape.award(_late(miss, until)).percent - before)


def _step(term: str, terms: Terms) -> StepPerUnit | None:
    unit = length_of(terms.get(f"{term}.unit"))
    if unit is None:
        return None
    units = Units(terms.get(f"{term}.units") or "full")
    return StepPerUnit(Decimal(str(terms[term])), unit, units)


def _late(miss: Judged, until: datetime) -> timedelta:
    """Return the time late up to a moment, round the clock and without pauses."""
    if until <= miss.due:
        return timedelta(0)
    holes = union(
        (to_instant(begin), to_instant(end or until)) for begin, end in miss.pauses
    )  # fmt: skip
    left = without([(to_instant(miss.due), to_instant(until))], holes)
    return to_moment(sum(end - begin for begin, end in left)) - to_moment(0)


def _factor(share: Fraction, terms: Terms) -> Fraction:
    return with_peak_factor(Fraction(1), factor=Decimal(str(terms.get("K4") or 1)), share=share)


# ---- for each point of attainment ----------------------------------------------------------------


def _share_lines(one: Attained, terms: Terms, asked: Asked) -> Iterable[MissCredit]:
    """Return what a share of targets earns: its points short, or the miss that is presumed."""
    term = CREDIT_TERM[one.aim]
    if not _is_commitment(one.severity, term, terms):
        return
    per_point = shape_of(term, terms) == PER_POINT
    name = f"{one.severity}, share of {AIM_WORDS[one.aim].lower()} targets met"
    if per_point and one.share is not None and not one.reached:
        shape = LinearPerPoint(one.required, Decimal(str(terms[term])))
        base = shape.award(one.share).percent
        moments = [to_instant(moment) for moment in one.missed_at]
        inside = sum(any(b <= at < e for b, e in asked.peaks) for at in moments)
        factor = _factor(Fraction(inside, len(moments)), terms)
        cause = f"{shown(one.share, places=1)} % of {one.required} % asked for"
        why_not = None if base else "less than a full point is missing"
        yield MissCredit(
            one.aim, term, name, cause, base * factor, factor, why_not=why_not
        )  # fmt: skip
    elif one.presumed and one.reached:
        step = _step(term, terms) if shape_of(term, terms) == PER_UNIT else None
        base = step.award(step.unit).percent if step else Fraction(Decimal(str(terms[term])))
        yield MissCredit(one.aim, term, name, PRESUMED, base, Fraction(1))


PRESUMED = "no report in time, so it counts as missed"


def _at_most(lines: Iterable[MissCredit], terms: Terms) -> list[MissCredit]:
    """Cut the lines of each term once the most for a month is reached (K2.most, K3.most)."""
    room = {
        term: Fraction(Decimal(str(terms[f"{term}.most"])))
        for term in CLAUSES
        if terms.get(f"{term}.most") is not None
    }
    kept = []
    for line in lines:
        left = room.get(line.term, line.percent)
        percent = min(line.percent, left)
        if line.term in room:
            room[line.term] -= percent
        full = line.percent and not percent
        why_not = "the most for a month is reached" if full else line.why_not
        kept.append(replace(line, percent=percent, why_not=why_not))
    return kept
