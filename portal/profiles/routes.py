"""Pages of a contract's profiles, and of who viewed it."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, flash, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from portal.accounts import gate
from portal.accounts.gate import current_actor, demand_declared
from portal.accounts.queries import hipaa_among
from portal.accounts.rules import Actor, may
from portal.admin.queries import leaving_hipaa
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, name_of, organisation_of, side_of
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.csv_file import csv_bytes
from portal.kit.db import directory_reader, reading
from portal.kit.errors import NotFound, Refused
from portal.kit.web import download, fill_main, needs, page, see_other, signed_act
from portal.kit.words import say
from portal.profiles import actions, queries, rules
from portal.profiles.forms import ActForm, TurnForm
from portal.profiles.rules import Profile
from portal.residency.databases import regions

bp = Blueprint("profiles", __name__)
SHOWN = 200


def _opened(ref: str) -> tuple[Actor, Session, Contract]:
    actor = current_actor()
    session = regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    demand_declared(actor)
    return actor, session, contract


def signature_of(view: Any, ref: str) -> ResponseReturnValue | None:
    """Have an act of a regulated contract signed before its view is called; None: it goes on.

    Who may not do it, or does not see the contract, is left to the view.
    """
    actor, now = gate.acting(), clock.now()
    if actor is None or actor.emergency or not may(actor, view.needs):
        return None
    session = regions().session_of(ref)
    try:
        contract = find_contract(session, actor, ref)
    except NotFound:
        return None
    if not queries.is_regulated(session, contract, at=now):
        return None
    if view.code_before:
        gate.demand_recent_code(now)
    form = ActForm() if "signed_code" in request.form else ActForm(formdata=None)
    if "signed_code" not in request.form or not form.validate():
        return _act_page(contract, view.act, form)
    proof = actions.prove(
        session, actor, contract, actions.Typed(form.signed_code.data, form.signed_password.data),
        purpose="sign", address=request.remote_addr, at=now,
    )  # fmt: skip
    if isinstance(proof, actions.Unproven):
        form[f"signed_{proof.field}"].errors = [proof.message]
        return _act_page(contract, view.act, form)
    actions.sign_act(
        session, actor, contract, view.act, meaning=form.signed_meaning.data, proof=proof,
        content_sha256=rules.content_sha256(_typed_before()), at=now,
    )  # fmt: skip
    return None


def _typed_before() -> list[tuple[str, str]]:
    """Return what the act's own form held, to be sent again with its signature."""
    return [
        (key, value)
        for key, value in request.form.items(multi=True)
        if key != "csrf_token" and not key.startswith("signed_")
    ]


def _act_page(contract: Contract, act: str, form: ActForm) -> Response:
    # From here on this request only reads: it must not wait for a writer while it renders.
    reading.set(True)
    shown = page(
        "profiles/act.html", 422, contract=contract, words=rules.ACTS[act], form=form,
        typed=_typed_before(), action=request.full_path.rstrip("?"),
        has_factor=current_user.person.has_factor,
    )  # fmt: skip
    return fill_main(make_response(shown))


def _hindrances(contract: Contract, profile: Profile, *, on: bool) -> list[str]:
    """Return what is missing for a contract to be wholly under a profile, in sentences."""
    if not on or profile is not Profile.HIPAA:
        return []
    sides = {organisation_of(contract, side): name_of(contract, side) for side in Side}
    with directory_reader() as directory:
        ready = hipaa_among(directory, list(sides)) - leaving_hipaa(directory, list(sides))
    return [
        say(
            "%(name)s is not under the HIPAA profile: two of its administrators put it on first.",
            name=name,
        )
        for key, name in sides.items()
        if key not in ready
    ]


@bp.get("/contracts/<ref>/profiles")
@needs("contract:see")
def show(ref: str) -> ResponseReturnValue:
    """Show which profiles a contract is under, what waits, and what may be asked."""
    actor, session, contract = _opened(ref)
    return _page(actor, session, contract, TurnForm(formdata=None), 200)


