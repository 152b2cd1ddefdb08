"""The agreement as plain text, line by line, from the view model of the page and of the deed."""

from collections.abc import Iterator, Mapping
from typing import Any


def plain_text(deed: Mapping[str, Any]) -> str:
    """Return the agreement as text: the same words, in the same order, as on page and deed."""
    return "\n".join(_lines(deed)) + "\n"


def _lines(deed: Mapping[str, Any]) -> Iterator[str]:
    yield f"{deed['title']}"
    yield f"{deed['ref']}, version {deed['version']}, frozen {deed['frozen_at']}"
    if deed["amends"]:
        amended = deed["amends"]
        yield f"It amends {amended['title']} ({amended['ref']}, version {amended['version']})."
    yield f"SHA-256 of the terms: {deed['sha256']}"
    yield f"Kept in: {deed['region_label']}"
    for side in ("vendor", "customer"):
        party = deed["parties"][side]
        yield ""
        yield f"{side.capitalize()}: {party['name']}"
        yield from _indented(party["details"])
    for group in deed["groups"]:
        yield ""
        yield f"{group['code']}. {group['title']}"
        for row in group["rows"]:
            yield f"{row['id']} {row['label']}"
            yield from _indented(row["text"])
    yield ""
    yield "Special terms"
    for term in deed["special_terms"]:
        yield f"{term['number']} {term['title']}"
        yield from _indented(term["text"])
    if not deed["special_terms"]:
        yield "  The parties agreed no special terms."
    yield from _standard(deed["standard"])
    yield ""
    yield "Signers, in order"
    for slot in deed["slots"]:
        yield f"  {slot['name']}, {slot['title']}, for {slot['organisation']}"


def _standard(standard: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield f"{standard['title']}, version {standard['version']}"
    yield f"SHA-256 of the standard terms: {standard['sha256']}"
    for section in standard["sections"]:
        yield ""
        yield f"{section['number']}. {section['title']}"
        for clause in section["clauses"]:
            yield f"{clause['id']} {clause['title']}"
            for paragraph in clause["paragraphs"]:
                yield from _indented(paragraph)


def _indented(text: str) -> Iterator[str]:
    yield from (f"  {line}" for line in text.splitlines() if line.strip())
