"""The roles in which a contract names people, in words (schema option `contact_role`)."""

from collections.abc import Iterable

from portal.accounts.rules import ROLE_WORDS
from portal.kit.words import Words, commas, say

CONTACT_WORDS = {role.value: words for role, words in ROLE_WORDS.items()} | {
    "executive": say("Executive sponsor"),
}


def contact_words(codes: Iterable[str]) -> Words:
    """Return the roles of a term such as N7 in words, with commas between."""
    return commas(CONTACT_WORDS[code] for code in codes)
