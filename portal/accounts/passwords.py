"""Passwords: argon2id by argon2-cffi, and the offline list of what is too easy to guess.

OWASP ASVS 5.0, 11.4.2: at least 47,104 KiB, one pass, one lane. Hashing takes tens of milliseconds:
never call this inside a write transaction.
"""

import hashlib
import os
import unicodedata
from functools import cache
from pathlib import Path
from typing import BinaryIO

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHER = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)
# The hash of 128 random bits nobody kept: an unknown person costs the same time as a known one.
NOBODY = (
    "$argon2id$v=19$m=47104,t=1,p=1$sxSc7woV97UXf9CtJJ+R/g"
    "$8j4QZLa50qU36zAeVtzj8757nuI/zWF7gQqy2Q7gldA"
)
SHA1_LETTERS = 40
FRAGMENTS = Path(__file__).parent / "data" / "common-passwords.txt"


def _same(password: str) -> str:
    # Two keyboards may write one letter differently; both mean the same password.
    return unicodedata.normalize("NFC", password)


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password."""
    return HASHER.hash(_same(password))


def is_right(stored: str | None, password: str) -> bool:
    """Return whether the password matches; `None` (no such person) takes the same time."""
    try:
        HASHER.verify(stored or NOBODY, _same(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_old(stored: str) -> bool:
    """Return whether a stored hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(stored)


def is_breached(listed: Path | None, password: str) -> bool:
    """Return whether a password stands in the operator's list of breached ones; None: no list.

    The list is that of Have I Been Pwned as a file: SHA-1 in hexadecimal, a line each, sorted,
    with or without a count behind a colon. It is searched by halves, and never read whole.
    """
    if listed is None:
        return False
    wanted = hashlib.sha1(_same(password).encode(), usedforsecurity=False).hexdigest().upper()
    with listed.open("rb") as file:
        low, high = 0, file.seek(0, os.SEEK_END)
        while low < high:
            middle = (low + high) // 2
            found = _line_from(file, middle)
            low, high = (low, middle) if not found or found >= wanted else (middle + 1, high)
        return _line_from(file, low) == wanted


def _line_from(file: BinaryIO, place: int) -> str:
    """Return the hash of the first line that begins at or after a place; "" behind the last."""
    file.seek(max(place - 1, 0))
    if place:
        file.readline()
    return file.readline()[:SHA1_LETTERS].decode("ascii", "replace").upper()


@cache
def common() -> frozenset[str]:
    """Return the fragments well-known passwords are made of."""
    lines = FRAGMENTS.read_text(encoding="utf-8").splitlines()
    return frozenset(
        word for line in lines if not line.startswith("#") for word in line.lower().split()
    )
