"""Negotiation: the table, the rounds, one's own draft, shared comments. Nothing here freezes."""

from collections.abc import Mapping
from typing import Any

from portal.api.routes.door import Ask, Made, Page, operation, paged
from portal.api.rules.problems import Problem
from portal.api.rules.shapes import SHA256, Wrong, answer, body, ref, text
from portal.kit.errors import NotFound, Refused
from portal.negotiation import actions, rules
from portal.negotiation.queries import Negotiation, comments_of, negotiation_of
from portal.terms.rules import Term, Unreadable, normal, show

TAG = "Negotiation"
READ, WRITE = "contracts:read", "contracts:write"
KINDS = ("offer", "accept", "reject", "discuss", "park")


def _table(ask: Ask) -> Negotiation:
    return negotiation_of(ask.session, ask.contract, ask.actor, at=ask.now)


def _word(term: str, word: rules.Word) -> dict[str, Any]:
    return {
        "term": term, "kind": word.kind, "value_sha256": word.sha256, "value": word.value,
        "reason": word.reason, "package": word.package,
    }  # fmt: skip


def _words(words: Mapping[str, rules.Word]) -> list[dict[str, Any]]:
    return [_word(term, words[term]) for term in sorted(words)]


@operation(
    "GET", "/contracts/{ref}/negotiation", scope=READ, needs="contract:see", tag=TAG,
    answers=ref("Negotiation"), summary="Read where each term stands, and what your draft says",
)  # fmt: skip
def read_negotiation(ask: Ask) -> dict[str, Any]:
    """The table as this side sees it."""
    found = _table(ask)
    return {
        "state": found.state, "side": found.side, "turn": found.turn, "my_turn": found.my_turn,
        "last_round": found.last_sent, "all_agreed": found.all_agreed,
        "waiting_round": found.waiting.number if found.waiting else None,
        "terms": [
            _standing(found.schema.terms[term], standing, found.words.get(term))
            for term, standing in found.standings.items()
            if term in found.schema.terms
        ],
    }  # fmt: skip


def _standing(term: Term, standing: rules.Standing, drafted: rules.Word | None) -> dict[str, Any]:
    offer = standing.offer
    return {
        "term": term.id, "label": term.label, "status": standing.status, "value": standing.value,
        "value_sha256": standing.sha256, "offered_by": offer.side if offer else None,
        "awaited": standing.awaited, "package": standing.package,
        "in_words": show(term, standing.value) if offer else "",
        "drafted": _word(term.id, drafted) if drafted else None,
    }  # fmt: skip


@operation(
    "GET", "/contracts/{ref}/rounds", scope=READ, needs="contract:see", tag=TAG, paged=True,
    answers=ref("Round"), summary="List the rounds that were sent and opened, newest first",
)  # fmt: skip
def list_rounds(ask: Ask) -> Page:
    """The rounds this side may read."""
    return paged(ask, "list_rounds", list(reversed(_table(ask).rounds)), _round)


@operation(
    "GET", "/contracts/{ref}/rounds/{number}", scope=READ, needs="contract:see", tag=TAG,
    answers=ref("Round"), summary="Read one round as it was sent",
)  # fmt: skip
def read_round(ask: Ask, number: int) -> dict[str, Any]:
    """One round."""
    return _round(_table(ask).sent(number))


def _round(sent: rules.SentRound) -> dict[str, Any]:
    return {
        "number": sent.number, "side": sent.side, "sent_at": sent.at, "note": sent.note,
        "sha256": sent.sha256, "opened_at": sent.opened_at, "words": _words(sent.words),
    }  # fmt: skip


@operation(
    "POST", "/contracts/{ref}/rounds/opening", scope=WRITE, needs="round:open", tag=TAG,
    answers=ref("Round"), summary="Open the round that came; the other side can then not recall it",
)  # fmt: skip
def open_round(ask: Ask) -> dict[str, Any]:
    """Open the round that waits."""
    number = actions.open_round(*ask.args, at=ask.now)
    if number is None:
        raise Refused("There is no round to open. It was opened already, or recalled.")
    return _round(_table(ask).sent(number))


@operation(
    "POST", "/contracts/{ref}/rounds", scope=WRITE, needs="round:send", tag=TAG,
    answers=ref("Round"), summary="Send your draft as a round; it never changes after that",
    body=body({"note": text(2000)}, draft_sha256=SHA256),
)  # fmt: skip
def send_round(ask: Ask) -> Made:
    """Send the draft that was read, and no other."""
    row = actions.send_round(
        *ask.args, seen_draft_sha256=ask.body["draft_sha256"], note=ask.body.get("note"),
        at=ask.now,
    )  # fmt: skip
    ask.session.expire_all()
    told = _round(_table(ask).sent(row.number))
    return Made(told, f"/contracts/{ask.contract.id}/rounds/{row.number}")


@operation(
    "POST", "/contracts/{ref}/rounds/recall", scope=WRITE, needs="round:send", tag=TAG,
    answers=ref("Draft"), summary="Recall the last round while nobody has opened it",
)  # fmt: skip
def recall_round(ask: Ask) -> dict[str, Any]:
    """Take the last round back; its answers are the draft again."""
    actions.recall_round(*ask.args, at=ask.now)
    return read_draft(ask)


