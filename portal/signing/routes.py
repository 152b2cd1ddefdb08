"""Pages of the signing room: review, consent, sign, done; decline; the deed."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, current_app, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from portal.accounts.actions import spend_code
from portal.accounts.gate import current_actor, current_sign_in, demand_declared
from portal.accounts.rules import Actor, CodeOutcome, CodeResult, demand
from portal.contracts.models import Contract, Version
from portal.contracts.queries import current_version, find_contract, last_fact, state
from portal.contracts.rules.life import STATE_WORDS, State
from portal.contracts.rules.reading import key_facts
from portal.kit import clock
from portal.kit.db import reading
from portal.kit.errors import NotFound, Refused
from portal.kit.web import download, needs, page, see_other
from portal.plans.queries import pinned_catalogue
from portal.plans.rules import Catalogue
from portal.residency.actions import read_document
from portal.residency.databases import RegionDatabase, regions
from portal.residency.rules import region_of
from portal.settings.rules import Settings
from portal.signing import actions, queries, rules
from portal.signing.actions import AlreadySigned, Identification, Shown
from portal.signing.forms import (
    ConsentForm,
    DeclinationForm,
    SignatureForm,
    WithdrawalOfConsentForm,
)
from portal.signing.jobs import advance
from portal.terms.rules import load_schema

bp = Blueprint("signing", __name__)

# How long a second press waits for the first one's signature, after its code was seen spent.
PATIENCE_SECONDS = 2.0
LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True)
class Desk:
    """Who asks, about which contract, when."""

    actor: Actor
    database: RegionDatabase
    session: Session
    contract: Contract
    at: datetime

    def url(self, endpoint: str, **values: Any) -> str:
        """Return the address of a page about this contract."""
        return url_for(endpoint, ref=self.contract.id, **values)


def _opened(ref: str) -> Desk:
    actor = current_actor()
    region = region_of(ref)
    session = regions().session(region)
    contract = find_contract(session, actor, ref)
    demand_declared(actor)
    return Desk(actor, regions()[region], session, contract, clock.now())


def _settings() -> Settings:
    found: Settings = current_app.config["SETTINGS"]
    return found


def _has_signed(desk: Desk) -> bool:
    version = current_version(desk.contract)
    slot = queries.slot_of(desk.contract, desk.actor.person_id)
    if version is None or slot is None:
        return False
    return queries.signature_of(desk.session, version, slot) is not None


def _signers(desk: Desk, version: Version | None) -> list[queries.SignatureLine]:
    return queries.signatures_of(desk.session, version) if version else []


# Review.


@bp.get("/contracts/<ref>/sign")
@needs("contract:see")
def review(ref: str) -> ResponseReturnValue:
    """Show what is to be signed to whose turn it is; tell everybody else who is next."""
    desk = _opened(ref)
    if _has_signed(desk):
        return see_other(desk.url("signing.done"))
    return _waiting(desk) or _review_page(desk)


def _waiting(desk: Desk) -> ResponseReturnValue | None:
    """Return the page that says why this person cannot sign now; None when they can."""
    try:
        actions.demand_turn(desk.session, desk.contract, desk.actor.person_id, at=desk.at)
    except NotFound:
        message = "You read this contract, but you are not named as a signer."
    except Refused as refusal:
        message = refusal.message
    else:
        demand(desk.actor, "signature:sign")
        return None
    where = state(desk.contract, today=desk.at.date())
    return page(
        "signing/waiting.html",
        409,
        contract=desk.contract,
        message=message,
        state_words=STATE_WORDS[where],
        next_signer=_next_signer(desk, where),
        signers=_signers(desk, current_version(desk.contract)),
        sealing=queries.sealing_state(desk.session, desk.contract),
    )


def _next_signer(desk: Desk, where: State) -> queries.SignatureLine | None:
    if where is not State.SIGNING:
        return None
    lines = _signers(desk, current_version(desk.contract))
    return next((line for line in lines if not line.is_signed), None)


def _review_page(desk: Desk) -> ResponseReturnValue:
    version = current_version(desk.contract)
    if version is None:
        raise NotFound
    document = version.canonical
    schema = load_schema(document["pins"]["schema"]["name"])
    consent = queries.standing_consent(desk.session, desk.contract, desk.actor.person_id)
    return page(
        "signing/review.html",
        contract=desk.contract,
        version=version,
        document=document,
        facts=key_facts(document, schema),
        departures=rules.tier_departures(document, schema, _pinned(document)),
        signers=_signers(desk, version),
        sealing=queries.sealing_state(desk.session, desk.contract),
        consent=consent,
        continue_url=desk.url("signing.sign" if consent else "signing.consent"),
    )


def _pinned(document: Any) -> Catalogue | None:
    pin = document["pins"]["tier"]
    return pinned_catalogue(pin["sha256"]) if pin else None


# Consent.


@bp.get("/contracts/<ref>/consent")
@needs("signature:sign")
def consent(ref: str) -> ResponseReturnValue:
    """Show the disclosure and ask for consent to electronic records."""
    desk = _opened(ref)
    if _has_signed(desk):
        return see_other(desk.url("signing.done"))
    return _waiting(desk) or _consent_page(desk, ConsentForm(formdata=None))


@bp.post("/contracts/<ref>/consent")
@needs("signature:sign")
def give_consent(ref: str) -> ResponseReturnValue:
    """Store the consent with the text that was shown."""
    desk = _opened(ref)
    actions.demand_turn(desk.session, desk.contract, desk.actor.person_id, at=desk.at)
    form = ConsentForm()
    if not form.validate_on_submit():
        return _consent_page(desk, form, 422)
    actions.give_consent(
        desk.session, desk.actor, desk.contract, shown_sha256=form.disclosure_sha256.data,
        at=desk.at,
    )  # fmt: skip
    return see_other(desk.url("signing.sign"))


def _consent_page(desk: Desk, form: ConsentForm, status: int = 200) -> ResponseReturnValue:
    disclosure = rules.load_disclosure()
    form.disclosure_sha256.data = form.disclosure_sha256.data or disclosure.sha256
    return page(
        "signing/consent.html", status, contract=desk.contract, form=form, disclosure=disclosure
    )


@bp.get("/contracts/<ref>/consent/withdrawal")
@needs("contract:see")
def consent_withdrawal(ref: str) -> ResponseReturnValue:
    """Ask before a consent is withdrawn."""
    desk = _opened(ref)
    if not queries.consents_of(desk.session, desk.contract, desk.actor.person_id):
        raise Refused("There is no consent of yours to withdraw for this contract.")
    return page(
        "signing/withdraw.html",
        contract=desk.contract,
        form=WithdrawalOfConsentForm(formdata=None),
        signed=_has_signed(desk),
    )


@bp.post("/contracts/<ref>/consent/withdrawal")
@needs("contract:see")
def withdraw_consent(ref: str) -> ResponseReturnValue:
    """Withdraw one's own consent; both sides are told."""
    desk = _opened(ref)
    demand(desk.actor, "contract:see")
    actions.withdraw_consent(desk.session, desk.actor, desk.contract, at=desk.at)
    flash("Your consent is withdrawn. Both sides are told.", "good")
    return see_other(desk.url("contracts.show"))


