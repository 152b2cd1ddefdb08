"""Secrets and content planted at every door of machines, providers and files, and looked for."""

import io
import json
import logging
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import generate_latest
from sqlalchemy.orm import Session

from portal.cli.working import work_once
from portal.contracts.models import Contract
from portal.kit import logs
from tests import cast
from tests.api.conftest import token_for
from tests.oauth.conftest import register

pytestmark = pytest.mark.slow
# Short and without digits in a row, so that nothing strikes it out by its looks.
WORD = "mombasa"


def planted(what: str) -> str:
    return f"{WORD}-{what}"


@pytest.fixture
def lines(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the portal logs, as it does in service: failures are answered and told."""
    app.config.update(PROPAGATE_EXCEPTIONS=False, TESTING=False)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    root, said = logging.getLogger(), io.StringIO()
    before, level = root.handlers[:], root.level
    logs.configure(said)
    yield said
    root.handlers[:] = before
    root.setLevel(level)


def file(what: str, content: str) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content.encode()), f"{planted(what)}.csv"


def walk(
    app: Flask, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> list[tuple[str, int]]:
    """Go to each door with something planted; return where, and the answer's status."""
    ref, anyone, answers = contract.id, app.test_client(), []
    dov, ada, nia = client_as("dov"), client_as("ada"), client_as("nia")

    def go(client: FlaskClient, method: str, address: str, **sent: Any) -> Any:
        answer = client.open(address, method=method, **sent)
        answers.append((f"{method} {address}", answer.status_code))
        return answer

    with app.app_context():
        program, token = register("cleo"), token_for("dov", ["contracts:read", "incidents:write"])
    secret = planted("client-secret")
    go(anyone, "POST", "/sign-in", data={"email": f"{WORD}@x.example", "password": planted("pw")})
    for grant in ("authorization_code", "refresh_token", "client_credentials", planted("grant")):
        form = {"grant_type": grant, "code": planted("code"), "refresh_token": planted("refresh"),
                "code_verifier": planted("verifier"), "redirect_uri": f"https://{WORD}.example/",
                "client_id": program.id}  # fmt: skip
        go(anyone, "POST", "/oauth/token", data=form | {"client_secret": secret})
        go(anyone, "POST", "/oauth/token", data=form, auth=(program.id, secret))
        go(anyone, "POST", "/oauth/token", data=form | {"client_secret": program.secret})
    for door in ("revocation", "introspection"):
        sent = {"token": planted("token"), "client_id": program.id}
        go(anyone, "POST", f"/oauth/{door}", data=sent | {"client_secret": program.secret})
    asked = f"client_id={program.id}&state={planted('state')}&scope={planted('scope')}"
    go(client_as("cleo"), "GET", f"/oauth/authorize?{asked}&redirect_uri=https://{WORD}.example")
    go(anyone, "GET", f"/sign-in/with/{WORD}?next=/{planted('next')}")
    go(anyone, "GET", f"/sign-in/with/{WORD}/return?code={planted('code')}&state={planted('s')}")
    for address in (
        f"/invitations/{planted('token')}", f"/unsubscribe/{planted('token')}",
        f"/calendar/{planted('feed')}.ics", f"/{planted('path')}?q={planted('q')}",
    ):  # fmt: skip
        go(anyone, "GET", address)
        go(anyone, "POST", address, data={"name": planted("name"), "password": planted("new-pw")})
    bearer = {"Authorization": f"Bearer {planted('bearer')}"}
    go(anyone, "GET", "/api/v1/contracts", headers=bearer)
    go(anyone, "POST", f"/contracts/{ref}/monitor", headers=bearer, data=planted("body"))
    go(anyone, WORD.upper(), "/contracts")
    for report in (
        {"csp-report": {"document-uri": f"https://x/{planted('address')}", WORD: WORD,
                        "effective-directive": "script-src-elem", "script-sample": WORD}},
        {"csp-report": {"violated-directive": f"img-src {planted('host')}"}},
        {"csp-report": {"effective-directive": planted("directive")}}, [WORD], {WORD: 1},
    ):  # fmt: skip
        sent = json.dumps(report)
        go(anyone, "POST", "/policy-report", data=sent, content_type="application/csp-report")
    own = {"Authorization": f"Bearer {token}", "Idempotency-Key": planted("key")}
    path = f"/api/v1/contracts/{ref}/incidents"
    for body in (planted("not-json"), json.dumps({"title": planted("title"), WORD: [WORD] * 9})):
        go(anyone, "POST", path, headers=own, data=body, content_type="application/json")
    go(anyone, "GET", f"/api/v1/contracts?cursor={planted('cursor')}", headers=own)
    go(anyone, "POST", "/verify", data={"sha256": planted("hash")})
    go(anyone, "POST", "/verify", data={"file": file("file", planted("content"))})
    rows = f"name,street\n,{planted('street')}\n{planted('a')}\x00,{planted('b')}\n"
    for client, address in (
        (ada, "/customers"), (ada, "/batches"), (ada, "/contracts/from-terms"),
        (dov, f"/contracts/{ref}/replay/imports"), (ada, f"/contracts/{ref}/files"),
        (nia, "/plans/imports"),
    ):  # fmt: skip
        form = {"file": file("sheet", rows), "sheet": file("batch", rows), "name": planted("name"),
                "content": planted("json"), "kind": "incidents"}  # fmt: skip
        go(client, "POST", address, data=form, content_type="multipart/form-data")
    hook = {"address": f"http://{WORD}.example/{planted('hook')}", "region": "eu"}
    go(dov, "POST", "/organisation/webhooks", data=hook)
    good = dict(hook, address=f"https://{WORD}.invalid/{planted('hook')}?token={planted('t')}")
    go(dov, "POST", "/organisation/webhooks", data=good)
    return answers


def test_nothing_planted_at_a_door_is_written_anywhere_in_the_open(
    app: Flask, lines: io.StringIO, contract: Contract, eu: Session, home: Path,
    client_as: Callable[[str], FlaskClient], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    eu.rollback()
    answers = walk(app, contract, client_as)
    assert {status // 100 for _, status in answers} <= {2, 3, 4}, [
        one for one in answers if one[1] >= 500
    ]
    shown = client_as("dov").get("/organisation/webhooks").text
    assert f"{WORD}.invalid" in shown
    page = re.search(r"/organisation/webhooks/eu/\w+", shown)
    assert page is not None
    renewed = client_as("dov").post(f"{page[0]}/secret").text
    [secret] = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", renewed))
    assert client_as("dov").post(f"{page[0]}/trial").status_code == 303
    work_once(app)  # tries to deliver to a name nobody has

    # And a failure in the middle of each, which quotes what was sent.
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"{planted('inside')} {args} {kwargs}")

    for place in (
        "portal.accounts.actions.check_password", "portal.customers.rules.read_sheet",
        "portal.evidence.routes._is_original", "portal.contracts.routes.bringing.read_terms_file",
        "portal.oauth.queries.live_client", "portal.api.routes.door.read_body",
        "portal.webhooks.actions.add_endpoint", "portal.plans.actions.import_draft",
        "portal.changes.queries.monitor_by_token",
    ):  # fmt: skip
        monkeypatch.setattr(place, broken)
    again = [status for _, status in walk(app, contract, client_as)]
    assert again.count(500) >= 12 and "RuntimeError" in lines.getvalue()

    told = lines.getvalue()
    broken_rules = re.findall(r'"directive": "([^"]*)"', told)
    assert set(broken_rules) == {"script-src-elem", "img-src", "unknown"}
    assert len(told.splitlines()) > 80 and all(map(json.loads, told.splitlines()))
    metrics = generate_latest(app.extensions["counts"].registry).decode()
    assert "http_answers" in metrics
    assert WORD not in told.lower() and WORD not in metrics.lower()
    assert secret not in told and cast.PASSWORD not in told
    app.extensions["regions"].dispose()
    held = [one for one in home.parent.rglob("*") if one.is_file()]
    assert len(held) > 10
    for one in held:
        content = one.read_bytes().lower()
        assert WORD.encode() not in content, one
        assert secret.lower().encode() not in content, one
