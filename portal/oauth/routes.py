"""The protocol's own doors, the consent page, and the pages of clients and grants."""

from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Response, current_app, flash, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.accounts import gate
from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand
from portal.kit import clock
from portal.kit.errors import Refused
from portal.kit.headers import CSP
from portal.kit.web import machine, needs, page, public, see_other, signed_in
from portal.kit.words import say
from portal.oauth import actions, queries, rules
from portal.oauth.authlib import ANY_CLIENT, SECRETS, make_server
from portal.oauth.forms import ClientForm
from portal.oauth.models import OAuthClient
from portal.oauth.rules import Kind

bp = Blueprint("oauth", __name__)


@bp.record_once
def _install(state: Any) -> None:
    state.app.extensions["oauth"] = make_server(state.app)


def _server() -> AuthorizationServer:
    return current_app.extensions["oauth"]


# For programs


@bp.post("/oauth/token")
@public
@machine
def token() -> ResponseReturnValue:
    """Give tokens for a code, a refresh token or a machine's secret."""
    answer: Response = _server().create_token_response()
    return answer


@bp.post("/oauth/revocation")
@public
@machine
def revoke() -> ResponseReturnValue:
    """End a token (RFC 7009)."""
    answer: Response = _server().create_endpoint_response("revocation")
    return answer


@bp.post("/oauth/introspection")
@public
@machine
def introspect() -> ResponseReturnValue:
    """Tell a client what a token of its own stands for (RFC 7662)."""
    answer: Response = _server().create_endpoint_response("introspection")
    return answer


@bp.get("/.well-known/oauth-authorization-server")
@public
def metadata() -> ResponseReturnValue:
    """Say what this server knows (RFC 8414)."""
    base: str = current_app.config["SETTINGS"].base_url
    return {
        "issuer": base,
        "authorization_endpoint": base + url_for(".authorize"),
        "token_endpoint": base + url_for(".token"),
        "revocation_endpoint": base + url_for(".revoke"),
        "introspection_endpoint": base + url_for(".introspect"),
        "scopes_supported": list(rules.SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ANY_CLIENT,
        "revocation_endpoint_auth_methods_supported": ANY_CLIENT,
        "introspection_endpoint_auth_methods_supported": SECRETS,
        "authorization_response_iss_parameter_supported": True,
    }


@bp.get("/.well-known/oauth-protected-resource")
@public
def resource() -> ResponseReturnValue:
    """Say where the API's tokens come from (RFC 9728)."""
    base: str = current_app.config["SETTINGS"].base_url
    return {
        "resource": f"{base}/api/v1",
        "authorization_servers": [base],
        "scopes_supported": list(rules.SCOPES),
        "bearer_methods_supported": ["header"],
    }


# The consent page

ASKED = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge",
    "code_challenge_method",
)  # fmt: skip


@bp.get("/oauth/authorize")
@signed_in
def authorize() -> ResponseReturnValue:
    """Ask the person whether a program may act for them, and with which scopes."""
    actor = current_actor()
    gate.demand_recent_code(clock.now())
    _demand_own_client(actor, request.args.get("client_id"))
    try:
        grant = _server().get_consent_grant(end_user=_user())
    except OAuth2Error as error:
        return _refuse(error)
    client = queries.find_client(actor, grant.request.payload.client_id)
    back = rules.origin_of(grant.redirect_uri)
    asked = [(name, request.args[name]) for name in ASKED if name in request.args]
    shown = page(
        "oauth/consent.html", client=client, actor=actor, back=back, words=rules.SCOPES,
        scopes=grant.request.scope.split(), asked=asked,
    )  # fmt: skip
    response = make_response(shown)
    # The answer to this form leads to the program, which `form-action 'self'` alone would forbid.
    own = "form-action 'self'"
    response.headers["Content-Security-Policy"] = CSP.replace(own, f"{own} {back}")
    return response


@bp.post("/oauth/authorize")
@signed_in
def consent() -> ResponseReturnValue:
    """Grant or deny, and lead back to the program."""
    actor = current_actor()
    gate.demand_recent_code(clock.now())
    server = _server()
    _demand_own_client(actor, request.values.get("client_id"))
    try:
        grant = server.get_consent_grant(end_user=_user())
        queries.find_client(actor, grant.request.payload.client_id)
        granted = _user() if request.form.get("decision") == "allow" else None
        answer: Response = server.create_authorization_response(grant_user=granted, grant=grant)
    except OAuth2Error as error:
        return _refuse(error)
    answer.status_code = 303  # See other: a 302 after a form may repeat the form.
    return answer


def _demand_own_client(actor: Actor, client_id: str | None) -> None:
    """Look for the client before its address and scopes are: one of others is as good as none."""
    if client_id:
        queries.find_client(actor, client_id)


def _user() -> dict[str, Any]:
    return {"actor": current_actor(), "membership_id": gate.current_sign_in().membership_id}


