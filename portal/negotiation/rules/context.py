"""What helps a person decide on a term: the clause that uses it, and what a duration can mean."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from portal.contracts.rules.reading import place_texts, term_texts
from portal.kit.errors import Refused
from portal.sla.rules import (
    Clock,
    calendar_from_schedule,
    target_from_term,
    worst_case,
    worst_case_sentence,
)
from portal.terms.rules import Schema, Term, Value, canonical
from portal.terms.rules.standard import clause_of, fill, load_standard_terms

SUPPORT_HOURS = "B1"
CLOCKED = "incident.clock."


@dataclass(frozen=True)
class ClauseText:
    """A clause of the Standard Support Terms with the values on the table filled in."""

    number: str
    title: str
    paragraphs: list[str]


def clause(
    schema: Schema, standard: str, term: Term, values: Mapping[str, Value]
) -> ClauseText | None:
    """Return the clause that first uses a term, or None where none does."""
    terms = load_standard_terms(standard)
    number = clause_of(terms, term.id)
    for section in terms.sections:
        for part in section.clauses:
            if part.id == number:
                texts = place_texts(term_texts(values, schema), schema)
                return ClauseText(part.id, part.title, [fill(p, texts) for p in part.paragraphs])
    return None


def worst(term: Term, value: Value, values: Mapping[str, Value], *, year: int) -> str | None:
    """Say how long a duration can last on the wall at worst; None where its clock never stops."""
    found = _worst(term, value, values, year=year)
    return f"At worst {found[0]} on the wall clock: {found[1]}" if found else None


def worst_span(term: Term, value: Value, values: Mapping[str, Value], *, year: int) -> str | None:
    """Return that length alone, to stand beside the duration in a list."""
    found = _worst(term, value, values, year=year)
    return found[0] if found else None


def _worst(
    term: Term, value: Value, values: Mapping[str, Value], *, year: int
) -> tuple[str, str] | None:
    clocked = any(feature.startswith(CLOCKED) for feature in term.drives)
    hours = values.get(SUPPORT_HOURS)
    if not clocked or term.type != "dur" or not isinstance(value, dict) or hours is None:
        return None
    return _worst_of(canonical(value), canonical(hours), year)


# A year is searched for the worst start: the same length in the same hours is searched once.
@lru_cache(maxsize=2048)
def _worst_of(length: bytes, hours: bytes, year: int) -> tuple[str, str] | None:
    try:
        target = target_from_term(json.loads(length))
        calendar = calendar_from_schedule(json.loads(hours))
        if target.clock is Clock.ROUND_THE_CLOCK:
            return None
        span = worst_case(target, calendar=calendar, year=year)
        example = worst_case_sentence(target, calendar=calendar, year=year)
    except Refused:
        return None
    return in_words(span), example


def in_words(span: timedelta) -> str:
    """Return a span as "2 days 20 hours"; the two largest units are enough."""
    minutes = int(span.total_seconds() // 60)
    parts = [
        (minutes // 1440, "day"), (minutes % 1440 // 60, "hour"), (minutes % 60, "minute"),
    ]  # fmt: skip
    named = [f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in parts if n]
    return " ".join(named[:2]) or "0 minutes"
