"""A passkey made and used in a real browser, with Chromium's virtual authenticator."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select
from werkzeug.serving import make_server

from portal.accounts.models import Passkey
from portal.app import create_app
from portal.audit.models import DirectoryEntry
from portal.kit.db import db
from tests import cast
from tests.conftest import close, settings_for
from tests.journeys.conftest import DESK, PATIENCE, Visitor, free_port, note

pytestmark = [pytest.mark.journey, pytest.mark.slow]
AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
    "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture
def portal(home: Path) -> Iterator[str]:
    """The portal at a host name: passkeys are bound to one, and an address in digits is none."""
    port = free_port()
    url = f"http://localhost:{port}"
    app = create_app(replace(settings_for(home), base_url=url))
    server = make_server("localhost", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        close(app)


def facts(home: Path) -> tuple[list[int], list[str]]:
    """Return the counts of each passkey, and what the log says of passkeys."""
    app = create_app(settings_for(home))
    with app.app_context():
        counts = list(db.session.scalars(select(Passkey.sign_count)))
        said = list(
            db.session.scalars(
                select(DirectoryEntry.event)
                .where(DirectoryEntry.event.startswith("person:passkey:"))
                .order_by(DirectoryEntry.seq)
            )
        )
    close(app)
    return counts, said


def test_a_passkey_stands_in_for_the_code_and_a_removed_one_does_not(
    browser: Browser, portal: str, home: Path
) -> None:
    context = browser.new_context(viewport=DESK)
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    ada = Visitor("ada", portal, page, scripted=True)
    page.on("console", lambda message: note(ada, message))
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})

    ada.sign_in()
    ada.open("/security")
    ada.press("Add a passkey", role="link")
    ada.press("Add a passkey")
    ada.fill("Name", "Ada’s laptop")
    ada.press("Make the passkey")
    page.get_by_text("works from the next sign-in on").wait_for()
    ada.inspect()
    assert page.locator("main li", has_text="Ada’s laptop").count() == 1

    _password(ada, page)
    ada.press("Use a passkey instead")
    page.get_by_role("button", name="Use passkey", exact=True).click()
    page.wait_for_url(f"{portal}/")
    counts, said = facts(home)
    assert said == ["person:passkey:added", "person:passkey:used"] and counts[0] > 0

    ada.open("/security/history")
    ada.open("/security/passkeys")
    ada.press("Remove Ada’s laptop")
    _password(ada, page)
    assert page.get_by_role("button", name="Use a passkey instead").count() == 0
    assert facts(home) == ([], [*said, "person:passkey:removed"])
    context.close()


def _password(ada: Visitor, page: Page) -> None:
    ada.press("Sign out")
    ada.fill("E-mail", "ada@northwind.example")
    page.locator("input[type=password]").fill(cast.PASSWORD)
    ada.press("Sign in")
