"""The issues list: one row a term, as one side sees it with its own draft and nobody else's."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.contracts.rules.life import Side
from portal.kit.words import say
from portal.negotiation.rules.answers import why_not
from portal.negotiation.rules.redline import Segments, difference
from portal.negotiation.rules.standing import Kind, Standing, Status, Word
from portal.negotiation.rules.wording import gains, short
from portal.terms.rules import Schema, Term


class Show(StrEnum):
    """The filters of the list."""

    MINE = "mine"
    OPEN = "open"
    AGREED = "agreed"
    CHANGED = "changed"
    APPROVAL = "approval"
    ALL = "all"


SHOW_WORDS = {
    Show.MINE: say("Mine to answer"),
    Show.OPEN: say("Open"),
    Show.AGREED: say("Agreed"),
    Show.CHANGED: say("Changed since I last looked"),
    Show.APPROVAL: say("Needs approval"),
    Show.ALL: say("All"),
}


@dataclass(frozen=True)
class View:
    """Who looks at the list, and whose turn it is."""

    side: Side
    turn: Side
    names: Mapping[Side, str]
    last_round: int = 0
    locked: bool = False
    seen_round: int | None = None
    approvals: frozenset[str] = frozenset()
    role: str | None = None

    @property
    def my_turn(self) -> bool:
        """Whether this side may answer now."""
        return self.side is self.turn and not self.locked

    def is_new(self, standing: Standing) -> bool:
        """Whether a term moved since this person last looked; else whether the last round did."""
        if not standing.moves:
            return False
        if self.seen_round is None:
            return standing.moves[-1].round == self.last_round
        return standing.moves[-1].round > self.seen_round


@dataclass(frozen=True)
class Held:
    """What one side holds on a term: the text, or a redline from it to one's own draft."""

    segments: Segments
    note: str | None = None


@dataclass(frozen=True)
class Beside:
    """What helps to judge a term, beside both positions."""

    worst: str | None = None
    tier: str | None = None
    comments: int = 0
    notes: int = 0


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
    acceptable: bool = False
    sha256: str | None = None
    package: str | None = None
    reopened: bool = False
    approval: bool = False
    beside: Beside = Beside()


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
        return view.is_new(standing)
    if show is Show.APPROVAL:
        return standing.term in view.approvals
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


def issue(
    term: Term,
    standing: Standing,
    word: Word | None,
    view: View,
    *,
    beside: Beside | None = None,
) -> Issue:
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
        acceptable=word is None and view.my_turn and _may_accept(standing, view.side),
        sha256=standing.sha256,
        package=word.package if word is not None else standing.package,
        reopened=standing.reopened,
        approval=term.id in view.approvals,
        beside=beside or Beside(),
    )


def _may_accept(standing: Standing, side: Side) -> bool:
    accept = Word(Kind.ACCEPT, standing.sha256 or "")
    return standing.awaited is side and why_not(standing, accept, side=side) is None


def _turn(standing: Standing, word: Word | None, view: View) -> str | None:
    if word is not None or (view.my_turn and standing.awaited is view.side):
        return "mine"
    return "agreed" if standing.status is Status.AGREED else "theirs"


_DRAFT_TAGS = {
    Kind.OFFER: (say("You counter"), "warn"),
    Kind.ACCEPT: (say("You accept"), "good"),
    Kind.REJECT: (say("You reject"), "rejected"),
    Kind.DISCUSS: (say("You ask to discuss"), "open"),
    Kind.PARK: (say("You park"), "open"),
}


def _tag(standing: Standing, word: Word | None, view: View) -> tuple[str, str, str | None]:
    if word is not None:
        tag, kind = _DRAFT_TAGS[word.kind]
        if word.kind is Kind.OFFER and standing.status is Status.UNOFFERED:
            tag, kind = say("You offer"), "good"
        if word.kind is Kind.OFFER and standing.status is Status.AGREED:
            tag = say("You reopen")
        if word.package and word.sha256 == standing.sha256:
            tag = say("You would accept")
        return tag, kind, say("Private until you send")
    if standing.status is Status.AGREED:
        return say("Agreed"), "agreed", say("Round %(number)s", number=standing.moves[-1].round)
    if standing.status is Status.UNOFFERED:
        return say("No offer yet"), "open", None
    return _awaited_tag(standing, view)


