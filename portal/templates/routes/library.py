"""The library: every template, one version, two versions side by side, publishing, retiring."""

from typing import Any

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand, may
from portal.contracts.queries import contracts_on_template
from portal.contracts.rules.life import STATE_WORDS
from portal.contracts.rules.listing import KINDS
from portal.kit import clock
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.residency.databases import regions
from portal.templates import actions, queries
from portal.templates.forms import PublishForm
from portal.templates.models import TemplateVersion
from portal.templates.rules import Template, template_of_raw, writing
from portal.templates.rules.writing import Unfit
from portal.terms.rules import Schema, load_schema, show

bp = Blueprint("templates", __name__)
SHOWN = 50
"""How many contracts of a version are shown."""

STATUS_TAGS = {
    "draft": (say("Draft"), "open"),
    "published": (say("Published"), "good"),
    "retired": (say("Retired"), ""),
}


@bp.get("/templates")
@needs("template:see")
def index() -> ResponseReturnValue:
    """List every template and its versions."""
    actor = current_actor()
    return page(
        "templates/index.html",
        rows=queries.readable(actor),
        tags=STATUS_TAGS,
        may_edit=may(actor, "template:edit"),
    )


@bp.get("/templates/new")
@needs("template:edit")
def new() -> ResponseReturnValue:
    """Ask for a name, what to begin from, and whether it is for a document it may be for."""
    demand(current_actor(), "template:edit")
    return _new_page()


def _new_page(problem: Unfit | None = None) -> ResponseReturnValue:
    rows = [row for row in queries.readable(current_actor()) if row.status != queries.DRAFT]
    return page(
        "templates/new.html",
        422 if problem else 200,
        choices=[
            (row.id, say("%(title)s, number %(number)s", title=row.title, number=row.number))
            for row in rows
        ],
        excluded=writing.EXCLUDED_DOCUMENTS,
        typed=request.form,
        problem=problem,
        failed=problem is not None,
    )


@bp.post("/templates")
@needs("template:edit")
def create() -> ResponseReturnValue:
    """Open the first draft."""
    actor, form = current_actor(), request.form
    demand(actor, "template:edit")
    try:
        row = actions.create_template(
            actor, title=form.get("title", ""), copy_of=form.get("copy_of", ""),
            acknowledged=form.get("acknowledged", ""), at=clock.now(),
        )  # fmt: skip
    except Unfit as problem:
        return _new_page(problem)
    return see_other(url_for("templates.show", template_id=row.id))


@bp.get("/templates/<template_id>", endpoint="show")
@needs("template:see")
def show_version(template_id: str) -> ResponseReturnValue:
    """Show one version: what it sets, locks and allows, who rests on it, what changed."""
    actor = current_actor()
    row = queries.find_template(actor, template_id)
    sessions = [session for _, session in regions().each()]
    return page(
        "templates/show.html",
        **_frame(actor, row),
        words=STATE_WORDS,
        kinds=KINDS,
        contracts=contracts_on_template(
            sessions, actor, row.sha256, today=clock.now().date(), limit=SHOWN
        ),
        shown=SHOWN,
        others=[one for one in queries.versions_of(row.slug) if one.id != row.id],
    )


def _frame(actor: Actor, row: TemplateVersion) -> dict[str, Any]:
    template = template_of_raw(queries.raw_of(row))
    schema = load_schema(template.schema)
    mine = row.organisation_id == actor.organisation_id
    draft = mine and row.status == queries.DRAFT
    return {
        "row": row,
        "found": template,
        "standing": STATUS_TAGS[row.status],
        "workflow": writing.workflow_words(template),
        "terms": _terms(schema, template),
        "groups": schema.groups,
        "may_edit": draft and may(actor, "template:edit"),
        "may_publish": draft and may(actor, "template:publish"),
        "may_start": mine and row.status != queries.DRAFT and may(actor, "template:edit"),
        "may_retire": mine and row.status == queries.PUBLISHED and may(actor, "template:publish"),
        "problems_found": (
            writing.publishing_problems(schema, queries.raw_of(row)) if draft else []
        ),
    }


