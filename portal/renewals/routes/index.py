"""The list of renewals: overdue decisions first, then the next twelve months as a swim-lane."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor
from portal.accounts.rules import demand
from portal.contracts.rules.life import Side
from portal.contracts.rules.listing import Count
from portal.kit import clock
from portal.kit.web import download, needs, page
from portal.kit.words import say, short_month
from portal.profiles.actions import note_listed
from portal.renewals.queries import listing
from portal.renewals.queries.listing import Listed
from portal.renewals.routes.desk import bp
from portal.renewals.rules import listing as rules
from portal.renewals.rules.listing import Filter, Show
from portal.renewals.rules.money import in_words as money_words
from portal.renewals.rules.money import read_amount
from portal.renewals.rules.reading import Mode
from portal.residency.databases import regions


def _sessions() -> list[Session]:
    return [session for _, session in regions().each()]


def _today() -> date:
    return clock.now().date()


@bp.get("/renewals")
@needs("renewal:see")
def index() -> ResponseReturnValue:
    """Show the organisation's renewals by notice date."""
    actor = current_actor()
    demand(actor, "renewal:see")
    sessions, today = _sessions(), _today()
    wanted = rules.read_filter(request.args)
    after = rules.read_mark(request.args.get("after"))
    found = listing.page_of(sessions, actor, wanted, today=today, after=after)
    late = listing.overdue(sessions, actor, today=today)
    months = listing.months_of(sessions, actor, wanted, today=today)
    return page(
        "renewals/index.html",
        any=bool(found.rows) or listing.total(sessions, actor),
        overdue=[_row(row) for row in late.rows],
        more_overdue=late.following is not None,
        rows=[_row(row) for row in found.rows],
        picture=rules.picture(found.rows, today=today),
        today=today,
        wanted=wanted,
        shown=_shown(wanted),
        months=_months(wanted, months),
        others=_others(wanted),
        next_page=_address(wanted, after=found.following.text) if found.following else None,
        first_page=_address(wanted) if after else None,
        csv=_address(wanted, endpoint="renewals.as_csv"),
    )


def _address(
    wanted: Filter, *, after: str | None = None, endpoint: str = "renewals.index", **changes: Any
) -> str:
    values: dict[str, Any] = {**wanted.address(**changes), "after": after}
    return url_for(endpoint, **values)


def _shown(wanted: Filter) -> list[dict[str, Any]]:
    return [
        {
            "label": words,
            "href": _address(wanted, show=None if show is Show.NEXT else show.value, month=None),
            "current": wanted.show is show,
        }
        for show, words in rules.SHOW_WORDS.items()
    ]


def _months(wanted: Filter, months: Sequence[tuple[str, Count]]) -> list[dict[str, Any]]:
    if wanted.show is not Show.NEXT:
        return []
    filled = [
        {
            "label": short_month(date.fromisoformat(f"{name}-01")),
            "href": _address(wanted, month=name),
            "current": wanted.month == name,
            "count": count,
        }
        for name, count in months
        if count.number
    ]
    total = sum((count for _, count in months), Count(0))
    every = {
        "label": say("All months"),
        "href": _address(wanted, month=None),
        "current": wanted.month is None,
        "count": total,
    }
    return [every, *filled] if len(filled) > 1 or wanted.month else []


def _others(wanted: Filter) -> list[dict[str, Any]]:
    """The filters that switch on and off: side, mode and decision."""
    found = [
        (say("We sell"), "side", Side.VENDOR.value),
        (say("We buy"), "side", Side.CUSTOMER.value),
        (say("Renews by itself"), "mode", Mode.AUTO.value),
        (say("Ends"), "mode", Mode.EXPIRES.value),
        (say("Not decided"), "decision", "open"),
    ]
    now = wanted.address()
    return [
        {
            "label": label,
            "href": _switched(wanted, name, None if now[name] == value else value),
            "current": now[name] == value,
        }
        for label, name, value in found
    ]


def _switched(wanted: Filter, name: str, value: str | None) -> str:
    changes: dict[str, Any] = {name: value}
    return _address(wanted, **changes)


def _row(row: Listed) -> dict[str, Any]:
    return {
        "ref": row.ref,
        "title": row.title,
        "other": row.other,
        "side": row.side,
        "notice_by": row.notice_by,
        "decide_by": row.decide_by,
        "ends": row.ends,
        "mode": rules.mode_words(row.mode, row.state),
        "leaving": row.state == "leaving",
        "decision": rules.decision_words(row.decision),
        "decided": row.decision is not None,
        "owner": row.owner,
        "score": row.score,
        "credits": row.credits,
        "yearly": _money(row, "yearly"),
        "worst": _money(row, "worst"),
        "extra": _money(row, "extra"),
    }


def _money(row: Listed, name: str) -> str | None:
    if not row.money or name not in row.money:
        return None
    return money_words(read_amount(row.money[name]), row.money["currency"])


@bp.get("/renewals.csv")
@needs("renewal:see")
def as_csv() -> Response:
    """Download the list that is shown, all pages of it."""
    actor = current_actor()
    demand(actor, "renewal:see")
    wanted = rules.read_filter(request.args)
    rows = list(listing.every_row(_sessions(), actor, wanted, today=_today()))
    refs = [row.ref for row in rows]
    note_listed(regions().each(), actor.log, refs, what="list of renewals", at=clock.now())
    return download(_csv(rows), name="renewals.csv", mimetype="text/csv")


def _csv(rows: Iterable[Listed]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(rules.COLUMNS)
    for row in rows:
        writer.writerow([rules.plain_cell(cell) for cell in _cells(row)])
    # A mark at the start tells spreadsheets that this is UTF-8.
    return ("\ufeff" + text.getvalue()).encode()


def _cells(row: Listed) -> list[str]:
    money = row.money or {}
    return [
        row.title,
        row.ref,
        row.other,
        row.side.value,
        row.notice_by.isoformat(),
        row.ends.isoformat(),
        rules.mode_words(row.mode, row.state),
        row.decide_by.isoformat(),
        rules.decision_words(row.decision),
        money.get("yearly", ""),
        money.get("worst", "no limit" if money else ""),
        money.get("currency", ""),
        row.owner,
        str(row.score) if row.score is not None else "",
        str(row.credits),
    ]
