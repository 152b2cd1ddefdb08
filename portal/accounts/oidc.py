"""Signing in with a provider by OpenID Connect, over Authlib: who somebody is, and nothing more.

Authorization code with PKCE (S256), state and nonce. Issuer, audience and signature are checked
to the letter; tokens are read once and kept nowhere. The operator names the issuer; what the issuer
names in turn lies in the open internet, unless the issuer itself was found inside.
"""

import hmac
import json
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

from portal.kit.outward import NotAsked, ask, is_public
from portal.settings.rules import Provider

WAIT = 5
MOST_READ = 512_000
# What a provider says of itself is asked anew after this, and when a key is not known.
FRESH = timedelta(hours=1)
LEEWAY = 60
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "EdDSA"})
DISCOVERY = "/.well-known/openid-configuration"


# What an answer of any shape may raise in the libraries that read it.
SHAPELESS = (
    AuthlibBaseError, JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError,
)  # fmt: skip


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
        self._inside: dict[str, bool] = {}
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
                    allow_redirects=False,
                )  # fmt: skip
                claims = self._claims(provider, facts, token, pending.nonce, at)
                told = {**self._more(client, facts, claims), **claims}
        except requests.RequestException as away:
            raise ProviderAway(type(away).__name__) from away
        except SHAPELESS as wrong:
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
        said = client.get(_address(facts, "userinfo_endpoint"), allow_redirects=False)
        told = said.json() if said.status_code == 200 else {}
        if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
            return {}
        return told

    def _client(self, provider: Provider, facts: Mapping[str, Any], back: str) -> OAuth2Session:
        ways = facts.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        way = "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post"
        session = OAuth2Session(
            provider.client_id, provider.client_secret, scope="openid email", redirect_uri=back,
            code_challenge_method="S256",
            token_endpoint_auth_method=way if provider.client_secret else "none",
        )  # fmt: skip
        session.trust_env = False
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Guarded(inside=self._inside[provider.name]))
        return session

    def _facts(self, provider: Provider, at: datetime) -> dict[str, Any]:
        held = self._said.get(provider.name)
        if held is None or at - held[0] > FRESH:
            facts, ip = _read(provider.issuer.rstrip("/") + DISCOVERY, inside=True)
            if facts.get("issuer") != provider.issuer:
                raise ProviderAway("it says it is another issuer")
            self._inside[provider.name] = not is_public(ip)
            self._said[provider.name] = held = (at, facts)
        return held[1]

    def _key_set(self, provider: Provider, facts: Mapping[str, Any], at: datetime) -> KeySet:
        held = self._keys.get(provider.name)
        if held is None or at - held[0] > FRESH:
            inside = self._inside[provider.name]
            keys: Any = _read(_address(facts, "jwks_uri"), inside=inside)[0]
            self._keys[provider.name] = held = (at, _imported(keys))
        return held[1]


def _read(address: str, *, inside: bool) -> tuple[dict[str, Any], str]:
    """Return the object an address answers with, and where it was found."""
    try:
        answer = ask(address, most=MOST_READ, seconds=WAIT, inside=inside)
        said = json.loads(answer.content) if answer.status == 200 else None
    except (NotAsked, ValueError, RecursionError) as away:
        raise ProviderAway(str(away) if isinstance(away, NotAsked) else "no JSON") from away
    if not isinstance(said, dict):
        raise ProviderAway("no answer that can be read")
    return said, answer.ip


def _imported(keys: Mapping[str, Any]) -> KeySet:
    """Return the keys of a provider that are public ones; a shared secret is none of them."""
    listed = keys.get("keys")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ProviderAway("no keys that can be read")
    public: Any = [one for one in listed if one.get("kty") in ("RSA", "EC", "OKP")]
    try:
        return KeySet.import_key_set({"keys": public})
    except SHAPELESS as wrong:
        raise ProviderAway("no keys that can be read") from wrong


class _Guarded(requests.adapters.BaseAdapter):
    """Carries what Authlib asks by `kit.outward`: bounded, without redirects, to checked places."""

    def __init__(self, *, inside: bool) -> None:
        super().__init__()
        self.inside = inside

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Ask once; `ConnectionError` where nothing usable came."""
        try:
            answer = ask(
                str(request.url), method=str(request.method), inside=self.inside,
                body=request.body if isinstance(request.body, str | bytes) else None,
                headers={name: str(one) for name, one in request.headers.items()},
                most=MOST_READ, seconds=WAIT,
            )  # fmt: skip
        except NotAsked as away:
            raise requests.ConnectionError(str(away)) from away
        response = requests.Response()
        response.status_code, response.url, response.request = (
            answer.status,
            str(request.url),
            request,
        )
        response.headers.update(answer.headers)
        response._content = answer.content
        return response

    def close(self) -> None:
        """Keep nothing open."""


def _address(facts: Mapping[str, Any], name: str) -> str:
    """Return an address a provider names; over TLS, as the provider's own is."""
    found, issuer = str(facts.get(name, "")), str(facts.get("issuer", ""))
    if not found.startswith("https://") and issuer.startswith("https://"):
        raise ProviderAway(f"{name} is not an https address")
    return found
