"""The incidents of a month as a statement counts them: which targets fell due, met or missed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from portal.sla.rules.incident import History, is_excluded
from portal.sla.rules.instants import Pause
from portal.sla.rules.outcomes import Outcome, outcomes
from portal.sla.rules.promises import AIM_WORDS, SEVERITIES, Aim, Promises

Terms = Mapping[str, Any]


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
    pauses: tuple[Pause, ...] = ()


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
        missed=outcome.breached, open=contested or outcome.disputed, pauses=outcome.pauses,
    )  # fmt: skip


@dataclass(frozen=True)
class Attained:
    """How many of one severity's targets of one aim were met in a month.

    `missed_at` holds when each miss fell due; `presumed` marks a share that counts as missed
    because its report is missing (clause 12.13).
    """

    severity: str
    aim: Aim
    term: str
    met: int
    missed: int
    open: int
    required: Decimal
    incidents: tuple[int, ...]
    missed_at: tuple[datetime, ...] = ()
    presumed: bool = False

    @property
    def share(self) -> Fraction | None:
        """The share met in percent, exact; None where nothing fell due."""
        total = self.met + self.missed
        return Fraction(100 * self.met, total) if total else None

    @property
    def kept(self) -> bool:
        """Whether the share reaches what was promised; nothing due counts as kept."""
        return not self.presumed and self.reached

    @property
    def reached(self) -> bool:
        """Whether the share was reached in fact."""
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
        missed_at=tuple(row.fell_due for row in missed),
    )  # fmt: skip


def aim_words(aim: Aim | str) -> str:
    """Return an aim as people read it."""
    return AIM_WORDS[Aim(aim)]
