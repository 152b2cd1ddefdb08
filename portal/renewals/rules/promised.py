"""What was promised against what was measured, term by term: the ground of a renewal round."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from math import ceil
from typing import Any

from portal.kit.words import say, say_n
from portal.terms.rules import Schema, show

NEAR = Decimal("0.1")
"""A target met in the last tenth of its time is a near miss."""
FEW = 5
"""From fewer runs nothing is suggested."""


@dataclass(frozen=True)
class Run:
    """One target that came to an end: met or missed, how much time was left, how much counted."""

    term: str
    met: bool
    left: timedelta | None
    whole: timedelta | None
    counted: timedelta

    @property
    def near(self) -> bool:
        """Whether it was met in the last tenth of its time."""
        if not self.met or self.left is None or not self.whole:
            return False
        return self.left <= self.whole * float(NEAR)


@dataclass(frozen=True)
class Kept:
    """How one target was kept: met, missed, near misses, and the time 95 % of its runs took."""

    term: str
    met: int
    missed: int
    near: int
    most_took: timedelta | None


def share(kept: int, missed: int) -> Decimal:
    """Return a share in percent with one decimal, rounded down: 99.96 is not yet 100."""
    return (Decimal(kept * 100) / (kept + missed)).quantize(Decimal("0.1"), ROUND_DOWN)


def kept_by_term(runs: Iterable[Run]) -> list[Kept]:
    """Return how each target was kept, in the order of the terms."""
    by_term: dict[str, list[Run]] = {}
    for run in runs:
        by_term.setdefault(run.term, []).append(run)
    return [_kept(term, by_term[term]) for term in sorted(by_term)]


def _kept(term: str, runs: Sequence[Run]) -> Kept:
    met = [run for run in runs if run.met]
    took = sorted(run.counted for run in met)
    most = took[ceil(len(took) * 0.95) - 1] if len(took) >= FEW else None
    return Kept(term, len(met), len(runs) - len(met), sum(run.near for run in met), most)


@dataclass(frozen=True)
class Row:
    """One line of the table: what was promised, what was measured, and what that suggests."""

    term: str
    label: str
    promised: str
    measured: str
    suggestion: str
    tone: str


def promised_rows(
    schema: Schema, terms: Mapping[str, Any], kept: Sequence[Kept], *, incidents: int, contacts: int
) -> list[Row]:
    """Return the promises that were measured, and what the contract includes and nobody used."""
    rows = [_target_row(schema, terms, one) for one in kept if one.term in schema.terms]
    rows += _included(schema, terms, "B8", incidents, say("%(count)s reported", count=incidents))
    rows += _included(schema, terms, "B7", contacts, say("%(count)s named", count=contacts))
    return rows


def _target_row(schema: Schema, terms: Mapping[str, Any], one: Kept) -> Row:
    term = schema.terms[one.term]
    values = {"met": one.met, "all": one.met + one.missed, "near": one.near}
    measured = say("%(met)s of %(all)s in time", **values)
    if one.near:
        text = say("%(met)s of %(all)s in time, %(near)s in the last tenth of the time", **values)
        measured = text
    if one.missed:
        suggestion, tone = say("Missed: keep it, and agree how it will be met."), "bad"
    elif one.near:
        suggestion, tone = say("Kept, but close: keep it."), "warn"
    elif one.most_took is not None:
        suggestion, tone = (
            say(
                "Kept with room: 95 %% took at most %(most_took)s.", most_took=_took(one.most_took)
            ),
            "good",
        )
    else:
        suggestion, tone = say("Kept."), "good"
    promised = show(term, terms.get(one.term))
    return Row(one.term, term.label, promised, measured, suggestion, tone)


def _took(length: timedelta) -> str:
    minutes = -(-length // timedelta(minutes=1))
    hours, rest = divmod(minutes, 60)
    if not hours:
        return say_n("%(num)s minute", "%(num)s minutes", minutes)
    if not rest:
        return say("%(hours)s h", hours=hours)
    return say("%(hours)s h %(minutes)s min", hours=hours, minutes=rest)


def _included(
    schema: Schema, terms: Mapping[str, Any], id: str, used: int, words: str
) -> list[Row]:
    value, term = terms.get(id), schema.terms[id]
    if value is None:
        return []
    unused = isinstance(value, int) and used * 2 < value
    suggestion = say("Less than half was used: a smaller number may do.") if unused else ""
    return [Row(id, term.label, show(term, value), words, suggestion, "")]


def renewed_terms(
    terms: Mapping[str, Any], *, begins: date, fee: Mapping[str, str] | None
) -> dict[str, Any]:
    """Return the values a renewal round opens with: those in force, from the day the term ends."""
    dated = {"A4": "fixed_date", "A4.date": begins.isoformat(), "A5": begins.isoformat()}
    priced = {"O1": dict(fee)} if fee else {}
    # A pilot belongs to the first contract; a renewal has none.
    return {**terms, **dated, **priced, "P2": None, "P2.fee": None, "P2.terms": None}


@dataclass(frozen=True)
class Changed:
    """A term the renewal offers otherwise than it is in force, both printed."""

    term: str
    label: str
    here: str
    there: str


def changed_terms(
    schema: Schema, here: Mapping[str, Any], there: Mapping[str, Any], among: Iterable[str]
) -> list[Changed]:
    """Return which of some terms differ, in the order given."""
    return [
        Changed(id, term.label, show(term, here.get(id)), show(term, there.get(id)))
        for id in among
        if (term := schema.terms.get(id)) is not None and here.get(id) != there.get(id)
    ]
