"""Signing in with a provider by OpenID Connect, over Authlib: who somebody is, and nothing more.

Authorization code with PKCE (S256), state and nonce. Issuer, audience and signature are checked
to the letter; no redirect is followed; tokens are read once and kept nowhere.
"""

import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from portal.settings.rules import Provider

WAIT = 5
# What a provider says of itself is asked anew after this, and when a key is not known.
FRESH = timedelta(hours=1)
LEEWAY = 60
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "EdDSA"})
DISCOVERY = "/.well-known/openid-configuration"


class ProviderAway(Exception):
    """The provider does not answer, or not as one should."""


class NotProven(Exception):
    """What came back proves nothing."""


@dataclass(frozen=True)
class Pending:
    """A sign-in on its way to a provider; it waits in the browser, sealed."""

    provider: str
    state: str
    nonce: str
    verifier: str
    target: str
    at: str

    def stored(self) -> dict[str, str]:
        """Return it as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Claims:
    """Who a provider says somebody is. `verified`: the address is theirs, says the provider."""

    issuer: str
    subject: str
    email: str
    verified: bool


class Providers:
    """The providers of this portal, and what each said of itself lately."""

    def __init__(self, known: Mapping[str, Provider]) -> None:
        self.known = known
        self._said: dict[str, tuple[datetime, dict[str, Any]]] = {}
        self._keys: dict[str, tuple[datetime, KeySet]] = {}

    def begin(
        self, provider: Provider, *, back: str, target: str, at: datetime
    ) -> tuple[str, Pending]:
        """Return the address to send the browser to, and what must be remembered till it is back.

        `ProviderAway` where the provider cannot be asked.
        """
        facts = self._facts(provider, at)
        pending = Pending(
            provider=provider.name, state=generate_token(43), nonce=generate_token(43),
            verifier=generate_token(64), target=target, at=at.isoformat(),
        )  # fmt: skip
        with self._client(provider, facts, back) as client:
            url, _ = client.create_authorization_url(
                _address(facts, "authorization_endpoint"), state=pending.state,
                nonce=pending.nonce, code_verifier=pending.verifier,
            )  # fmt: skip
        return str(url), pending

    def finish(
        self,
        provider: Provider,
        pending: Pending,
        answer: Mapping[str, str],
        *,
        back: str,
        at: datetime,
    ) -> Claims:
        """Spend the code of an answer and return who it proves; else `NotProven`."""
        if not hmac.compare_digest(answer.get("state", ""), pending.state):
            raise NotProven("state")
        if "iss" in answer and answer["iss"] != provider.issuer:
            raise NotProven("issuer of the answer")
        if answer.get("error") or not answer.get("code"):
            raise NotProven("no code")
        facts = self._facts(provider, at)
        try:
            with self._client(provider, facts, back) as client:
                token = client.fetch_token(
                    _address(facts, "token_endpoint"), code=answer["code"],
                    code_verifier=pending.verifier, grant_type="authorization_code",
                    timeout=WAIT, allow_redirects=False,
                )  # fmt: skip
                claims = self._claims(provider, facts, token, pending.nonce, at)
                told = {**self._more(client, facts, claims), **claims}
        except requests.RequestException as away:
            raise ProviderAway(type(away).__name__) from away
        except (AuthlibBaseError, JoseError, ValueError) as wrong:
            raise NotProven(type(wrong).__name__) from wrong
        return Claims(
            issuer=provider.issuer, subject=str(claims["sub"]),
            email=str(told.get("email", "")).strip().lower(),
            verified=told.get(provider.verified_by) in (True, "true", "1", 1),
        )  # fmt: skip

    def _claims(
        self, provider: Provider, facts: Mapping[str, Any], token: Any, nonce: str, at: datetime
    ) -> dict[str, Any]:
        said = token.get("id_token") if isinstance(token, dict) else None
        if not said:
            raise NotProven("no id_token")
        opened = self._opened(provider, facts, str(said), at)
        claims = CodeIDToken(
            opened.claims, opened.header,
            {"iss": {"essential": True, "values": [provider.issuer]}},
            {"nonce": nonce, "client_id": provider.client_id,
             "access_token": token.get("access_token")},
        )  # fmt: skip
        claims.validate(now=int(at.timestamp()), leeway=LEEWAY)
        if claims.get("aud") not in (provider.client_id, [provider.client_id]):
            raise NotProven("audience")
        if claims.get("nonce") != nonce or not claims.get("sub"):
            raise NotProven("nonce or subject")
        return dict(claims)

    def _opened(self, provider: Provider, facts: Mapping[str, Any], said: str, at: datetime) -> Any:
        offered = facts.get("id_token_signing_alg_values_supported") or ["RS256"]
        registry = JWSRegistry(
            algorithms=sorted(ALGORITHMS & set(offered)), strict_check_header=False
        )
        try:
            return jwt.decode(said, self._key_set(provider, facts, at), registry=registry)
        except (JoseError, ValueError):
            # The provider may have changed its keys since it was asked: once more, with new ones.
            self._keys.pop(provider.name, None)
            return jwt.decode(said, self._key_set(provider, facts, at), registry=registry)

    def _more(
        self, client: OAuth2Session, facts: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Ask for the address where the token leaves it out; only of the same subject."""
        if "email" in claims or not facts.get("userinfo_endpoint"):
            return {}
        said = client.get(_address(facts, "userinfo_endpoint"), timeout=WAIT, allow_redirects=False)
        told = said.json() if said.status_code == 200 else {}
        if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
            return {}
        return told

    def _client(self, provider: Provider, facts: Mapping[str, Any], back: str) -> OAuth2Session:
        ways = facts.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        way = "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post"
        return OAuth2Session(
            provider.client_id, provider.client_secret, scope="openid email", redirect_uri=back,
            code_challenge_method="S256",
            token_endpoint_auth_method=way if provider.client_secret else "none",
        )  # fmt: skip

    def _facts(self, provider: Provider, at: datetime) -> dict[str, Any]:
        held = self._said.get(provider.name)
        if held is None or at - held[0] > FRESH:
            facts = _read(provider.issuer.rstrip("/") + DISCOVERY)
            if facts.get("issuer") != provider.issuer:
                raise ProviderAway("it says it is another issuer")
            self._said[provider.name] = held = (at, facts)
        return held[1]

    def _key_set(self, provider: Provider, facts: Mapping[str, Any], at: datetime) -> KeySet:
        held = self._keys.get(provider.name)
        if held is None or at - held[0] > FRESH:
            keys: Any = _read(_address(facts, "jwks_uri"))
            self._keys[provider.name] = held = (at, KeySet.import_key_set(keys))
        return held[1]


def _read(address: str) -> dict[str, Any]:
    try:
        with requests.get(address, timeout=WAIT, allow_redirects=False) as answer:
            said = answer.json() if answer.status_code == 200 else None
    except (requests.RequestException, ValueError) as away:
        raise ProviderAway(type(away).__name__) from away
    if not isinstance(said, dict):
        raise ProviderAway("no answer that can be read")
    return said


def _address(facts: Mapping[str, Any], name: str) -> str:
    """Return an address a provider names; over TLS, as the provider's own is."""
    found, issuer = str(facts.get(name, "")), str(facts.get("issuer", ""))
    if not found.startswith("https://") and issuer.startswith("https://"):
        raise ProviderAway(f"{name} is not an https address")
    return found
