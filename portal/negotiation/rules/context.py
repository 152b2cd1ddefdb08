"""What helps a person decide on a term: the clause that uses it, and what a duration can mean."""

from collections.abc import Mapping
from dataclasses import dataclass

from portal.contracts.rules.reading import place_texts, term_texts
from portal.kit.words import Words
from portal.sla.rules import in_words as in_words
from portal.sla.rules import worst_in_words, worst_words
from portal.terms.rules import Schema, Term, Value
from portal.terms.rules.standard import clause_of, fill, load_standard_terms

SUPPORT_HOURS = "B1"


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


def worst(term: Term, value: Value, values: Mapping[str, Value], *, year: int) -> Words | None:
    """Say how long a duration can last on the wall at worst; None where its clock never stops."""
    return worst_in_words(term, value, values.get(SUPPORT_HOURS), year=year)


def worst_span(term: Term, value: Value, values: Mapping[str, Value], *, year: int) -> Words | None:
    """Return that length alone, to stand beside the duration in a list."""
    found = worst_words(term, value, values.get(SUPPORT_HOURS), year=year)
    return found[0] if found else None
