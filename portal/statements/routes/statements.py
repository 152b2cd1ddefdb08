"""The statements of a contract: the list with its strip, one month, its files."""

from datetime import date, datetime
from typing import Any

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.rules import may
from portal.contracts.rules.document import canonical_bytes
from portal.contracts.rules.life import Side
from portal.kit.csv_file import csv_bytes
from portal.kit.web import download, needs, page
from portal.kit.words import month_name
from portal.residency.actions import read_document
from portal.residency.databases import regions
from portal.statements import queries
from portal.statements.actions.issuing import same_figures
from portal.statements.forms import AnswerForm, ConfirmForm, DisputeForm, PaymentForm
from portal.statements.models import Statement
from portal.statements.routes.doors import Visit, bp, read_month, visit
from portal.statements.rules import settling as rules
from portal.statements.rules.measured import Figures
from portal.statements.rules.month import Month
from portal.statements.rules.pictures import strip
from portal.statements.rules.reports import presumed_until, report_due, report_missing_from
from portal.statements.rules.settling import Stage, Standing

SHOWN_MONTHS = 12


def _words() -> dict[str, Any]:
    return {
        "stage_words": rules.STAGE_WORDS,
        "stage_kinds": rules.STAGE_KINDS,
        "event_words": rules.EVENT_WORDS,
    }


@bp.get("/contracts/<ref>/statements")
@needs("contract:see")
def index(ref: str) -> ResponseReturnValue:
    """List the months, newest first, over a strip of their uptime."""
    seen = visit(ref)
    rows = [
        (row, queries.standing_of(row), queries.latest_revision(row).figures)
        for row in queries.statements_of(seen.session, seen.contract)
    ]
    bars = [
        (
            row.month,
            month_name(date.fromisoformat(f"{row.month}-01")),
            one["percent"],
            one["shown"],
            one["kept"],
        )
        for row, _, found in rows[:SHOWN_MONTHS][::-1]
        for one in found["uptime"][:1]
    ]
    return page(
        "statements/index.html", **seen.frame(), **_words(), rows=rows,
        strip=strip(bars, target=str(seen.terms["D1"])), month=seen.month,
        words_of=lambda text: Month.read(text).words,
    )  # fmt: skip


@bp.get("/contracts/<ref>/statements/<month>")
@needs("contract:see")
def show(ref: str, month: str) -> ResponseReturnValue:
    """Show one month: its figures, each with its clause, and what is to do with it."""
    return show_page(visit(ref), month)


def show_page(
    seen: Visit, text: str, *, status: int = 200, forms: dict[str, Any] | None = None
) -> ResponseReturnValue:
    """Show a month that was issued, or the running one as it stands so far."""
    month = read_month(text)
    if month == seen.month and text not in queries.issued_months(seen.session, seen.contract):
        return _so_far(seen, month)
    row = queries.find_statement(seen.session, seen.contract, text)
    found, figures = queries.standing_of(row), queries.latest_revision(row).figures
    return page(
        "statements/show.html", status, **seen.frame(), **_words(), month=month, row=row,
        standing=found, figures=figures, revision=queries.latest_revision(row),
        names_of=rules.figure_names(figures), forms=_forms(row, figures, forms or {}),
        doors=_doors(seen, row, found, figures), dates=_dates(seen, row, found, month),
        notes=[(event, event.note or "") for event in row.events],
        tries=queries.seal_tries(seen.session, row) if found.stage is Stage.ACCEPTED else (),
        version_href=url_for("contracts.agreement", ref=seen.contract.ref),
    )  # fmt: skip


def _so_far(seen: Visit, month: Month) -> ResponseReturnValue:
    found = queries.compute(seen.session, seen.contract, month, known_at=seen.now)
    return page(
        "statements/so_far.html", **seen.frame(), month=month, figures=found.figures,
        version_href=url_for("contracts.agreement", ref=seen.contract.ref),
    )  # fmt: skip


def _forms(row: Statement, figures: Figures, given: dict[str, Any]) -> dict[str, Any]:
    number = row.revisions[-1].number
    known = {
        "confirm": ConfirmForm(formdata=None, data={"revision": number}),
        "dispute": DisputeForm(formdata=None, data={"revision": number}),
        "answer": AnswerForm(formdata=None),
        "payment": PaymentForm(formdata=None),
        **given,
    }
    known["dispute"].offer(rules.figure_names(figures).items())
    return known


