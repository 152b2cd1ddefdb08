"""A frozen document as people read it: one view model for the page and for the deed."""

from collections.abc import Mapping
from typing import Any

from portal.contracts.rules.amending import narrowed
from portal.terms.rules import Schema, Term, show
from portal.terms.rules.standard import StandardTerms, clause_of, fill

LISTS = frozenset({"table", "people"})

# What a person asks first about a contract in force.
KEY_TERMS = (
    "A5",
    "B1",
    "C4.S1.first_response",
    "C4.S1.resolution",
    "D1",
    "E4",
    "K5",
    "P1",
    "P6",
)


def deed_context(
    document: Mapping[str, Any],
    schema: Schema,
    standard: StandardTerms,
    *,
    sha256: str,
    operator: str,
    region_label: str,
    entry_head: str | None,
) -> dict[str, Any]:
    """Return what `render_deed` sets and the agreement page shows; `sha256` is the version's."""
    amends = document.get("amends")
    schema = narrowed(schema, document["terms"]) if amends else schema
    texts = term_texts(document["terms"], schema)
    parties = document["parties"]
    return {
        "amends": amends,
        "title": document["title"],
        "ref": document["ref"],
        "version": document["version"],
        "sha256": sha256,
        "frozen_at": document["frozen_at"],
        "region_label": region_label,
        "operator": operator,
        "parties": {side: dict(party) for side, party in parties.items()},
        "groups": _groups(texts, schema, standard),
        "special_terms": [dict(term) for term in document["special_terms"]],
        "standard": _standard(standard, place_texts(texts, schema), whole=amends is None),
        "slots": [
            {**signer, "organisation": parties[signer["side"]]["name"]}
            for signer in document["signers"]
        ],
        "entry_head": entry_head,
    }


def term_texts(terms: Mapping[str, Any], schema: Schema) -> dict[str, str]:
    """Return every term of the schema in words, in the schema's order; no value is "none"."""
    return {term.id: show(term, terms.get(term.id)) for term in schema.terms.values()}


def place_texts(texts: Mapping[str, str], schema: Schema) -> Mapping[str, str]:
    """Return the text for each place of the standard terms, also for the start of several ids.

    A value of several lines stays on the cover sheet, and the place says where.
    """
    return _Places(texts, schema)


class _Places(dict[str, str]):
    """Texts by place; a place that no term answers is looked up as the start of several ids."""

    def __init__(self, texts: Mapping[str, str], schema: Schema) -> None:
        super().__init__({id: _in_line(schema.terms[id], text) for id, text in texts.items()})

    def __missing__(self, place: str) -> str:
        if not any(id.startswith(f"{place}.") for id in self):
            raise KeyError(place)
        return f"as listed under {place} on the Cover sheet"


def _in_line(term: Term, text: str) -> str:
    if "\n" in text or (term.type in LISTS and text != "none"):
        return f"as listed under {term.id}, {term.label}, on the Cover sheet"
    return text.replace(" | ", ", ")


def _groups(
    texts: Mapping[str, str], schema: Schema, standard: StandardTerms
) -> list[dict[str, Any]]:
    return [
        {
            "code": group.code,
            "title": group.title,
            "rows": [
                {
                    "id": term.id,
                    "label": term.label,
                    "text": texts[term.id],
                    "clause": clause_of(standard, term.id),
                }
                for term in schema.in_group(group.code)
            ],
        }
        for group in schema.groups
    ]


def _standard(standard: StandardTerms, places: Mapping[str, str], *, whole: bool) -> dict[str, Any]:
    """An amendment leaves the standard terms as they are: it names them and prints none."""
    sections = [
        {
            "number": str(section.number),
            "title": section.title,
            "clauses": [
                {
                    "id": clause.id,
                    "title": clause.title,
                    "paragraphs": [fill(text, places) for text in clause.paragraphs],
                }
                for clause in section.clauses
            ],
        }
        for section in (standard.sections if whole else ())
    ]
    return {
        "version": standard.version,
        "sha256": standard.sha256,
        "title": standard.title,
        "sections": sections,
    }


def key_facts(document: Mapping[str, Any], schema: Schema) -> list[tuple[str, str]]:
    """Return the few terms people ask for first, as (label, text); of an amendment, all it has."""
    ids = document["terms"] if document.get("amends") else KEY_TERMS
    terms = [schema.terms[id] for id in ids if id in schema.terms]
    return [(term.label, show(term, document["terms"].get(term.id))) for term in terms]
