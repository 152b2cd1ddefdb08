"""Programs of the cast: a web application, an app and a machine, and a wire to the portal."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from portal.kit import clock
from portal.kit.db import db
from portal.oauth import actions, rules
from portal.oauth.rules import Kind
from tests import cast

PORTAL = "https://portal.test"
BACK = "https://crm.example/back"


class Wire(BaseAdapter):
    """Carries `requests` to the app itself, so that other libraries' clients need no socket."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self.app = app

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        """Answer as the portal does."""
        body = request.body.encode() if isinstance(request.body, str) else request.body
        answer = self.app.test_client().open(
            request.path_url, method=request.method, headers=list(request.headers.items()),
            data=body or b"", base_url=PORTAL,
        )  # fmt: skip
        response = requests.Response()
        response.status_code, response.url, response.request = (
            answer.status_code,
            request.url,
            request,
        )
        response.headers.update(answer.headers)
        response.raw = HTTPResponse(body=BytesIO(answer.data), preload_content=False)
        return response

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class Program:
    """A registered client with its secret."""

    id: str
    secret: str | None
    key: str


def register(key: str, kind: Kind = Kind.WEB, scopes: list[str] | None = None) -> Program:
    """Register a program of a member's organisation, as its administrator would."""
    who = cast.actor(key)
    admin = cast.as_admin(key)
    row, secret = actions.add_client(
        admin, name="CRM link", kind=kind, addresses=BACK, scopes=scopes or list(rules.SCOPES),
        membership_id=f"MEM{who.person_id[3:]}", at=clock.now(),
    )  # fmt: skip
    program = Program(row.id, secret, key)
    db.session.rollback()
    return program


@pytest.fixture
def wire(context: Flask) -> Iterator[requests.Session]:
    """A session of `requests` whose portal is this test's app."""
    session = requests.Session()
    session.mount(PORTAL, Wire(context))
    yield session
    session.close()


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 4.2)."""
    return (
        base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    )


@dataclass
class Flow:
    """One person and one program on their way through the authorisation code flow."""

    client: FlaskClient
    program: Program
    verifier: str

    def ask(self, **changes: Any) -> Any:
        """Open the consent page."""
        return self.client.get("/oauth/authorize", query_string=self.query(**changes))

    def query(self, **changes: Any) -> dict[str, Any]:
        """Return what the program asks with; None leaves a name out."""
        asked = {
            "response_type": "code", "client_id": self.program.id, "redirect_uri": BACK,
            "scope": "contracts:read", "state": "s1", "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256", **changes,
        }  # fmt: skip
        return {name: value for name, value in asked.items() if value is not None}

    def allow(self, decision: str = "allow", **changes: Any) -> dict[str, str]:
        """Press the button, and return what the program is led back with."""
        answer = self.client.post(
            "/oauth/authorize", data={**self.query(**changes), "decision": decision}
        )
        assert answer.status_code == 303, answer.get_data(as_text=True)
        target = urlsplit(answer.headers["Location"])
        assert f"{target.scheme}://{target.netloc}{target.path}" == BACK
        return {name: values[0] for name, values in parse_qs(target.query).items()}

    def redeem(self, app: Flask, code: str, **changes: Any) -> Any:
        """Exchange a code as the program would."""
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": BACK,
            "code_verifier": self.verifier, "client_id": self.program.id,
            "client_secret": self.program.secret, **changes,
        }  # fmt: skip
        kept = {name: value for name, value in form.items() if value is not None}
        return app.test_client().post("/oauth/token", data=kept)


@pytest.fixture
def flow(context: Flask, client_as: Callable[[str], FlaskClient]) -> Callable[..., Flow]:
    """Start a flow: `flow("cleo")`, or with a program of one's own."""

    def start(key: str, program: Program | None = None) -> Flow:
        return Flow(client_as(key), program or register(key), secrets.token_urlsafe(48))

    return start