def _doors(seen: Visit, row: Statement, found: Standing, figures: Figures) -> dict[str, bool]:
    """Say which acts stand open to the member who looks."""
    able, vendor = may(seen.actor, "statement:settle"), seen.side is Side.VENDOR
    confirmed = found.stage in (Stage.CONFIRMED, Stage.DISPUTED)
    due = rules.earns(figures["totals"])
    granted = _entry_kinds(seen, row)
    until = _dispute_until(seen, found)
    return {
        "confirm": able and vendor and found.stage in (Stage.ISSUED, Stage.OBJECTED),
        "accept": able and not vendor and confirmed,
        "dispute": able and not vendor and confirmed and (until is None or seen.now <= until),
        "answer": able and vendor and found.stage is Stage.DISPUTED,
        "again": able and not found.frozen and _has_changed(seen, row),
        "claim": able and not vendor and due and rules.claim_needed(seen.terms)
        and found.claimed_at is None and "lapsed" not in granted,
        "pay": able and vendor and "granted" in granted and not granted & {"paid", "expired"}
        and figures["totals"]["due"] != "0",
        "pdf": found.stage is Stage.SEALED,
    }  # fmt: skip


def _entry_kinds(seen: Visit, row: Statement) -> set[str]:
    return {entry.kind for entry in queries.entries_for(seen.session, [row])}


def _has_changed(seen: Visit, row: Statement) -> bool:
    """Whether the facts recorded by now give other figures than those that stand.

    A report that has just become missing is for the worker to count, and nobody's to ask for.
    """
    month, last = Month.read(row.month), queries.latest_revision(row)
    in_time = None if last.figures["report"]["missing"] else row.issued_at
    fresh = queries.compute(
        seen.session, seen.contract, month, known_at=seen.now, delivered=in_time
    )
    return not same_figures(fresh.figures, last.figures)


def _dispute_until(seen: Visit, found: Standing) -> datetime | None:
    return rules.dispute_until(found.confirmed_at, seen.terms) if found.confirmed_at else None


def _dates(seen: Visit, row: Statement, found: Standing, month: Month) -> dict[str, Any]:
    return {
        "report_due": report_due(month, seen.terms),
        "missing_from": report_missing_from(month, seen.terms),
        "presumed_until": presumed_until(month, seen.terms),
        "dispute_until": _dispute_until(seen, found),
        "claim_until": rules.claim_until(row.issued_at, seen.terms)
        if rules.claim_needed(seen.terms)
        else None,
    }


@bp.get("/contracts/<ref>/statements/<month>/statement.pdf")
@needs("contract:see")
def sealed(ref: str, month: str) -> Response:
    """Give the sealed file."""
    seen = visit(ref)
    row = queries.find_statement(seen.session, seen.contract, month)
    document = queries.sealed_document(seen.session, row)
    content = read_document(seen.session, regions()[seen.contract.region], document)
    name = f"statement-{ref}-{month}.pdf"
    return download(content, name=name, mimetype="application/pdf", inline=True)


@bp.get("/contracts/<ref>/statements/<month>/figures.json")
@needs("contract:see")
def canonical(ref: str, month: str) -> Response:
    """Give the figures as the very bytes that are hashed."""
    seen = visit(ref)
    revision = queries.latest_revision(queries.find_statement(seen.session, seen.contract, month))
    return download(
        canonical_bytes(revision.figures), name=f"statement-{ref}-{month}.json",
        mimetype="application/json",
    )  # fmt: skip


@bp.get("/contracts/<ref>/statements/<month>/figures.csv")
@needs("contract:see")
def table(ref: str, month: str) -> Response:
    """Give the figures as rows of a table."""
    seen = visit(ref)
    figures = queries.latest_revision(
        queries.find_statement(seen.session, seen.contract, month)
    ).figures
    header = ("part", "name", "clause", "promised", "measured", "kept", "credit_percent", "note")
    content = csv_bytes(header, _rows(figures))
    return download(content, name=f"statement-{ref}-{month}.csv", mimetype="text/csv")


def _rows(figures: Figures) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [
        ("uptime", r["name"], r["clause"], r["target"], r["shown"], r["kept"], None,
         " ".join(r["refs"]))
        for r in figures["uptime"]
    ]  # fmt: skip
    rows += [
        ("target", f"{r['severity']} {r['aim']}", r["clause"], r["required"], r["shown"],
         r["kept"], None, f"{r['met']} met, {r['missed']} missed, {r['open']} open")
        for r in figures["attainment"]
    ]  # fmt: skip
    rows += [
        ("credit", r["name"], r["clause"], None, r["cause"], None, r["percent"], r["why_not"])
        for r in figures["credits"]
    ]
    rows += [
        ("minutes", p["begin"], None, None, p["minutes"], p["counted"], None,
         f"until {p['end']} {p['reason'] or ''} {' '.join(p['refs'])}".strip())
        for p in figures["pieces"]
    ]  # fmt: skip
    totals = figures["totals"]
    rows.append(("total", "credit due", "12.6", None, None, None, totals["due"],
                 f"{totals['amount'] or ''} {totals['currency'] or ''}".strip()))  # fmt: skip
    return rows
