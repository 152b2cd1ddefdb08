"""Giving a place to sign to another person of the same side."""

from collections.abc import Collection
from dataclasses import dataclass

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
        return "Choose a member of the same organisation."
    if to.person_id == holder:
        return "Choose somebody else: this person holds the place already."
    if to.person_id in signers:
        return f"{to.name} already signs this contract. Each person signs once."
    if not to.may_sign:
        return f"{to.name} needs the role Signatory. Ask your organisation administrator."
    if not title.strip():
        return "Write the title this person signs under."
    if not LEAST_REASON <= len(reason.strip()) <= MOST_REASON:
        return "Give a reason of at least five letters: both sides read it."
    return None
