"""Comments: who is mentioned in a text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_COMMENT = 4_000


@dataclass(frozen=True)
class Reader:
    """A person who may be mentioned."""

    person_id: str
    name: str
    email: str
    organisation_id: str = ""


def mentioned(text: str, readers: Iterable[Reader]) -> list[Reader]:
    """Return those a text mentions by "@" and their name, or a first name only one of them has."""
    people = list({reader.person_id: reader for reader in readers}.values())
    firsts = [reader.name.split()[0].casefold() for reader in people]
    found = []
    for reader, first in zip(people, firsts, strict=True):
        names = [reader.name.casefold()]
        if firsts.count(first) == 1:
            names.append(first)
        if any(re.search(rf"@{re.escape(n)}(?!\w)", text.casefold()) for n in names):
            found.append(reader)
    return found
