"""The door and one's own security: sign-in, codes, password, sessions."""

import logging
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    make_response,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.accounts import actions, gate, passwords, queries, totp
from portal.accounts.forms import CodeForm, PasswordForm, RecoveryForm, SignInForm
from portal.accounts.gate import safe_next
from portal.accounts.models import Person, SignIn
from portal.accounts.pepper import Peppers, peppers
from portal.accounts.rules import (
    CodeOutcome,
    CodeResult,
    MfaRule,
    browser_words,
    is_held,
    password_problem,
)
from portal.kit import clock
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_token
from portal.kit.web import download, leave_for, page, public, see_other, signed_in
from portal.kit.words import say
from portal.settings.rules import Settings

LOG = logging.getLogger("counterpart.accounts")
# Thirteen months: a browser used once a year is still known.
DEVICE_LIFE = 400 * 24 * 3600

bp = Blueprint("accounts", __name__)
bp.add_app_template_filter(browser_words, "browser")


@bp.app_context_processor
def account_link() -> dict[str, str]:
    """Give every page of a signed-in person the address of their own account."""
    return {"account_url": url_for("accounts.security")} if current_user.is_authenticated else {}


def settings() -> Settings:
    """Return the settings of the running portal."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def _peppers() -> Peppers:
    return peppers(settings())


def _codes_end_soon(person_id: str) -> bool:
    """Whether a pepper is being rotated and this person's recovery codes hang on the old one."""
    known = _peppers()
    return known.before is not None and person_id in queries.recovery_codes_behind(known.mark)


def client_address() -> str:
    """Return where this request comes from."""
    return request.remote_addr or "unknown"


def _status(outcome: CodeOutcome) -> int:
    return 429 if outcome.result is CodeResult.LOCKED else 422


def hand_over(response: Response, cookie: str) -> Response:
    """Give the browser a session's cookie, and a new form secret with it; messages stay."""
    messages = session.get("_flashes")
    session.clear()
    if messages:
        session["_flashes"] = messages
    secure = settings().secure_cookies
    response.set_cookie(
        gate.cookie_name(settings()), cookie, httponly=True, samesite="Lax", path="/", secure=secure
    )
    if "device" in g:
        response.set_cookie(
            _device_name(), g.device, max_age=DEVICE_LIFE, httponly=True, samesite="Lax", path="/",
            secure=secure,
        )  # fmt: skip
    return response


def _device_name() -> str:
    return "__Host-device" if settings().secure_cookies else "device"


def device_of() -> str:
    """Return the mark of this browser, hashed; a new one is handed over with the session."""
    g.device = request.cookies.get(_device_name()) or new_token()
    return gate.key_of(g.device)


def sign_in_page(
    form: SignInForm | None = None, *, message: str | None = None, status: int = 200
) -> Response:
    """Show the door: the password, and the providers this portal knows."""
    form = form or SignInForm(formdata=None)
    if message:
        form.form_errors.append(message)
    providers = list(settings().providers.values())
    return make_response(page("accounts/sign_in/new.html", status, form=form, providers=providers))


