"""Authlib's authorisation server over our tables: it knows the protocol, we keep the facts."""

import secrets
from typing import Any
from urllib.parse import unquote_plus

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Request, grants
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
)
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc9207 import IssuerParameter
from flask import Flask, current_app

from portal.accounts.rules import Actor
from portal.kit import clock
from portal.kit.refs import new_token
from portal.oauth import actions, queries, rules
from portal.oauth.models import OAuthClient, OAuthCode, OAuthGrant, OAuthToken
from portal.oauth.rules import Kind

GRANTS = {
    Kind.WEB: {"authorization_code", "refresh_token"},
    Kind.APP: {"authorization_code", "refresh_token"},
    Kind.MACHINE: {"client_credentials"},
}
SECRETS = ["client_secret_basic", "client_secret_post"]
ANY_CLIENT = [*SECRETS, "none"]


class KnownClient(ClientMixin):  # type: ignore[misc]
    """A client's row, as Authlib asks about it."""

    def __init__(self, row: OAuthClient) -> None:
        self.row = row

    def get_client_id(self) -> str:
        """Return the public id."""
        return self.row.id

    def get_default_redirect_uri(self) -> None:
        """A request names its address; none is assumed."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Return what a request for scopes comes to; None where it asks for too much."""
        return rules.allowed_scopes(self.row.allowed, scope)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Compare whole addresses, character by character (RFC 9700 2.1)."""
        return redirect_uri in self.row.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """Compare hashes, in time that tells nothing."""
        known = self.row.secret_hash or ""
        # RFC 6749 2.3.1 form-encodes the secret in the header; ours reads the same either way.
        return secrets.compare_digest(known, rules.hashed(unquote_plus(client_secret)))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """A client with a secret proves it; one without has nothing to prove but its id."""
        return (method == "none") == (self.row.secret_hash is None)

    def check_response_type(self, response_type: str) -> bool:
        """Only codes are given out, and only to clients with a person before them."""
        return response_type == "code" and not self.row.acts_alone

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether this kind of client may get tokens this way."""
        return grant_type in GRANTS[Kind(self.row.kind)]


class KnownCode:
    """A code's row, as Authlib asks about it."""

    code_challenge_method = "S256"

    def __init__(self, row: OAuthCode) -> None:
        self.row = row
        self.code_challenge = row.challenge

    def get_redirect_uri(self) -> str:
        """Return the address the code was sent to."""
        return self.row.address

    def get_scope(self) -> str:
        """Return what was granted."""
        return self.row.grant.scopes


class KnownToken:
    """A token's row, as Authlib asks about it."""

    def __init__(self, row: OAuthToken) -> None:
        self.row = row

    def get_scope(self) -> str:
        """Return the scopes the token carries."""
        return self.row.scopes

    def check_client(self, client: KnownClient) -> bool:
        """Return whether the token was issued to this client."""
        return self.row.grant.client_id == client.row.id

    def is_expired(self) -> bool:
        """Return whether the token no longer counts, for whatever reason."""
        return not queries.is_live(self.row, at=clock.now())

    def is_revoked(self) -> bool:
        """`is_expired` knows."""
        return False


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """The authorisation code, bound to client, address and challenge, for one use."""

    TOKEN_ENDPOINT_AUTH_METHODS = ANY_CLIENT

    def generate_authorization_code(self) -> str:
        """Write the person's consent, and return the code that came of it."""
        request: OAuth2Request = self.request
        actor: Actor = request.user["actor"]
        return actions.give_consent(
            actor,
            actions.Consent(
                client_id=request.client.row.id, membership_id=request.user["membership_id"],
                scopes=request.scope, address=request.payload.redirect_uri,
                challenge=request.payload.data["code_challenge"],
            ),
            at=clock.now(),
        )  # fmt: skip

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """It was kept with the consent, in one transaction."""

    def query_authorization_code(self, code: str, client: KnownClient) -> KnownCode | None:
        """Return a live code of this client; a used or a foreign one ends its whole grant."""
        row = queries.code_of(code)
        if row is None:
            return None
        if row.used_at is not None or row.grant.client_id != client.row.id:
            actions.end_as_reused(row.grant, at=clock.now())
            return None
        if clock.now() >= row.expires_at or row.grant.ended_at is not None:
            return None
        return KnownCode(row)

    def delete_authorization_code(self, authorization_code: KnownCode) -> None:
        """It was spent with the tokens, in one transaction."""

    def authenticate_user(self, authorization_code: KnownCode) -> OAuthGrant | None:
        """Return the grant whose member the tokens stand for."""
        return _standing(authorization_code.row.grant)


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
    """A refresh token, for one use; the next comes with the answer."""

    TOKEN_ENDPOINT_AUTH_METHODS = ANY_CLIENT
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> KnownToken | None:
        """Return a live token of this client; a used or a foreign one ends its whole grant."""
        row = queries.token_of(refresh_token)
        if row is None or row.kind != "refresh":
            return None
        if row.used_at is not None or row.grant.client_id != self.request.client.row.id:
            actions.end_as_reused(row.grant, at=clock.now())
            return None
        return KnownToken(row) if queries.is_live(row, at=clock.now()) else None

    def authenticate_user(self, refresh_token: KnownToken) -> OAuthGrant | None:
        """Return the grant whose member the tokens stand for."""
        return _standing(refresh_token.row.grant)

    def revoke_old_credential(self, refresh_token: KnownToken) -> None:
        """It was spent with the new tokens, in one transaction."""


