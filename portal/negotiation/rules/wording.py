"""Values and moves in the words of the page: short texts, differences, and who gains."""

from collections.abc import Mapping
from dataclasses import dataclass

from portal.contracts.rules.life import Side
from portal.kit.words import say, say_n
from portal.negotiation.rules.redline import LONG, Segments, difference
from portal.negotiation.rules.standing import Kind, Move, Standing, Status, Word
from portal.terms.rules import Schema, Term, Value, favours, show


def short(term: Term, value: Value) -> str:
    """Print a value for one line of the list; what is cut off says so."""
    text = show(term, value)
    lines = text.split("\n")
    first = lines[0] if len(lines[0]) <= LONG else lines[0][: LONG - 1].rstrip() + "…"
    more = len(lines) - 1
    if not more:
        return first
    return say_n(
        "%(first)s … and %(num)s more line", "%(first)s … and %(num)s more lines", more, first=first
    )


def gains(term: Term, old: Value, new: Value, *, names: Mapping[Side, str]) -> str | None:
    """Say for whom the new value is better than the old, where the schema can tell."""
    side = favours(term, old, new)
    if side not in ("vendor", "customer"):
        return None
    return say("Better for %(name)s", name=names[Side(side)])


_DONE = {
    Kind.OFFER: say("offered"),
    Kind.ACCEPT: say("accepted"),
    Kind.REJECT: say("rejected"),
    Kind.DISCUSS: say("wants to discuss"),
    Kind.PARK: say("parked"),
}


@dataclass(frozen=True)
class Change:
    """What one word does to a term, ready to be read in a preview, a round or a history."""

    term: Term
    kind: Kind
    verb: str
    old: str | None
    new: str
    segments: Segments
    gain: str | None
    reason: str | None
    package: str | None = None
    move: Move | None = None


def change(
    term: Term,
    word: Word,
    *,
    before: Move | None,
    status: Status,
    names: Mapping[Side, str],
    move: Move | None = None,
) -> Change:
    """Describe a word against the offer that lay on the table before it."""
    old = before.word.value if before else None
    new = word.value if word.kind is Kind.OFFER else old
    offers = word.kind is Kind.OFFER and before is not None
    old_text = show(term, old) if before else None
    new_text = show(term, new)
    return Change(
        term=term,
        kind=word.kind,
        verb=_verb(word, before, status),
        old=old_text,
        new=new_text,
        segments=difference(old_text or "", new_text) if offers else [("same", new_text)],
        gain=gains(term, old, new, names=names) if offers else None,
        reason=word.reason,
        package=word.package,
        move=move,
    )


def _verb(word: Word, before: Move | None, status: Status) -> str:
    if word.kind is not Kind.OFFER or before is None:
        return _DONE[word.kind]
    if word.package and before.word.sha256 == word.sha256:
        return say("would accept")
    return say("reopened") if status is Status.AGREED else say("countered")


def changes_of(
    schema: Schema,
    words: Mapping[str, Word],
    before: Mapping[str, Standing],
    *,
    names: Mapping[Side, str],
) -> list[Change]:
    """Describe all words of a round in the order of the contract."""
    return [
        change(
            schema.terms[term],
            words[term],
            before=before[term].offer,
            status=before[term].status,
            names=names,
        )
        for term in schema.terms
        if term in words
    ]


def history(term: Term, standing: Standing, *, names: Mapping[Side, str]) -> list[Change]:
    """Describe every move on a term, oldest first."""
    status, found = Status.UNOFFERED, []
    for move in standing.moves:
        before = standing.offer_before(move)
        found.append(change(term, move.word, before=before, status=status, names=names, move=move))
        status = _STATUS_AFTER[move.word.kind]
    return found


_STATUS_AFTER = {
    Kind.OFFER: Status.OPEN,
    Kind.ACCEPT: Status.AGREED,
    Kind.REJECT: Status.REJECTED,
    Kind.DISCUSS: Status.DISCUSSED,
    Kind.PARK: Status.PARKED,
}