@operation(
    "GET", "/contracts/{ref}/draft", scope=READ, needs="round:draft", tag=TAG,
    answers=ref("Draft"), summary="Read your side’s private draft, with what is incoherent in it",
)  # fmt: skip
def read_draft(ask: Ask) -> dict[str, Any]:
    """The draft of the next round."""
    ask.session.expire_all()
    found = _table(ask)
    return {
        "round": found.next_number, "sha256": rules.words_sha256(found.words),
        "words": _words(found.words),
        "findings": [
            {"level": one.level, "message": one.message, "terms": list(one.terms)}
            for one in found.findings(with_draft=True)
        ],
    }  # fmt: skip


@operation(
    "PUT", "/contracts/{ref}/draft/{term}", scope=WRITE, needs="round:draft", tag=TAG,
    answers=ref("Draft"), reads="read_draft",
    summary="Answer one term in your draft: offer, accept, reject, discuss or park",
    body=body(
        {"value": {}, "reason": text(2000), "seen_sha256": SHA256},
        kind={"type": "string", "enum": list(KINDS)},
    ),
)  # fmt: skip
def answer_term(ask: Ask, term: str) -> dict[str, Any]:
    """Put one answer into the draft; `seen_sha256` is the hash of the offer that was read."""
    known = _table(ask).schema.terms.get(term)
    if known is None:
        raise NotFound
    value = None
    if ask.body["kind"] == "offer":
        value = _value(known, ask.body.get("value"))
    actions.answer(
        *ask.args, term, kind=ask.body["kind"], value=value, reason=ask.body.get("reason"),
        seen_sha256=ask.body.get("seen_sha256"), at=ask.now,
    )  # fmt: skip
    return read_draft(ask)


def _value(term: Term, sent: Any) -> Any:
    """Bring a value to its one form; one that cannot be read is named with its pointer."""
    try:
        return normal(term, sent)
    except (Unreadable, TypeError, ValueError, KeyError, AttributeError) as error:
        said = error.message if isinstance(error, Unreadable) else "This is no value of this term."
        raise Problem("invalid", errors=[Wrong("#/value", said)]) from None


@operation(
    "DELETE", "/contracts/{ref}/draft/{term}", scope=WRITE, needs="round:draft", tag=TAG,
    reads="read_draft", summary="Take one answer out of your draft",
)  # fmt: skip
def clear_answer(ask: Ask, term: str) -> None:
    """Take an answer back before it is sent."""
    if term not in _table(ask).schema.terms:
        raise NotFound
    actions.clear_answer(*ask.args, term, at=ask.now)


@operation(
    "POST", "/contracts/{ref}/draft/acceptance", scope=WRITE, needs="round:draft", tag=TAG,
    answers=answer(accepted={"type": "integer"}, draft=ref("Draft")),
    summary="Accept every offer that has no answer yet, in your draft",
    body=body(seen_round={"type": "integer", "minimum": 0, "maximum": 999_999}),
)  # fmt: skip
def accept_rest(ask: Ask) -> dict[str, Any]:
    """Accept the rest of what the other side offers."""
    count = actions.accept_rest(*ask.args, at=ask.now, seen_round=ask.body["seen_round"])
    return {"accepted": count, "draft": read_draft(ask)}


@operation(
    "GET", "/contracts/{ref}/comments", scope=READ, needs="contract:see", tag=TAG, paged=True,
    answers=ref("Comment"), summary="List the comments both sides read, oldest first",
    query={"term": {"type": "string", "maxLength": 60}},
)  # fmt: skip
def list_comments(ask: Ask) -> Page:
    """Shared comments; internal notes are never part of it."""
    rows = comments_of(ask.session, ask.contract, ask.query.get("term"))
    return paged(ask, "list_comments", rows, _comment)


def _comment(said: Any) -> dict[str, Any]:
    return {
        "id": said.id, "term": said.term, "side": said.side, "by": said.by, "at": said.at,
        "text": said.text, "resolved_at": said.resolved_at, "resolved_by": said.resolved_by,
    }  # fmt: skip


@operation(
    "POST", "/contracts/{ref}/comments", scope=WRITE, needs="comment:share", tag=TAG,
    answers=ref("Comment"), summary="Write a comment that both sides read",
    body=body({"term": text(60)}, text=text(4000)),
)  # fmt: skip
def write_comment(ask: Ask) -> dict[str, Any]:
    """Write and share, as the page does in two steps."""
    term = ask.body.get("term")
    if term is not None and term not in _table(ask).schema.terms:
        raise Problem("invalid", errors=[Wrong("#/term", "This contract has no such term.")])
    note = actions.write_note(*ask.args, text=ask.body["text"], term=term, at=ask.now)
    shared = actions.share_note(*ask.args, note.id, at=ask.now)
    return next(
        _comment(one) for one in comments_of(ask.session, ask.contract) if one.id == shared.id
    )


@operation(
    "POST", "/contracts/{ref}/comments/{comment}/resolution", scope=WRITE, needs="comment:write",
    tag=TAG, answers=ref("Comment"), summary="Mark a shared comment as settled",
)  # fmt: skip
def resolve_comment(ask: Ask, comment: str) -> dict[str, Any]:
    """Settle a comment; doing it twice changes nothing."""
    if not any(one.id == comment for one in comments_of(ask.session, ask.contract)):
        raise NotFound
    actions.resolve(*ask.args, comment, at=ask.now)
    return next(
        _comment(one) for one in comments_of(ask.session, ask.contract) if one.id == comment
    )
