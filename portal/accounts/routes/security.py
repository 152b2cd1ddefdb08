"""One's own security: password, sessions, the phone, recovery codes."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms import PasswordField

from portal.accounts import actions, gate, passwords, queries, totp
from portal.accounts.forms import CodeForm, PasswordForm
from portal.accounts.gate import safe_next
from portal.accounts.models import Person, SignIn
from portal.accounts.routes.account import (
    bp,
    client_address,
    codes_end_soon,
    hand_over,
    known_peppers,
    settings,
    status_of,
)
from portal.accounts.rules import MfaRule, is_held, password_problem
from portal.kit import clock
from portal.kit.errors import NotFound, Refused
from portal.kit.web import download, page, see_other, signed_in
from portal.kit.words import say


@bp.get("/security")
@signed_in
def security() -> ResponseReturnValue:
    """Show factor, recovery codes, password and sessions."""
    return page("accounts/security/show.html", form=PasswordForm(formdata=None), **_security())


def _security() -> dict[str, Any]:
    person = queries.person_by_id(current_user.person.id)
    visitor = current_user
    return {
        "person": person,
        "codes_left": queries.recovery_codes_left(person.id),
        "codes_end_soon": codes_end_soon(person.id),
        "sign_ins": queries.live_sign_ins(person.id, settings(), at=clock.now()),
        "here": gate.current_sign_in().id,
        "passkeys": queries.passkeys_of(person.id),
        "held_until": person.signing_held_until
        if is_held(person.signing_held_until, purpose="sign", at=clock.now())
        else None,
        "homes": queries.memberships_of(person.id),
        "actor": visitor.actor,
        "required": bool(visitor.actor) and queries.mfa_rule(visitor.actor) is MfaRule.REQUIRED,
    }


@bp.post("/security/password")
@signed_in
def change_password() -> ResponseReturnValue:
    """Change the password, by the current one and a code."""
    form, visitor, now = PasswordForm(), current_user, clock.now()
    if form.validate() and new_password_holds(form.password, visitor.person):
        try:
            _change_password(form, visitor, now)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(say("Your password was changed. Your other sessions were ended."), "good")
            return see_other(url_for("accounts.security"))
    return page("accounts/security/show.html", 422, form=form, **_security())


def new_password_holds(field: PasswordField, person: Person) -> bool:
    """Whether a new password keeps the rule; where not, why stands beside the field."""
    about = [person.email, person.name, "Counterpart", settings().operator]
    chosen = field.data
    breached = passwords.is_breached(settings().breached_passwords, chosen)
    problem = password_problem(chosen, common=passwords.common(), about=about, breached=breached)
    if problem:
        field.errors = [problem]
    return problem is None


def _change_password(form: PasswordForm, visitor: gate.Visitor, now: datetime) -> None:
    person = visitor.person
    if person.has_factor:
        outcome = actions.spend_code(
            person.id, form.code.data or "", at=now, purpose="password", address=client_address()
        )
        if not outcome.accepted:
            raise Refused(outcome.message)
    actions.change_password(
        person.id, form.current.data, form.password.data, keep=visitor.sign_in.id,
        address=client_address(), at=now,
    )  # fmt: skip


@bp.post("/security/sign-ins/<sign_in_id>/end")
@signed_in
def end_session(sign_in_id: str) -> ResponseReturnValue:
    """End one of one's own sessions."""
    actions.end_sign_in(current_user.person.id, sign_in_id, at=clock.now())
    flash(say("That session was ended."), "good")
    return see_other(url_for("accounts.security"))


@bp.get("/security/totp")
@signed_in
def factor() -> ResponseReturnValue:
    """Offer to set up codes, or show the seed until a code confirms it."""
    gate.demand_recent_code(clock.now())
    form = CodeForm(formdata=None, next=request.args.get("next", ""))
    return _factor_page(form, 200)


