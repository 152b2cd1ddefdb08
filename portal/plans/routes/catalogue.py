"""A vendor's catalogue: its versions, one of them, publishing and retiring it."""

import json
from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand, may
from portal.kit import clock
from portal.kit.errors import NotFound, Refused
from portal.kit.web import download, needs, page, see_other
from portal.kit.words import in_a_row, say
from portal.plans import actions, queries
from portal.plans.forms import ImportForm, PublishForm, SeenForm
from portal.plans.models import CatalogueVersion
from portal.plans.routes.doors import STATUS_TAGS, bp, schema
from portal.plans.rules import Catalogue, Unfit, catalogue_of, price_text, tier_terms
from portal.plans.rules.writing import publishing_problems
from portal.terms.rules import show


@bp.get("/plans")
@needs("catalogue:see")
def index() -> ResponseReturnValue:
    """List the actor's own versions, what vendors offer, and the public examples."""
    actor = current_actor()
    offers = queries.offers()
    return page(
        "plans/index.html",
        actor=actor,
        versions=queries.own_versions(actor),
        tags=STATUS_TAGS,
        vendors=[o for o in offers if not o.is_example],
        examples=[o for o in offers if o.is_example],
        may_edit=may(actor, "catalogue:edit"),
    )


@bp.post("/plans/drafts")
@needs("catalogue:edit")
def start_draft() -> ResponseReturnValue:
    """Open the version after the one that was seen as a draft."""
    actor = current_actor()
    demand(actor, "catalogue:edit")
    versions = queries.own_versions(actor)
    if request.form.get("after") != str(versions[0].number if versions else 0):
        raise Refused(say("The catalogue has moved on since this page was opened. Look again."))
    row = actions.start_draft(actor, at=clock.now())
    return see_other(url_for("plans.show", catalogue_id=row.id))


@bp.get("/plans/imports/new")
@needs("catalogue:edit")
def new_import() -> ResponseReturnValue:
    """Ask for the JSON of a catalogue."""
    demand(current_actor(), "catalogue:edit")
    return page("plans/import.html", form=ImportForm(formdata=None))


@bp.post("/plans/imports")
@needs("catalogue:edit")
def import_draft() -> ResponseReturnValue:
    """Open the next version as a draft read from JSON."""
    actor, form = current_actor(), ImportForm()
    demand(actor, "catalogue:edit")
    if form.validate():
        try:
            row = actions.import_draft(actor, form.content.data, at=clock.now())
        except Unfit as problem:
            form.content.errors = [problem.message]
        else:
            flash(
                say("The catalogue was read into a draft. Look it over, then publish it."), "good"
            )
            return see_other(url_for("plans.show", catalogue_id=row.id))
    return page("plans/import.html", 422, form=form)


@bp.get("/plans/<catalogue_id>", endpoint="show")
@needs("catalogue:see")
def show_version(catalogue_id: str) -> ResponseReturnValue:
    """Show one version: its tiers, prices and free rows, and what can be done with it."""
    actor = current_actor()
    row = queries.find_catalogue(actor, catalogue_id)
    return page("plans/show.html", **_frame(actor, row), seen=SeenForm(formdata=None))


def _frame(actor: Actor, row: CatalogueVersion) -> dict[str, Any]:
    catalogue = catalogue_of(queries.raw_of(row))
    mine = row.organisation_id == actor.organisation_id
    draft = row.status == queries.DRAFT
    return {
        "row": row,
        "mine": mine,
        "catalogue": catalogue,
        "tiers": [
            {
                "name": tier.name,
                "price": price_text(catalogue, tier),
                "terms": len(tier_terms(schema(), catalogue, tier.name)),
            }
            for tier in catalogue.tiers
        ],
        "standing": STATUS_TAGS[row.status],
        "compare": url_for("plans.compare", tier=keys_of(row, catalogue)),
        "may_edit": mine and draft and may(actor, "catalogue:edit"),
        "may_publish": mine and draft and may(actor, "catalogue:publish"),
        "may_retire": mine and row.status == queries.PUBLISHED and may(actor, "catalogue:publish"),
        "problems_found": publishing_problems(schema(), queries.raw_of(row)) if draft else [],
    }


def keys_of(row: CatalogueVersion, catalogue: Catalogue) -> list[str]:
    """Return how each tier of a version is named in the address of a comparison."""
    return [f"{row.id}.{place}" for place in range(len(catalogue.tiers))]


