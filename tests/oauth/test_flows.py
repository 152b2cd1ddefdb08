"""Other people's clients complete each flow."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from flask import Flask
from flask.testing import FlaskClient
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

from portal.kit import clock
from portal.oauth import queries
from portal.oauth.rules import Kind
from tests import cast
from tests.oauth.conftest import BACK, PORTAL, Flow, Program, Wire, register


def back_with(client: FlaskClient, address: str) -> str:
    """Press "Allow" on the page a program leads to, and return where that leads back to."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    shown = client.get("/oauth/authorize", query_string=asked)
    assert shown.status_code == 200 and "It asks to" in shown.get_data(as_text=True)
    answer = client.post("/oauth/authorize", data={**asked, "decision": "allow"})
    location: str = answer.headers["Location"]
    return location


def member_of(token: str) -> str:
    """Return the person a token stands for."""
    access = queries.access_of(token, at=clock.now())
    assert access is not None
    return access.actor.person_id


@pytest.mark.parametrize("kind", [Kind.WEB, Kind.APP])
def test_the_client_of_authlib_gets_and_renews_tokens(
    context: Flask, client_as: Callable[[str], FlaskClient], kind: Kind
) -> None:
    program = register("cleo", kind)
    method = "client_secret_basic" if program.secret else "none"
    with AuthlibSession(
        program.id, program.secret, redirect_uri=BACK, scope="contracts:read incidents:read",
        code_challenge_method="S256", token_endpoint_auth_method=method,
    ) as session:  # fmt: skip
        session.mount(PORTAL, Wire(context))
        verifier = "v" * 64
        address, state = session.create_authorization_url(
            f"{PORTAL}/oauth/authorize", code_verifier=verifier
        )
        location = back_with(client_as("cleo"), address)
        assert parse_qs(urlsplit(location).query)["iss"] == ["http://127.0.0.1:8000"]
        token = session.fetch_token(
            f"{PORTAL}/oauth/token", authorization_response=location, state=state,
            code_verifier=verifier,
        )  # fmt: skip
        assert token["scope"] == "contracts:read incidents:read"
        assert member_of(token["access_token"]) == cast.actor("cleo").person_id
        renewed = session.refresh_token(f"{PORTAL}/oauth/token", token["refresh_token"])
        assert renewed["refresh_token"] != token["refresh_token"]
        assert session.revoke_token(f"{PORTAL}/oauth/revocation", renewed["refresh_token"]).ok
        assert queries.access_of(renewed["access_token"], at=clock.now()) is None


@pytest.mark.slow
def test_the_client_of_oauthlib_gets_and_renews_tokens(
    context: Flask, client_as: Callable[[str], FlaskClient]
) -> None:
    program = register("cleo")
    with OAuth2Session(
        program.id, redirect_uri=BACK, scope=["contracts:read"], pkce="S256"
    ) as session:
        session.mount(PORTAL, Wire(context))
        address, _ = session.authorization_url(f"{PORTAL}/oauth/authorize")
        location = back_with(client_as("cleo"), address)
        token = session.fetch_token(
            f"{PORTAL}/oauth/token", authorization_response=location, client_secret=program.secret
        )
        assert member_of(token["access_token"]) == cast.actor("cleo").person_id
        renewed = session.refresh_token(
            f"{PORTAL}/oauth/token", client_id=program.id, client_secret=program.secret
        )
        assert member_of(renewed["access_token"]) == cast.actor("cleo").person_id


@pytest.mark.slow
def test_the_client_of_oauthlib_gets_a_machines_token(context: Flask) -> None:
    program = register("dov", Kind.MACHINE, ["contracts:read"])
    with OAuth2Session(client=BackendApplicationClient(program.id)) as session:
        session.mount(PORTAL, Wire(context))
        token = session.fetch_token(f"{PORTAL}/oauth/token", client_secret=program.secret)
    assert "refresh_token" not in token
    assert member_of(token["access_token"]) == cast.actor("dov").person_id


def test_the_metadata_leads_a_client_to_every_door(wire: requests.Session) -> None:
    known = wire.get(f"{PORTAL}/.well-known/oauth-authorization-server").json()
    assert known["code_challenge_methods_supported"] == ["S256"]
    for door in ("token", "revocation", "introspection"):
        path = urlsplit(known[f"{door}_endpoint"]).path
        assert wire.post(PORTAL + path, data={}).status_code in {400, 401}
    guarded = wire.get(f"{PORTAL}/.well-known/oauth-protected-resource").json()
    assert guarded["authorization_servers"] == [known["issuer"]]


def test_introspection_tells_a_client_of_its_own_tokens_only(
    context: Flask, flow: Callable[..., Flow], wire: requests.Session
) -> None:
    mine, other = flow("cleo"), register("cleo")
    token = mine.redeem(context, mine.allow()["code"]).json["access_token"]

    def ask(program: Program) -> dict[str, object]:
        secret = (program.id, program.secret or "")
        answer = wire.post(f"{PORTAL}/oauth/introspection", data={"token": token}, auth=secret)
        told: dict[str, object] = answer.json()
        return told

    told = ask(mine.program)
    assert told["active"] and told["scope"] == "contracts:read"
    assert told["sub"] == cast.actor("cleo").person_id
    assert ask(other) == {"active": False}