def _standing(grant: OAuthGrant) -> OAuthGrant | None:
    member = grant.membership
    gone = grant.ended_at or member.ended_at or member.person.deactivated_at
    return None if gone else grant


class MachineGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]
    """A machine's own secret: it acts for the member who registered it."""

    TOKEN_ENDPOINT_AUTH_METHODS = SECRETS


class OnlyS256(CodeChallenge):  # type: ignore[misc]
    """PKCE from every client, and never the plain method (RFC 9700 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Ask for a challenge by SHA-256 before anybody is asked for consent."""
        sent = grant.request.payload.data
        if not sent.get("code_challenge") or sent.get("code_challenge_method") != "S256":
            raise InvalidRequestError("Send a code_challenge with code_challenge_method S256.")
        super().validate_code_challenge(grant, redirect_uri)


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """RFC 7009."""

    CLIENT_AUTH_METHODS = ANY_CLIENT

    def query_token(self, token_string: str, token_type_hint: str | None) -> KnownToken | None:
        """Return the token, whatever its kind: a hint is only a hint."""
        row = queries.token_of(token_string)
        return KnownToken(row) if row else None

    def revoke_token(self, token: KnownToken, request: OAuth2Request) -> None:
        """End it."""
        actions.give_back(token.row, at=clock.now())


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    """RFC 7662, for a client about its own tokens."""

    CLIENT_AUTH_METHODS = SECRETS
    query_token = Revocation.query_token

    def check_permission(self, token: KnownToken, client: KnownClient, request: Any) -> bool:
        """A client learns nothing of another's tokens."""
        return token.check_client(client)

    def introspect_token(self, token: KnownToken) -> dict[str, Any]:
        """Return what the token stands for."""
        row = token.row
        member = row.grant.membership
        kind = "Bearer" if row.kind == "access" else "refresh_token"
        return {
            "active": True, "client_id": row.grant.client_id, "scope": row.scopes,
            "token_type": kind, "sub": member.person_id, "organisation": member.organisation_id,
            "iss": _issuer(), "iat": int(row.created_at.timestamp()),
            "exp": int(row.expires_at.timestamp()),
        }  # fmt: skip


class Issuer(IssuerParameter):  # type: ignore[misc]
    """Name the portal in every answer of the authorisation page (RFC 9207)."""

    def get_issuer(self) -> str:
        """Return the portal's address."""
        return _issuer()


def _issuer() -> str:
    address: str = current_app.config["SETTINGS"].base_url
    return address


def _query_client(client_id: str) -> KnownClient | None:
    row = queries.live_client(client_id)
    return KnownClient(row) if row else None


def _save_token(token: dict[str, Any], request: OAuth2Request) -> None:
    """Keep the tokens with whatever they were got by; a machine's come of its standing grant."""
    grant, now = request.user, clock.now()
    if not isinstance(grant, OAuthGrant):
        grant = next(iter(queries.grants_to(request.client.row)), None)
        if grant is None or _standing(grant) is None:
            raise InvalidGrantError("What this client was granted has ended.")
    by = getattr(request, "authorization_code", None) or getattr(request, "refresh_token", None)
    try:
        actions.issue_tokens(
            grant, access=token["access_token"], refresh=token.get("refresh_token"),
            scopes=token["scope"], spends=by.row if by else None, at=now,
        )  # fmt: skip
    except actions.AlreadyUsed:
        actions.end_as_reused(grant, at=now)
        raise InvalidGrantError("It was used already.") from None


class Server(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server, with one answer to every client that does not prove itself."""

    def authenticate_client(
        self, request: OAuth2Request, methods: list[str], endpoint: str = "token"
    ) -> KnownClient:
        """Return the client; whether there is one of that name nobody learns from a refusal."""
        try:
            found: KnownClient = super().authenticate_client(request, methods, endpoint)
        except InvalidClientError:
            raise InvalidClientError(
                status_code=401, description="No client of this name proved itself."
            ) from None
        return found


def make_server(app: Flask) -> AuthorizationServer:
    """Return the authorisation server of an app, with the flows this portal knows."""
    app.config.update(
        OAUTH2_ACCESS_TOKEN_GENERATOR=lambda **_: actions.ACCESS + new_token(),
        OAUTH2_REFRESH_TOKEN_GENERATOR=lambda **_: actions.REFRESH + new_token(),
        OAUTH2_TOKEN_EXPIRES_IN=dict.fromkeys(
            ("authorization_code", "refresh_token", "client_credentials"),
            int(rules.ACCESS_LIFE.total_seconds()),
        ),
        OAUTH2_SCOPES_SUPPORTED=list(rules.SCOPES),
    )
    server = Server(app, query_client=_query_client, save_token=_save_token)
    server.register_grant(CodeGrant, [OnlyS256(required=True)])
    server.register_grant(RefreshGrant)
    server.register_grant(MachineGrant)
    server.register_endpoint(Revocation)
    server.register_endpoint(Introspection)
    server.register_extension(Issuer())
    return server