@bp.get("/plans/<catalogue_id>/catalogue.json")
@needs("catalogue:see")
def export(catalogue_id: str) -> ResponseReturnValue:
    """Give a version as JSON, the very content that is hashed."""
    row = queries.find_catalogue(current_actor(), catalogue_id)
    text = json.dumps(queries.raw_of(row), ensure_ascii=False, indent=1)
    name = f"{row.slug}-{row.number}.json"
    return download(text.encode(), name=name, mimetype="application/json")


@bp.get("/plans/<catalogue_id>/publication")
@needs("catalogue:publish")
def publication(catalogue_id: str) -> ResponseReturnValue:
    """Show what publishing changes for customers, and ask for a line about it."""
    actor = current_actor()
    demand(actor, "catalogue:publish")
    row = queries.find_own(actor, catalogue_id)
    return _publication_page(actor, row, PublishForm(formdata=None, seen_sha256=row.sha256))


def _publication_page(
    actor: Actor, row: CatalogueVersion, form: PublishForm, status: int = 200
) -> ResponseReturnValue:
    before = next(
        (v for v in queries.own_versions(actor) if v.status != queries.DRAFT), None
    )  # the newest one customers have seen
    changes = _changes(
        catalogue_of(queries.raw_of(before)) if before else None,
        catalogue_of(queries.raw_of(row)),
    )
    return page(
        "plans/publish.html",
        status,
        **_frame(actor, row),
        form=form,
        before=before,
        changes=changes,
    )


def _changes(before: Catalogue | None, after: Catalogue) -> list[tuple[str, str, str, str]]:
    """Return what differs, as (tier, what, before, after)."""
    found: list[tuple[str, str, str, str]] = []
    for tier in after.tiers:
        old = before.tier(tier.name) if before else None
        if before is None or old is None:
            found.append((tier.name, say("Tier"), say("not there"), price_text(after, tier)))
            continue
        old_price, new_price = price_text(before, old), price_text(after, tier)
        if old_price != new_price:
            found.append((tier.name, say("Price"), old_price, new_price))
        was, now = tier_terms(schema(), before, old.name), tier_terms(schema(), after, tier.name)
        for term in schema().terms.values():
            if was.get(term.id) != now.get(term.id) and term.id != "A12":
                old_text, new_text = (
                    show(term, v[term.id]) if term.id in v else say("not set") for v in (was, now)
                )
                found.append((tier.name, in_a_row([term.id, term.label], " "), old_text, new_text))
    gone = [tier.name for tier in before.tiers if not after.tier(tier.name)] if before else []
    return found + [(name, say("Tier"), say("there"), say("taken out")) for name in gone]


@bp.post("/plans/<catalogue_id>/publication")
@needs("catalogue:publish")
def publish(catalogue_id: str) -> ResponseReturnValue:
    """Publish the draft as it was seen."""
    actor, form = current_actor(), PublishForm()
    demand(actor, "catalogue:publish")
    row = queries.find_own(actor, catalogue_id)
    if not form.validate():
        return _publication_page(actor, row, form, 422)
    actions.publish(
        actor, catalogue_id, note=form.note.data, seen_sha256=form.seen_sha256.data or "",
        at=clock.now(),
    )  # fmt: skip
    flash(say("Published. Customers can compare it and start from it now."), "good")
    return see_other(url_for("plans.show", catalogue_id=catalogue_id))


@bp.post("/plans/<catalogue_id>/retirement")
@needs("catalogue:publish")
def retire(catalogue_id: str) -> ResponseReturnValue:
    """Take a published version out of the offer."""
    actions.retire(current_actor(), catalogue_id, at=clock.now())
    flash(
        say("Retired. Contracts that rest on it keep it; nobody starts from it any more."), "good"
    )
    return see_other(url_for("plans.show", catalogue_id=catalogue_id))


@bp.post("/plans/<catalogue_id>/removal")
@needs("catalogue:edit")
def discard(catalogue_id: str) -> ResponseReturnValue:
    """Throw a draft away."""
    actions.discard_draft(current_actor(), catalogue_id, at=clock.now())
    flash(say("The draft is discarded."), "good")
    return see_other(url_for("plans.index"))


def found_tier(row: CatalogueVersion, place: int) -> Any:
    """Return a tier of a version by its place, or raise `NotFound`."""
    tiers = queries.raw_of(row)["tiers"]
    if not 0 <= place < len(tiers):
        raise NotFound
    return tiers[place]