@bp.get("/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    """Ask for e-mail and password."""
    if current_user.is_authenticated:
        return see_other(safe_next(request.args.get("next")))
    return sign_in_page(SignInForm(formdata=None, next=request.args.get("next", "")))


@bp.post("/sign-in")
@public
def start_sign_in() -> ResponseReturnValue:
    """Judge e-mail and password; open a session, half-way where a code is owed."""
    form, now = SignInForm(), clock.now()
    if not form.validate():
        return sign_in_page(form, status=422)
    outcome = actions.check_password(
        form.email.data, form.password.data, address=client_address(), at=now
    )
    if outcome.person_id is None:
        status = 429 if outcome.until else 422
        return sign_in_page(form, message=outcome.message, status=status)
    visitor = gate.visitor_or_none()
    cookie = actions.start_sign_in(
        outcome.person_id, address=client_address(), agent=request.user_agent.string, at=now,
        replaces=visitor.sign_in.id if visitor else None, rehashed=outcome.rehashed,
        device=device_of(),
    )  # fmt: skip
    target = safe_next(form.next.data)
    if queries.has_factor(outcome.person_id):
        target = url_for("accounts.code", next=target)
    return hand_over(see_other(target), cookie)


def asked() -> gate.Visitor | None:
    """Return the visitor who may give a code now: half-way, or signed in with a factor."""
    visitor = gate.visitor_or_none()
    return visitor if visitor and visitor.person.has_factor else None


def not_asked() -> ResponseReturnValue:
    """Send on whoever owes no code."""
    step = "accounts.factor" if current_user.is_authenticated else "accounts.sign_in"
    return leave_for(url_for(step, next=request.args.get("next")))


@bp.get("/sign-in/code")
@public
def code() -> ResponseReturnValue:
    """Ask for the code of the authenticator."""
    visitor = asked()
    if visitor is None:
        return not_asked()
    return _code_page(CodeForm(formdata=None, next=request.args.get("next", "")), visitor, 200)


def _code_page(form: CodeForm, visitor: gate.Visitor, status: int) -> ResponseReturnValue:
    keys = queries.passkeys_of(visitor.person.id)
    return page("accounts/code/new.html", status, form=form, visitor=visitor, passkeys=keys)


@bp.post("/sign-in/code")
@public
def give_code() -> ResponseReturnValue:
    """Judge the code; the session becomes a full one, under a new cookie."""
    form, visitor = CodeForm(), asked()
    if visitor is None:
        return not_asked()
    if form.validate():
        outcome = actions.spend_code(
            visitor.person.id, form.code.data, at=clock.now(), purpose="sign_in",
            address=client_address(),
        )  # fmt: skip
        if outcome.accepted:
            return proven(visitor, form.next.data)
        form.code.errors = [outcome.message]
        return _code_page(form, visitor, _status(outcome))
    return _code_page(form, visitor, 422)


def proven(visitor: gate.Visitor, target: str) -> ResponseReturnValue:
    """Make the session a full one and go on."""
    cookie = actions.mark_code_given(visitor.sign_in.id, at=clock.now())
    return hand_over(see_other(safe_next(target)), cookie)


@bp.get("/sign-in/recovery")
@public
def recovery() -> ResponseReturnValue:
    """Ask for a recovery code instead."""
    visitor = asked()
    if visitor is None:
        return not_asked()
    form = RecoveryForm(formdata=None, next=request.args.get("next", ""))
    return page("accounts/recovery/new.html", form=form)


@bp.post("/sign-in/recovery")
@public
def give_recovery_code() -> ResponseReturnValue:
    """Judge a recovery code; it counts once."""
    form, visitor = RecoveryForm(), asked()
    if visitor is None:
        return not_asked()
    if not form.validate():
        return page("accounts/recovery/new.html", 422, form=form)
    outcome = actions.spend_recovery_code(
        visitor.person.id,
        form.code.data,
        peppers=_peppers(),
        at=clock.now(),
        address=client_address(),
    )
    if outcome.accepted:
        flash(say("You are in. Lost your phone? Set up a new one on the security page."), "warn")
        return proven(visitor, form.next.data)
    locked = outcome.result is CodeResult.LOCKED
    form.code.errors = [
        outcome.message if locked else say("That recovery code is not right, or used.")
    ]
    return page("accounts/recovery/new.html", _status(outcome), form=form)


@bp.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    """End the session and have the browser forget what it kept."""
    visitor = gate.visitor_or_none()
    if visitor is not None:
        actions.end_sign_in(visitor.person.id, visitor.sign_in.id, at=clock.now())
    session.clear()
    response = see_other(url_for("accounts.sign_in"))
    secure = settings().secure_cookies
    response.delete_cookie(
        gate.cookie_name(settings()), path="/", secure=secure, httponly=True, samesite="Lax"
    )
    response.headers["Clear-Site-Data"] = '"cache","storage"'
    return response


@bp.get("/acting-for")
@signed_in
def acting_for() -> ResponseReturnValue:
    """Show the person's organisations, to choose one."""
    homes = queries.memberships_of(current_user.person.id)
    target = safe_next(request.args.get("next"))
    return page("accounts/acting_for/index.html", homes=homes, target=target)


@bp.post("/acting-for")
@signed_in
def act_for() -> ResponseReturnValue:
    """Act for another of one's organisations from now on."""
    sign_in_id, chosen = gate.current_sign_in().id, request.form.get("membership", "")
    actions.act_for(sign_in_id, chosen, at=clock.now())
    return see_other(safe_next(request.form.get("next")))


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
        "codes_end_soon": _codes_end_soon(person.id),
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
    if form.validate() and _new_password_holds(form, visitor.person):
        try:
            _change_password(form, visitor, now)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(say("Your password was changed. Your other sessions were ended."), "good")
            return see_other(url_for("accounts.security"))
    return page("accounts/security/show.html", 422, form=form, **_security())


def _new_password_holds(form: PasswordForm, person: Person) -> bool:
    about = [person.email, person.name, "Counterpart", settings().operator]
    problem = password_problem(form.password.data, common=passwords.common(), about=about)
    if problem:
        form.password.errors = [problem]
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
        return _factor_page(form, _status(outcome))
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
    codes = actions.make_recovery_codes(current_user.person.id, peppers=_peppers(), at=now)
    target = safe_next(request.form.get("next"))
    return page("accounts/recovery_codes/show.html", codes=codes, target=target)


@bp.post("/security/recovery-codes/file")
@signed_in
def recovery_codes_file() -> ResponseReturnValue:
    """Hand the codes back as a text file; only this person's own unused codes go in."""
    typed = request.form.getlist("code")[:10]
    mine, known = current_user.person.id, _peppers()
    codes = [c for c in typed if actions.is_own_recovery_code(mine, c, peppers=known)]
    if not codes:
        raise NotFound
    head = say(
        "Counterpart recovery codes of %(email)s. Each works once.", email=current_user.person.email
    )
    text = "\r\n".join([head, settings().base_url, "", *codes, ""])
    return download(text.encode(), name="counterpart-recovery-codes.txt", mimetype="text/plain")