def _page(
    actor: Actor, session: Session, contract: Contract, form: TurnForm, status: int
) -> ResponseReturnValue:
    at: datetime = clock.now()
    return page(
        "profiles/show.html", status, contract=contract, actor=actor, form=form,
        holding=queries.profiles_of(session, contract, at=at), at=at,
        turns=queries.turns_of(session, contract),
        waiting={row.profile: row for row in queries.open_turns(session, contract)},
        side=side_of(contract, actor), profiles=list(Profile), words=rules.PROFILE_WORDS,
        promises=rules.PROMISES, missing=_hindrances(contract, Profile.HIPAA, on=True),
        may_edit=may(actor, "profile:edit") and contract.amends_id is None,
        may_see_views=may(actor, "views:see"),
    )  # fmt: skip


@bp.post("/contracts/<ref>/profiles")
@needs("profile:edit")
@signed_act("profile:turn", code_before=True)
def ask(ref: str) -> ResponseReturnValue:
    """Ask the other side to put the contract under a profile, or out of it."""
    actor, session, contract = _opened(ref)
    form, now = TurnForm(), clock.now()
    gate.demand_recent_code(now)
    if not form.validate():
        return _page(actor, session, contract, form, 422)
    profile, on = Profile(form.profile.data), form.on.data == "yes"
    try:
        actions.ask_for_turn(
            session, actor, contract, profile, on=on, reference=form.reference.data or "",
            signed_on=form.signed_on.data, hindrances=_hindrances(contract, profile, on=on), at=now,
        )  # fmt: skip
    except Refused as refusal:
        form.form_errors.append(refusal.message)
        return _page(actor, session, contract, form, 422)
    flash(say("Asked. It holds once an administrator of the other side agrees."), "good")
    return see_other(url_for("profiles.show", ref=ref))


@bp.post("/contracts/<ref>/profiles/<turn_id>/agreement")
@needs("profile:edit")
@signed_act("profile:turn", code_before=True)
def agree(ref: str, turn_id: str) -> ResponseReturnValue:
    """Agree to what the other side asked."""
    actor, session, contract = _opened(ref)
    now = clock.now()
    gate.demand_recent_code(now)
    row = queries.find_turn(session, contract, turn_id)
    actions.agree_to_turn(
        session, actor, contract, turn_id, at=now,
        hindrances=_hindrances(contract, Profile(row.profile), on=row.on),
    )  # fmt: skip
    flash(say("Agreed. Both sides are told."), "good")
    return see_other(url_for("profiles.show", ref=ref))


@bp.post("/contracts/<ref>/profiles/<turn_id>/withdrawal")
@needs("profile:edit")
def withdraw(ref: str, turn_id: str) -> ResponseReturnValue:
    """End a wish nobody agreed to."""
    actor, session, contract = _opened(ref)
    actions.withdraw_turn(session, actor, contract, turn_id, at=clock.now())
    flash(say("Withdrawn. What held goes on."), "good")
    return see_other(url_for("profiles.show", ref=ref))


@bp.get("/contracts/<ref>/profiles/business-associate-agreement.txt")
@needs("contract:see")
def agreement(ref: str) -> Response:
    """Hand out the template of a business associate agreement with the parties' names."""
    _, _, contract = _opened(ref)
    text = rules.filled_agreement(
        vendor=contract.vendor_name, customer=contract.customer_name, ref=contract.id
    )
    name = f"{contract.id}-business-associate-agreement.txt"
    return download(text.encode(), name=name, mimetype="text/plain")


@bp.get("/contracts/<ref>/views")
@needs("views:see")
def views(ref: str) -> ResponseReturnValue:
    """Show who looked at what: every record once, or one record look by look."""
    _, session, contract = _opened(ref)
    record = request.args.get("record")
    found = queries.views_of(session, contract.id, record=record)
    if record is not None and not found:
        raise NotFound
    return page(
        "profiles/views.html", contract=contract, record=record, views=found[:SHOWN],
        count=len(found), viewed=queries.viewed(found) if record is None else [],
        under=Profile.HIPAA in queries.profiles_of(session, contract, at=clock.now()),
    )  # fmt: skip


@bp.get("/contracts/<ref>/views.csv")
@needs("views:see")
def views_csv(ref: str) -> Response:
    """Hand out every look as a table."""
    _, session, contract = _opened(ref)
    found = queries.views_of(session, contract.id, record=request.args.get("record"))
    rows = [(one.at.isoformat(), one.name, one.organisation, one.record) for one in found]
    content = csv_bytes(("At", "Who", "For", "Record"), rows)
    return download(content, name=f"{contract.id}-views.csv", mimetype="text/csv")
