"""Where each term stands, derived from the rounds that were sent and from nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from portal.contracts.rules.life import Side
from portal.terms.rules import Value


class Kind(StrEnum):
    """What an answer says about a term."""

    OFFER = "offer"
    ACCEPT = "accept"
    REJECT = "reject"
    DISCUSS = "discuss"
    PARK = "park"


class Status(StrEnum):
    """Where a term stands between the sides."""

    UNOFFERED = "unoffered"
    OPEN = "open"
    DISCUSSED = "discussed"
    PARKED = "parked"
    RETURNED = "returned"
    REJECTED = "rejected"
    AGREED = "agreed"


@dataclass(frozen=True)
class Word:
    """What one side says on one term; the hash is of the value offered or spoken of.

    A word in a `package` is an offer that stands only together with the others of that package.
    The `author` wrote it into the draft; the other side never learns who that was.
    """

    kind: Kind
    sha256: str
    value: Value = None
    reason: str | None = None
    package: str | None = None
    author: str | None = None


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
    opened_at: datetime | None = None
    opened_by: str | None = None


@dataclass(frozen=True)
class Move:
    """A word on a term, with the round that carried it."""

    round: int
    side: Side
    at: datetime
    word: Word


@dataclass(frozen=True)
class Standing:
    """A term after all rounds sent: the last offer, what became of it, and how it came there.

    `package` names the open package the last offer is part of. Once that package went back the
    offer has `lapsed`: nobody can accept a part of it any more.
    """

    term: str
    first_side: Side
    moves: tuple[Move, ...] = ()
    offer: Move | None = None
    status: Status = Status.UNOFFERED
    package: str | None = None
    lapsed: bool = False

    @property
    def awaited(self) -> Side | None:
        """The side whose answer is awaited; nobody's once the term is agreed or parked."""
        if self.offer is None:
            return self.first_side
        if self.status in (Status.AGREED, Status.PARKED):
            return None
        if self.status is Status.DISCUSSED:
            return self.moves[-1].side.other
        back = self.status in (Status.REJECTED, Status.RETURNED)
        return self.offer.side if back else self.offer.side.other

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

    @property
    def reopened(self) -> bool:
        """Whether the term was agreed once, and is not now."""
        return self.status is not Status.AGREED and any(
            move.word.kind is Kind.ACCEPT and self._agreed_by(move) for move in self.moves
        )

    def _agreed_by(self, move: Move) -> bool:
        before = self.offer_before(move)
        return (
            before is not None
            and before.word.package is None
            and before.word.sha256 == move.word.sha256
        )

    def position(self, side: Side) -> Move | None:
        """The last value a side offered or accepted, as the move that offered it."""
        held = None
        offer = None
        for move in self.moves:
            if move.word.kind is Kind.OFFER:
                offer = move
            if move.side is side and move.word.kind in (Kind.OFFER, Kind.ACCEPT):
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
    found = {term: Standing(term, started_by) for term in terms}
    for sent in rounds:
        hear(found, sent, started_by=started_by)
    return found


def hear(found: dict[str, Standing], sent: SentRound, *, started_by: Side) -> None:
    """Let one round act on where the terms stand."""
    gone = returned_packages(found, sent.words, side=sent.side)
    for term, word in sent.words.items():
        before = found.get(term) or Standing(term, started_by)
        move = Move(sent.number, sent.side, sent.at, word)
        found[term] = _after(before, move, back=before.package in gone)
    for term, before in found.items():
        if before.package in gone and term not in sent.words:
            found[term] = replace(before, status=Status.RETURNED, package=None, lapsed=True)


def packages_of(found: Mapping[str, Standing]) -> dict[str, list[str]]:
    """Return the packages that lie open on the table, each with its terms."""
    packages: dict[str, list[str]] = {}
    for term, standing in found.items():
        if standing.package:
            packages.setdefault(standing.package, []).append(term)
    return packages


def returned_packages(
    found: Mapping[str, Standing], words: Mapping[str, Word], *, side: Side | None = None
) -> set[str]:
    """Return the open packages that go back: touched by these words, and not accepted whole."""
    touched = {s.package for term in words if (s := found.get(term)) and s.package}
    if not touched:
        return set()
    return {
        package
        for package, terms in packages_of(found).items()
        if package in touched and not all(_accepts(found[t], words.get(t), side) for t in terms)
    }


def _accepts(standing: Standing, word: Word | None, side: Side | None) -> bool:
    mine = standing.offer is not None and side is standing.offer.side
    return (
        word is not None
        and word.kind is Kind.ACCEPT
        and word.sha256 == standing.sha256
        and not mine
    )


def _after(before: Standing, move: Move, *, back: bool) -> Standing:
    """Return where a term stands after a move; `back`: the move sends its package back."""
    heard = replace(before, moves=(*before.moves, move))
    word = move.word
    if word.kind is Kind.OFFER:
        return replace(heard, offer=move, status=Status.OPEN, package=word.package, lapsed=False)
    status = _answered(before, move)
    if back:
        if status in (None, Status.AGREED):
            status = Status.RETURNED
        return replace(heard, status=status, package=None, lapsed=True)
    if status is None:
        return heard
    package = None if status is Status.AGREED else before.package
    return replace(heard, status=status, package=package)


_SAID = {Kind.DISCUSS: Status.DISCUSSED, Kind.PARK: Status.PARKED}


def _answered(before: Standing, move: Move) -> Status | None:
    """Return what an answer makes of a term, or None where it speaks of something else."""
    offer, word = before.offer, move.word
    if offer is None or word.sha256 != offer.word.sha256:
        return None
    if word.kind in _SAID:
        return None if before.status is Status.AGREED else _SAID[word.kind]
    # Only the other side can answer an offer, and only the very value that was offered.
    if move.side is offer.side or before.status is Status.AGREED:
        return None
    if word.kind is Kind.REJECT:
        return Status.REJECTED
    return None if before.lapsed else Status.AGREED


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
