"""The door: sign-in, codes, recovery codes, and for whom one acts."""

import logging

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

from portal.accounts import actions, gate, queries
from portal.accounts.forms import CodeForm, RecoveryForm, SignInForm
from portal.accounts.gate import safe_next
from portal.accounts.pepper import Peppers, peppers
from portal.accounts.rules import CodeOutcome, CodeResult, browser_words
from portal.kit import clock
from portal.kit.refs import new_token
from portal.kit.web import leave_for, page, public, see_other, signed_in
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


def known_peppers() -> Peppers:
    """Return the peppers of the running portal."""
    return peppers(settings())


def codes_end_soon(person_id: str) -> bool:
    """Whether a pepper is being rotated and this person's recovery codes hang on the old one."""
    known = known_peppers()
    return known.before is not None and person_id in queries.recovery_codes_behind(known.mark)


def client_address() -> str:
    """Return where this request comes from."""
    return request.remote_addr or "unknown"


def status_of(outcome: CodeOutcome) -> int:
    """Return the status of a page that a code did not open."""
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
        form.email.data, form.password.data, address=client_address(), at=now, device=device_of()
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
        return _code_page(form, visitor, status_of(outcome))
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
        peppers=known_peppers(),
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
    return page("accounts/recovery/new.html", status_of(outcome), form=form)


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
