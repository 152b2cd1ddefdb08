"""A provider that lies, rambles or points inside: nobody gets in, and nothing breaks."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from portal.accounts.oidc import MOST_READ, NotProven, ProviderAway, Providers
from portal.kit import clock
from portal.settings.rules import Provider

BACK = "https://contracts.example/back"


class Liar(ThreadingHTTPServer):
    """Answers every path with what it was given for it; remembers what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.said: dict[str, bytes] = {}
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def says(self, **parts: Any) -> None:
        """Give the usual answers, with these in place of some."""
        facts = {
            "issuer": self.address, "authorization_endpoint": f"{self.address}/auth",
            "token_endpoint": f"{self.address}/token", "jwks_uri": f"{self.address}/jwks",
            "userinfo_endpoint": f"{self.address}/me",
        }  # fmt: skip
        usual = {"facts": facts, "jwks": {"keys": []}, "token": {"id_token": "a.b.c"}, "me": {}}
        for name, one in {**usual, **parts}.items():
            if name == "facts" and isinstance(one, dict):
                one = {**facts, **one}
            path = "/.well-known/openid-configuration" if name == "facts" else f"/{name}"
            self.said[path] = one if isinstance(one, bytes) else json.dumps(one).encode()


class _Door(BaseHTTPRequestHandler):
    server: Liar

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        self.server.asked.append(self.path)
        body = self.server.said.get(self.path, b"")
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def liar() -> Iterator[Liar]:
    server = Liar()
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def meet(liar: Liar, **parts: Any) -> tuple[Providers, Provider]:
    liar.says(**parts)
    one = Provider("liar", "Liar", liar.address, "counterpart", "email_verified", frozenset(), "s")
    return Providers({"liar": one}), one


def comes_of(liar: Liar, **parts: Any) -> str:
    """Walk there and back; return the kind of the refusal."""
    known, one = meet(liar, **parts)
    try:
        _, pending = known.begin(one, back=BACK, target="/", at=clock.now())
        answer = {"state": pending.state, "code": "planted-code"}
        known.finish(one, pending, answer, back=BACK, at=clock.now())
    except (ProviderAway, NotProven) as no:
        assert "planted" not in str(no)
        return type(no).__name__
    return "in"


DEEP = b"[" * 100_000
SHAPES: list[Any] = [
    b"", b"null", b"[]", b"3", b'"x"', b"{", b"\xff\xfe", DEEP, b'{"a":' + DEEP,
    b"{" + b" " * (MOST_READ + 1) + b"}",
]  # fmt: skip


@pytest.mark.parametrize("part", ["facts", "jwks", "token"])
def test_no_shape_of_an_answer_lets_anybody_in_or_breaks_anything(liar: Liar, part: str) -> None:
    for shape in SHAPES:
        assert comes_of(liar, **{part: shape}) in {"ProviderAway", "NotProven"}, shape[:20]


@pytest.mark.parametrize(
    "keys",
    [{"keys": "x"}, {"keys": None}, {"keys": [1]}, {"keys": [{}]}, {"keys": [{"kty": "RSA"}]}, {},
     {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}, {"keys": {"a": 1}},
     {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}, {"keys": [{"kty": 7}]}],
)  # fmt: skip
def test_no_key_that_is_none_opens_anything(liar: Liar, keys: Any) -> None:
    for said in ("a.b.c", "", "..", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.AA", "é",
                 "a.b.c.d.e", "." * 5_000):  # fmt: skip
        assert comes_of(liar, jwks=keys, token={"id_token": said}) in {"NotProven", "ProviderAway"}
    for token in ({"id_token": 5}, {"id_token": ["x"]}, {"error": "x", "error_description": "y"}):
        assert comes_of(liar, jwks=keys, token=token) in {"NotProven", "ProviderAway"}


def test_what_a_provider_of_the_open_internet_names_inside_is_not_asked(liar: Liar) -> None:
    known, one = meet(liar)
    _, pending = known.begin(one, back=BACK, target="/", at=clock.now())
    known._inside["liar"] = False  # as if its own address lay in the open internet
    liar.asked.clear()
    with pytest.raises(ProviderAway):
        answer = {"state": pending.state, "code": "c"}
        known.finish(one, pending, answer, back=BACK, at=clock.now())
    assert liar.asked == []


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "there",
    ["http://169.254.169.254/latest", "http://[fe80::1]/", "http://0.0.0.0/", "file:///etc/passwd",
     "gopher://127.0.0.1/", "//x", "http://u:p@127.0.0.1/", 7, None, ["x"]],
)  # fmt: skip
def test_no_provider_leads_to_what_tells_a_machine_about_itself(
    liar: Liar, name: str, there: Any
) -> None:
    assert comes_of(liar, facts={name: there}) in {"ProviderAway", "NotProven"}
