"""The list of contracts."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand, may
from portal.contracts import queries
from portal.contracts.routes.doors import bp, region_labels, today
from portal.contracts.rules import listing, waiting
from portal.contracts.rules.life import STATE_WORDS
from portal.kit.web import needs, page
from portal.kit.words import say
from portal.residency.databases import regions

PAGE, WAITING = 50, 12


@bp.get("/contracts")
@needs("contract:see")
def index() -> ResponseReturnValue:
    """What waits for the member first, then the contracts of their organisation, page by page."""
    actor = current_actor()
    demand(actor, "contract:see")
    sessions = [session for _, session in regions().each()]
    state = listing.filter_named(request.args.get("state"))
    search = request.args.get("q", "").strip()[:120]
    after = listing.read_place(request.args.get("after"))
    after = after if listing.fits(after, state) else None
    found = _found(sessions, actor, state, search, after)
    waiting = queries.waiting_contracts(sessions, actor, today=today(), limit=WAITING + 1)
    listed = sorted((_listed(row) for row in waiting), key=lambda row: row["urgency"])
    counts = queries.counted(sessions, actor, today=today())
    return page(
        "contracts/index.html",
        total=any(count.number for count in counts.values()),
        waiting=listed[:WAITING],
        more_wait=len(listed) > WAITING,
        rows=[_listed(row) for row in found.rows],
        found=found if search else None,
        state=state,
        q=search,
        first_page=_address(state, search) if after else None,
        next_page=_address(state, search, found.following) if found.following else None,
        shown=_filters(counts, state, search),
        regions=region_labels(),
        may_start=may(actor, "contract:start"),
        may_start_many=may(actor, "batch:start"),
        may_keep=may(actor, "customer:keep"),
    )


def _found(
    sessions: list[Session], actor: Actor, state: str | None, search: str,
    after: listing.Place | None,
) -> queries.Found:  # fmt: skip
    wanted = queries.Wanted(state)
    if search:
        return queries.search_contracts(
            sessions, actor, search, today=today(), after=after, limit=PAGE, wanted=wanted
        )
    rows, following = queries.page_of_contracts(
        sessions, actor, today=today(), after=after, limit=PAGE, wanted=wanted
    )
    return queries.Found(rows, 0, following, None)


def _address(state: str | None, search: str, after: listing.Place | None = None) -> str:
    place = after.text if after else None
    return url_for("contracts.index", state=state, q=search or None, after=place)


def _listed(row: queries.Row) -> dict[str, Any]:
    assert row.standing is not None  # noqa: S101  rows of a member always know where they stand
    wait = waiting.waits_for(row.standing)
    pages = {
        waiting.Wait.ANSWER: "/terms",
        waiting.Wait.SIGNATURE: "/sign",
        waiting.Wait.APPROVAL: "/sign",
    }
    archived = row.archived_on if row.archived_on and row.archived_on <= today() else None
    return {
        "ref": row.ref,
        "archived": archived,
        "title": row.title,
        "state": row.state,
        "region": row.region,
        "created_at": row.created_at,
        "standing": row.standing,
        "words": STATE_WORDS[row.state],
        "kind": listing.KINDS.get(row.state),
        "wait": waiting.WAIT_WORDS[wait] if wait else None,
        "urgency": list(waiting.Wait).index(wait) if wait else None,
        "href": url_for("contracts.show", ref=row.ref) + (pages.get(wait, "") if wait else ""),
    }


def _filters(
    counts: dict[str | None, listing.Count], state: str | None, search: str
) -> list[dict[str, Any]]:
    shown: dict[str | None, str] = {None: say("All")}
    shown |= {name: words for name, (words, _) in listing.FILTERS.items()}
    shown |= {listing.YOURS: say("Your turn"), listing.ARCHIVE: say("Archive")}
    return [
        {"label": words, "href": _address(name, search), "current": name == state,
         "count": counts[name]}
        for name, words in shown.items()
    ]  # fmt: skip
