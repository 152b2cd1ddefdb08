"""The terms a new contract starts from, and which of them each page of the start asks for."""

from collections.abc import Mapping, Sequence

from portal.kit.words import commas, say
from portal.residency.rules import allowed_for
from portal.terms.rules import Schema, Term, Unreadable, Value, normal, validate

STEP_GROUPS: Mapping[str, tuple[str, ...]] = {
    "service-levels": ("C",),
    "scope": ("I", "J"),
    "metrics": ("D", "M", "N"),
}
STEP_HEADINGS = {
    "people": say("Identify the people"),
    "service-levels": say("Severities, response and resolution"),
    "scope": say("What is in scope"),
    "metrics": say("What is measured and reported"),
}
COLUMN_OF_SEVERITY = "C4."


def starting_terms(
    schema: Schema,
    template: Mapping[str, Value],
    tier: Mapping[str, Value],
    own: Mapping[str, Value],
) -> dict[str, Value]:
    """Return a value for every term: the contract's own facts over tier, template and schema."""
    values = {**schema.defaults(), **template, **tier}
    values |= {id: value for id, value in own.items() if _stands(schema, id, value)}
    return {id: values[id] for id in schema.terms}


def _stands(schema: Schema, term_id: str, value: Value) -> bool:
    """Facts taken from the directory may be too long for a term: then its default stays."""
    term = schema.terms.get(term_id)
    if term is None:
        return False
    try:
        return normal(term, value) == value and not validate(term, value)
    except Unreadable:
        return False


OWN = frozenset({"A1", "A1.address", "A2", "A2.address", "A11"})
"""The terms that follow from the start itself."""


def own_terms(
    *, vendor: tuple[str, str], customer: tuple[str, str], standard: tuple[str, str]
) -> dict[str, Value]:
    """Return the terms that follow from the start itself.

    Parties are (name, details); the standard terms are (title, version).
    """
    return {
        "A1": vendor[0],
        "A1.address": vendor[1],
        "A2": customer[0],
        "A2.address": customer[1],
        "A11": {"name": standard[0], "version": standard[1], "target": None},
    }


def tier_key(slug: str, version: int, tier: str) -> str:
    """Return how a tier is named in a contract: catalogue, version and tier."""
    return f"{slug}/{version}/{tier}"


def region_problem(
    region: str,
    *,
    labels: Mapping[str, str],
    vendor: tuple[str, Sequence[str]],
    customer: tuple[str, Sequence[str]],
) -> str | None:
    """Say why a contract of these two cannot live in a region, or None; parties: (name, allowed).

    `labels` are the regions of this host.
    """
    common = allowed_for(labels, vendor[1], customer[1])
    if region in common:
        return None
    if not common:
        sides = (vendor, customer)
        (one, ones), (two, twos) = ((name, _listed(labels, able)) for name, able in sides)
        return say(
            "No region is allowed by both. %(one)s allows %(ones)s. %(two)s allows %(twos)s. "
            "Ask an administrator to allow one more.", one=one, ones=ones, two=two, twos=twos,
        )  # fmt: skip
    return say("Both organisations allow %(listed)s. Choose that.", listed=_listed(labels, common))


def _listed(labels: Mapping[str, str], names: Sequence[str]) -> str:
    return commas(labels.get(name, name) for name in names) or say("no region")


def pages_terms(schema: Schema, step: str) -> dict[str, Term]:
    """Return the terms a step asks for, by id, in the order of the contract."""
    groups = STEP_GROUPS[step]
    return {term.id: term for term in schema.terms.values() if term.group in groups}


def parts_of(schema: Schema, step: str) -> list[tuple[str, Sequence[Term]]]:
    """Return a step's terms in parts with titles; the targets come by severity."""
    titles = {group.code: group.title for group in schema.groups}
    parts: dict[str, list[Term]] = {}
    for term in pages_terms(schema, step).values():
        title = titles[term.group]
        if term.id.startswith(COLUMN_OF_SEVERITY):
            title = say("Targets for severity %(severity)s", severity=term.id.split(".")[1][1:])
        elif term.group == "C":
            title = say("How incidents are handled")
        parts.setdefault(title, []).append(term)
    return list(parts.items())
