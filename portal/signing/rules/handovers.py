"""Giving a place to sign to another person of the same side."""

from collections.abc import Collection
from dataclasses import dataclass

from portal.kit.words import say

LEAST_REASON = 5
MOST_REASON = 2000


@dataclass(frozen=True)
class Candidate:
    """A member who may take a place: only one with the role to sign."""

    person_id: str
    name: str
    email: str
    may_sign: bool


def handover_problem(
    to: Candidate | None, *, holder: str, signers: Collection[str], reason: str, title: str
) -> str | None:
    """Say what forbids giving a place to a person, or None. `signers` hold the other places."""
    if to is None:
        return say("Choose a member of the same organisation.")
    if to.person_id == holder:
        return say("Choose somebody else: this person holds the place already.")
    if to.person_id in signers:
        return say("%(name)s already signs this contract. Each person signs once.", name=to.name)
    if not to.may_sign:
        return say(
            "%(name)s needs the role Signatory. Ask your organisation administrator.", name=to.name
        )
    if not title.strip():
        return say("Write the title this person signs under.")
    if not LEAST_REASON <= len(reason.strip()) <= MOST_REASON:
        return say("Give a reason of at least five letters: both sides read it.")
    return None
