"""The act of signing, with a fresh code."""

import time

from flask import Response, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.accounts.parking import forget, kept
from portal.accounts.rules import CodeResult
from portal.kit import clock
from portal.kit.db import reading
from portal.kit.errors import NotFound
from portal.kit.web import needs, page, parks, see_other
from portal.profiles.actions import Unproven
from portal.signing import actions, queries, rules
from portal.signing.actions import AlreadySigned, Shown
from portal.signing.forms import SignatureForm
from portal.signing.jobs import advance
from portal.signing.routes.desk import Desk, bp, identification, opened, settings, waiting

# How long a second press waits for the first one's signature, after its code was seen spent.
PATIENCE_SECONDS = 2.0
LOOK_EVERY_SECONDS = 0.1


@bp.get("/contracts/<ref>/signature")
@needs("signature:sign")
def sign(ref: str) -> ResponseReturnValue:
    """Show the form to sign, once the person consented and has set up codes."""
    desk = opened(ref)
    if desk.has_signed():
        return see_other(desk.url("signing.done"))
    page_of_waiting = waiting(desk)
    if page_of_waiting is not None:
        return page_of_waiting
    if desk.is_to_approve():
        return see_other(desk.url("signing.approval"))
    if queries.standing_consent(desk.session, desk.contract, desk.actor.person_id) is None:
        return see_other(desk.url("signing.consent"))
    if not current_user.person.has_factor:
        return see_other(url_for("accounts.factor", next=desk.url("signing.sign")))
    slot = queries.slot_of(desk.contract, desk.actor.person_id)
    parked = kept(at=desk.at)
    if parked is not None:
        restored = desk.form(SignatureForm, parked, meta={"csrf": False})
        return _sign_page(desk, restored, restored=True)
    form = desk.form(SignatureForm, None, title=slot.title if slot else "", authority=True)
    return _sign_page(desk, form)


@bp.post("/contracts/<ref>/signature")
@needs("signature:sign")
@parks("signing.sign")
def add_signature(ref: str) -> ResponseReturnValue:
    """Sign with a fresh code; pressing twice signs once and shows the same outcome."""
    desk = opened(ref)
    if desk.has_signed():
        return see_other(desk.url("signing.done"))
    _, slot = actions.demand_turn(desk.session, desk.contract, desk.actor.person_id, at=desk.at)
    form = desk.form(SignatureForm)
    if not form.validate_on_submit():
        return _sign_page(desk, form, 422)
    shown = _shown(form)
    actions.check_signature(desk.session, desk.contract, desk.actor, shown, at=desk.at)
    proof = desk.proof(form, purpose="sign")
    if isinstance(proof, Unproven):
        return _refused_factor(desk, form, proof)
    try:
        actions.sign(
            desk.session, desk.actor, desk.contract, slot_id=slot.id, shown=shown,
            step=proof.step, at=desk.at,
            identification=identification(
                request.remote_addr, request.user_agent.string, factor=desk.factor
            ),
        )  # fmt: skip
    except AlreadySigned:
        return see_other(desk.url("signing.done"))
    advance(desk.database, desk.session, settings(), desk.contract.id, at=desk.at, up_to_seal=True)
    return forget(_sealed_after(see_other(url_for("signing.done", ref=ref)), desk))


def _sealed_after(response: Response, desk: Desk) -> Response:
    """Seal once the signer has the answer; what fails here, or is cut off, the worker does."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    chosen, ref = settings(), desk.contract.id

    def seal() -> None:
        reading.set(False)
        with app.app_context(), desk.database.open_session() as session:
            advance(desk.database, session, chosen, ref, at=clock.now())

    response.call_on_close(seal)
    return response


def _shown(form: SignatureForm) -> Shown:
    return Shown(
        version_sha256=form.version_sha256.data,
        title=form.title.data,
        authority_confirmed="yes" if form.authority.data else "no",
        intent="yes" if form.intent.data else "no",
        strokes=rules.read_strokes(form.strokes.data or ""),
        meaning=form.meaning.data if "meaning" in form else "",
    )


def _refused_factor(desk: Desk, form: SignatureForm, proof: Unproven) -> ResponseReturnValue:
    # From here on this request only reads: it must not wait for a writer while it renders.
    reading.set(True)
    outcome = proof.outcome
    if outcome and outcome.result is CodeResult.ALREADY_USED and outcome.purpose == "sign":
        given_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < given_up:
            desk.session.expire_all()
            if desk.has_signed():
                return see_other(desk.url("signing.done"))
            desk.session.commit()
            time.sleep(LOOK_EVERY_SECONDS)
    form[proof.field].errors = [proof.message]
    return _sign_page(desk, form, 422)


def _sign_page(
    desk: Desk, form: SignatureForm, status: int = 200, *, restored: bool = False
) -> ResponseReturnValue:
    version = desk.version
    slot = queries.slot_of(desk.contract, desk.actor.person_id)
    if version is None or slot is None:
        raise NotFound
    form.authority.label.text = rules.authority_statement(desk.actor.organisation_name)
    form.intent.label.text = rules.intent_statement(desk.actor.organisation_name)
    form.version_sha256.data = form.version_sha256.data or version.sha256
    return page(
        "signing/sign.html",
        status,
        contract=desk.contract,
        version=version,
        words=rules.hash_words(version.sha256),
        form=form,
        name=slot.name,
        in_place_of=queries.in_place_of(version, slot).get("in_place_of"),
        organisation=desk.actor.organisation_name,
        restored=restored,
    )
