"""The incidents of a month as a statement counts them: which targets fell due, met or missed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from portal.sla.rules.credits import with_peak_factor
from portal.sla.rules.incident import History, is_excluded
from portal.sla.rules.instants import Span, clip, to_instant
from portal.sla.rules.outcomes import Outcome, outcomes
from portal.sla.rules.promises import AIM_WORDS, SEVERITIES, Aim, Promises

Terms = Mapping[str, Any]
# Clause 12.2 pays for first responses and updates, clause 12.3 for workarounds and resolutions.
CREDIT_TERM = {
    Aim.RESPONSE: "K2",
    Aim.UPDATE: "K2",
    Aim.WORKAROUND: "K3",
    Aim.RESOLUTION: "K3",
}
CLAUSES = {"K2": "12.2", "K3": "12.3"}


@dataclass(frozen=True)
class Judged:
    """One clock of one incident that fell due: met, missed, or not yet decided."""

    incident: int
    aim: Aim
    severity: str
    term: str
    fell_due: datetime
    due: datetime
    met_at: datetime | None
    missed: bool
    open: bool


def known_history(history: History, known_at: datetime) -> History | None:
    """Return a history as it was known at a moment; None before the report was written."""
    kept = [e for e in history.events if (e.written_at or e.at) <= known_at]
    if not kept or kept[0] is not history.events[0]:
        return None
    if len(kept) == len(history.events):
        return history
    return History.of(history.number, kept, module=history.module, id=history.id)


def judged(promises: Promises, history: History, *, now: datetime) -> list[Judged]:
    """Return the decided clocks of an incident at a moment; an excluded incident has none.

    What contested time or a contested exclusion decides is open: it counts for neither side yet
    (clause 4.13).
    """
    excluded = is_excluded(history)
    if excluded:
        return []
    return [
        _judged(history.number, outcome, contested=excluded is None)
        for outcome in outcomes(promises, history, now=now)
        if outcome.due is not None and not outcome.superseded and outcome.settled
    ]


def _judged(number: int, outcome: Outcome, *, contested: bool) -> Judged:
    fell_due, due = outcome.fell_due_at, outcome.due
    if fell_due is None or due is None:
        raise ValueError("only a clock with a due instant falls due")
    return Judged(
        number, outcome.aim, outcome.severity, outcome.promise.term, fell_due, due, outcome.met_at,
        missed=outcome.breached, open=contested or outcome.disputed,
    )  # fmt: skip


@dataclass(frozen=True)
class Attained:
    """How many of one severity's targets of one aim were met in a month."""

    severity: str
    aim: Aim
    term: str
    met: int
    missed: int
    open: int
    required: Decimal
    incidents: tuple[int, ...]

    @property
    def share(self) -> Fraction | None:
        """The share met in percent, exact; None where nothing fell due."""
        total = self.met + self.missed
        return Fraction(100 * self.met, total) if total else None

    @property
    def kept(self) -> bool:
        """Whether the share reaches what was promised; nothing due counts as kept."""
        return self.share is None or self.share >= Fraction(self.required)


def attainment(found: Iterable[Judged], terms: Terms) -> list[Attained]:
    """Count a month's clocks by severity and aim, those with something due."""
    groups: dict[tuple[str, Aim], list[Judged]] = {}
    for one in found:
        groups.setdefault((one.severity, one.aim), []).append(one)
    return [
        _attained(severity, aim, groups[severity, aim], terms)
        for severity in SEVERITIES
        for aim in Aim
        if (severity, aim) in groups
    ]


def _attained(severity: str, aim: Aim, rows: Sequence[Judged], terms: Terms) -> Attained:
    decided = [row for row in rows if not row.open]
    missed = [row for row in decided if row.missed]
    return Attained(
        severity, aim, rows[0].term, met=len(decided) - len(missed), missed=len(missed),
        open=len(rows) - len(decided),
        required=Decimal(str(terms.get(f"C4.{severity}.attainment") or 0)),
        incidents=tuple(sorted({row.incident for row in missed})),
    )  # fmt: skip


@dataclass(frozen=True)
class MissCredit:
    """What one missed target earns, or why it earns nothing."""

    miss: Judged
    term: str
    percent: Fraction
    factor: Fraction
    why_not: str | None = None


def miss_credits(
    found: Sequence[Judged],
    terms: Terms,
    *,
    quarter: tuple[datetime, datetime],
    month: tuple[datetime, datetime],
    peaks: Sequence[Span],
    now: datetime,
) -> list[MissCredit]:
    """Return the credits of a month's misses (clauses 12.2 to 12.5), in the order they fell due.

    `found` holds all clocks of the quarter so far, since the first misses of a quarter may be free,
    and of whole incidents, since the same minutes are paid for once.
    """
    misses = [one for one in found if one.missed and not one.open and _is_paid(one, terms)]
    misses.sort(key=lambda one: (one.due, one.incident, one.aim))
    doubled = _same_minutes(misses, now)
    free = int(terms.get("K2.misses") or 0)
    lines: list[MissCredit] = []
    for miss in misses:
        term, why_not = CREDIT_TERM[miss.aim], None
        if not quarter[0] <= miss.due < quarter[1]:
            continue
        if miss in doubled:
            why_not = "the same minutes earn a credit already"
        elif term == "K2" and free:
            free -= 1
            why_not = "one of the misses of the quarter that earn nothing"
        if month[0] <= miss.due < month[1]:
            lines.append(_line(miss, term, terms, month[1], peaks, now, why_not))
    return lines


def _is_paid(miss: Judged, terms: Terms) -> bool:
    committed = terms.get(f"C4.{miss.severity}.commitment") == "credit"
    return committed and terms.get(CREDIT_TERM[miss.aim]) is not None


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


def _line(
    miss: Judged, term: str, terms: Terms, end: datetime, peaks: Sequence[Span], now: datetime,
    why_not: str | None,
) -> MissCredit:  # fmt: skip
    base = Fraction(Decimal(str(terms[term])))
    late = to_instant(miss.due), to_instant(min(miss.met_at or now, end))
    inside = sum(e - b for b, e in clip(peaks, *late))
    share = Fraction(inside, late[1] - late[0]) if late[1] > late[0] else Fraction(0)
    factor = Decimal(str(terms.get("K4") or 1))
    percent = with_peak_factor(base, factor=factor, share=share)
    times = percent / base if base else Fraction(1)
    return MissCredit(miss, term, Fraction(0) if why_not else percent, times, why_not)


def aim_words(aim: Aim | str) -> str:
    """Return an aim as people read it."""
    return AIM_WORDS[Aim(aim)]
