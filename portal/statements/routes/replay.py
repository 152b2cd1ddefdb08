"""Replay before you agree: a proposed term over incidents that have happened.

The terms are those on the table of a negotiation, as one's own side sees it, or the signed ones.
The page answers a plain GET form; while one types, only the result is asked for again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand, may
from portal.contracts.models import Contract
from portal.contracts.queries import contracts_between, find_contract, version_in_force
from portal.kit import clock
from portal.kit.errors import Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import in_a_row, say, say_n
from portal.residency.databases import regions
from portal.statements import actions, queries
from portal.statements.forms import ImportForm
from portal.statements.routes.doors import bp
from portal.statements.rules import replay as rules
from portal.statements.rules.shown import percent_shown
from portal.terms.rules import Schema, Unreadable, coherence, load_schema, parse, show, validate

LARGEST_FILE = 2_000_000
SHOWN = 50


@dataclass(frozen=True)
class Table:
    """A member weighing an offer: the terms it is held against, and where the past comes from."""

    session: Session
    actor: Actor
    contract: Contract
    terms: Mapping[str, Any]
    schema: Schema
    now: datetime
    signed: bool


def _table(ref: str, action: str = "contract:see") -> Table:
    actor, now = current_actor(), clock.now()
    session = regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    demand(actor, action)
    schema = load_schema(contract.schema_version)
    terms = queries.terms_on_table(session, contract, actor, at=now)
    signed = version_in_force(contract) is not None
    return Table(session, actor, contract, terms, schema, now, signed=signed)


@dataclass(frozen=True)
class Asked:
    """What the form asks: a term, the value as typed, and the source of the past."""

    term: str
    text: str | None
    source: str


def _asked(table: Table, sources: list[tuple[str, str]]) -> Asked:
    term = request.args.get("term", "")
    term = term if term in rules.TERMS and term in table.schema.terms else "C4.S1.first_response"
    source = request.args.get("source", "")
    if source not in dict(sources):
        source = sources[0][0] if sources else ""
    return Asked(term, request.args.get("value"), source)


def _sources(table: Table) -> list[tuple[str, str]]:
    """Return where past incidents can come from: contracts of the same parties, and imports."""
    found: list[tuple[str, str]] = []
    sessions = [session for _, session in regions().each()]
    parties = {table.contract.vendor_id, table.contract.customer_id}
    (other,) = parties - {table.actor.organisation_id}
    for row in contracts_between(sessions, table.actor, other, today=table.now.date()):
        found.append((f"contract:{row.ref}", say("Incidents of %(title)s", title=row.title)))
    organisation = table.actor.organisation_id
    for kept in queries.imports_of(table.session, table.contract, organisation):
        words = say_n(
            "%(name)s: %(num)s imported incident",
            "%(name)s: %(num)s imported incidents",
            kept.count,
            name=kept.name,
        )
        found.append((f"import:{kept.id}", words))
    # One's own contract first, where it runs.
    own = f"contract:{table.contract.id}"
    return sorted(found, key=lambda pair: pair[0] != own)


def _past(table: Table, source: str) -> rules.Past:
    kind, _, key = source.partition(":")
    if kind == "import":
        row = queries.find_import(table.session, table.contract, table.actor.organisation_id, key)
        return rules.Past(rules.histories_of(row.rows))
    session = regions().session_of(key)
    contract = find_contract(session, table.actor, key)
    return queries.past_of(session, contract, now=table.now)


def _result(table: Table, asked: Asked) -> dict[str, Any]:
    """Return what the fragment shows: both offers, or what keeps the value from being read."""
    term = table.schema.terms[asked.term]
    now_text = show(term, table.terms.get(asked.term))
    base = {"contract": table.contract, "asked": asked, "term": term, "here_text": now_text,
            "problem": None, "result": None, "signed": table.signed,
            "percent_shown": percent_shown, "shown": SHOWN,
            "unfit": []}  # fmt: skip
    if asked.text is None or not asked.source:
        return base
    try:
        value = parse(term, asked.text) if asked.text.strip() else None
    except Unreadable as error:
        return base | {"problem": str(error)}
    wrong = validate(term, value) if value is not None else []
    if value is None or wrong:
        return base | {"problem": wrong[0] if wrong else say("Type the value you propose.")}
    there = {**table.terms, asked.term: value}
    try:
        result = rules.replay(
            _past(table, asked.source), here=table.terms, there=there, now=table.now
        )
    except Refused as refusal:
        return base | {"problem": refusal.message}
    # A term that does not fit the others yet is counted all the same, and said.
    unfit = [
        finding.message
        for finding in coherence(table.schema, there)
        if finding.level == "error" and asked.term in finding.terms
    ]
    return base | {"result": result, "there_text": show(term, value), "unfit": unfit}


@bp.get("/contracts/<ref>/replay")
@needs("contract:see")
def replay(ref: str) -> ResponseReturnValue:
    """Ask for a term, a value and a past, and show both offers over it."""
    return _replay_page(_table(ref), ImportForm(formdata=None))


def _replay_page(table: Table, form: ImportForm, status: int = 200) -> ResponseReturnValue:
    sources = _sources(table)
    asked = _asked(table, sources)
    terms = [
        (key, in_a_row((key.partition(".")[0], table.schema.terms[key].label), " "))
        for key in rules.TERMS
        if key in table.schema.terms
    ]
    organisation = table.actor.organisation_id
    return page(
        "statements/replay.html", status, **_result(table, asked), sources=sources, terms=terms,
        form=form, may_import=may(table.actor, "replay:import"),
        imports=queries.imports_of(table.session, table.contract, organisation),
    )  # fmt: skip


@bp.get("/contracts/<ref>/replay/result")
@needs("contract:see")
def replay_result(ref: str) -> ResponseReturnValue:
    """Show the result alone: the fragment asked for while one types."""
    table = _table(ref)
    return page("statements/_replay.html", **_result(table, _asked(table, _sources(table))))


@bp.post("/contracts/<ref>/replay/imports")
@needs("replay:import")
def import_past(ref: str) -> ResponseReturnValue:
    """Keep a CSV of past incidents for one's own side."""
    table, form = _table(ref, "replay:import"), ImportForm()
    rows: list[dict[str, str]] = []
    if form.validate_on_submit():
        try:
            rows = rules.read_import(_text_of(form))
        except rules.BadImport as bad:
            form.file.errors = [bad.message]
    if not rows:
        return _replay_page(table, form, 422)
    row = actions.keep_import(
        table.session, table.contract, table.actor, name=form.name.data, rows=rows, at=table.now
    )
    flash(
        say_n(
            "%(num)s incident is kept. Only your organisation sees it.",
            "%(num)s incidents are kept. Only your organisation sees them.",
            len(rows),
        ),
        "good",
    )
    return see_other(url_for(".replay", ref=ref, source=f"import:{row.id}"))


def _text_of(form: ImportForm) -> str:
    sent = form.file.data
    if not sent:
        raise rules.BadImport(say("Choose a CSV file."))
    raw = sent.read(LARGEST_FILE + 1)
    if len(raw) > LARGEST_FILE:
        raise rules.BadImport(say("A file holds at most 2 MB."))
    try:
        text: str = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise rules.BadImport(say("Save the file as CSV in UTF-8.")) from None
    return text


@bp.post("/contracts/<ref>/replay/imports/<kept>/removal")
@needs("replay:import")
def drop_import(ref: str, kept: str) -> ResponseReturnValue:
    """Forget an import of one's own organisation."""
    table = _table(ref, "replay:import")
    row = queries.find_import(table.session, table.contract, table.actor.organisation_id, kept)
    actions.drop_import(table.session, table.actor, row)
    flash(say("The import is forgotten."), "good")
    return see_other(url_for(".replay", ref=ref))
