"""The catalogue's editor: one tier at a time, and the free rows."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand
from portal.kit import clock
from portal.kit.errors import Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import in_a_row, say
from portal.plans import actions, queries
from portal.plans.forms import SeenForm
from portal.plans.models import CatalogueVersion
from portal.plans.routes.catalogue import found_tier
from portal.plans.routes.doors import bp, schema
from portal.plans.rules import BASES, KINDS, Unfit, writing
from portal.plans.rules.writing import Raw
from portal.terms.rules import Term

SPARE_ROWS = 3
# The price sets these, and the tier's own name the last one.
FROM_PRICE = frozenset({"O1", "O1.period", "O2", "O2.percent", "O3", "A12"})


def _own_draft(catalogue_id: str) -> tuple[Actor, CatalogueVersion]:
    actor = current_actor()
    demand(actor, "catalogue:edit")
    row = queries.find_own(actor, catalogue_id)
    if row.status != queries.DRAFT:
        raise Refused(say("A published version never changes. Start the next one."))
    return actor, row


@bp.get("/plans/<catalogue_id>/tiers/<int:tier>/edit")
@needs("catalogue:edit")
def edit_tier(catalogue_id: str, tier: int) -> ResponseReturnValue:
    """Show a tier's name, price and terms, to change them."""
    _, row = _own_draft(catalogue_id)
    raw = found_tier(row, tier)
    return _tier_page(row, tier, name=raw["name"], price=raw["price"], typed=raw.get("terms", {}))


def _tier_page(
    row: CatalogueVersion,
    tier: int,
    *,
    name: str,
    price: Mapping[str, Any],
    typed: Mapping[str, str],
    problem: Unfit | None = None,
) -> ResponseReturnValue:
    raw = queries.raw_of(row)
    groups = [
        (group, [_term_field(t, typed.get(t.id, "")) for t in schema().in_group(group.code)])
        for group in schema().groups
    ]
    return page(
        "plans/edit_tier.html",
        422 if problem else 200,
        row=row,
        tier=tier,
        name=name,
        price=price,
        currency=raw["currency"],
        bases=BASES.items(),
        groups=[(g, [f for f in fields if f], _set(fields)) for g, fields in groups],
        problem=problem,
        failed=problem is not None,
        last=len(raw["tiers"]) == 1,
        seen=request.form.get("seen_sha256") or row.sha256,
    )


def _set(fields: list[dict[str, Any] | None]) -> int:
    return sum(bool(field and field["value"]) for field in fields)


def _term_field(term: Term, text: str) -> dict[str, Any] | None:
    if term.id in FROM_PRICE:
        return None
    hints = [term.help]
    if term.options:
        # A choice is typed as the contract writes it, in English.
        options = ", ".join(str(option.label) for option in term.options)
        hints.append(say("One of: %(options)s.", options=options))
    if term.columns:
        columns = in_a_row([column.label for column in term.columns], " | ")
        hints.append(say("A row: %(columns)s.", columns=columns))
    long = term.type in ("table", "people", "prose", "window", "multi")
    return {
        "id": "term-" + term.id.replace(".", "-"),
        "name": term.id,
        "label": in_a_row([term.id, term.label], " "),
        "value": text,
        "hint": in_a_row([hint for hint in hints if hint], " "),
        "widget": "textarea" if long else "text",
        "rows": max(2, text.count("\n") + 1),
    }


@bp.post("/plans/<catalogue_id>/tiers/<int:tier>")
@needs("catalogue:edit")
def save_tier(catalogue_id: str, tier: int) -> ResponseReturnValue:
    """Store a tier; an empty term is one the tier does not set."""
    actor, row = _own_draft(catalogue_id)
    found_tier(row, tier)
    typed = {t: request.form.get(t, "") for t in schema().terms if t not in FROM_PRICE}
    name, form = request.form.get("name", ""), request.form
    price = {k: form.get(k, "") for k in ("basis", "pct", "min_month", "unit_month", "text")}

    def change(raw: Raw) -> Raw:
        raw = writing.with_currency(raw, form.get("currency", raw["currency"]))
        raw = writing.with_head(raw, tier, name=name, price=price)
        return writing.with_terms(schema(), raw, tier, typed)

    try:
        _change(actor, row, change)
    except Unfit as problem:
        return _tier_page(row, tier, name=name, price=price, typed=typed, problem=problem)
    flash(say("The tier is saved in the draft."), "good")
    return see_other(url_for("plans.show", catalogue_id=catalogue_id))


