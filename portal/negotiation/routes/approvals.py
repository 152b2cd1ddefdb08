"""Approvals of one side, and its playbook."""

from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import current_actor, demand_declared
from portal.accounts.rules import ROLE_WORDS, Actor, Role, may
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.errors import NotFound, Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.negotiation import actions, rules
from portal.negotiation.forms import ApprovalForm
from portal.negotiation.queries import playbook_of, playbook_versions
from portal.negotiation.routes.visit import Visit, board, bp, frame, visit_to
from portal.negotiation.rules import playbook as limits
from portal.terms.rules import Term, Unreadable, load_schema, parse, show, validate


@bp.get("/contracts/<ref>/approvals")
@needs("contract:see")
def approvals(ref: str) -> ResponseReturnValue:
    """Show what this side must approve before the freeze, and what was approved."""
    return _page(visit_to(ref))


def _page(
    visit: Visit,
    status: int = 200,
    form: ApprovalForm | None = None,
    at: str | None = None,
    late: rules.TooLate | None = None,
) -> ResponseReturnValue:
    found = visit.negotiation()
    mine = board(visit, found)
    roles = frozenset(role.value for role in visit.actor.roles)
    rows = []
    for need in mine.outstanding:
        refusal = limits.why_not_approve(
            need, person=visit.actor.person_id, roles=roles, reason="because"
        )
        rows.append(
            {
                "need": need,
                "term": found.schema.terms[need.term],
                "text": show(found.schema.terms[need.term], need.value),
                "role": ROLE_WORDS[Role(need.role)],
                "fell": need.term in mine.fallen,
                "refusal": refusal
                if may(visit.actor, "approval:give")
                else say("Your role reads only."),
            }
        )
    bound = {(need.term, need.sha256) for need in mine.needs}
    return page(
        "negotiation/approvals.html",
        status,
        **frame(visit, found),
        rows=rows,
        given=[
            (one, found.schema.terms.get(one.term), (one.term, one.sha256) in bound)
            for one in reversed(mine.given)
        ],
        playbook=mine.playbook,
        role_words={role.value: words for role, words in ROLE_WORDS.items()},
        form=form or ApprovalForm(formdata=None),
        at=at,
        late=late,
    )


@bp.post("/contracts/<ref>/approvals/<term>")
@needs("approval:give")
def approve(ref: str, term: str) -> ResponseReturnValue:
    """Approve one value."""
    visit = visit_to(ref)
    form = ApprovalForm()
    if not form.validate():
        return _page(visit, 422, form, term)
    try:
        actions.approve(
            *visit.args, term, seen_sha256=form.seen_sha256.data or "", reason=form.reason.data,
            at=visit.now,
        )  # fmt: skip
    except rules.TooLate as error:
        visit.session.rollback()
        return _page(visit, 409, late=error)
    flash(say("Approved. It stands until this value changes."), "good")
    return see_other(url_for(".approvals", ref=ref))


# The playbook: it belongs to the organisation, so its address names no contract.


def _opened() -> Actor:
    actor = current_actor()
    demand_declared(actor)
    return actor


def _side() -> Side:
    return Side.CUSTOMER if request.values.get("side") == Side.CUSTOMER else Side.VENDOR


@bp.get("/playbook")
@needs("playbook:see")
def playbook() -> ResponseReturnValue:
    """Show the organisation's limits, and the versions they had."""
    actor = _opened()
    schema = load_schema("1")
    side = _side_of(actor)
    view = playbook_of(actor.organisation_id, side)
    return page(
        "negotiation/playbook.html",
        organisation=actor.organisation_name,
        side=side,
        number=view.number,
        rows=[
            (term, view.limits[term.id]) for term in schema.terms.values() if term.id in view.limits
        ],
        schema=schema,
        versions=playbook_versions(actor),
        may_edit=may(actor, "playbook:edit"),
        show=show,
        role_words={role.value: words for role, words in ROLE_WORDS.items()},
    )


