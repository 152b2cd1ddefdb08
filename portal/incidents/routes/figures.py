"""The history of a contract's incidents in figures, as a file, and as a report to print."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

from flask import Response, request, stream_with_context
from flask.typing import ResponseReturnValue

from portal.incidents.models import Incident
from portal.incidents.queries import PromisesOverTime, module_names
from portal.incidents.queries.charts import attained, by_month, open_by_age, speeds
from portal.incidents.queries.listing import Wanted, every_incident
from portal.incidents.routes.doors import Visit, bp, visit
from portal.incidents.routes.history import filter_words, list_choices, wanted_from
from portal.incidents.rules.bars import bars
from portal.incidents.rules.exports import csv_lines, instant
from portal.incidents.rules.reading import STANDING_WORDS, span_words
from portal.kit.web import needs, page
from portal.kit.words import commas, say, short_month
from portal.sla.rules.promises import AIM_WORDS

USUAL = timedelta(days=90)
MOST_PRINTED = 500
COUNTED = {"no": "yes", "claimed": "no", "disputed": "disputed"}


def _period(here: Visit, wanted: Wanted) -> tuple[datetime, datetime]:
    """The period of the filters, or the last ninety days."""
    last = wanted.end or here.now.date()
    first = wanted.begin or last - USUAL
    return _midnight(first), _midnight(last + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@bp.get("/contracts/<ref>/incidents/figures")
@needs("contract:see")
def figures(ref: str) -> ResponseReturnValue:
    """Show attainment, time to respond and resolve, and what is open, each with its table."""
    here = visit(ref)
    wanted = wanted_from(request.args)
    begin, end = _period(here, wanted)
    return page("incidents/figures.html", **_figures(here, wanted, begin, end), printed=())


@bp.get("/contracts/<ref>/incidents/report")
@needs("contract:see")
def report(ref: str) -> ResponseReturnValue:
    """Show the same with the list of incidents, to be printed."""
    here = visit(ref)
    wanted = wanted_from(request.args)
    begin, end = _period(here, wanted)
    found = every_incident(here.session, here.contract, wanted)
    rows = [_cells(row, {}) for row in islice(found, MOST_PRINTED)]
    context = _figures(here, wanted, begin, end)
    return page(
        "incidents/report.html", **context, printed=rows,
        most=MOST_PRINTED, standing_words=STANDING_WORDS,
    )  # fmt: skip


def _figures(here: Visit, wanted: Wanted, begin: datetime, end: datetime) -> dict[str, Any]:
    met = attained(here.session, here.contract, begin=begin, end=end)
    taken = speeds(here.session, here.contract, begin=begin, end=end)
    ages = open_by_age(here.session, here.contract, now=here.now)
    months = by_month(here.session, here.contract, begin=begin, end=end)
    shares = [
        (
            commas((AIM_WORDS[one.aim], one.severity)),
            say("%(met)s of %(due)s", met=one.met, due=one.due),
            [(one.met, "is-good"), (one.missed, "is-bad"), (one.disputed, "is-warn")],
        )
        for one in met
    ]
    return {
        "contract": here.contract,
        "wanted": wanted,
        "words": filter_words(wanted),
        "filtered": bool(filter_words(wanted)),
        "choices": list_choices(here),
        "begin": begin,
        "last": end - timedelta(days=1),
        "met": met,
        "speeds": taken,
        "ages": ages,
        "months": months,
        "aim_words": AIM_WORDS,
        "span_words": span_words,
        "met_bars": bars(shares, full=True),
        "age_bars": bars([(label, str(n), [(n, "is-accent")]) for label, n in ages]),
        "month_bars": bars([
            (short_month(date.fromisoformat(f"{month}-01")), str(n),
             [(missed, "is-bad"), (n - missed, "is-accent")])
            for month, n, missed in months
        ]),
        "speed_bars": bars([
            (commas((AIM_WORDS[one.aim], one.severity)), span_words(one.mean),
             [(int(one.mean.total_seconds()), "is-accent")])
            for one in taken
        ]),
    }  # fmt: skip


@bp.get("/contracts/<ref>/incidents.csv")
@needs("contract:see")
def export(ref: str) -> ResponseReturnValue:
    """Hand the filtered list out as a CSV file, a page at a time."""
    here = visit(ref)
    wanted = wanted_from(request.args)
    promises = PromisesOverTime(here.session, here.contract)

    def rows() -> Iterator[list[object]]:
        names: dict[date, dict[str, str]] = {}
        for row in every_incident(here.session, here.contract, wanted):
            day = row.reported_at.date()
            if day not in names:
                names[day] = module_names(here.contract, [promises.on(day)])
            yield _cells(row, names[day])

    answer = Response(stream_with_context(csv_lines(rows())), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="incidents-{ref}.csv"'
    return answer


def _cells(row: Incident, names: dict[str, str]) -> list[object]:
    return [
        row.number, instant(row.reported_at), row.title, names.get(row.module_key, ""),
        row.severity, row.standing, COUNTED[row.excluded], row.breaches,
        instant(row.resolved_at), instant(row.closed_at),
    ]  # fmt: skip
