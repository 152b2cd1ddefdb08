"""What reads a mail before the person does: it fetches, runs scripts and presses everything.

Nothing of it may count. A link in a mail is a pointer; whoever follows it still has to sign in.
"""

import re
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as Broken
from sqlalchemy import select

from portal.accounts.actions.failures import UNKNOWN
from portal.accounts.rules import Actor, Role
from portal.admin import actions as admin
from portal.app import create_app
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.db import db
from portal.notices.models import DirectoryMail, RegionMail
from tests import cast
from tests.conftest import close, make_contract, settings_for
from tests.journeys.conftest import PATIENCE, Served, Visitor
from tests.signing import stage

pytestmark = [
    pytest.mark.journey,
    pytest.mark.slow,
    pytest.mark.sqlite_only("reads every row of its files"),
]
LINK = re.compile(r"https?://[^\s]+")
# Tries are counted so that nobody guesses, and those at nobody's address entered in a chain that
# is nobody's; they are no fact about anybody.
COUNTED = {"attempts"}
GETS = 20
MOST_PRESSES = 25


def mailed(home: Path) -> tuple[str, list[str]]:
    """Let mail go out that invites to sign and to join; return the reference and every path."""
    app = create_app(settings_for(home))
    with app.app_context():
        regions = app.extensions["regions"]
        session = regions.session("eu")
        contract: Contract = make_contract(session, regions)
        at = clock.now() - timedelta(minutes=5)
        stage.freeze(session, contract, at=at)
        stage.work(session, regions, contract, at=at)
        invite(cast.actor("ada"))
        texts = [*session.scalars(select(RegionMail.text)),
                 *db.session.scalars(select(DirectoryMail.text))]  # fmt: skip
        ref = contract.id
    close(app)
    found = {re.sub(r"^https?://[^/]+", "", link.rstrip(".")) for text in texts
             for link in LINK.findall(text)}  # fmt: skip
    return ref, sorted(found)


def invite(ada: Actor) -> None:
    """Invite somebody new into Ada's organisation."""
    admin.invite(
        ada, email="new@northwind.example", name="Noor Adler", roles=[Role.AUDITOR],
        link="http://127.0.0.1:8000/invitations/TOKEN", at=clock.now(),
    )  # fmt: skip


def everything(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table of the home but the counters of tries."""
    found = {}
    for path in sorted(home.rglob("*.db")):
        if not path.read_bytes().startswith(b"SQLite"):
            continue  # the figures a server keeps for its metrics
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in tables.fetchall():
                if table not in COUNTED:
                    rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()
                    found[f"{path.name}/{table}"] = sorted(
                        (row for row in rows if row[0] != UNKNOWN), key=repr
                    )
    return found


def fetched(url: str, method: str) -> int:
    """Fetch an address as a scanner does, and follow where it leads."""
    request = urllib.request.Request(url, method=method, headers={"User-Agent": "LinkScanner/1"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as answer:
        return answer.code


def arrive(page: Page, url: str) -> None:
    """Open an address, also while the last press still leads somewhere else."""
    patience = time.monotonic() + PATIENCE
    while True:
        try:
            page.goto(url)
            return
        except Broken as error:
            if "interrupted by another navigation" not in error.message:
                raise
            assert time.monotonic() < patience, error.message


def presses_everything(page: Page, url: str) -> int:
    """Follow an address, fill every field, press every button and link; return how many."""
    pressed, number = 0, 0
    while number < MOST_PRESSES:
        arrive(page, url)
        for field in page.locator("main input:not([type=hidden]):visible").all():
            kind = field.get_attribute("type") or "text"
            try:
                if kind in ("checkbox", "radio"):
                    field.check(timeout=500)
                elif kind != "file":
                    field.fill("scanner-1234567890", timeout=500)
            except Broken:
                continue
        things = page.locator("a:visible, button:visible, summary:visible")
        if number >= things.count():
            break
        try:
            things.nth(number).click(timeout=1000)
            page.wait_for_load_state()
            pressed += 1
        except Broken:
            pass
        number += 1
    return pressed


def test_a_scanner_that_fetches_and_presses_everything_changes_nothing(
    home: Path, served: Served, browser: Browser, visitor: Callable[..., Visitor]
) -> None:
    ref, paths = mailed(home)
    assert f"/contracts/{ref}/sign" in paths
    assert any(path.startswith("/invitations/") for path in paths)
    before = everything(home)
    for path in paths:
        assert fetched(served.url + path, "HEAD") < 500
        assert {fetched(served.url + path, "GET") for _ in range(GETS)} <= {200, 404}
    assert everything(home) == before
    context = browser.new_context()
    page = context.new_page()
    pressed = sum(presses_everything(page, served.url + path) for path in paths)
    context.close()
    assert pressed >= len(paths)
    assert everything(home) == before
    # The person comes after it: the link in the mail still leads to the review, and on.
    ada = visitor("ada")
    ada.sign_in()
    ada.open(f"/contracts/{ref}/sign")
    assert ada.page.get_by_role("link", name="Continue").is_visible()
