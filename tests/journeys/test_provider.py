"""Signing in with a provider in a real browser, under the portal's policy, without JavaScript."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from portal.app import create_app
from portal.settings.rules import settings_from
from tests import cast
from tests.accounts import provider
from tests.conftest import close
from tests.journeys.conftest import PATIENCE, PHONE, free_port, inspect_html

pytestmark = [pytest.mark.journey, pytest.mark.slow]


@contextmanager
def portal(home: Path, issuer: str) -> Iterator[str]:
    """A portal that knows one provider."""
    port = free_port()
    row = {"name": "example", "label": "Example", "issuer": issuer, "client_id": "counterpart"}
    file = {"url": f"http://127.0.0.1:{port}", "oidc": [row]}
    app = create_app(settings_from(home, file, {"COUNTERPART_OIDC_EXAMPLE_SECRET": "s"}))
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield file["url"]  # type: ignore[misc]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        close(app)


def test_a_person_signs_in_with_a_provider_and_is_asked_for_a_code(
    home: Path, browser: Browser
) -> None:
    email = next(one.email for one in cast.MEMBERS if one.key == "ada")
    complaints: list[str] = []
    with provider.serving(free_port()) as issuer, portal(home, issuer) as url:
        provider.keep(issuer, "ada", email=email, email_verified=True)
        context = browser.new_context(java_script_enabled=False, viewport=PHONE)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.goto(f"{url}/sign-in?next=/security")
        inspect_html(page.content(), "/sign-in", scripted=False)
        page.get_by_role("link", name="Sign in with Example").click()
        page.wait_for_url(f"{issuer}/**")
        page.get_by_placeholder("sub").fill("ada")
        page.get_by_role("button", name="Authorize").click()
        page.wait_for_url(re.compile(r"/sign-in/code\?next=/security$"))
        assert "One more step to sign in as Ada Keane" in page.inner_text("main")
        assert [said for said in complaints if "Content Security Policy" in said] == []
        context.close()