# Sign.


@bp.get("/contracts/<ref>/signature")
@needs("signature:sign")
def sign(ref: str) -> ResponseReturnValue:
    """Show the form to sign, once the person consented and has set up codes."""
    desk = _opened(ref)
    if _has_signed(desk):
        return see_other(desk.url("signing.done"))
    waiting = _waiting(desk)
    if waiting is not None:
        return waiting
    if queries.standing_consent(desk.session, desk.contract, desk.actor.person_id) is None:
        return see_other(desk.url("signing.consent"))
    if not current_user.person.has_factor:
        return see_other(url_for("accounts.factor", next=desk.url("signing.sign")))
    slot = queries.slot_of(desk.contract, desk.actor.person_id)
    form = SignatureForm(formdata=None, title=slot.title if slot else "", authority=True)
    return _sign_page(desk, form)


@bp.post("/contracts/<ref>/signature")
@needs("signature:sign")
def add_signature(ref: str) -> ResponseReturnValue:
    """Sign with a fresh code; pressing twice signs once and shows the same outcome."""
    desk = _opened(ref)
    demand(desk.actor, "signature:sign")
    if _has_signed(desk):
        return see_other(desk.url("signing.done"))
    _, slot = actions.demand_turn(desk.session, desk.contract, desk.actor.person_id, at=desk.at)
    form = SignatureForm()
    if not form.validate_on_submit():
        return _sign_page(desk, form, 422)
    shown = _shown(form)
    actions.check_signature(desk.session, desk.contract, desk.actor, shown, at=desk.at)
    # The region's lock is let go: the code is judged in the directory, in a transaction before.
    desk.session.commit()
    outcome = spend_code(
        desk.actor.person_id, form.code.data, at=desk.at, purpose="sign",
        address=request.remote_addr,
    )  # fmt: skip
    if outcome.step is None or not outcome.accepted:
        return _refused_code(desk, form, outcome)
    try:
        actions.sign(
            desk.session, desk.actor, desk.contract, slot_id=slot.id, shown=shown,
            step=outcome.step, identification=_identification(),
            at=desk.at,
        )  # fmt: skip
    except AlreadySigned:
        return see_other(desk.url("signing.done"))
    advance(desk.database, desk.session, _settings(), desk.contract.id, at=desk.at, up_to_seal=True)
    return _sealed_after(see_other(url_for("signing.done", ref=ref)), desk)


