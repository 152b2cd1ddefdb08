"""Passkeys in place of a code at sign-in, their list, and the history of sign-ins."""

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.accounts import actions, gate, queries, webauthn
from portal.accounts.forms import CodeForm, PasskeyForm, PasskeyProofForm
from portal.accounts.routes.account import asked, bp, client_address, not_asked, proven, settings
from portal.accounts.webauthn import Place
from portal.audit.sentences import by_day
from portal.kit import clock
from portal.kit.errors import Refused
from portal.kit.web import page, public, see_other, signed_in
from portal.kit.words import say


def _place() -> Place:
    return Place.of(settings().base_url)


def _known(person_id: str) -> list[str]:
    return [row.credential for row in queries.passkeys_of(person_id)]


# At the door


@bp.post("/sign-in/passkey/challenge")
@public
def challenge_passkey() -> ResponseReturnValue:
    """Begin to prove a passkey in place of the code."""
    visitor = asked()
    if visitor is None:
        return not_asked()
    actions.challenge_passkey(visitor.sign_in.id, at=clock.now())
    return see_other(url_for("accounts.passkey", next=request.form.get("next") or None))


@bp.get("/sign-in/passkey")
@public
def passkey() -> ResponseReturnValue:
    """Ask the browser for the passkey."""
    visitor = asked()
    if visitor is None:
        return not_asked()
    known, challenge = _known(visitor.person.id), visitor.sign_in.challenge
    if not known or challenge is None:
        return see_other(url_for("accounts.code", next=request.args.get("next")))
    form = PasskeyProofForm(formdata=None, next=request.args.get("next", ""))
    options = webauthn.asking(_place(), challenge=challenge, known=known)
    return page("accounts/passkey/new.html", form=form, options=options, visitor=visitor)


@bp.post("/sign-in/passkey")
@public
def give_passkey() -> ResponseReturnValue:
    """Judge the passkey; the session becomes a full one, under a new cookie."""
    form, visitor = PasskeyProofForm(), asked()
    if visitor is None:
        return not_asked()
    form.validate()
    try:
        actions.spend_passkey(
            visitor.person.id, visitor.sign_in.id, form.answer.data or "", place=_place(),
            address=client_address(), at=clock.now(),
        )  # fmt: skip
    except Refused as refusal:
        code = CodeForm(formdata=None, next=form.next.data)
        code.form_errors.append(refusal.message)
        keys = queries.passkeys_of(visitor.person.id)
        return page("accounts/code/new.html", 422, form=code, visitor=visitor, passkeys=keys)
    return proven(visitor, form.next.data)


# One's own


@bp.get("/security/passkeys")
@signed_in
def passkeys() -> ResponseReturnValue:
    """List one's passkeys."""
    rows = queries.passkeys_of(current_user.person.id)
    return page("accounts/passkeys/index.html", rows=rows, person=current_user.person)


@bp.post("/security/passkeys/challenge")
@signed_in
def begin_passkey() -> ResponseReturnValue:
    """Begin to make a passkey."""
    now = clock.now()
    gate.demand_recent_code(now)
    actions.challenge_passkey(current_user.sign_in.id, at=now)
    return see_other(url_for("accounts.new_passkey"))


@bp.get("/security/passkeys/new")
@signed_in
def new_passkey() -> ResponseReturnValue:
    """Ask for a name, and the browser for a passkey."""
    gate.demand_recent_code(clock.now())
    return _new_page(PasskeyForm(formdata=None), 200)


def _new_page(form: PasskeyForm, status: int) -> ResponseReturnValue:
    person = queries.person_by_id(current_user.person.id)
    challenge = queries.challenge_of(current_user.sign_in.id)
    if challenge is None or not person.has_factor:
        return page("accounts/passkeys/begin.html", status, form=form, person=person)
    options = webauthn.making(
        _place(), person=person.id, email=person.email, challenge=challenge,
        known=_known(person.id),
    )  # fmt: skip
    return page("accounts/passkeys/new.html", status, form=form, options=options)


@bp.post("/security/passkeys")
@signed_in
def add_passkey() -> ResponseReturnValue:
    """Keep the passkey the browser made."""
    form, now = PasskeyForm(), clock.now()
    gate.demand_recent_code(now)
    if not form.validate():
        return _new_page(form, 422)
    try:
        row = actions.add_passkey(
            current_user.person.id, current_user.sign_in.id, form.answer.data or "",
            name=form.name.data, place=_place(), at=now,
        )  # fmt: skip
    except Refused as refusal:
        form.form_errors.append(refusal.message)
        return _new_page(form, 422)
    flash(say("The passkey “%(name)s” works from the next sign-in on.", name=row.name), "good")
    return see_other(url_for("accounts.passkeys"))


@bp.post("/security/passkeys/<passkey_id>/removal")
@signed_in
def remove_passkey(passkey_id: str) -> ResponseReturnValue:
    """Forget a passkey."""
    now = clock.now()
    gate.demand_recent_code(now)
    actions.remove_passkey(current_user.person.id, passkey_id, at=now)
    flash(say("The passkey was removed."), "good")
    return see_other(url_for("accounts.passkeys"))


@bp.get("/security/history")
@signed_in
def history() -> ResponseReturnValue:
    """Show the last sign-ins, and what was done to the account."""
    person = current_user.person
    return page(
        "accounts/history/index.html", sign_ins=queries.last_sign_ins(person.id),
        here=current_user.sign_in.id, days=by_day(queries.account_log(person.id)), person=person,
    )  # fmt: skip
