"""The risk panel of a contract, and of all contracts of one's organisation."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from portal.accounts.gate import current_actor
from portal.accounts.rules import demand
from portal.contracts.queries import Row, Wanted, page_of_contracts
from portal.contracts.rules.life import RUNNING
from portal.contracts.rules.listing import fits, read_place
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.web import needs, page
from portal.residency.databases import regions
from portal.statements import queries
from portal.statements.routes.doors import bp, visit
from portal.statements.rules import risk as rules

SIGNED, LOOKED = "signed", 50


@bp.get("/contracts/<ref>/risk")
@needs("contract:see")
def risk(ref: str) -> ResponseReturnValue:
    """Show what is at risk in a contract now, each figure with its way out."""
    seen = visit(ref)
    found = queries.risks_among(seen.session, seen.actor, [seen.contract.id], now=seen.now)
    if ref not in found:
        raise NotFound
    return page("statements/risk.html", **seen.frame(), **_words(), risks=found[ref])


def _words() -> dict[str, Any]:
    return {"level_words": rules.LEVEL_WORDS, "level_kinds": rules.LEVEL_KINDS}


@bp.get("/risk")
@needs("contract:see")
def portfolio() -> ResponseReturnValue:
    """Show what is at risk over the contracts that run, fifty at a time, the worst first."""
    actor, now = current_actor(), clock.now()
    demand(actor, "contract:see")
    asked = read_place(request.args.get("after"))
    after = asked if fits(asked, SIGNED) else None
    sessions = {database.region.name: session for database, session in regions().each()}
    rows, following = page_of_contracts(
        list(sessions.values()), actor, today=now.date(), after=after, limit=LOOKED,
        wanted=Wanted(SIGNED),
    )  # fmt: skip
    found: list[tuple[Row, list[rules.Risk], rules.Level]] = []
    for name, session in sessions.items():
        running = {r.ref: r for r in rows if r.region == name and r.state in RUNNING}
        risks = queries.risks_among(session, actor, list(running), now=now)
        found += [(running[ref], one, rules.worst(one)) for ref, one in risks.items()]
    order = list(rules.Level)
    found.sort(key=lambda one: (-order.index(one[2]), one[0].title))
    wanted = request.args.get("state", "")
    counts = {level: sum(one[2] is level for one in found) for level in reversed(order)}
    return page(
        "statements/portfolio.html", **_words(), total=len(found), counts=counts, wanted=wanted,
        names=rules.SHORT, rows=[one for one in found if wanted in ("", one[2])],
        after=after.text if after else None, following=following.text if following else None,
        parted=bool(after or following), looked=LOOKED,
    )  # fmt: skip
