"""The terms as rows for a spreadsheet: what both sides know, and no draft."""

from collections.abc import Iterator, Mapping

from portal.contracts.rules.life import Side
from portal.negotiation.rules.standing import Standing
from portal.terms.rules import Schema, show

HEADER = ("Code", "Term", "Vendor", "Customer", "State", "Last round")


def rows_of(schema: Schema, found: Mapping[str, Standing]) -> Iterator[tuple[str, ...]]:
    """Yield each term in the order of the contract: both positions in words, and how it stands."""
    for term in schema.terms.values():
        standing = found[term.id]
        held = [standing.position(side) for side in Side]
        positions = [show(term, move.word.value) if move else "" for move in held]
        last = str(standing.moves[-1].round) if standing.moves else ""
        yield (term.id, term.label, *positions, standing.status.value, last)
