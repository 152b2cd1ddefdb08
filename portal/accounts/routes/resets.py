"""The way back for who forgot the password."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue

from portal.accounts import actions, queries
from portal.accounts.forms import AskForResetForm, ResetForm
from portal.accounts.models import Person
from portal.accounts.routes.account import bp, client_address
from portal.accounts.routes.security import new_password_holds
from portal.accounts.rules import wait_message
from portal.kit import clock
from portal.kit.errors import NotFound, Refused
from portal.kit.web import page, public, see_other
from portal.kit.words import say


@bp.get("/password-resets/new")
@public
def new_reset() -> ResponseReturnValue:
    """Ask for whom a link is wanted."""
    return page("accounts/password_resets/new.html", form=AskForResetForm(formdata=None))


@bp.post("/password-resets")
@public
def ask_for_reset() -> ResponseReturnValue:
    """Note the wish; the answer is the same whether the address is known or not."""
    form, status = AskForResetForm(), 422
    if form.validate():
        try:
            until = actions.ask_for_reset(form.email.data, address=client_address(), at=clock.now())
        except Refused as refusal:
            form.email.errors = [refusal.message]
        else:
            if until is None:
                return see_other(url_for("accounts.asked_for_reset"))
            form.form_errors.append(wait_message(until))
            status = 429
    return page("accounts/password_resets/new.html", status, form=form)


@bp.get("/password-resets/asked")
@public
def asked_for_reset() -> ResponseReturnValue:
    """Say what happens next."""
    return page("accounts/password_resets/asked.html")


@bp.get("/password-resets/<token>")
@public
def reset(token: str) -> ResponseReturnValue:
    """Offer a new password. Looking uses nothing up: a mail scanner may look too."""
    try:
        _, person = queries.find_reset(actions.reset_hash(token), at=clock.now())
    except NotFound:
        return page("accounts/password_resets/done.html", 404)
    return _reset_page(token, person, ResetForm(formdata=None), 200)


def _reset_page(token: str, person: Person, form: ResetForm, status: int) -> ResponseReturnValue:
    return page(
        "accounts/password_resets/show.html", status, form=form, token=token, email=person.email,
        asks_code=person.has_factor,
    )  # fmt: skip


@bp.post("/password-resets/<token>")
@public
def use_reset(token: str) -> ResponseReturnValue:
    """Set the new password; signing in with it comes after, with a code as ever."""
    form, now = ResetForm(), clock.now()
    try:
        _, person = queries.find_reset(actions.reset_hash(token), at=now)
        if not form.validate() or not new_password_holds(form.password, person):
            return _reset_page(token, person, form, 422)
        actions.set_password(token, form.password.data, at=now)
    except NotFound:
        return page("accounts/password_resets/done.html", 404)
    flash(say("Your password is set and your sessions were ended. Sign in with it."), "good")
    return see_other(url_for("accounts.sign_in"))
