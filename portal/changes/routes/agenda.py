"""The calendar of changes: what may be done when, as a page and as a file."""

from datetime import date, timedelta

from flask import Response, current_app, url_for
from flask.typing import ResponseReturnValue

from portal.changes import queries
from portal.changes.ics import calendar_file
from portal.changes.routes.doors import Visit, bp, visit
from portal.changes.rules import plan as plans
from portal.changes.rules.agenda import Stretch, agenda
from portal.changes.rules.plan import Stage
from portal.kit.web import download, needs, page

AHEAD = timedelta(days=120)


@bp.get("/contracts/<ref>/calendar")
@needs("contract:see")
def calendar(ref: str) -> ResponseReturnValue:
    """Show freezes, peaks, windows and changes of the coming months by month."""
    seen = visit(ref)
    changes = [c for c in queries.changes_of(seen.session, seen.contract)
               if c.plan.end >= seen.now and c.stage is not Stage.WITHDRAWN]  # fmt: skip
    rows: list[tuple[object, str, object]] = [
        (stretch.begin, "stretch", stretch) for stretch in _stretches(seen)
    ]
    rows += [(change.plan.begin, "change", change) for change in changes]
    months: dict[date, list[tuple[object, str, object]]] = {}
    for row in sorted(rows, key=lambda row: (str(row[0]), row[1])):
        month = row[0].astimezone(seen.zone).date().replace(day=1)  # type: ignore[attr-defined]
        months.setdefault(month, []).append(row)
    return page(
        "changes/calendar.html", **seen.frame(), months=months, kind_words=plans.KIND_WORDS,
        stage_words=plans.STAGE_WORDS, stage_kinds=plans.STAGE_KINDS,
    )  # fmt: skip


def _stretches(seen: Visit) -> list[Stretch]:
    return agenda(seen.terms, seen.now, seen.now + AHEAD)


@bp.get("/contracts/<ref>/changes.ics")
@needs("contract:see")
def feed(ref: str) -> Response:
    """Give the same as an iCalendar file."""
    seen = visit(ref)
    address = current_app.config["SETTINGS"].base_url + url_for(".index", ref=ref)
    content = calendar_file(
        ref, seen.contract.title, changes=queries.changes_of(seen.session, seen.contract),
        stretches=_stretches(seen), address=address, at=seen.now,
    )  # fmt: skip
    return download(content, name=f"changes-{ref}.ics", mimetype="text/calendar")
