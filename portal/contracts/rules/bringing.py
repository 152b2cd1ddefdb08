"""Terms that come from a canonical document: read, held against a hash, and fitted to a schema."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785

from portal.contracts.rules.document import FORMAT, canonical_bytes, sha256_of
from portal.contracts.rules.starting import OWN
from portal.kit.errors import Refused
from portal.kit.words import say
from portal.terms.rules import Schema, Unreadable, Value, normal, validate
from portal.terms.rules.text import clean_line, clean_lines

LARGEST = 4_000_000
MOST_CLAUSES = 100


@dataclass(frozen=True)
class Brought:
    """A canonical document that was brought, and the SHA-256 by which both sides know it."""

    document: Mapping[str, Any]
    sha256: str

    @property
    def title(self) -> str:
        """Its title, as far as it is one."""
        said = self.document.get("title")
        return said[:120] if isinstance(said, str) else ""


@dataclass(frozen=True)
class Fitted:
    """What a document says in the terms of a schema, and the terms that do not fit, with why."""

    values: dict[str, Value]
    clauses: list[dict[str, str]]
    left: dict[str, str]


def read_terms_file(content: bytes, *, expected: str = "") -> Brought:
    """Read a document; `Refused` where it is none, or not the one with the `expected` SHA-256."""
    if len(content) > LARGEST:
        raise Refused(say("The terms are larger than any this portal writes."))
    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Refused(
            say("This is not a file of terms: it is no JSON, or names a key twice.")
        ) from None
    return brought(found, expected=expected)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def brought(document: Any, *, expected: str = "") -> Brought:
    """Return a document with its hash, or say why it cannot be brought."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise Refused(say("This is not the canonical document of a contract."))
    if document.get("amends"):
        raise Refused(say("These are the terms of an amendment. Bring the contract it changes."))
    if not isinstance(document.get("terms"), dict):
        raise Refused(say("The document holds no terms."))
    try:
        sha256 = sha256_of(canonical_bytes(document))
    except (rfc8785.CanonicalizationError, ValueError, RecursionError):
        raise Refused(
            say("The document cannot be written canonically, so it has no hash.")
        ) from None
    if expected and expected != sha256:
        raise Refused(
            say("The SHA-256 of this document is %(sha256)s, not the one you gave.", sha256=sha256)
        )
    return Brought(document, sha256)


def fitted(document: Mapping[str, Any], schema: Schema) -> Fitted:
    """Fit a document to a schema. Who the parties are is settled by the new contract itself."""
    values: dict[str, Value] = {}
    left: dict[str, str] = {}
    for name, value in document["terms"].items():
        if name in OWN:
            continue
        term = schema.terms.get(name)
        if term is None:
            left[name[:40]] = say("This contract has no such term.")
            continue
        try:
            settled = normal(term, value)
            wrong = [] if settled is None else validate(term, settled)
        except Unreadable as error:
            wrong = [error.message]
        except (TypeError, ValueError, KeyError, AttributeError, IndexError):
            wrong = [say("This is no value of it.")]
        if wrong:
            left[name] = wrong[0]
        else:
            values[name] = settled
    clauses, refused = _clauses(document.get("special_terms") or [])
    return Fitted(values, clauses, left | refused)


def _clauses(told: Any) -> tuple[list[dict[str, str]], dict[str, str]]:
    found: list[dict[str, str]] = []
    left: dict[str, str] = {}
    for place, one in enumerate(told[:MOST_CLAUSES] if isinstance(told, list) else [], 1):
        try:
            found.append({"title": clean_line(one["title"]), "text": clean_lines(one["text"])})
        except (Unreadable, TypeError, KeyError, AttributeError):
            left[f"X{place}"] = say("This is no clause.")
    return found, left
