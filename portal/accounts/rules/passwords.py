"""What makes a password weak."""

import re
from collections.abc import Collection
from itertools import pairwise

from portal.kit.words import say

PASSWORD_LEAST = 12
PASSWORD_MOST = 128


def password_problem(
    password: str, *, common: Collection[str], about: Collection[str] = (), breached: bool = False
) -> str | None:
    """Return what is wrong with a new password as a sentence, or None (NIST SP 800-63B-4, 3.1.1).

    `common` holds fragments of well-known passwords; `about` words close to the person: name,
    address, organisation, product. A password made of at most three such fragments is refused,
    whatever digits and signs stand between them. No composition rules. `breached`: it stands in
    the operator's list of passwords that were published.
    """
    if len(password) < PASSWORD_LEAST:
        return say(
            "Use %(password_least)s characters or more. Four random words make a good password.",
            password_least=PASSWORD_LEAST,
        )
    if len(password) > PASSWORD_MOST:
        return say("Use at most %(password_most)s characters.", password_most=PASSWORD_MOST)
    if breached:
        return say("This password was published by a theft elsewhere. Choose another one.")
    if _is_run(password) or _is_made_of(password, {*common, *_words(about)}):
        return say("This password is too easy to guess. Four random words make a good one.")
    return None


def _words(texts: Collection[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"[a-z]{3,}", text.lower())}


def _is_run(password: str) -> bool:
    """Whether the characters repeat with a short period, or go up or down by one."""
    if any(password == (password[:n] * len(password))[: len(password)] for n in range(1, 5)):
        return True
    steps = {(ord(b) - ord(a)) for a, b in pairwise(password)}
    digits = password.isascii() and password.isdigit()
    turns = {(int(b) - int(a)) % 10 for a, b in pairwise(password)} if digits else set()
    return steps in ({1}, {-1}) or turns in ({1}, {9})


_LOOKALIKES = str.maketrans("@4301$5!7", "aaeoissit")
_LOOSE_DIGITS = 6


def _is_made_of(password: str, fragments: Collection[str]) -> bool:
    """Whether it falls apart into one to three fragments, up to six loose digits, and signs."""
    plain = "".join(c for c in password.lower() if c.isalnum() or c in "@$!")
    swapped = plain.translate(_LOOKALIKES)
    longest = max(map(len, fragments), default=0)
    # best[i]: the least (fragments, loose digits) that spell the first i characters
    best: list[tuple[int, int] | None] = [(0, 0)] + [None] * len(plain)
    for end in range(1, len(plain) + 1):
        ways = [_loose(best[end - 1], plain[end - 1])]
        for start in range(max(0, end - longest), end):
            before = best[start]
            if before and (plain[start:end] in fragments or swapped[start:end] in fragments):
                ways.append((before[0] + 1, before[1]))
        best[end] = min((way for way in ways if way), default=None)
    last = best[-1]
    return last is not None and 1 <= last[0] <= 3


def _loose(before: tuple[int, int] | None, character: str) -> tuple[int, int] | None:
    if before is None or character.isalpha():
        return None
    digits = before[1] + character.isdigit()
    return (before[0], digits) if digits <= _LOOSE_DIGITS else None
