"""Renewals, formal notices and reviews. Giving a notice is done in person."""

from datetime import date
from typing import Any

from portal.api.routes.door import Ask, Made, Page, operation, paged, place_in
from portal.api.rules.shapes import DAY, body, one_of, ref, text
from portal.contracts.queries import terms_in_force
from portal.kit.errors import NotFound
from portal.kit.kept_words import kept
from portal.renewals import actions
from portal.renewals.models import Notice
from portal.renewals.queries import listing
from portal.renewals.queries.outlook import outlook
from portal.renewals.queries.term import notices_of, own_decision, running
from portal.renewals.rules.listing import Filter, Mark, Show
from portal.renewals.rules.notices import Choice
from portal.residency.databases import regions
from portal.reviews import actions as review_actions
from portal.reviews import queries as reviews
from portal.reviews.models import Review
from portal.reviews.queries import measured_with_reviews
from portal.reviews.rules.schedule import Kind

TAG = "Renewals, notices and reviews"


@operation(
    "GET", "/renewals", scope="renewals:read", needs="renewal:see", tag=TAG, paged=True,
    answers=ref("Renewal"), summary="List the renewals of all contracts by notice date",
    query={"show": one_of(*Show)},
)  # fmt: skip
def list_renewals(ask: Ask) -> Page:
    """By the query of the page."""
    place = place_in(ask, "list_renewals")
    found = listing.page_of(
        [session for _, session in regions().each()], ask.actor,
        Filter(show=Show(ask.query.get("show", Show.NEXT))), today=ask.now.date(),
        after=Mark(*place) if place else None, size=ask.query.get("limit", 50),
    )  # fmt: skip
    rows = [
        {
            "ref": row.ref, "title": row.title, "other": row.other, "side": row.side,
            "state": row.state, "number": row.number, "begins": row.begins, "ends": row.ends,
            "notice_by": row.notice_by, "price_by": row.price_by, "decide_by": row.decide_by,
            "mode": row.mode, "decision": row.decision, "region": row.region,
        }
        for row in found.rows
    ]  # fmt: skip
    mark = found.following
    return Page(rows, [mark.notice_by, mark.ref] if mark else None)


@operation(
    "GET", "/contracts/{ref}/renewal", scope="renewals:read", needs="renewal:see", tag=TAG,
    answers=ref("RenewalInFull"), summary="Read when the term ends, by when to act, and why then",
)  # fmt: skip
def read_renewal(ask: Ask) -> dict[str, Any]:
    """The renewal of one contract as one side sees it."""
    it = outlook(ask.session, ask.actor, ask.contract, at=ask.now, measure=measured_with_reviews)
    return {
        "ref": ask.contract.id, "side": it.side, "mode": it.mode, "number": it.found.span.number,
        "begins": it.found.span.begins, "ends": it.ends, "notice_by": it.found.notice_by,
        "price_by": it.price_by, "zone": it.zone, "leaving": it.leaving, "over": it.over,
        "working": list(it.working),
        "dates": [
            {"kind": one.kind, "due_on": one.due_on, "due_at": one.due_at, "done_at": one.done_at}
            for one in it.planned
            if one.cancelled_at is None
        ],
    }  # fmt: skip


@operation(
    "GET", "/contracts/{ref}/renewal/decision", scope="renewals:read", needs="renewal:see",
    tag=TAG, answers=ref("Decision"), summary="Read what your own side means to do",
)  # fmt: skip
def read_decision(ask: Ask) -> dict[str, Any]:
    """The side's own decision; the other side never sees it."""
    ask.session.expire_all()
    found = running(ask.session, ask.contract, on=ask.now.date())
    row = own_decision(ask.session, found, ask.actor)
    said = row.said if row else {}
    return {
        "choice": said.get("choice"), "note": said.get("note"),
        "decided_at": row.decided_at if row else None,
    }  # fmt: skip


@operation(
    "PUT", "/contracts/{ref}/renewal/decision", scope="renewals:write", needs="renewal:decide",
    tag=TAG, answers=ref("Decision"), reads="read_decision",
    summary="Keep what your own side means to do; it is no notice",
    body=body({"note": text(2000, 0)}, choice=one_of(*Choice)),
)  # fmt: skip
def keep_decision(ask: Ask) -> dict[str, Any]:
    """Decide."""
    actions.decide(
        ask.session, ask.actor, ask.contract, choice=Choice(ask.body["choice"]),
        note=ask.body.get("note", ""), at=ask.now,
    )  # fmt: skip
    return read_decision(ask)