def _factor_page(form: CodeForm, status: int) -> ResponseReturnValue:
    person = queries.person_by_id(current_user.person.id)
    seed = person.pending_secret
    forced = current_user.must_enrol
    if seed is None:
        return page("accounts/factor/new.html", status, form=form, person=person, forced=forced)
    return page(
        "accounts/factor/edit.html", status, form=form, person=person, forced=forced,
        link=_otpauth(person, seed), secret=totp.in_fours(seed),
    )  # fmt: skip


def _otpauth(person: Person, seed: str) -> str:
    host = urlsplit(settings().base_url).hostname or "counterpart"
    return totp.address(seed, email=person.email, issuer=host)


@bp.post("/security/totp")
@signed_in
def start_factor() -> ResponseReturnValue:
    """Make a seed, to be confirmed by its first code."""
    now = clock.now()
    gate.demand_recent_code(now)
    actions.start_enrolment(current_user.person.id, at=now)
    return see_other(url_for("accounts.factor", next=request.form.get("next") or None))


@bp.get("/security/totp/qr.svg")
@signed_in
def qr() -> ResponseReturnValue:
    """Draw the seed being set up; there is no picture of a confirmed one."""
    gate.demand_recent_code(clock.now())
    person = queries.person_by_id(current_user.person.id)
    seed = person.pending_secret
    if seed is None:
        raise NotFound
    picture = totp.qr_svg(_otpauth(person, seed))
    return download(picture, name="qr.svg", mimetype="image/svg+xml", inline=True)


@bp.post("/security/totp/confirmation")
@signed_in
def confirm_factor() -> ResponseReturnValue:
    """Confirm the seed by a code; the session has thereby given one."""
    form, visitor, now = CodeForm(), current_user, clock.now()
    gate.demand_recent_code(now)
    if not form.validate():
        return _factor_page(form, 422)
    mine: SignIn = visitor.sign_in
    outcome = actions.confirm_enrolment(
        visitor.person.id, form.code.data, keep=mine.id, at=now, address=client_address()
    )
    if not outcome.accepted:
        form.code.errors = [outcome.message]
        return _factor_page(form, status_of(outcome))
    cookie = actions.mark_code_given(mine.id, at=now)
    flash(say("Codes are set up."), "good")
    onward = form.next.data or None
    return hand_over(see_other(url_for("accounts.recovery_codes", next=onward)), cookie)


@bp.get("/security/recovery-codes")
@signed_in
def recovery_codes() -> ResponseReturnValue:
    """Say what recovery codes are for, and offer to make ten."""
    gate.demand_recent_code(clock.now())
    if not current_user.person.has_factor:
        return see_other(url_for("accounts.factor"))
    left = queries.recovery_codes_left(current_user.person.id)
    target = safe_next(request.args.get("next"))
    return page("accounts/recovery_codes/new.html", left=left, target=target)


@bp.post("/security/recovery-codes")
@signed_in
def make_recovery_codes() -> ResponseReturnValue:
    """Make ten codes and show them, this once: they are kept as hashes only."""
    now = clock.now()
    gate.demand_recent_code(now)
    codes = actions.make_recovery_codes(current_user.person.id, peppers=known_peppers(), at=now)
    target = safe_next(request.form.get("next"))
    return page("accounts/recovery_codes/show.html", codes=codes, target=target)


@bp.post("/security/recovery-codes/file")
@signed_in
def recovery_codes_file() -> ResponseReturnValue:
    """Hand the codes back as a text file; only this person's own unused codes go in."""
    typed = request.form.getlist("code")[:10]
    mine, known = current_user.person.id, known_peppers()
    codes = [c for c in typed if actions.is_own_recovery_code(mine, c, peppers=known)]
    if not codes:
        raise NotFound
    head = say(
        "Counterpart recovery codes of %(email)s. Each works once.", email=current_user.person.email
    )
    text = "\r\n".join([head, settings().base_url, "", *codes, ""])
    return download(text.encode(), name="counterpart-recovery-codes.txt", mimetype="text/plain")
