"""A hash in words: eight of 256, so that two people can compare it by reading aloud."""

from functools import cache
from importlib.resources import files

WORDS = 8


@cache
def _list() -> tuple[str, ...]:
    return tuple(files("portal.signing").joinpath("data", "words.txt").read_text().split())


def hash_words(sha256: str) -> list[str]:
    """Return the first eight bytes of a hash as words, one a byte (64 bits)."""
    known = _list()
    return [known[byte] for byte in bytes.fromhex(sha256)[:WORDS]]
