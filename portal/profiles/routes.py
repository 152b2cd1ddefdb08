"""Pages of a contract's profiles, and of who viewed it."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, flash, g, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from portal.accounts import gate
from portal.accounts.gate import current_actor, demand_declared
from portal.accounts.queries import hipaa_among
from portal.accounts.rules import Actor, may
from portal.admin.queries import leaving_hipaa
from portal.audit.sentences import told
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, name_of, organisation_of, side_of
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.csv_file import csv_bytes
from portal.kit.db import directory_reader, reading
from portal.kit.errors import NotFound, Refused, SignatureNeeded
from portal.kit.web import download, fill_main, needs, page, see_other
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


def take_signature(view: Any, ref: str) -> None:
    """Judge what was typed to sign an act, before its view is called.

    The code is consumed in the directory first, as at every signature (decision 0002); the proof
    waits on the region's session for the entry of the act. What is wrong is said on the page that
    asks for it. Who may not do the act, or does not see the contract, is left to the view.
    """
    if getattr(view, "machine", False) or "signed_code" not in request.form:
        return
    actor, now = gate.acting(), clock.now()
    if actor is None or actor.emergency or not may(actor, view.needs):
        return
    session = regions().session_of(ref)
    try:
        contract = find_contract(session, actor, ref)
    except NotFound:
        return
    if not queries.is_regulated(session, contract, at=now):
        return
    form = g.act_form = ActForm()
    if not form.validate():
        return
    proof = actions.prove(
        session, actor, contract, actions.Typed(form.signed_code.data, form.signed_password.data),
        purpose="sign", address=request.remote_addr, at=now,
    )  # fmt: skip
    if isinstance(proof, actions.Unproven):
        form[f"signed_{proof.field}"].errors = [proof.message]
        return
    gate.note_code()
    signature = actions.Signature(
        actor.person_id, proof, form.signed_meaning.data, request.form.get("signed_act", ""),
        rules.content_sha256(_typed_before()),
    )  # fmt: skip
    actions.carry(session, signature)


def _typed_before() -> list[tuple[str, str]]:
    """Return what the act's own form held, to be sent again with its signature."""
    return [
        (key, value)
        for key, value in request.form.items(multi=True)
        if key != "csrf_token" and not key.startswith("signed_")
    ]


def ask_signature(needed: SignatureNeeded) -> Response:
    """Show what is to be signed, and ask for both factors and the meaning."""
    # From here on this request only reads: it must not wait for a writer while it renders.
    reading.set(True)
    actor = current_actor()
    contract = find_contract(regions().session_of(needed.chain), actor, needed.chain)
    form: ActForm = g.pop("act_form", None) or ActForm(formdata=None)
    if needed.changed:
        form.form_errors.append(
            say("What you sign is not what this page showed. Read it again, then sign.")
        )
    who = f"{actor.name} ({actor.organisation_name})"
    shown = page(
        "profiles/act.html", 422, contract=contract, form=form, typed=_typed_before(),
        act=told(needed.event, needed.facts, who=who), facts_of_act=needed.facts,
        act_sha256=rules.act_sha256(needed.chain, needed.event, needed.facts),
        action=request.full_path.rstrip("?"), has_factor=current_user.person.has_factor,
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