def _side_of(actor: Actor) -> Side:
    """Return the side asked for; else the one this organisation's playbook speaks of first."""
    if request.args.get("side") in set(Side):
        return Side(request.args["side"])
    if playbook_of(actor.organisation_id, Side.VENDOR).limits:
        return Side.VENDOR
    return (
        Side.CUSTOMER if playbook_of(actor.organisation_id, Side.CUSTOMER).limits else Side.VENDOR
    )


@bp.get("/playbook/<term>")
@needs("playbook:edit")
def edit_limits(term: str) -> ResponseReturnValue:
    """Ask for the limits of one term."""
    actor = _opened()
    known = _known(term)
    view = playbook_of(actor.organisation_id, _side())
    return _limits_page(known, view.number, _typed_from(known, view.limits.get(known.id)))


def _known(term: str) -> Term:
    found = load_schema("1").terms.get(term)
    if found is None:
        raise NotFound
    return found


ROWS = [*(f"fallback_{n}" for n in range(1, limits.MOST_FALLBACKS + 1)), "walk_away"]


def _typed_from(term: Term, own: limits.Limits | None) -> dict[str, str]:
    if own is None:
        return {"standard": show(term, term.default), "override_role": Role.LEGAL.value}
    typed = {"standard": show(term, own.standard), "override_role": own.override_role}
    for name, rung in zip(ROWS, own.fallbacks, strict=False):
        typed |= {name: show(term, rung.value), f"{name}_role": rung.role}
    if own.walk_away:
        typed |= {
            "walk_away": show(term, own.walk_away.value), "walk_away_role": own.walk_away.role,
        }  # fmt: skip
    return typed


def _limits_page(
    term: Term,
    number: int,
    typed: dict[str, str],
    problems: list[tuple[str, str]] | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    return page(
        "negotiation/limits.html",
        status,
        term=term,
        side=_side(),
        number=number,
        typed=typed,
        rows=ROWS,
        role_options=[(role.value, words) for role, words in ROLE_WORDS.items()],
        problems_found=problems or [],
        failed=bool(problems),
    )


@bp.post("/playbook/<term>")
@needs("playbook:edit")
def set_limits(term: str) -> ResponseReturnValue:
    """Write the limits of one term as the next version of the playbook."""
    actor = _opened()
    known, side = _known(term), _side()
    typed = {name: request.form.get(name, "") for name in _names()}
    seen = request.form.get("seen_number", "")
    seen_number = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 7 else -1
    wanted, problems = _read_limits(known, typed)
    if request.form.get("remove"):
        wanted, problems = None, []
    if problems:
        return _limits_page(known, max(seen_number, 0), typed, problems, 422)
    try:
        number = actions.set_limits(
            actor, side, known.id, wanted, seen_number=seen_number, at=clock.now()
        )
    except rules.Stale:
        raise
    except Refused as error:
        return _limits_page(known, max(seen_number, 0), typed, [("standard", error.message)], 422)
    flash(say("Saved as version %(number)s of the playbook.", number=number), "good")
    return see_other(url_for(".playbook", side=side.value))


def _names() -> list[str]:
    return ["standard", "override_role", *ROWS, *(f"{name}_role" for name in ROWS)]


def _read_limits(
    term: Term, typed: dict[str, str]
) -> tuple[limits.Limits | None, list[tuple[str, str]]]:
    problems: list[tuple[str, str]] = []

    def value_of(name: str) -> Any:
        try:
            value = parse(term, typed[name])
        except Unreadable as refusal:
            problems.append((name, refusal.message))
            return None
        problems.extend((name, text) for text in validate(term, value))
        return value

    def role_of(name: str) -> str:
        if typed[name] in set(Role):
            return typed[name]
        problems.append((name, say("Choose who approves it.")))
        return ""

    standard = value_of("standard")
    rungs = {
        name: limits.Rung(value_of(name), role_of(f"{name}_role"))
        for name in ROWS
        if typed[name].strip()
    }
    walk_away = rungs.pop("walk_away", None)
    own = limits.Limits(standard, tuple(rungs.values()), walk_away, role_of("override_role"))
    return own, problems