def _terms(schema: Schema, template: Template) -> list[dict[str, Any]]:
    """Return the terms in which a template says more than the schema."""
    defaults = schema.defaults()
    return [
        {
            "term": term,
            "default": show(term, template.defaults[term.id]),
            "own": template.defaults[term.id] != defaults[term.id],
            "locked": term.id in template.locked,
            "range": (writing.range_words(template, term) if term.id in template.allowed else None),
        }
        for term in schema.terms.values()
        if template.defaults[term.id] != defaults[term.id]
        or term.id in template.locked
        or term.id in template.allowed
    ]


@bp.get("/templates/<template_id>/against/<other_id>")
@needs("template:see")
def compare(template_id: str, other_id: str) -> ResponseReturnValue:
    """Show what differs between two versions."""
    actor = current_actor()
    after, before = (queries.find_template(actor, one) for one in (template_id, other_id))
    found = [template_of_raw(queries.raw_of(row)) for row in (before, after)]
    changes = writing.differences(load_schema(found[1].schema), *found)
    return page("templates/compare.html", before=before, after=after, changes=changes)


@bp.post("/templates/<template_id>/drafts")
@needs("template:edit")
def start_draft(template_id: str) -> ResponseReturnValue:
    """Open the next version as a draft."""
    row = actions.start_draft(current_actor(), template_id, at=clock.now())
    return see_other(url_for("templates.show", template_id=row.id))


@bp.get("/templates/<template_id>/publication")
@needs("template:publish")
def publication(template_id: str) -> ResponseReturnValue:
    """Show what the draft changes, and ask for its line in the changelog."""
    actor = current_actor()
    demand(actor, "template:publish")
    row = queries.find_own(actor, template_id)
    return _publication_page(actor, row, PublishForm(formdata=None, seen_sha256=row.sha256))


def _publication_page(
    actor: Actor, row: TemplateVersion, form: PublishForm, status: int = 200
) -> ResponseReturnValue:
    before = next(
        (one for one in queries.versions_of(row.slug) if one.status != queries.DRAFT), None
    )
    changes = []
    if before is not None:
        found = [template_of_raw(queries.raw_of(one)) for one in (before, row)]
        changes = writing.differences(load_schema(found[1].schema), *found)
    return page(
        "templates/publish.html",
        status,
        **_frame(actor, row),
        form=form,
        before=before,
        changes=changes,
    )


@bp.post("/templates/<template_id>/publication")
@needs("template:publish")
def publish(template_id: str) -> ResponseReturnValue:
    """Publish the draft as it was seen."""
    actor, form = current_actor(), PublishForm()
    demand(actor, "template:publish")
    row = queries.find_own(actor, template_id)
    if not form.validate():
        return _publication_page(actor, row, form, 422)
    actions.publish(
        actor, template_id, note=form.note.data, seen_sha256=form.seen_sha256.data or "",
        at=clock.now(),
    )  # fmt: skip
    flash(say("Published. Contracts can start from it now; it never changes again."), "good")
    return see_other(url_for("templates.show", template_id=template_id))


@bp.post("/templates/<template_id>/retirement")
@needs("template:publish")
def retire(template_id: str) -> ResponseReturnValue:
    """Let nobody start from it any more."""
    actions.retire(current_actor(), template_id, at=clock.now())
    flash(say("Retired. Contracts that rest on it keep it."), "good")
    return see_other(url_for("templates.show", template_id=template_id))


@bp.post("/templates/<template_id>/removal")
@needs("template:edit")
def discard(template_id: str) -> ResponseReturnValue:
    """Throw a draft away."""
    actions.discard_draft(current_actor(), template_id, at=clock.now())
    flash(say("The draft is discarded."), "good")
    return see_other(url_for("templates.index"))
