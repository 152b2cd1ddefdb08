"""Pages of the batches room: upload, preview, confirm, follow."""

from typing import Any

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand
from portal.batches import actions, queries
from portal.batches.forms import BatchForm
from portal.batches.models import Batch, BatchRow
from portal.batches.rules import MOST_ROWS, SheetUnread, Start, read_sheet
from portal.contracts.actions import Pin
from portal.contracts.queries import members_of, own_organisation
from portal.contracts.rules.people import Signer, people_problem
from portal.contracts.rules.starting import tier_key
from portal.kit import clock
from portal.kit.kept_words import kept
from portal.kit.refs import new_token
from portal.kit.web import needs, page, see_other
from portal.kit.words import in_a_row, say
from portal.plans.queries import offer_of
from portal.plans.rules import Catalogue, tier_terms
from portal.residency.databases import regions
from portal.residency.rules import region_of
from portal.templates.queries import published
from portal.terms.rules import load_schema, show
from portal.terms.rules.standard import load_standard_terms

bp = Blueprint("batches", __name__)


@bp.get("/batches")
@needs("batch:start")
def index() -> ResponseReturnValue:
    """List the organisation's batches."""
    actor = current_actor()
    demand(actor, "batch:start")
    sessions = [session for _, session in regions().each()]
    return page("batches/index.html", lines=queries.list_batches(sessions, actor))


@bp.get("/batches/new")
@needs("batch:start")
def new() -> ResponseReturnValue:
    """Ask for the sheet and what its rows start from."""
    actor = current_actor()
    demand(actor, "batch:start")
    form = BatchForm(formdata=None, once=new_token(), sends="draft")
    _offer(form, actor)
    return _new_page(form)


def _new_page(form: BatchForm, status: int = 200) -> ResponseReturnValue:
    return page("batches/new.html", status, form=form, most=MOST_ROWS)


def _offer(form: BatchForm, actor: Actor) -> None:
    catalogue, mine = offer_of(actor.organisation_id), own_organisation(actor)
    tiers = []
    if catalogue is not None:
        tiers = [
            (tier_key(mine.slug, catalogue.version, tier.name), tier.name)
            for tier in catalogue.tiers
        ]
    members = members_of(actor.organisation_id)
    labels = {name: db.region.label for name, db in regions().databases.items()}
    form.offer(
        templates=[
            (key, say("%(name)s, number %(number)s", name=t.name, number=t.number))
            for key, t in published(actor).items()
        ],
        tiers=tiers,
        regions=[(n, label) for n, label in labels.items() if n in mine.allowed_regions],
        members=[(m.person_id, m.name) for m in members],
        signers=[(m.person_id, m.name) for m in members if m.may_sign],
    )


@bp.post("/batches")
@needs("batch:start")
def upload() -> ResponseReturnValue:
    """Keep the sheet and go to its preview; nothing is started."""
    actor, form = current_actor(), BatchForm()
    demand(actor, "batch:start")
    _offer(form, actor)
    good, (text, problem) = form.validate(), _sheet(form)
    if problem:
        form.sheet.errors = [problem]
    if not good or problem:
        return _new_page(form, 422)
    template = published(actor)[form.template.data]
    catalogue = offer_of(actor.organisation_id) if form.tier.data else None
    tier = form.tier.data.split("/", 2)[2] if form.tier.data else None
    start = _start(actor, form, template, catalogue, tier)
    try:
        rows = read_sheet(text, start, queries.partners(actor))
    except SheetUnread as unread:
        form.sheet.errors = [unread.message]
        return _new_page(form, 422)
    people = _people(actor, form)
    if people is None:
        return _new_page(form, 422)
    batch = actions.upload_batch(
        regions().session(form.region.data), regions()[form.region.data], actor, rows,
        once=form.once.data, template=Pin(form.template.data, template.sha256),
        tier=Pin(form.tier.data, catalogue.sha256) if catalogue and tier else None,
        sends=form.sends.data, people=people, at=clock.now(),
    )  # fmt: skip
    return see_other(url_for("batches.show", batch_ref=batch.id))


def _sheet(form: BatchForm) -> tuple[str, str | None]:
    """Return the sheet's text, from the file or the field, and what is wrong with it."""
    given = request.files.get("file")
    content = given.read() if given is not None and given.filename else b""
    if content:
        try:
            return content.decode("utf-8-sig"), None
        except UnicodeDecodeError:
            return "", say("Save the sheet as UTF-8, then choose it again.")
    text = form.sheet.data or ""
    return text, None if text.strip() else say("Choose a sheet, or paste its rows.")