@operation(
    "GET", "/contracts/{ref}/notices", scope="renewals:read", needs="renewal:see", tag=TAG,
    paged=True, answers=ref("Notice"), summary="List the formal notices, oldest first",
)  # fmt: skip
def list_notices(ask: Ask) -> Page:
    """What was given, when it counts, and the hash of its words."""
    running(ask.session, ask.contract, on=ask.now.date())
    return paged(ask, "list_notices", notices_of(ask.session, ask.contract), _notice)


def _notice(row: Notice) -> dict[str, Any]:
    return {
        "serial": row.serial, "kind": row.kind, "term_number": row.number, "side": row.side,
        "channel": row.channel, "given_at": row.given_at, "received_on": row.received_on,
        "due_on": row.due_on, "sha256": row.sha256,
    }  # fmt: skip


@operation(
    "GET", "/contracts/{ref}/reviews", scope="reviews:read", needs="contract:see", tag=TAG,
    paged=True, answers=ref("Review"), summary="List the reviews with their actions, latest first",
)  # fmt: skip
def list_reviews(ask: Ask) -> Page:
    """Reviews planned, called and held."""
    terms_in_force(ask.session, ask.contract, on=ask.now.date())
    return paged(ask, "list_reviews", reviews.reviews_of(ask.session, ask.contract), _review)


def _review(row: Review) -> dict[str, Any]:
    return {
        "id": row.id, "kind": row.kind, "due_on": row.due_on, "held_on": row.held_on,
        "why": kept(row.why),
        "minutes": row.minutes if isinstance(row.minutes, str | None) else None,
        "actions": [
            {"id": one.id, "side": one.side, "due_on": one.due_on, "done_at": one.done_at,
             "text": one.said["text"], "owner": one.said["owner"]}
            for one in row.actions
        ],
    }  # fmt: skip


@operation(
    "GET", "/contracts/{ref}/reviews/{review}", scope="reviews:read", needs="contract:see",
    tag=TAG, answers=ref("Review"), summary="Read one review",
)  # fmt: skip
def read_review(ask: Ask, review: str) -> dict[str, Any]:
    """One review."""
    ask.session.expire_all()
    return _review(reviews.find_review(ask.session, ask.contract, review))


@operation(
    "POST", "/contracts/{ref}/reviews", scope="reviews:write", needs="review:keep", tag=TAG,
    answers=ref("Review"), summary="Ask the other side to a review",
    body=body(kind=one_of(*Kind), on=DAY, why=text(1000)),
)  # fmt: skip
def call_review(ask: Ask) -> Made:
    """Call a review."""
    row = review_actions.call_review(
        ask.session, ask.actor, ask.contract, kind=Kind(ask.body["kind"]),
        on=date.fromisoformat(ask.body["on"]), why=ask.body["why"], at=ask.now,
    )  # fmt: skip
    return Made(read_review(ask, row.id), f"/contracts/{ask.contract.id}/reviews/{row.id}")


@operation(
    "POST", "/contracts/{ref}/reviews/{review}/day", scope="reviews:write", needs="review:keep",
    tag=TAG, answers=ref("Review"), summary="Set another day; calendars follow",
    body=body(on=DAY),
)  # fmt: skip
def move_review(ask: Ask, review: str) -> dict[str, Any]:
    """Move a review."""
    reviews.find_review(ask.session, ask.contract, review)
    on = date.fromisoformat(ask.body["on"])
    review_actions.move_review(ask.session, ask.actor, ask.contract, review, on=on, at=ask.now)
    return read_review(ask, review)


@operation(
    "POST", "/contracts/{ref}/reviews/actions/{action}/completion", scope="reviews:write",
    needs="review:keep", tag=TAG, answers=ref("Review"), summary="Mark an action as done",
)  # fmt: skip
def finish_review_action(ask: Ask, action: str) -> dict[str, Any]:
    """Finish an action of one's own side."""
    row = review_actions.finish_action(ask.session, ask.actor, ask.contract, action, at=ask.now)
    if row.contract_id != ask.contract.id:
        raise NotFound
    return read_review(ask, row.review_id)
