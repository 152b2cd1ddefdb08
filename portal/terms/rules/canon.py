"""Canonical bytes of values, so that both sides hash the same thing (RFC 8785)."""

from hashlib import sha256
from typing import Any

import rfc8785


def canonical(value: Any) -> bytes:
    """Return the canonical JSON of a value (RFC 8785)."""
    return rfc8785.dumps(value)


def value_sha256(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hexadecimal."""
    return sha256(canonical(value)).hexdigest()