def _refuse(error: OAuth2Error) -> ResponseReturnValue:
    """Lead back with the error where the address to return to is known to be the client's."""
    if not error.redirect_uri:
        return page("oauth/refused.html", 400, why=error.description or error.error)
    sent = {"error": error.error, "error_description": error.description, "state": error.state}
    sent["iss"] = current_app.config["SETTINGS"].base_url
    named = [(name, value) for name, value in sent.items() if value]
    return see_other(add_params_to_uri(error.redirect_uri, named))


# Clients of an organisation


@bp.get("/organisation/clients")
@needs("client:edit")
def clients() -> ResponseReturnValue:
    """List the programs of the organisation."""
    actor = current_actor()
    demand(actor, "client:edit")
    return page(
        "oauth/clients/index.html", actor=actor, rows=queries.clients_of(actor),
        kinds=rules.SHORT_KINDS,
    )  # fmt: skip


@bp.get("/organisation/clients/new")
@needs("client:edit")
def new_client() -> ResponseReturnValue:
    """Ask what the program is."""
    demand(current_actor(), "client:edit")
    return page("oauth/clients/new.html", form=ClientForm(formdata=None, kind=Kind.WEB))


@bp.post("/organisation/clients")
@needs("client:edit")
def add_client() -> ResponseReturnValue:
    """Register a program; its secret is on this page and on no other."""
    actor, form = gate.proven_actor(clock.now()), ClientForm()
    if not form.validate():
        return page("oauth/clients/new.html", 422, form=form)
    kind = Kind(form.kind.data)
    try:
        if kind is not Kind.MACHINE:
            rules.read_addresses(form.addresses.data or "")
    except Refused as refusal:
        form.addresses.errors = [refusal.message]
        return page("oauth/clients/new.html", 422, form=form)
    try:
        row, secret = actions.add_client(
            actor, name=form.name.data, kind=kind, addresses=form.addresses.data or "",
            scopes=form.scopes.data, membership_id=gate.current_sign_in().membership_id or "",
            at=clock.now(),
        )  # fmt: skip
    except Refused as refusal:
        form.name.errors = [refusal.message]
        return page("oauth/clients/new.html", 422, form=form)
    return _client_page(row, secret=secret, fresh=True)


@bp.get("/organisation/clients/<client_id>")
@needs("client:edit")
def client(client_id: str) -> ResponseReturnValue:
    """Show a program, and who lets it act for them."""
    actor = current_actor()
    demand(actor, "client:edit")
    return _client_page(queries.find_client(actor, client_id))


def _client_page(
    row: OAuthClient, *, secret: str | None = None, fresh: bool = False
) -> ResponseReturnValue:
    return page(
        "oauth/clients/show.html", client=row, secret=secret, fresh=fresh,
        grants=queries.grants_to(row), words=rules.SCOPES, kind=rules.SHORT_KINDS[Kind(row.kind)],
        endpoints=[("Authorise", "oauth.authorize"), ("Token", "oauth.token")],
    )  # fmt: skip


@bp.post("/organisation/clients/<client_id>/secret")
@needs("client:edit")
def renew_secret(client_id: str) -> ResponseReturnValue:
    """Replace a secret; the new one is on this page and on no other."""
    gate.demand_recent_code(clock.now())
    row, secret = actions.renew_secret(current_actor(), client_id, at=clock.now())
    return _client_page(row, secret=secret)


@bp.get("/organisation/clients/<client_id>/end")
@needs("client:edit")
def ask_to_end(client_id: str) -> ResponseReturnValue:
    """Say what ending a client does, before it is done."""
    actor = current_actor()
    demand(actor, "client:edit")
    row = queries.find_client(actor, client_id)
    return page("oauth/clients/confirm.html", client=row, grants=queries.grants_to(row))


@bp.post("/organisation/clients/<client_id>/end")
@needs("client:edit")
def end_client(client_id: str) -> ResponseReturnValue:
    """End a program and all it was granted."""
    actions.end_client(current_actor(), client_id, at=clock.now())
    flash(say("The client was ended. None of its tokens works any more."), "good")
    return see_other(url_for(".clients"))


@bp.post("/organisation/clients/<client_id>/grants/<grant_id>/end")
@needs("client:edit")
def end_grant_of(client_id: str, grant_id: str) -> ResponseReturnValue:
    """End what one member granted, as their administrator."""
    actor = current_actor()
    demand(actor, "client:edit")
    actions.end_grant(actor, grant_id, at=clock.now())
    flash(say("That grant was ended, and its tokens with it."), "good")
    return see_other(url_for(".client", client_id=client_id))


# One's own grants


@bp.get("/security/applications")
@signed_in
def applications() -> ResponseReturnValue:
    """List the programs that act for the person."""
    current_actor()
    rows = queries.grants_by(current_user.person.id)
    return page("oauth/applications.html", rows=rows, words=rules.SCOPES)


@bp.post("/security/applications/<grant_id>/end")
@signed_in
def end_grant(grant_id: str) -> ResponseReturnValue:
    """Take back a grant of one's own."""
    actions.end_grant(current_actor(), grant_id, at=clock.now())
    flash(say("That program can no longer act for you."), "good")
    return see_other(url_for(".applications"))
