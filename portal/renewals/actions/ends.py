"""What a passed deadline and the end of a term do: conditions, the next term, or the end."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.contracts.actions import add_fact, add_version
from portal.contracts.models import Contract, Version
from portal.contracts.queries import last_fact
from portal.kit.vault import put
from portal.renewals.actions.letters import Post
from portal.renewals.actions.projection import cancel_all_but_end, project
from portal.renewals.models import Renewal
from portal.renewals.queries.term import (
    Running,
    in_time,
    notice_about,
    price_told,
    running,
    signed_version,
)
from portal.renewals.rules.conditions import Measured, all_hold, conditions
from portal.renewals.rules.notices import Kind
from portal.renewals.rules.reading import Mode, mode_of


def close_price(post: Post, found: Running, *, late: bool) -> None:
    """Settle on the last day for it whether a new price was told (clause 17.6)."""
    told = price_told(post.session, found)
    record(
        post.session, post.contract.id, "renewal:price:closed", actor=PORTAL, at=post.at,
        facts={"term": found.span.number, "told": told is not None, "late": late},
    )  # fmt: skip


def close_notice(
    post: Post, row: Renewal, found: Running, measured: Measured, *, late: bool
) -> None:
    """Settle on the notice date whether the contract renews: notices, mode, conditions (17.7)."""
    judged = conditions(found.terms, measured)
    put(post.session, row, checked=[asdict(condition) for condition in judged])
    renews = _renews(post, row, found) and (
        mode_of(found.terms) is not Mode.AUTO or all_hold(judged)
    )
    if not renews and row.state == "running":
        leave(post, row)
        post.tell_both("renewal:ending", f"{post.contract.id}:{found.span.number}")
    record(
        post.session, post.contract.id, "renewal:notice:closed", actor=PORTAL, at=post.at,
        facts={
            "term": found.span.number, "renews": renews, "late": late,
            "conditions": len(judged), "held": sum(one.holds for one in judged),
        },
    )  # fmt: skip


def _renews(post: Post, row: Renewal, found: Running) -> bool:
    if row.state != "running" or found.span.is_last:
        return False
    if mode_of(found.terms) is Mode.AUTO:
        return True
    return notice_about(post.session, post.contract, found.span.number, Kind.OPTION) is not None


def leave(post: Post, row: Renewal, *, by: str = PORTAL.person) -> None:
    """Let the contract end with its term, in the caller's transaction."""
    row.state = "leaving"
    _add_fact(post, "leaving", by=by)
    cancel_all_but_end(post.session, post.contract, row.number, at=post.at)


def stay(post: Post, row: Renewal, *, by: str) -> None:
    """Take a contract back that was to end, in the caller's transaction."""
    row.state = "running"
    _add_fact(post, "staying", by=by)


def _add_fact(post: Post, kind: str, *, by: str = PORTAL.person, on: str | None = None) -> None:
    """Add a fact after all others: what is caught up at one instant keeps its order."""
    last = max(fact.at for fact in post.contract.facts)
    at = max(post.at, last + timedelta(microseconds=1))
    add_fact(post.session, post.contract, kind, person_id=by, side=None, at=at, effective_on=on)


def end_term(post: Post, row: Renewal, found: Running, *, on: str, late: bool) -> None:
    """End a term on its end date: renewed by a new contract, renewed by itself, or over."""
    successor = _signed_successor(post, row)
    if successor is not None:
        _over(
            post,
            row,
            "renewed",
            "renewed_by_successor",
            {"successor": successor.id, "late": late, "term": row.number},
            on=on,
        )
    elif row.state == "running" and _renews(post, row, found):
        _renew(post, row, found, late=late)
    else:
        _over(post, row, "ended", "ended", {"late": late, "term": row.number}, on=on)


def _signed_successor(post: Post, row: Renewal) -> Contract | None:
    found = post.session.get(Contract, row.successor) if row.successor else None
    return found if found is not None and last_fact(found, "completed") else None


def _over(
    post: Post, row: Renewal, kind: str, event: str, facts: dict[str, Any], *, on: str
) -> None:
    row.state = "over"
    _add_fact(post, kind, on=on)
    record(
        post.session, post.contract.id, f"renewal:term:{event}", actor=PORTAL, at=post.at,
        facts=facts,
    )  # fmt: skip
    if kind == "ended":
        post.tell_both("renewal:ended", f"{post.contract.id}:{row.number}")


def _renew(post: Post, row: Renewal, found: Running, *, late: bool) -> None:
    """Write the next term's version under the signed one, and move the dates on."""
    session, contract, at = post.session, post.contract, post.at
    version = _next_version(post, row, found)
    _add_fact(post, "term_renewed")
    row.number += 1
    row.vendor_decided = row.customer_decided = 0
    row.checked_enc = None
    following = running(session, contract, number=row.number, on=found.span.ends)
    project(session, row, following, at=at)
    record(
        session, contract.id, "renewal:term:renewed", actor=PORTAL, at=at,
        facts={
            "term": row.number, "version": version.number, "sha256": version.sha256, "late": late,
        },
    )  # fmt: skip
    post.tell_both("renewal:renewed", f"{contract.id}:{row.number}", number=row.number)
    against = notice_about(session, contract, row.number, Kind.AGAINST)
    if against is not None and in_time(session, against):
        leave(post, row, by=against.person_id)


def _next_version(post: Post, row: Renewal, found: Running) -> Version:
    """Freeze the terms of the next term: those that ran, with the price that was told in time."""
    session, contract = post.session, post.contract
    signed, price = signed_version(contract), price_told(session, found)
    terms = dict(found.terms)
    if price is not None:
        terms["O1"] = price.words["words"]["fee"]
    document = {
        **found.version.canonical,
        "version": len(contract.versions) + 1,
        "terms": terms,
        "frozen_at": post.at.isoformat(timespec="seconds"),
        "renewal": {
            "number": found.span.number + 1,
            "begins": found.span.ends.isoformat(),
            "signed_sha256": signed.sha256,
            "price_notice_sha256": price.sha256 if price else None,
            "conditions": [one["code"] for one in row.checked or ()],
        },
    }
    return add_version(
        session, contract, document=document, at=post.at, renews=signed, begins=found.span.ends
    )
