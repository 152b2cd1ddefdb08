"""Identifiers: sortable keys for rows and short references for people."""

import secrets
from datetime import datetime

# Without I, L, O, U, 0 and 1: read aloud and typed on a phone without doubt.
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_ref(length: int = 10) -> str:
    """Return a random reference of unambiguous letters (10 letters are 49 bits)."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))


def new_id(at: datetime) -> str:
    """Return a 26-letter key that sorts by time (48 bits of milliseconds, 80 random bits: ULID)."""
    value = (int(at.timestamp() * 1000) << 80) | secrets.randbits(80)
    return "".join(CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def new_token() -> str:
    """Return 256 random bits as URL-safe text."""
    return secrets.token_urlsafe(32)
