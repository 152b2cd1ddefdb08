"""Two states of the terms side by side: what differs, for whom it is better, and the redline."""

from collections.abc import Mapping
from dataclasses import dataclass

from portal.contracts.rules.life import Side
from portal.negotiation.rules.redline import Segments, difference
from portal.negotiation.rules.wording import gains
from portal.terms.rules import Schema, Term, Value, show, value_sha256

PROSE = frozenset({"prose", "clause", "text"})


@dataclass(frozen=True)
class Differing:
    """One term that differs between two states."""

    term: Term
    old: str
    new: str
    segments: Segments
    gain: str | None

    @property
    def is_prose(self) -> bool:
        """Whether the difference reads better as running text than as two cells."""
        return self.term.type in PROSE or "\n" in self.old + self.new


def compared(
    schema: Schema,
    old: Mapping[str, Value],
    new: Mapping[str, Value],
    *,
    names: Mapping[Side, str],
) -> list[Differing]:
    """Return the terms both states know and say differently, in the order of the contract.

    A term that one of them does not know (a tier sets some seventy) is not judged.
    """
    found = []
    for term in schema.terms.values():
        if term.id not in old or term.id not in new:
            continue
        before, after = old[term.id], new[term.id]
        if value_sha256(before) == value_sha256(after):
            continue
        one, other = show(term, before), show(term, after)
        found.append(
            Differing(
                term, one, other, difference(one, other), gains(term, before, after, names=names)
            )
        )
    return found
