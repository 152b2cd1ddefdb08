"""The way to a provider and back: a link out, and the one GET that opens a session.

What waits for the answer lies in the browser, sealed, for ten minutes and for one answer. The way
back is a GET because a provider can only send a browser, and it opens nothing without that cookie
and a code which the provider takes once.
"""

import base64
import json
from datetime import datetime, timedelta

from flask import Response, current_app, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.accounts import actions, gate, queries
from portal.accounts.gate import safe_next
from portal.accounts.oidc import Claims, NotProven, Pending, ProviderAway, Providers
from portal.accounts.routes.account import (
    LOG,
    bp,
    client_address,
    device_of,
    hand_over,
    settings,
    sign_in_page,
)
from portal.kit import clock
from portal.kit.db import reading
from portal.kit.errors import NotFound, Refused
from portal.kit.vault import CannotOpen, Cipher
from portal.kit.web import leave_for, public, see_other, signed_in
from portal.kit.words import say
from portal.settings.rules import Provider

LIFE = timedelta(minutes=10)


def known() -> Providers:
    """Return the providers of the running portal."""
    found: Providers = current_app.extensions["providers"]
    return found


def _provider(name: str) -> Provider:
    try:
        return known().known[name]
    except KeyError:
        raise NotFound from None


def _back(provider: Provider) -> str:
    return settings().base_url + url_for("accounts.back_from_provider", name=provider.name)


@bp.get("/sign-in/with/<name>")
@public
def to_provider(name: str) -> ResponseReturnValue:
    """Send the browser to a provider."""
    provider, now = _provider(name), clock.now()
    target = safe_next(request.args.get("next"))
    try:
        url, pending = known().begin(provider, back=_back(provider), target=target, at=now)
    except ProviderAway as away:
        return _not_in(provider, away)
    response = leave_for(url)
    response.set_cookie(
        _cookie(), _seal(pending), max_age=int(LIFE.total_seconds()), path="/", httponly=True,
        secure=settings().secure_cookies, samesite="Lax",
    )  # fmt: skip
    return response


@bp.get("/sign-in/with/<name>/return")
@public
def back_from_provider(name: str) -> ResponseReturnValue:
    """Take the browser back; open a session, half-way where a code is owed."""
    provider, now = _provider(name), clock.now()
    pending = _pending(provider, now)
    if pending is None:
        return _not_in(provider, NotProven("nothing waits for this answer"))
    try:
        claims = known().finish(
            provider, pending, request.args.to_dict(), back=_back(provider), at=now
        )
        return _forget(_open(provider, claims, pending, now))
    except (ProviderAway, NotProven, Refused) as no:
        return _forget(_not_in(provider, no))


def _open(provider: Provider, claims: Claims, pending: Pending, now: datetime) -> Response:
    reading.set(False)
    person = actions.recognise(provider, claims, at=now)
    visitor = gate.visitor_or_none()
    cookie = actions.start_sign_in(
        person.person_id, address=client_address(), agent=request.user_agent.string, at=now,
        replaces=visitor.sign_in.id if visitor else None, means=provider.name, device=device_of(),
    )  # fmt: skip
    target = safe_next(pending.target)
    if person.has_factor:
        target = url_for("accounts.code", next=target)
    return hand_over(see_other(target), cookie)


def _not_in(provider: Provider, no: Exception) -> Response:
    """Show the door again, with why; what only an operator can mend goes to the log."""
    if isinstance(no, Refused):
        message, status = no.message, 403
    elif isinstance(no, ProviderAway):
        message = say("%(label)s does not answer now. Use your password.", label=provider.label)
        status = 503
    else:
        message = say("%(label)s did not sign you in. Try again.", label=provider.label)
        status = 403
    if not isinstance(no, Refused):
        LOG.warning("provider %s: %s", provider.name, no)
    return sign_in_page(message=message, status=status)


@bp.post("/security/providers/<link_id>/removal")
@signed_in
def remove_provider(link_id: str) -> ResponseReturnValue:
    """Remove the link to an account at a provider."""
    now = clock.now()
    gate.demand_recent_code(now)
    actions.remove_link(current_user.person.id, link_id, at=now)
    flash(say("Removed. It can be linked again by signing in with it."), "good")
    return see_other(url_for("accounts.security"))


# What waits in the browser.


def _cookie() -> str:
    return "__Host-provider" if settings().secure_cookies else "provider"


def _cipher() -> Cipher:
    found: Cipher = current_app.extensions["directory_cipher_of"]("provider")
    return found


def _seal(pending: Pending) -> str:
    plain = json.dumps(pending.stored()).encode()
    return base64.urlsafe_b64encode(
        _cipher().seal(plain, context=f"provider|{pending.provider}")
    ).decode()


def _pending(provider: Provider, now: datetime) -> Pending | None:
    """Return what this browser began with this very provider, if it is fresh."""
    try:
        sealed = base64.urlsafe_b64decode(request.cookies.get(_cookie(), ""))
        plain = _cipher().open(sealed, context=f"provider|{provider.name}")
    except (CannotOpen, ValueError):
        return None
    pending = Pending(**json.loads(plain))
    return pending if now - datetime.fromisoformat(pending.at) <= LIFE else None


def _forget(response: Response) -> Response:
    response.delete_cookie(_cookie(), path="/", secure=settings().secure_cookies)
    return response


@bp.app_context_processor
def links() -> dict[str, object]:
    """Give the security page the links of the person, by the labels of their providers."""
    return {"provider_links": _links}


def _links() -> list[tuple[str, object]]:
    labels = {one.issuer: one.label for one in settings().providers.values()}
    rows = queries.provider_links_of(current_user.person.id)
    return [(labels.get(row.issuer, row.issuer), row) for row in rows]
