"""What helps a person decide on a term: the clause that uses it, and what a duration can mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from portal.contracts.rules.reading import place_texts, term_texts
from portal.kit.errors import Refused
from portal.sla.rules import (
    Clock,
    calendar_from_schedule,
    target_from_term,
    worst_case,
    worst_case_sentence,
)
from portal.terms.rules import Schema, Term, Value
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
    clocked = any(feature.startswith(CLOCKED) for feature in term.drives)
    hours = values.get(SUPPORT_HOURS)
    if not clocked or term.type != "dur" or not isinstance(value, dict) or hours is None:
        return None
    try:
        target, calendar = target_from_term(value), calendar_from_schedule(hours)
        if target.clock is Clock.ROUND_THE_CLOCK:
            return None
        span = worst_case(target, calendar=calendar, year=year)
        example = worst_case_sentence(target, calendar=calendar, year=year)
    except Refused:
        return None
    return f"At worst {in_words(span)} on the wall clock: {example}"


def in_words(span: timedelta) -> str:
    """Return a span as "2 days 20 hours"; the two largest units are enough."""
    minutes = int(span.total_seconds() // 60)
    parts = [
        (minutes // 1440, "day"), (minutes % 1440 // 60, "hour"), (minutes % 60, "minute"),
    ]  # fmt: skip
    named = [f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in parts if n]
    return " ".join(named[:2]) or "0 minutes"
