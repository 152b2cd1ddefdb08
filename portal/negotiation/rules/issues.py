"""The issues list: one row a term, as one side sees it with its own draft and nobody else's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.contracts.rules.life import Side
from portal.negotiation.rules.standing import Kind, Standing, Status, Word
from portal.negotiation.rules.wording import Segments, difference, gains, short
from portal.terms.rules import Schema, Term


class Show(StrEnum):
    """The filters of the list."""

    MINE = "mine"
    OPEN = "open"
    AGREED = "agreed"
    CHANGED = "changed"
    ALL = "all"


SHOW_WORDS = {
    Show.MINE: "Mine to answer",
    Show.OPEN: "Open",
    Show.AGREED: "Agreed",
    Show.CHANGED: "Changed in the last round",
    Show.ALL: "All",
}


@dataclass(frozen=True)
class View:
    """Who looks at the list, and whose turn it is."""

    side: Side
    turn: Side
    names: Mapping[Side, str]
    last_round: int = 0
    locked: bool = False

    @property
    def my_turn(self) -> bool:
        """Whether this side may answer now."""
        return self.side is self.turn and not self.locked


@dataclass(frozen=True)
class Held:
    """What one side holds on a term: the text, or a redline from it to one's own draft."""

    segments: Segments
    note: str | None = None


@dataclass(frozen=True)
class Issue:
    """One row of the list."""

    term: Term
    anchor: str
    vendor: Held | None
    customer: Held | None
    agreed: str | None
    tag: str
    kind: str
    whose: str | None
    turn: str | None
    answered: bool
    open_to_me: bool


def anchor_of(term_id: str) -> str:
    """Return the id of a term's row in a page: a dot would mean something else in a selector."""
    return "issue-" + term_id.replace(".", "-")


def is_shown(show: Show, standing: Standing, word: Word | None, view: View) -> bool:
    """Say whether a filter lets a term through."""
    if show is Show.MINE:
        return standing.awaited is view.side or word is not None
    if show is Show.OPEN:
        return standing.status is not Status.AGREED
    if show is Show.AGREED:
        return standing.status is Status.AGREED
    if show is Show.CHANGED:
        return bool(standing.moves) and standing.moves[-1].round == view.last_round
    return True


def counts(found: Iterable[Standing], draft: Mapping[str, Word], view: View) -> dict[Show, int]:
    """Count the terms each filter lets through."""
    rows = [(standing, draft.get(standing.term)) for standing in found]
    return {
        show: sum(is_shown(show, standing, word, view) for standing, word in rows) for show in Show
    }


def unanswered(found: Mapping[str, Standing], draft: Mapping[str, Word], side: Side) -> list[str]:
    """Return the terms that await this side and have no answer in its draft."""
    return [t for t, standing in found.items() if standing.awaited is side and t not in draft]


def issue(term: Term, standing: Standing, word: Word | None, view: View) -> Issue:
    """Return the row of a term."""
    tag, kind, whose = _tag(standing, word, view)
    agreed = standing.status is Status.AGREED and word is None
    return Issue(
        term=term,
        anchor=anchor_of(term.id),
        vendor=None if agreed else _held(term, standing, word, Side.VENDOR, view),
        customer=None if agreed else _held(term, standing, word, Side.CUSTOMER, view),
        agreed=short(term, standing.value) if agreed else None,
        tag=tag,
        kind=kind,
        whose=whose,
        turn=_turn(standing, word, view),
        answered=word is not None,
        open_to_me=standing.awaited is view.side,
    )


def _turn(standing: Standing, word: Word | None, view: View) -> str | None:
    if word is not None or (view.my_turn and standing.awaited is view.side):
        return "mine"
    return "agreed" if standing.status is Status.AGREED else "theirs"


_DRAFT_TAGS = {
    Kind.OFFER: ("You counter", "warn"),
    Kind.ACCEPT: ("You accept", "good"),
    Kind.REJECT: ("You reject", "rejected"),
}


def _tag(standing: Standing, word: Word | None, view: View) -> tuple[str, str, str | None]:
    if word is not None:
        tag, kind = _DRAFT_TAGS[word.kind]
        if word.kind is Kind.OFFER and standing.status is Status.UNOFFERED:
            tag, kind = "You offer", "good"
        if word.kind is Kind.OFFER and standing.status is Status.AGREED:
            tag = "You reopen"
        return tag, kind, "Private until you send"
    if standing.status is Status.AGREED:
        return "Agreed", "agreed", f"Round {standing.moves[-1].round}"
    if standing.status is Status.UNOFFERED:
        return "No offer yet", "open", None
    return _awaited_tag(standing, view)


def _awaited_tag(standing: Standing, view: View) -> tuple[str, str, str | None]:
    last = standing.moves[-1]
    other = view.names[view.side.other]
    if standing.awaited is not view.side:
        rejected = standing.status is Status.REJECTED
        return "Waiting", "theirs", f"For another offer of {other}" if rejected else f"For {other}"
    if standing.status is Status.REJECTED:
        return "Rejected", "rejected", f"{view.names[last.side]} asks for another offer"
    if view.my_turn:
        return "Yours to answer", "yours", f"Offered in round {last.round}"
    return "Open", "open", "You left it for later"


def _held(term: Term, standing: Standing, word: Word | None, side: Side, view: View) -> Held | None:
    move = standing.position(side)
    text = short(term, move.word.value) if move else None
    if word is not None and side is view.side and word.kind is not Kind.REJECT:
        return _draft_held(term, standing, word, text, view)
    rejection = standing.rejection
    if rejection is not None and rejection.side is side:
        said = [("same", text)] if text is not None else []
        return Held(said, f"Rejected their offer: “{rejection.word.reason}”")
    if text is None or move is None:
        return None
    last = standing.offer is move and move.side is side
    return Held([("same", text)], _gain(term, standing, view) if last else None)


def _draft_held(term: Term, standing: Standing, word: Word, text: str | None, view: View) -> Held:
    value = word.value if word.kind is Kind.OFFER else standing.value
    new = short(term, value)
    segments = difference(text, new) if text is not None and text != new else [("ins", new)]
    if standing.offer is None or word.kind is not Kind.OFFER:
        return Held([("same", new)] if standing.offer is None else segments)
    return Held(segments, gains(term, standing.value, value, names=view.names))


def _gain(term: Term, standing: Standing, view: View) -> str | None:
    if standing.offer is None:
        return None
    before = standing.offer_before(standing.offer)
    if before is None:
        return None
    return gains(term, before.word.value, standing.value, names=view.names)


@dataclass(frozen=True)
class IssueGroup:
    """A chapter of the list with its rows."""

    code: str
    title: str
    issues: list[Issue]


def grouped(
    schema: Schema,
    found: Mapping[str, Standing],
    draft: Mapping[str, Word],
    view: View,
    *,
    show: Show,
) -> list[IssueGroup]:
    """Return the rows a filter lets through, by chapter in the order of the contract."""
    groups = []
    for group in schema.groups:
        rows = [
            issue(term, found[term.id], draft.get(term.id), view)
            for term in schema.in_group(group.code)
            if is_shown(show, found[term.id], draft.get(term.id), view)
        ]
        if rows:
            groups.append(IssueGroup(group.code, group.title, rows))
    return groups
