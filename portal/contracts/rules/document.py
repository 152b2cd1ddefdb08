"""The canonical document of a contract: what is frozen, hashed, signed and later run.

Format "counterpart-contract/1", RFC 8785 JSON. The SHA-256 over exactly these bytes is the
version's identity on the page, in the deed, in the signatures and in the log.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785

FORMAT = "counterpart-contract/1"


def contract_document(
    *,
    ref: str,
    title: str,
    region: str,
    version: int,
    parties: Mapping[str, Mapping[str, str]],
    pins: Mapping[str, Mapping[str, str] | None],
    terms: Mapping[str, Any],
    signers: Sequence[Mapping[str, Any]],
    frozen_at: str,
    special_terms: Sequence[Mapping[str, Any]] = (),
    amends: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the document; `terms` holds every term of the schema, None where there is none.

    An amendment's holds the terms it names, and in `amends` the version it changes.
    """
    document = {
        "format": FORMAT,
        "ref": ref,
        "title": title,
        "region": region,
        "version": version,
        "parties": {side: dict(party) for side, party in parties.items()},
        "pins": {name: dict(pin) if pin else None for name, pin in pins.items()},
        "terms": dict(terms),
        "special_terms": [dict(term) for term in special_terms],
        "signers": [dict(signer) for signer in signers],
        "frozen_at": frozen_at,
    }
    return document if amends is None else {**document, "amends": dict(amends)}


def canonical_bytes(document: Mapping[str, Any]) -> bytes:
    """Return the bytes that are hashed."""
    return rfc8785.dumps(dict(document))


def sha256_of(canonical: bytes) -> str:
    """Return the identity of a version."""
    return hashlib.sha256(canonical).hexdigest()


def slot_field(side: str, position: int) -> str:
    """Return the name of a signer's field in the deed."""
    return f"sig_{side}_{position}"