def _sealed_after(response: Response, desk: Desk) -> Response:
    """Seal once the signer has the answer; what fails here, or is cut off, the worker does."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    settings, ref = _settings(), desk.contract.id

    def seal() -> None:
        reading.set(False)
        with app.app_context(), desk.database.open_session() as session:
            advance(desk.database, session, settings, ref, at=clock.now())

    response.call_on_close(seal)
    return response


def _shown(form: SignatureForm) -> Shown:
    return Shown(
        version_sha256=form.version_sha256.data,
        title=form.title.data,
        authority_confirmed="yes" if form.authority.data else "no",
        intent="yes" if form.intent.data else "no",
    )


def _identification() -> Identification:
    sign_in = current_sign_in()
    return Identification(
        session_started_at=sign_in.created_at,
        factor="totp",
        factor_enrolled_at=sign_in.person.totp_confirmed_at,
        address=request.remote_addr or "",
        agent=request.user_agent.string[:300],
    )


def _refused_code(desk: Desk, form: SignatureForm, outcome: CodeOutcome) -> ResponseReturnValue:
    # From here on this request only reads: it must not wait for a writer while it renders.
    reading.set(True)
    if outcome.result is CodeResult.ALREADY_USED and outcome.purpose == "sign":
        given_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < given_up:
            desk.session.expire_all()
            if _has_signed(desk):
                return see_other(desk.url("signing.done"))
            desk.session.commit()
            time.sleep(LOOK_EVERY_SECONDS)
    form.code.errors = [outcome.message]
    return _sign_page(desk, form, 422)


def _sign_page(desk: Desk, form: SignatureForm, status: int = 200) -> ResponseReturnValue:
    version = current_version(desk.contract)
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
        form=form,
        name=slot.name,
        organisation=desk.actor.organisation_name,
    )


@bp.get("/contracts/<ref>/signature/done")
@needs("contract:see")
def done(ref: str) -> ResponseReturnValue:
    """Show what was signed, who is next, and how the deed stands."""
    desk = _opened(ref)
    version = current_version(desk.contract)
    if version is None:
        raise Refused("The terms are not frozen yet, so there is nothing to sign.")
    signers = _signers(desk, version)
    mine = next((line for line in signers if line.person_id == desk.actor.person_id), None)
    return page(
        "signing/done.html",
        contract=desk.contract,
        version=version,
        signers=signers,
        mine=mine if mine and mine.is_signed else None,
        next_signer=_next_signer(desk, state(desk.contract, today=desk.at.date())),
        sealing=queries.sealing_state(desk.session, desk.contract),
        consent=queries.consents_of(desk.session, desk.contract, desk.actor.person_id),
        declined=last_fact(desk.contract, "declined"),
    )


# Decline.


@bp.get("/contracts/<ref>/declination")
@needs("signature:sign")
def declination(ref: str) -> ResponseReturnValue:
    """Ask for the reason before a signer declines."""
    desk = _opened(ref)
    demand(desk.actor, "signature:sign")
    _demand_open(desk)
    return _declination_page(desk, DeclinationForm(formdata=None))


@bp.post("/contracts/<ref>/declination")
@needs("signature:sign")
def decline(ref: str) -> ResponseReturnValue:
    """Decline to sign; the contract ends, and both sides are told."""
    desk = _opened(ref)
    demand(desk.actor, "signature:sign")
    _demand_open(desk)
    form = DeclinationForm()
    if not form.validate_on_submit():
        return _declination_page(desk, form, 422)
    actions.decline(
        desk.session, desk.actor, desk.contract, reason=form.reason.data,
        at=desk.at,
    )  # fmt: skip
    flash("You declined to sign. Both sides are told.", "good")
    return see_other(desk.url("contracts.show"))


def _demand_open(desk: Desk) -> None:
    if queries.slot_of(desk.contract, desk.actor.person_id) is None:
        raise Refused("You are not named as a signer of this contract.")
    if _has_signed(desk) or state(desk.contract, today=desk.at.date()) is not State.SIGNING:
        raise Refused("There is nothing of yours to decline: look at where the contract stands.")


def _declination_page(desk: Desk, form: DeclinationForm, status: int = 200) -> ResponseReturnValue:
    return page("signing/decline.html", status, contract=desk.contract, form=form)


# The deed.


@bp.get("/contracts/<ref>/deed")
@bp.get("/contracts/<ref>/deed.pdf")
@needs("contract:see")
def deed(ref: str) -> ResponseReturnValue:
    """Give the newest revision of the deed: in the browser, or as a file with `?download=1`."""
    desk = _opened(ref)
    demand(desk.actor, "contract:see")
    version = current_version(desk.contract)
    found = queries.latest_deed(desk.session, version) if version else None
    if version is None or found is None:
        raise NotFound
    content = read_document(desk.session, desk.database, queries.document_of(desk.session, found))
    return download(
        content,
        name=f"{desk.contract.id}-v{version.number}-{found.kind}.pdf",
        mimetype="application/pdf",
        inline=request.args.get("download") != "1",
    )
