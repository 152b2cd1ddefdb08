"""The template's editor: one chapter of terms at a time, and the workflow."""

from collections.abc import Mapping
from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand
from portal.kit import clock
from portal.kit.errors import NotFound, Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.templates import actions, queries
from portal.templates.forms import SeenForm
from portal.templates.models import TemplateVersion
from portal.templates.routes.library import bp
from portal.templates.rules import writing
from portal.templates.rules.writing import Unfit
from portal.terms.rules import Schema, Term, edit_text, load_schema


def _own_draft(template_id: str) -> tuple[Actor, TemplateVersion, Schema]:
    actor = current_actor()
    demand(actor, "template:edit")
    row = queries.find_own(actor, template_id)
    if row.status != queries.DRAFT:
        raise Refused(say("A published version never changes. Start the next one."))
    return actor, row, load_schema(queries.raw_of(row)["schema"])


def _chapter(schema: Schema, code: str) -> tuple[Any, tuple[Term, ...]]:
    group = next((one for one in schema.groups if one.code == code), None)
    if group is None:
        raise NotFound
    return group, schema.in_group(code)


@bp.get("/templates/<template_id>/terms/<chapter>")
@needs("template:edit")
def edit_terms(template_id: str, chapter: str) -> ResponseReturnValue:
    """Show a chapter's defaults, locks and ranges, to change them."""
    _, row, schema = _own_draft(template_id)
    raw = queries.raw_of(row)
    typed = {
        term.id: {
            "default": raw["defaults"].get(term.id, ""),
            "locked": "yes" if term.id in raw["locked"]["terms"] else "",
            "min": raw["allowed"].get(term.id, {}).get("min", ""),
            "max": raw["allowed"].get(term.id, {}).get("max", ""),
            "one_of": "\n".join(raw["allowed"].get(term.id, {}).get("one_of", ())),
        }
        for term in _chapter(schema, chapter)[1]
    }
    return _terms_page(row, schema, chapter, typed)


def _terms_page(
    row: TemplateVersion,
    schema: Schema,
    chapter: str,
    typed: Mapping[str, Mapping[str, str]],
    problem: Unfit | None = None,
) -> ResponseReturnValue:
    group, terms = _chapter(schema, chapter)
    codes = [one.code for one in schema.groups]
    following = codes[codes.index(chapter) + 1 : codes.index(chapter) + 2]
    return page(
        "templates/edit_terms.html",
        422 if problem else 200,
        row=row,
        group=group,
        groups=schema.groups,
        following=following[0] if following else None,
        fields=[
            {
                "term": term,
                "id": "t-" + term.id.replace(".", "-"),
                "typed": typed[term.id],
                "schema_default": edit_text(term, term.default) or "none",
                "scaled": term.better_for_customer != "neutral",
                "long": term.type in ("table", "people", "prose", "window"),
            }
            for term in terms
        ],
        problem=problem,
        failed=problem is not None,
        seen=request.form.get("seen_sha256") or row.sha256,
    )


@bp.post("/templates/<template_id>/terms/<chapter>")
@needs("template:edit")
def save_terms(template_id: str, chapter: str) -> ResponseReturnValue:
    """Store a chapter in the draft, and go to the next one."""
    actor, row, schema = _own_draft(template_id)
    typed = {term.id: _typed(term.id) for term in _chapter(schema, chapter)[1]}
    try:
        actions.change_draft(
            actor, row.id, lambda raw: writing.with_terms(schema, raw, typed),
            seen_sha256=SeenForm().seen_sha256.data or "", at=clock.now(),
        )  # fmt: skip
    except Unfit as problem:
        return _terms_page(row, schema, chapter, typed, problem)
    flash(say("The chapter is saved in the draft."), "good")
    return see_other(url_for("templates.edit_terms", template_id=row.id, chapter=chapter))


def _typed(term_id: str) -> dict[str, str]:
    parts = ("default", "locked", "min", "max", "one_of")
    return {part: request.form.get(f"{term_id}-{part}", "") for part in parts}


@bp.get("/templates/<template_id>/workflow")
@needs("template:edit")
def edit_workflow(template_id: str) -> ResponseReturnValue:
    """Show the signer slots and settings, to change them."""
    _, row, _ = _own_draft(template_id)
    raw = queries.raw_of(row)
    signers = raw["signers"]
    typed = {"order": signers["order"], **{k: str(v) for k, v in raw["settings"].items()}}
    for side in ("vendor", "customer"):
        typed |= {f"{side}_{end}": str(signers[side][end]) for end in ("least", "most")}
    return _workflow_page(row, typed)


def _workflow_page(
    row: TemplateVersion, typed: Mapping[str, str], problem: Unfit | None = None
) -> ResponseReturnValue:
    return page(
        "templates/edit_workflow.html",
        422 if problem else 200,
        row=row,
        typed=typed,
        orders=writing.ORDERS.items(),
        settings=writing.SETTINGS.items(),
        problem=problem,
        failed=problem is not None,
        seen=request.form.get("seen_sha256") or row.sha256,
    )


@bp.post("/templates/<template_id>/workflow")
@needs("template:edit")
def save_workflow(template_id: str) -> ResponseReturnValue:
    """Store the signer slots and settings in the draft."""
    actor, row, _ = _own_draft(template_id)
    try:
        actions.change_draft(
            actor, row.id, lambda raw: writing.with_workflow(raw, request.form),
            seen_sha256=SeenForm().seen_sha256.data or "", at=clock.now(),
        )  # fmt: skip
    except Unfit as problem:
        return _workflow_page(row, request.form, problem)
    flash(say("The workflow is saved in the draft."), "good")
    return see_other(url_for("templates.show", template_id=row.id))
