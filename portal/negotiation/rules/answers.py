"""What a side may say in its draft, what a round adds up to, and the hashes both sides can redo."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.contracts.rules.life import Side
from portal.negotiation.rules.standing import Kind, Standing, Status, Word
from portal.terms.rules import Term, canonical, validate, value_sha256

FORMAT = "counterpart-round/1"


def offer(value: Any, *, reason: str | None = None) -> Word:
    """Return the word that offers a value."""
    return Word(Kind.OFFER, value_sha256(value), value, reason)


def why_not(standing: Standing, word: Word, *, side: Side) -> str | None:
    """Say why this side may not say this now; None where it may."""
    if word.kind is Kind.OFFER:
        return _why_not_offer(standing, word, side)
    return _why_not_answer(standing, word, side)


def _why_not_offer(standing: Standing, word: Word, side: Side) -> str | None:
    if standing.offer is not None and word.sha256 == standing.sha256:
        if standing.status is Status.AGREED:
            return "This is the value already agreed."
        if standing.offer.side is side:
            return "This is what you already offer. Write another value."
        return "This is what they offer. Accept it instead."
    if standing.status is Status.AGREED and not word.reason:
        return "This term is agreed. Give a reason for opening it again."
    return None


def _why_not_answer(standing: Standing, word: Word, side: Side) -> str | None:
    last = standing.offer
    if last is None:
        return "Nothing is offered here yet."
    if last.side is side:
        return "This is your own offer. Wait for their answer, or offer another value."
    if standing.status is Status.AGREED:
        return "This term is agreed. To open it again, offer another value and give a reason."
    if word.sha256 != last.word.sha256:
        return "The offer changed since you looked."
    if word.kind is Kind.REJECT:
        return _why_not_reject(standing, word)
    return None


def _why_not_reject(standing: Standing, word: Word) -> str | None:
    if standing.status is Status.REJECTED:
        return "You have rejected this offer already."
    return None if word.reason else "Say why you reject it."


def value_problems(term: Term, value: Any, *, complete: bool) -> list[str]:
    """List what is wrong with a value; an incomplete draft may leave a needed one empty."""
    return [] if value is None and not complete else validate(term, value)


@dataclass(frozen=True)
class Summary:
    """How many terms a round accepts, offers for the first time, counters, rejects, leaves."""

    accepted: int
    offered: int
    countered: int
    rejected: int
    unchanged: int
    open: int

    def sentence(self) -> str:
        """Return the counts in words: "5 accepted, 3 countered, 1 rejected, 181 unchanged"."""
        first = [(self.offered, "offered")] if self.offered else []
        rest = [
            (self.accepted, "accepted"),
            (self.countered, "countered"),
            (self.rejected, "rejected"),
            (self.unchanged, "unchanged"),
        ]
        return ", ".join(f"{n} {word}" for n, word in first + [r for r in rest if r[0]])


def summary(words: Mapping[str, Word], before: Mapping[str, Standing]) -> Summary:
    """Count a round against where the terms stood before it; `open` is what it leaves open."""
    kinds = [(word.kind, before[term].offer is None) for term, word in words.items()]
    agreed = {term for term, standing in before.items() if standing.status is Status.AGREED}
    agreed -= {term for term, word in words.items() if word.kind is Kind.OFFER}
    agreed |= {term for term, word in words.items() if word.kind is Kind.ACCEPT}
    return Summary(
        accepted=sum(kind is Kind.ACCEPT for kind, _ in kinds),
        offered=sum(kind is Kind.OFFER and first for kind, first in kinds),
        countered=sum(kind is Kind.OFFER and not first for kind, first in kinds),
        rejected=sum(kind is Kind.REJECT for kind, _ in kinds),
        unchanged=len(before) - len(words),
        open=len(before) - len(agreed),
    )


def _canonical(words: Mapping[str, Word]) -> list[dict[str, Any]]:
    return [
        {"term": term, "kind": word.kind.value, "sha256": word.sha256, "reason": word.reason}
        for term, word in sorted(words.items())
    ]


def words_sha256(words: Mapping[str, Word]) -> str:
    """Return the hash of answers, by which a preview and what is sent are held together."""
    return value_sha256(_canonical(words))


def round_bytes(
    ref: str, number: int, side: Side, words: Mapping[str, Word], *, note: str | None
) -> bytes:
    """Return the canonical bytes (RFC 8785) of a round, whose SHA-256 is kept and shown."""
    return canonical(
        {
            "format": FORMAT,
            "contract": ref,
            "number": number,
            "side": side.value,
            "answers": _canonical(words),
            "note": note,
        }
    )


def agreed_sha256(found: Mapping[str, Standing]) -> str:
    """Return the hash over what every term stands at, by which a freeze names what was seen."""
    return value_sha256([[term, s.sha256, s.status.value] for term, s in sorted(found.items())])


@dataclass(frozen=True)
class Able:
    """Which kinds of answer a side may give on a term."""

    accept: bool
    reject: bool
    reopen: bool
    first: bool


def able(standing: Standing, side: Side) -> Able:
    """Return which kinds of answer the rules leave open; offering another value always is."""
    sha256 = standing.sha256 or ""
    accept = Word(Kind.ACCEPT, sha256)
    reject = Word(Kind.REJECT, sha256, reason="because")
    return Able(
        accept=why_not(standing, accept, side=side) is None,
        reject=why_not(standing, reject, side=side) is None,
        reopen=standing.status is Status.AGREED,
        first=standing.offer is None,
    )
