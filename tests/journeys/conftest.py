"""A served portal and a real browser. Every page a journey passes is inspected."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from click.testing import Result
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)
from playwright.sync_api import Error as BrowserError

from portal.kit import clock
from tests import cast
from tests.command import beside, run

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-gpu", "--disable-quic"]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1200, "height": 900}
# A page may be slow on a busy machine; what is waited for comes, or never does.
PATIENCE = 240  # s
expect.set_options(timeout=PATIENCE * 1000)
LOOKS = 1
STEP = timedelta(seconds=30)
# What passes is not listed: to name every element of a long page costs more than to look at it.
AXE = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}


@dataclass
class Served:
    """A portal served on loopback by its own command."""

    url: str
    home: Path

    def run(self, *words: str) -> Result:
        """Run a `counterpart` command against this home."""
        return run(self.home, *words)


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a command over a home."""
    return {**os.environ, "COUNTERPART_HOME": str(home)}


def free_port() -> int:
    """Return a port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    """The portal over this test's home, served by gunicorn.

    As a small machine needs it: `tests/operations/test_serving.py` starts it as an operator does.
    """
    port = free_port()
    log = (home.parent / "serve.log").open("wb")
    process = subprocess.Popen(
        beside(
            Path(sys.executable).with_name("counterpart"), "serve", "--port", port,
            "--processes", "1", "--untried",
        ),
        env=environment(home), stdout=log, stderr=log,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, process)
        yield Served(url, home)
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until the portal answers; fail with its exit code if it stopped."""
    patience = time.monotonic() + PATIENCE
    while time.monotonic() < patience:
        try:
            urllib.request.urlopen(f"{url}/sign-in", timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            assert process.poll() is None, "the portal stopped while starting"
            time.sleep(0.1)
    raise AssertionError(f"the portal did not answer in {PATIENCE} s")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; gone after the last journey, for its driver runs an event loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """A person at a browser, who inspects every page they see."""

    key: str
    url: str
    page: Page
    scripted: bool
    spent: dict[str, timedelta] = field(default_factory=dict)
    shots: Path | None = None
    seen: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Open an address of the portal and inspect the page."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.status < 400, f"{path}: {answer.status}"
        self.inspect()

    def press(self, name: str, role: Any = "button") -> None:
        """Press a button (or link) by its words, wait for the page, inspect it."""
        self.page.get_by_role(role, name=name, exact=False).first.click()
        self.page.wait_for_load_state()
        self.inspect()

    def fill(self, label: str, value: str) -> None:
        """Fill a field by its label."""
        self.page.get_by_label(label, exact=False).first.fill(value)

    def sign_in(self) -> None:
        """Sign in with password and the code of this minute."""
        member = next(m for m in cast.MEMBERS if m.key == self.key)
        self.open("/sign-in")
        self.fill("E-mail", member.email)
        self.page.locator("input[type=password]").fill(cast.PASSWORD)
        self.press("Sign in")
        self.page.locator("input[autocomplete=one-time-code]").fill(self.fresh_code())
        self.page.locator("main button[type=submit]").first.click()
        self.page.wait_for_load_state()
        self.inspect()

    def fresh_code(self) -> str:
        """Return a code this person has not given yet: each is good for one time.

        The portal takes the code of the next half minute too; past that, this waits for it.
        """
        last = self.spent.get(self.key, timedelta(0))
        step = max(timedelta(seconds=int(clock.now().timestamp()) // 30 * 30), last + STEP)
        while step > timedelta(seconds=clock.now().timestamp()) + STEP:
            time.sleep(0.5)
        self.spent[self.key] = step
        return cast.code(self.key, datetime.fromtimestamp(step.total_seconds(), UTC))

    def sample_word(self) -> str:
        """Open the sample PDF of the consent page and read its six letters."""
        href = self.page.get_by_role("link", name="Open the sample").get_attribute("href")
        pdf = self.page.request.get(f"{self.url}{href}").body()
        text = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True)
        return next(w for w in text.stdout.decode().split() if len(w) == 6 and w.isupper())

    def printed(self) -> str:
        """Print the page as its print sheet says, and read the words on the paper."""
        paper = self.page.pdf(format="A4")
        text = subprocess.run(
            ["pdftotext", "-layout", "-", "-"], input=paper, capture_output=True, check=True
        )
        return text.stdout.decode()

    def inspect(self) -> None:
        """Inspect the page this person comes to rest on.

        A script may send its form on by itself, a passkey's does: a page that leaves while it is
        looked at is looked at again where it arrives.
        """
        patience = time.monotonic() + PATIENCE
        while True:
            before = len(self.seen)
            try:
                self.look()
                return
            except BrowserError as error:
                if not leaving(error) or time.monotonic() > patience:
                    raise
                del self.seen[before:]
                self.page.wait_for_load_state()

    def look(self) -> None:
        """Check the page: structure, accessibility, no violation, no horizontal scroll."""
        path = self.page.url.removeprefix(self.url)
        self.seen.append(path)
        inspect_html(self.page.content(), path, scripted=self.scripted)
        assert not self.complaints, f"{path}: {self.complaints}"
        if self.scripted:
            wide = self.page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
            assert not wide, f"{path} scrolls sideways"
            # A page of three hundred terms takes seconds: one look at an address is enough.
            address = path.partition("?")[0]
            if sum(one.partition("?")[0] == address for one in self.seen) > LOOKS:
                return
            result = self.whole_page(lambda: Axe().run(self.page, options=AXE))
            assert result.violations_count == 0, f"{path}: {result.generate_report()}"

    def whole_page(self, look: Callable[[], Any]) -> Any:
        """Look at the page with its bar at the end of the text, where it covers nothing.

        Where a window happens to end is no property of the page; that a focused field never lies
        under the bar is kept by `scroll-padding`.
        """
        place = "place => document.querySelectorAll('.bar').forEach(b => b.style.position = place)"
        self.page.evaluate(place, "static")
        seen = look()
        self.page.evaluate(place, "")
        return seen


def leaving(error: BrowserError) -> bool:
    """Whether the browser says that the page went away under the question."""
    return any(word in error.message for word in ("is navigating", "because of a navigation"))


class Outline(HTMLParser):
    """The headings, ids, labels and fields of a page; a tree of 300 terms would take seconds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings, self.inside, self.title = 0, Counter[str](), ""
        self.ids: list[str] = []
        self.labelled: set[str | None] = set()
        self.fields: list[tuple[dict[str, str | None], bool]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what begins here."""
        given = dict(attrs)
        self.inside[tag] += 1
        self.headings += tag == "h1"
        self.ids += [given["id"]] if given.get("id") else []
        if tag == "label" and given.get("for"):
            self.labelled.add(given["for"])
        if tag in {"input", "select", "textarea"} and given.get("type") != "hidden":
            self.fields.append((given, self.inside["label"] > 0))

    def handle_endtag(self, tag: str) -> None:
        """Note what ends here."""
        self.inside[tag] -= 1

    def handle_data(self, data: str) -> None:
        """Keep the words of the page's title; a picture may have one of its own."""
        if self.inside["title"] > 0 and not self.inside["svg"]:
            self.title += data


def inspect_html(text: str, path: str, *, scripted: bool) -> None:
    """Check one h1, a title, unique ids and a label for every field."""
    page = Outline(text)
    assert page.headings == 1, f"{path}: one h1"
    assert page.title.strip(), f"{path}: a title"
    assert len(page.ids) == len(set(page.ids)), f"{path}: ids are unique"
    for given, wrapped in page.fields:
        known = given.get("id") in page.labelled or wrapped or given.get("aria-label")
        assert known, f"{path}: a label for {given}"


@pytest.fixture
def visitor(browser: Browser, served: Served) -> Iterator[Callable[..., Visitor]]:
    """Return a maker of visitors: `visitor("cleo", scripted=False, size=PHONE)`."""
    contexts: list[BrowserContext] = []
    spent: dict[str, timedelta] = {}

    def make(key: str, *, scripted: bool = True, size: dict[str, int] = PHONE) -> Visitor:
        touch = size is PHONE
        context = browser.new_context(
            viewport=size, has_touch=touch, is_mobile=touch, java_script_enabled=scripted,
            locale="en-GB", timezone_id="Europe/London",
        )  # fmt: skip
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        page = context.new_page()
        one = Visitor(key, served.url, page, scripted, spent)
        page.on("console", lambda message: note(one, message))
        page.on("request", lambda request: foreign(one, request.url))
        return one

    yield make
    for context in contexts:
        context.close()


def note(visitor: Visitor, message: ConsoleMessage) -> None:
    """Keep what the browser complains about: policy violations above all."""
    if "Content Security Policy" in message.text:
        visitor.complaints.append(message.text)


def foreign(visitor: Visitor, url: str) -> None:
    """Complain about a request that leaves the portal."""
    if not url.startswith((visitor.url, "blob:", "chrome-extension:", "about:")):
        visitor.complaints.append(f"request to {url}")