def _change(actor: Actor, row: CatalogueVersion, change: Callable[[Raw], Raw]) -> None:
    seen = SeenForm().seen_sha256.data or ""
    actions.change_draft(actor, row.id, change, seen_sha256=seen, at=clock.now())


@bp.post("/plans/<catalogue_id>/tiers")
@needs("catalogue:edit")
def add_tier(catalogue_id: str) -> ResponseReturnValue:
    """Add a tier: a copy of the last one."""
    actor, row = _own_draft(catalogue_id)
    place = len(queries.raw_of(row)["tiers"])
    try:
        _change(actor, row, lambda raw: writing.with_tier_added(raw, copy_of=place - 1))
    except Unfit as problem:
        raise Refused(problem.message) from None
    return see_other(url_for("plans.edit_tier", catalogue_id=catalogue_id, tier=place))


@bp.post("/plans/<catalogue_id>/tiers/<int:tier>/removal")
@needs("catalogue:edit")
def remove_tier(catalogue_id: str, tier: int) -> ResponseReturnValue:
    """Take a tier out of the draft."""
    actor, row = _own_draft(catalogue_id)
    found_tier(row, tier)
    try:
        _change(actor, row, lambda raw: writing.with_tier_removed(raw, tier))
    except Unfit as problem:
        raise Refused(problem.message) from None
    flash(say("The tier is taken out of the draft."), "good")
    return see_other(url_for("plans.show", catalogue_id=catalogue_id))


@bp.get("/plans/<catalogue_id>/features")
@needs("catalogue:edit")
def edit_features(catalogue_id: str) -> ResponseReturnValue:
    """Show the free rows, to change them."""
    _, row = _own_draft(catalogue_id)
    return _features_page(row, queries.raw_of(row)["features"])


def _features_page(
    row: CatalogueVersion, rows: list[Any], problem: Unfit | None = None
) -> ResponseReturnValue:
    raw = queries.raw_of(row)
    names = [tier["name"] for tier in raw["tiers"]]
    blank = {"group": "", "label": "", "kind": "text", "values": [None] * len(names)}
    shown = rows if problem else [*rows, *[blank] * SPARE_ROWS]
    return page(
        "plans/edit_features.html",
        422 if problem else 200,
        row=row,
        names=names,
        rows=shown,
        kinds=KINDS.items(),
        problem=problem,
        failed=problem is not None,
        seen=request.form.get("seen_sha256") or row.sha256,
    )


@bp.post("/plans/<catalogue_id>/features")
@needs("catalogue:edit")
def save_features(catalogue_id: str) -> ResponseReturnValue:
    """Store the free rows."""
    actor, row = _own_draft(catalogue_id)
    rows = _typed_rows(len(queries.raw_of(row)["tiers"]))
    try:
        _change(actor, row, lambda raw: writing.with_features(raw, rows))
    except Unfit as problem:
        return _features_page(row, rows, problem)
    flash(say("The free rows are saved in the draft."), "good")
    return see_other(url_for("plans.edit_features", catalogue_id=catalogue_id))


def _typed_rows(columns: int) -> list[dict[str, Any]]:
    form = request.form
    count = sum(name.startswith("label-") for name in form)
    return [
        {
            "group": form.get(f"group-{n}", ""),
            "label": form.get(f"label-{n}", ""),
            "kind": form.get(f"kind-{n}", "text"),
            "values": [form.get(f"value-{n}-{c}", "") for c in range(columns)],
        }
        for n in range(min(count, 200))
    ]