def _awaited_tag(standing: Standing, view: View) -> tuple[str, str, str | None]:
    last = standing.moves[-1]
    other = view.names[view.side.other]
    if standing.status is Status.PARKED:
        return (
            say("Parked"),
            "open",
            say("By %(name)s: it blocks the freeze", name=view.names[last.side]),
        )
    if standing.status is Status.DISCUSSED:
        return _discussed_tag(standing, view)
    if standing.status is Status.RETURNED and standing.awaited is view.side:
        return say("Came back"), "yours", say("Its package was not taken whole: offer anew")
    if standing.awaited is not view.side:
        rejected = standing.status is Status.REJECTED
        return (
            say("Waiting"),
            "theirs",
            say("For another offer of %(name)s", name=other)
            if rejected
            else say("For %(name)s", name=other),
        )
    if standing.status is Status.REJECTED:
        return (
            say("Rejected"),
            "rejected",
            say("%(name)s asks for another offer", name=view.names[last.side]),
        )
    if view.my_turn:
        return (
            say("Yours to answer"),
            "yours",
            say("Offered in round %(number)s", number=last.round),
        )
    return say("Open"), "open", say("You left it for later")


def _discussed_tag(standing: Standing, view: View) -> tuple[str, str, str | None]:
    asked = standing.moves[-1].side
    if asked is view.side:
        return say("In discussion"), "theirs", say("For %(name)s", name=view.names[asked.other])
    return say("In discussion"), "yours", say("%(name)s wants to talk", name=view.names[asked])


def _held(term: Term, standing: Standing, word: Word | None, side: Side, view: View) -> Held | None:
    move = standing.position(side)
    text = short(term, move.word.value) if move else None
    if word is not None and side is view.side and word.kind in (Kind.OFFER, Kind.ACCEPT):
        return _draft_held(term, standing, word, text, view)
    rejection = standing.rejection
    if rejection is not None and rejection.side is side:
        said = [("same", text)] if text is not None else []
        return Held(said, say("Rejected their offer: “%(reason)s”", reason=rejection.word.reason))
    if text is None or move is None:
        return None
    asked = standing.moves[-1]
    if standing.status is Status.DISCUSSED and asked.side is side:
        return Held(
            [("same", text)], say("Wants to discuss: “%(reason)s”", reason=asked.word.reason)
        )
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


def concerns(term: Term, role: str | None, side: Side) -> bool:
    """Say whether a role of a side looks after a term; without a role every term is shown."""
    owners = term.owners_vendor if side is Side.VENDOR else term.owners_customer
    return role is None or role in owners


def roles_in(schema: Schema, side: Side) -> list[str]:
    """Return the roles of a side that look after terms, in the order they come first."""
    pick = "owners_vendor" if side is Side.VENDOR else "owners_customer"
    return list(dict.fromkeys(role for t in schema.terms.values() for role in getattr(t, pick)))


def grouped(
    schema: Schema,
    found: Mapping[str, Standing],
    draft: Mapping[str, Word],
    view: View,
    *,
    show: Show,
    beside: Callable[[Term], Beside] | None = None,
) -> list[IssueGroup]:
    """Return the rows a filter lets through, by chapter in the order of the contract."""
    groups = []
    for group in schema.groups:
        rows = [
            issue(
                term, found[term.id], draft.get(term.id), view,
                beside=beside(term) if beside else None,
            )
            for term in schema.in_group(group.code)
            if concerns(term, view.role, view.side)
            and is_shown(show, found[term.id], draft.get(term.id), view)
        ]  # fmt: skip
        if rows:
            groups.append(IssueGroup(group.code, group.title, rows))
    return groups
