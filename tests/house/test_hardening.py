"""What holds for every answer, whoever asks and whatever comes of it (OWASP ASVS 5.0)."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.models import SignIn
from portal.app import create_app
from portal.contracts.models import Contract
from portal.kit.db import db
from portal.kit.headers import CSP
from portal.settings.rules import settings_from
from tests import cast
from tests.conftest import Browser, close

ROOT = Path(__file__).resolve().parents[2]
HTTPS = {"base_url": "https://contracts.example"}
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
}
NEVER = ("Access-Control-Allow-Origin", "X-Powered-By", "X-AspNet-Version")
# (method, address, who, status): a page, a way elsewhere, each no, a file, a machine's door
KINDS = (
    ("GET", "/sign-in", None, 200),
    ("GET", "/contracts", None, 303),
    ("GET", "/contracts", "ada", 200),
    ("GET", "/contracts/REF", "ada", 200),
    ("GET", "/contracts/REF", "mal", 404),
    ("GET", "/contracts/REF/views", "cleo", 403),
    ("POST", "/contracts/REF/deletion/agreement", "ada", 404),
    ("POST", "/contracts/REF/deletion", "ada", 409),
    ("POST", "/contracts/REF/holds", "nia", 422),
    ("PATCH", "/contracts", "ada", 405),
    ("GET", "/nothing-here", "ada", 404),
    ("GET", "/nothing-here", None, 404),
    ("GET", "/static/portal.css", None, 200),
    ("GET", "/static/none.css", None, 404),
    ("GET", "/contracts/REF/data.csv", "ada", 200),
    ("GET", "/api/v1/contracts", None, 401),
    ("GET", "/api/v1/nothing", None, 404),
    ("GET", "/livez", None, 200),
    ("GET", "/verify", None, 200),
    ("GET", "/invitations/xxxx", None, 404),
    ("GET", "/.well-known/oauth-authorization-server", None, 200),
)


@pytest.fixture
def safe(home: Path) -> Iterator[Flask]:
    """The portal behind TLS."""
    app = create_app(settings_from(home, {"url": HTTPS["base_url"]}, {}))
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    app.test_client_class = Browser
    yield app
    close(app)


@pytest.mark.slow
def test_every_kind_of_answer_carries_every_header(
    app: Flask, safe: Flask, eu: Session, contract: Contract,
    client_as: Callable[[str], FlaskClient],
) -> None:  # fmt: skip
    cookies, ref = {}, contract.id
    eu.rollback()  # the other portal of this test writes into the same region
    for key in ("ada", "mal", "cleo", "nia"):
        kept = client_as(key).get_cookie("sid")
        assert kept is not None
        cookies[key] = kept.value
    wrong = []
    for method, address, who, status in KINDS:
        client = safe.test_client()
        if who:
            client.set_cookie("__Host-sid", cookies[who], domain="contracts.example", secure=True)
        answer = client.open(address.replace("REF", ref), method=method, buffered=True, **HTTPS)
        if answer.status_code != status:
            wrong.append((method, address, who, answer.status_code))
        assert answer.headers["Content-Security-Policy"] == CSP, address
        assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS, address
        assert [name for name in NEVER if name in answer.headers] == [], address
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert answer.content_type, address
        if answer.mimetype.startswith("text/"):
            assert "charset=utf-8" in answer.content_type.lower(), address
        kept = answer.headers.get("Cache-Control", "")
        assert (
            ("immutable" in kept or "max-age" in kept)
            if "/static/p" in address
            else ("no-store" in kept)
        ), address
    assert wrong == []
    for word in ("unsafe", "*", "http:", "data:"):
        assert word not in CSP


def test_cookies_are_bound_to_host_tls_and_server(safe: Flask) -> None:
    client = safe.test_client()
    client.get("/sign-in", **HTTPS)
    sent = {"email": cast.actor("ada").email, "password": cast.PASSWORD}
    answer = client.post("/sign-in", data=sent, **HTTPS)
    cookies = answer.headers.getlist("Set-Cookie")
    assert any(one.startswith("__Host-sid=") for one in cookies)
    for one in cookies:
        assert one.startswith(("__Host-", "__Secure-")), one
        for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert part in one, one
        assert "Domain" not in one and len(one.partition(";")[0]) < 4096


def test_a_form_of_another_site_changes_nothing(
    context: Flask, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    client = client_as("dov")
    for headers in (
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):  # fmt: skip
        answer = client.post("/organisation/retention", data={"years": "9"}, headers=headers)
        assert answer.status_code == 409
    context.config["WTF_CSRF_ENABLED"] = True
    assert client.post("/organisation/retention", data={"years": "9"}).status_code == 400


def test_an_address_sent_by_the_visitor_is_not_believed(context: Flask) -> None:
    client = context.test_client()
    sent = {"email": cast.actor("ada").email, "password": cast.PASSWORD}
    client.post("/sign-in", data=sent, headers={"X-Forwarded-For": "203.0.113.9"})
    found = set(db.session.scalars(select(SignIn.address)))
    assert found == {"127.0.0.1"}


def test_methods_nobody_declared_are_refused(client_as: Callable[[str], FlaskClient]) -> None:
    client = client_as("ada")
    for method in ("TRACE", "PUT", "DELETE", "PATCH", "CONNECT", "PROPFIND"):
        assert client.open("/contracts", method=method).status_code == 405, method


def test_no_folder_is_listed_and_no_file_outside_static_is_served(app: Flask) -> None:
    client = app.test_client()
    for address in (
        "/static/", "/static", "/static/../pyproject.toml", "/static/%2e%2e/pyproject.toml",
        "/.git/config", "/pyproject.toml", "/counterpart.toml", "/static/vendor/", "/templates/",
    ):  # fmt: skip
        answer = client.get(address)
        assert answer.status_code in {303, 404}, (address, answer.status_code)
        assert "[project]" not in answer.text


def test_a_request_that_is_too_large_is_refused_early(
    client_as: Callable[[str], FlaskClient],
) -> None:
    answer = client_as("dov").post(
        "/organisation/retention", data={"years": "6" * (9 * 1024 * 1024)}
    )
    assert answer.status_code == 413


def test_a_failure_says_nothing_of_the_inside(
    app: Flask, client_as: Callable[[str], FlaskClient], caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise RuntimeError("planted inside")

    broken.needs = "signed_in"  # type: ignore[attr-defined]
    app.view_functions["contracts.index"] = broken
    app.config.update(PROPAGATE_EXCEPTIONS=False)
    answer = client_as("ada").get("/contracts")
    assert answer.status_code == 500 and answer.headers["Content-Security-Policy"] == CSP
    for inside in ("planted inside", "Traceback", "RuntimeError", "/portal/"):
        assert inside not in answer.text
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "failed"
    ]


def test_password_fields_are_masked_and_open_to_password_managers(app: Flask) -> None:
    page = app.test_client().get("/sign-in").text
    fields = re.findall(r'<input[^>]*name="password"[^>]*>', page)
    assert len(fields) == 1 and 'type="password"' in fields[0]
    assert 'autocomplete="current-password"' in fields[0] and "onpaste" not in page


def test_every_page_of_a_person_has_the_way_out(client_as: Callable[[str], FlaskClient]) -> None:
    client = client_as("ada")
    for address in ("/", "/contracts", "/security", "/organisation/members", "/nothing-here"):
        assert 'action="/sign-out"' in client.get(address).text, address


def test_our_scripts_hold_none_of_what_is_forbidden() -> None:
    for path in (ROOT / "static").glob("*.js"):
        text = path.read_text(encoding="utf-8")
        for word in (
            "postMessage", "eval(", "innerHTML", "document.write", "localStorage",
            "sessionStorage", "indexedDB", "__proto__", "callback=", "new Function",
        ):  # fmt: skip
            assert word not in text, (path.name, word)
