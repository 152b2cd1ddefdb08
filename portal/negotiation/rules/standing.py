"""Where each term stands, derived from the rounds that were sent and from nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.contracts.rules.life import Side
from portal.terms.rules import Value


class Kind(StrEnum):
    """What an answer says about a term."""

    OFFER = "offer"
    ACCEPT = "accept"
    REJECT = "reject"


class Status(StrEnum):
    """Where a term stands between the sides."""

    UNOFFERED = "unoffered"
    OPEN = "open"
    REJECTED = "rejected"
    AGREED = "agreed"


@dataclass(frozen=True)
class Word:
    """What one side says on one term; the hash is of the value offered, accepted or rejected."""

    kind: Kind
    sha256: str
    value: Value = None
    reason: str | None = None


@dataclass(frozen=True)
class SentRound:
    """A round as the other side received it, its words by term."""

    number: int
    side: Side
    at: datetime
    words: Mapping[str, Word]
    sent_by: str = ""
    note: str | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Move:
    """A word on a term, with the round that carried it."""

    round: int
    side: Side
    at: datetime
    word: Word


@dataclass(frozen=True)
class Standing:
    """A term after all rounds sent: the last offer, what became of it, and how it came there."""

    term: str
    first_side: Side
    moves: tuple[Move, ...] = ()
    offer: Move | None = None
    status: Status = Status.UNOFFERED

    @property
    def awaited(self) -> Side | None:
        """The side whose answer is awaited; nobody's once the term is agreed."""
        if self.offer is None:
            return self.first_side
        if self.status is Status.AGREED:
            return None
        return self.offer.side if self.status is Status.REJECTED else self.offer.side.other

    @property
    def sha256(self) -> str | None:
        """The hash of the last offer's value."""
        return self.offer.word.sha256 if self.offer else None

    @property
    def value(self) -> Value:
        """The value of the last offer."""
        return self.offer.word.value if self.offer else None

    @property
    def rejection(self) -> Move | None:
        """The answer that rejected the last offer, where that is how it stands."""
        return self.moves[-1] if self.status is Status.REJECTED else None

    def position(self, side: Side) -> Move | None:
        """The last value a side offered or accepted, as the move that offered it."""
        held = None
        offer = None
        for move in self.moves:
            if move.word.kind is Kind.OFFER:
                offer = move
            if move.side is side and move.word.kind is not Kind.REJECT:
                held = offer
        return held

    def offer_before(self, move: Move) -> Move | None:
        """The offer that lay on the table when a move was made."""
        before = [m for m in self.moves if m.round < move.round and m.word.kind is Kind.OFFER]
        return before[-1] if before else None

    def offered(self, sha256: str) -> Move | None:
        """The latest offer with this hash, to show somebody what they saw."""
        found = [m for m in self.moves if m.word.kind is Kind.OFFER and m.word.sha256 == sha256]
        return found[-1] if found else None


def standings(
    terms: Iterable[str], rounds: Sequence[SentRound], *, started_by: Side
) -> dict[str, Standing]:
    """Return where every term stands after the sent rounds, given in the order they were sent."""
    moves: dict[str, list[Move]] = {term: [] for term in terms}
    for sent in rounds:
        for term, word in sent.words.items():
            moves.setdefault(term, []).append(Move(sent.number, sent.side, sent.at, word))
    return {term: _standing(term, tuple(made), started_by) for term, made in moves.items()}


def _standing(term: str, moves: tuple[Move, ...], started_by: Side) -> Standing:
    offer: Move | None = None
    status = Status.UNOFFERED
    for move in moves:
        offer, status = _after(move, offer, status)
    return Standing(term, started_by, moves, offer, status)


def _after(move: Move, offer: Move | None, status: Status) -> tuple[Move | None, Status]:
    if move.word.kind is Kind.OFFER:
        return move, Status.OPEN
    # Only the other side can answer an offer, and only the very value that was offered.
    answers = offer is not None and move.side is not offer.side
    if offer is None or not answers or move.word.sha256 != offer.word.sha256:
        return offer, status
    return offer, Status.AGREED if move.word.kind is Kind.ACCEPT else Status.REJECTED


def all_agreed(found: Mapping[str, Standing]) -> bool:
    """Return whether every term is agreed, and there is at least one."""
    return bool(found) and all(s.status is Status.AGREED for s in found.values())


def values_of(
    found: Mapping[str, Standing], draft: Mapping[str, Word] | None = None
) -> dict[str, Value]:
    """Return the value of every term on the table, with one side's draft offers laid over it."""
    values = {term: standing.value for term, standing in found.items()}
    for term, word in (draft or {}).items():
        if word.kind is Kind.OFFER:
            values[term] = word.value
    return values