def _start(
    actor: Actor, form: BatchForm, template: Any, catalogue: Catalogue | None, tier: str | None
) -> Start:
    schema = load_schema(template.schema)
    standard = load_standard_terms(template.standard_terms)
    return Start(
        schema=schema,
        template=template,
        standard=(standard.title, standard.version),
        preset=tier_terms(schema, catalogue, tier) if catalogue and tier else {},
        vendor=queries.partner_of(own_organisation(actor)),
        region=form.region.data,
    )


def _people(actor: Actor, form: BatchForm) -> dict[str, Any] | None:
    members = {m.person_id: m for m in members_of(actor.organisation_id)}
    functions = {"owner": form.owner.data}
    signers = [Signer(form.signer.data, form.signer_title.data)]
    problem = people_problem(members, functions=functions, signers=signers, theirs=())
    if problem:
        form.signer.errors = [problem]
        return None
    return {"functions": functions, "signers": [[s.person_id, s.title] for s in signers]}


def _opened(batch_ref: str) -> tuple[Actor, Session, Batch]:
    actor = current_actor()
    demand(actor, "batch:start")
    session = regions().session(region_of(batch_ref))
    return actor, session, queries.find_batch(session, actor, batch_ref)


@bp.get("/batches/<batch_ref>", endpoint="show")
@needs("batch:start")
def show_batch(batch_ref: str) -> ResponseReturnValue:
    """Show every row: before it is confirmed with its errors, after it with what became of it."""
    _, _, batch = _opened(batch_ref)
    return page("batches/show.html", **_frame(batch))


@bp.get("/batches/<batch_ref>/progress")
@needs("batch:start")
def progress(batch_ref: str) -> ResponseReturnValue:
    """Give the part of the page that follows the batch."""
    _, _, batch = _opened(batch_ref)
    return page("batches/_progress.html", **_frame(batch))


def _frame(batch: Batch) -> dict[str, Any]:
    start = queries.start_of(batch)
    rows = [_shown(batch, row, start) for row in batch.rows]
    good = sum(row.faults == 0 for row in batch.rows)
    done = sum(row.done_at is not None for row in batch.rows)
    failed = sum(row.failed_at is not None for row in batch.rows)
    return {
        "batch": batch,
        "rows": rows,
        "good": good,
        "faulty": len(rows) - good,
        "done": done,
        "failed": failed,
        "running": bool(batch.confirmed_at and not batch.stopped_at and done + failed < good),
        "beginning": start.template,
        "region_label": regions()[batch.region].region.label,
    }


def _shown(batch: Batch, row: BatchRow, start: Start) -> dict[str, Any]:
    content = row.content
    terms = [
        in_a_row((start.schema.terms[t].label, show(start.schema.terms[t], value)), ": ")
        for t, value in content["terms"].items()
    ]
    return {
        "number": row.number,
        "customer": content["customer"],
        "title": content["title"],
        "terms": terms,
        "faults": kept(content["faults"]),
        "state": _state(batch, row),
        "href": url_for("contracts.show", ref=row.contract_id) if row.done_at else None,
        "failure": kept(row.failure),
    }


def _state(batch: Batch, row: BatchRow) -> tuple[str, str]:
    if row.faults:
        return (say("Left out"), "rejected") if batch.confirmed_at else (say("To mend"), "rejected")
    if row.done_at:
        return (say("Sent") if batch.sends else say("Started"), "good")
    if row.failed_at:
        return say("Not started"), "rejected"
    if batch.stopped_at:
        return say("Stopped"), ""
    return (say("Waiting"), "open") if batch.confirmed_at else (say("Ready"), "agreed")


@bp.post("/batches/<batch_ref>/confirmation")
@needs("batch:start")
def confirm(batch_ref: str) -> ResponseReturnValue:
    """Let the rows without an error start; a second press changes nothing."""
    actor, session, _ = _opened(batch_ref)
    if actions.confirm_batch(session, actor, batch_ref, at=clock.now()):
        flash(
            say("Confirmed. You can leave this page: the rows start one after the other."), "good"
        )
    return see_other(url_for("batches.show", batch_ref=batch_ref))


@bp.post("/batches/<batch_ref>/stop")
@needs("batch:start")
def stop(batch_ref: str) -> ResponseReturnValue:
    """Start no further row."""
    actor, session, _ = _opened(batch_ref)
    actions.stop_batch(session, actor, batch_ref, at=clock.now())
    flash(say("Stopped. What was started stays as it is."), "good")
    return see_other(url_for("batches.show", batch_ref=batch_ref))
