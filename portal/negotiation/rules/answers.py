"""What a side may say in its draft, what a round adds up to, and the hashes both sides can redo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.contracts.rules.life import Side
from portal.kit.words import in_a_row, say, say_n
from portal.negotiation.rules.standing import (
    Kind,
    Standing,
    Status,
    Word,
    returned_packages,
)
from portal.terms.rules import Term, canonical, validate, value_sha256

FORMAT = "counterpart-round/1"


def offer(
    value: Any, *, reason: str | None = None, package: str | None = None, author: str | None = None
) -> Word:
    """Return the word that offers a value."""
    return Word(Kind.OFFER, value_sha256(value), value, reason, package, author)


def why_not(standing: Standing, word: Word, *, side: Side) -> str | None:
    """Say why this side may not say this now; None where it may."""
    if word.kind is Kind.OFFER:
        return _why_not_offer(standing, word, side)
    problem = _why_not_speak(standing, word)
    if problem or word.kind in (Kind.DISCUSS, Kind.PARK):
        return problem or _why_not_postpone(standing, word, side)
    return _why_not_answer(standing, word, side)


def _why_not_offer(standing: Standing, word: Word, side: Side) -> str | None:
    if standing.offer is not None and word.sha256 == standing.sha256 and not standing.lapsed:
        return _why_not_same(standing, word, side)
    if standing.status is Status.AGREED and not word.reason:
        return say("This term is agreed. Give a reason for opening it again.")
    return None


def _why_not_same(standing: Standing, word: Word, side: Side) -> str | None:
    if standing.status is Status.AGREED:
        return say("This is the value already agreed.")
    if standing.offer is not None and standing.offer.side is side:
        return None if word.package else say("This is what you already offer. Write another value.")
    if standing.package:
        return say(
            "This is part of package %(package)s. A package cannot hold another.",
            package=standing.package,
        )
    return None if word.package else say("This is what they offer. Accept it instead.")


def _why_not_speak(standing: Standing, word: Word) -> str | None:
    if standing.offer is None:
        return say("Nothing is offered here yet.")
    if standing.status is Status.AGREED:
        return say("This term is agreed. To open it again, offer another value and give a reason.")
    return None


def _why_not_postpone(standing: Standing, word: Word, side: Side) -> str | None:
    if word.sha256 != standing.sha256:
        return say("The offer changed since you looked.")
    if word.kind is Kind.PARK:
        return say("This is parked already.") if standing.status is Status.PARKED else None
    if not word.reason:
        return say("Write what you want to discuss.")
    asked = standing.status is Status.DISCUSSED and standing.moves[-1].side is side
    return say("You asked to discuss this already. Wait for their answer.") if asked else None


def _why_not_answer(standing: Standing, word: Word, side: Side) -> str | None:
    last = standing.offer
    if last is None or last.side is side:
        return say("This is your own offer. Wait for their answer, or offer another value.")
    if word.sha256 != last.word.sha256:
        return say("The offer changed since you looked.")
    if word.kind is Kind.REJECT:
        return _why_not_reject(standing, word)
    if standing.lapsed:
        return say("This was part of a package that went back. Offer a value of your own.")
    return None


def _why_not_reject(standing: Standing, word: Word) -> str | None:
    if standing.status is Status.REJECTED:
        return say("You have rejected this offer already.")
    return None if word.reason else say("Say why you reject it.")


def value_problems(term: Term, value: Any, *, complete: bool) -> list[str]:
    """List what is wrong with a value; an incomplete draft may leave a needed one empty."""
    return [] if value is None and not complete else validate(term, value)


@dataclass(frozen=True)
class Summary:
    """How many terms a round accepts, offers for the first time, counters, rejects, leaves.

    `returned` counts packages that go back; what is accepted in one of those agrees nothing.
    """

    accepted: int
    offered: int
    countered: int
    rejected: int
    unchanged: int
    open: int
    discussed: int = 0
    parked: int = 0
    returned: int = 0

    def sentence(self) -> str:
        """Return the counts in words: "5 accepted, 3 countered, 1 rejected, 181 unchanged"."""
        told = [
            (self.offered, say("%(count)s offered", count=self.offered)),
            (self.accepted, say("%(count)s accepted", count=self.accepted)),
            (self.countered, say("%(count)s countered", count=self.countered)),
            (self.rejected, say("%(count)s rejected", count=self.rejected)),
            (self.discussed, say("%(count)s to discuss", count=self.discussed)),
            (self.parked, say("%(count)s parked", count=self.parked)),
            (self.returned, say_n("%(num)s package returned", "%(num)s packages returned",
                                  self.returned)),
            (self.unchanged, say("%(count)s unchanged", count=self.unchanged)),
        ]  # fmt: skip
        return in_a_row([words for count, words in told if count])


def summary(words: Mapping[str, Word], before: Mapping[str, Standing]) -> Summary:
    """Count a round against where the terms stood before it; `open` is what it leaves open."""
    back = returned_packages(before, words)
    kinds = [(word.kind, before[term].offer is None) for term, word in words.items()]
    said = [kind for kind, _ in kinds]
    agreed = {term for term, standing in before.items() if standing.status is Status.AGREED}
    agreed -= {term for term, word in words.items() if word.kind is Kind.OFFER}
    accepted = {
        term
        for term, word in words.items()
        if word.kind is Kind.ACCEPT and before[term].package not in back
    }
    return Summary(
        accepted=len(accepted),
        offered=sum(kind is Kind.OFFER and first for kind, first in kinds),
        countered=sum(kind is Kind.OFFER and not first for kind, first in kinds),
        rejected=said.count(Kind.REJECT),
        unchanged=len(before) - len(words),
        open=len(before) - len(agreed | accepted),
        discussed=said.count(Kind.DISCUSS),
        parked=said.count(Kind.PARK),
        returned=len(back),
    )


def packages_in(words: Mapping[str, Word]) -> dict[str, list[str]]:
    """Return the packages a round or a draft offers, each with its terms."""
    found: dict[str, list[str]] = {}
    for term, word in words.items():
        if word.package:
            found.setdefault(word.package, []).append(term)
    return found


def next_package(found: Mapping[str, Standing], words: Mapping[str, Word]) -> str:
    """Return a name no package of this negotiation had: P1, P2, ..."""
    known = {move.word.package for s in found.values() for move in s.moves}
    known |= {word.package for word in words.values()}
    numbers = [int(name[1:]) for name in known if name]
    return f"P{max(numbers, default=0) + 1}"


LEAST_IN_A_PACKAGE = 2


def package_problem(
    chosen: Sequence[str], words: Mapping[str, Word], found: Mapping[str, Standing]
) -> str | None:
    """Say why these answers of a draft cannot be tied together, or None."""
    if len(set(chosen)) < LEAST_IN_A_PACKAGE:
        return say("Choose at least two terms: a package ties answers together.")
    for term in chosen:
        word = words.get(term)
        if word is None or word.kind not in (Kind.OFFER, Kind.ACCEPT):
            return say("%(term)s has no offer and no acceptance in your draft.", term=term)
        if word.package:
            return say(
                "%(term)s is in package %(package)s already. A package cannot hold another.",
                term=term,
                package=word.package,
            )
        if word.kind is Kind.ACCEPT and found[term].package:
            return say(
                "%(term)s is part of their package %(package)s. A package cannot hold another.",
                term=term,
                package=found[term].package,
            )
    return None


def _canonical(words: Mapping[str, Word]) -> list[dict[str, Any]]:
    return [
        {"term": term, "kind": word.kind.value, "sha256": word.sha256, "reason": word.reason}
        | ({"package": word.package} if word.package else {})
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
    discuss: bool = False
    park: bool = False

    @property
    def choice(self) -> bool:
        """Whether there is anything to choose beside offering a value."""
        return self.accept or self.reject or self.discuss or self.park


def able(standing: Standing, side: Side) -> Able:
    """Return which kinds of answer the rules leave open; offering another value always is."""
    sha256 = standing.sha256 or ""

    def may(kind: Kind) -> bool:
        return why_not(standing, Word(kind, sha256, reason="because"), side=side) is None

    return Able(
        accept=may(Kind.ACCEPT),
        reject=may(Kind.REJECT),
        reopen=standing.status is Status.AGREED,
        first=standing.offer is None,
        discuss=may(Kind.DISCUSS),
        park=may(Kind.PARK),
    )
