"""Sixteen submits of one signature at the same moment, over HTTP, against the served portal."""

import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from portal.accounts.gate import key_of
from portal.accounts.models import SignIn
from portal.app import create_app
from portal.audit.queries import lines
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.db import db
from portal.kit.refs import new_token
from portal.signing.models import Signature
from tests import cast
from tests.conftest import close, make_contract, settings_for
from tests.journeys.conftest import Served
from tests.signing import stage

pytestmark = [pytest.mark.journey, pytest.mark.slow]
SUBMITS = 16
SIGNED = "signing:signature:signed"


class Unfollowed(urllib.request.HTTPRedirectHandler):
    """Gives a redirect as it is."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""
        return


class Browser:
    """Just enough of a browser: one session, the forms' own cookie, plain forms."""

    def __init__(self, url: str, cookie: str) -> None:
        self.url, self.cookies = url, {"sid": cookie}

    def get(self, path: str) -> str:
        """Open a page and keep its cookie."""
        status, text, headers = self._send(path, None)
        assert status == 200, (path, status)
        for name, value in re.findall(r"(\w+)=([^;]+)", headers.get("Set-Cookie") or ""):
            if name == "form":
                self.cookies[name] = value
        return text

    def post(self, path: str, form: dict[str, str]) -> int:
        """Send a form and return the status."""
        return self._send(path, urllib.parse.urlencode(form).encode())[0]

    def _send(self, path: str, body: bytes | None) -> "tuple[int, str, object]":
        held = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        request = urllib.request.Request(
            self.url + path, data=body, headers={"Cookie": held, "Origin": self.url}
        )
        try:
            with urllib.request.build_opener(Unfollowed).open(request, timeout=60) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode(errors="replace"), answer.headers


@pytest.fixture
def ready(home: Path) -> tuple[str, str]:
    """A contract that waits for Ada, who has consented; return its reference and her session."""
    app, cookie = create_app(settings_for(home)), new_token()
    with app.app_context():
        regions = app.extensions["regions"]
        session = regions.session("eu")
        contract: Contract = make_contract(session, regions)
        at = clock.now() - timedelta(minutes=5)
        stage.freeze(session, contract, at=at)
        stage.work(session, regions, contract, at=at)
        stage.consent(session, contract, "ada", at=at)
        person = cast.actor("ada").person_id
        db.session.add(
            SignIn(
                id=key_of(cookie), person_id=person, membership_id=f"MEM{person[3:]}",
                created_at=clock.now(), seen_at=clock.now(), mfa_at=clock.now(),
                address="127.0.0.1", agent="test",
            )
        )  # fmt: skip
        db.session.commit()
        ref = contract.id
    close(app)
    return ref, cookie


def hidden(page: str, name: str) -> str:
    """Return the value of a hidden field."""
    field = re.search(rf'<input[^>]*name="{name}"[^>]*>', page)
    assert field, name
    value = re.search(r'value="([^"]*)"', field[0])
    assert value, name
    return value[1]


@pytest.mark.both_engines
def test_sixteen_submits_at_once_sign_once(ready: tuple[str, str], served: Served) -> None:
    ref, cookie = ready
    one = Browser(served.url, cookie)
    page = one.get(f"/contracts/{ref}/signature")
    form = {
        "csrf_token": hidden(page, "csrf_token"),
        "version_sha256": hidden(page, "version_sha256"),
        "title": "Director", "authority": "y", "intent": "y", "strokes": "",
        "code": cast.code("ada", clock.now()),
    }  # fmt: skip
    start, found = threading.Barrier(SUBMITS), []

    def submit() -> None:
        start.wait()
        found.append(one.post(f"/contracts/{ref}/signature", form))

    threads = [threading.Thread(target=submit) for _ in range(SUBMITS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 303 in found
    assert set(found) <= {303, 409, 422, 429}, found
    app = create_app(settings_for(served.home))
    with app.app_context():
        session = app.extensions["regions"].session("eu")
        rows = session.scalars(select(Signature).where(Signature.contract_id == ref)).all()
        events = [line.event for line in lines(session, ref)]
    close(app)
    assert len(rows) == 1
    assert events.count(SIGNED) == 1
