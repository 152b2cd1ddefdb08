"""The Standard Support Terms: fixed prose, pinned by its digest, with places for agreed terms.

A place is `{{B1}}`: the id of a term, or the start of several ids (`C4` stands for the whole
target matrix). Places are filled by look-up in one pass. No template engine reads this text, so
nothing a party types into a term can act on it.
"""

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import rfc8785

_PLACE = re.compile(r"\{\{([A-Z][0-9]+(?:\.[A-Za-z0-9_]+)*)\}\}")
_VERSION = re.compile(r"[0-9]+\.[0-9]+")
_PARAGRAPH_BREAK = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True)
class Clause:
    """One clause; `places` are the ids it places, in order, each once."""

    id: str
    title: str
    paragraphs: tuple[str, ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """A top-level section and its clauses, in order."""

    number: int
    title: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class StandardTerms:
    """One published version; `sha256` is over the RFC 8785 JSON of its content, unfilled."""

    version: str
    title: str
    licence: str
    sha256: str
    sections: tuple[Section, ...]


@cache
def load_standard_terms(version: str = "1.0") -> StandardTerms:
    """The published version of that number; an unknown one raises `LookupError`."""
    if not _VERSION.fullmatch(version):
        raise LookupError(f"Standard Support Terms have no version {version!r}.")
    source = files("portal.terms").joinpath("data", f"standard-terms-{version}.toml")
    if not source.is_file():
        raise LookupError(f"Standard Support Terms have no version {version!r}.")
    return _read(tomllib.loads(source.read_text(encoding="utf-8")))


def places(text: str) -> tuple[str, ...]:
    """The ids placed in a text, in order of first appearance, each once."""
    return tuple(dict.fromkeys(_PLACE.findall(text)))


def fill(paragraph: str, texts: Mapping[str, str]) -> str:
    """The paragraph with each place replaced by its text, which is never read for places again.

    An id without a text raises `KeyError` naming that id.
    """
    return _PLACE.sub(lambda place: texts[place[1]], paragraph)


def clause_of(terms: StandardTerms, term_id: str) -> str | None:
    """The id of the first clause that places the term or, failing that, the nearest start of it."""
    where = _clause_by_place(terms)
    return next((where[part] for part in _starts(term_id) if part in where), None)


def _starts(term_id: str) -> list[str]:
    parts = term_id.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


@cache
def _clause_by_place(terms: StandardTerms) -> Mapping[str, str]:
    first: dict[str, str] = {}
    for section in terms.sections:
        for clause in section.clauses:
            for place in clause.places:
                first.setdefault(place, clause.id)
    return first


def _read(source: Mapping[str, Any]) -> StandardTerms:
    sections = tuple(_section(part) for part in source["section"])
    version, title, licence = (source[key] for key in ("version", "title", "licence"))
    unhashed = StandardTerms(version, title, licence, "", sections)
    return replace(unhashed, sha256=hashlib.sha256(_text_of(unhashed)).hexdigest())


def standard_text(version: str) -> bytes:
    """Return a published version as the canonical JSON that its SHA-256 is of."""
    return _text_of(load_standard_terms(version))


def _text_of(terms: StandardTerms) -> bytes:
    content: dict[str, Any] = {
        "version": terms.version,
        "title": terms.title,
        "licence": terms.licence,
        "sections": [_section_content(section) for section in terms.sections],
    }
    return rfc8785.dumps(content)


def _section(source: Mapping[str, Any]) -> Section:
    clauses = tuple(_clause(part) for part in source["clause"])
    return Section(source["number"], source["title"], clauses)


def _clause(source: Mapping[str, Any]) -> Clause:
    text = unicodedata.normalize("NFC", source["text"]).strip()
    # Lines are wrapped in the file for its readers; a paragraph is one line of words.
    paragraphs = tuple(" ".join(part.split()) for part in _PARAGRAPH_BREAK.split(text))
    return Clause(source["id"], source["title"], paragraphs, places(text))


def _section_content(section: Section) -> dict[str, Any]:
    return {
        "number": section.number,
        "title": section.title,
        "clauses": [
            {"id": clause.id, "title": clause.title, "paragraphs": list(clause.paragraphs)}
            for clause in section.clauses
        ],
    }
