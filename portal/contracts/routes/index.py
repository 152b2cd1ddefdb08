"""The list of contracts."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import current_actor
from portal.accounts.rules import demand, may
from portal.contracts import queries
from portal.contracts.routes.doors import bp, region_labels, today
from portal.contracts.rules import listing, waiting
from portal.contracts.rules.life import STATE_WORDS
from portal.kit.web import needs, page
from portal.residency.databases import regions


@bp.get("/contracts")
@needs("contract:see")
def index() -> ResponseReturnValue:
    """What waits for the member first, then every contract of their organisation."""
    actor = current_actor()
    demand(actor, "contract:see")
    sessions = [session for _, session in regions().each()]
    rows = [_listed(row) for row in queries.list_contracts(sessions, actor, today=today())]
    state, search = request.args.get("state"), request.args.get("q", "").strip()[:120]
    found = [
        row
        for row in rows
        if listing.stands_in(row["state"], state, archived=row["archived"])
        and listing.is_found(search, ref=row["ref"], title=row["title"])
    ]
    return page(
        "contracts/index.html",
        total=len(rows),
        known=sum(
            row["archived"] is not None
            and listing.is_found(search, ref=row["ref"], title=row["title"])
            for row in rows
        ),
        waiting=sorted((row for row in rows if row["wait"]), key=lambda row: row["urgency"]),
        rows=found,
        state=state if state in {*listing.FILTERS, listing.ARCHIVE} else None,
        q=search,
        shown=_filters(rows, state, search),
        regions=region_labels(),
        may_start=may(actor, "contract:start"),
        may_start_many=may(actor, "batch:start"),
    )


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


def _filters(rows: list[dict[str, Any]], state: str | None, search: str) -> list[dict[str, Any]]:
    shown: dict[str | None, str] = {None: "All"}
    shown |= {name: words for name, (words, _) in listing.FILTERS.items()}
    shown[listing.ARCHIVE] = "Archive"
    return [
        {
            "label": words,
            "href": url_for("contracts.index", state=name, q=search or None),
            "current": name == (state if state in shown else None),
            "count": sum(
                listing.stands_in(row["state"], name, archived=row["archived"]) for row in rows
            ),
        }
        for name, words in shown.items()
    ]
