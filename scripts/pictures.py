"""Take the README's pictures: pages of the demo, on a phone and on a desk.

    scripts/screenshots [FOLDER]

writes FOLDER/<page>-phone.png and FOLDER/<page>-desk.png (default docs/pictures). Every picture is
of the demo story as `scripts/run` shows it.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

COMMAND = Path(sys.executable).with_name("counterpart")
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]
SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1200, "height": 900}}
PASSWORD = "counterpart demo 2027"


@dataclass(frozen=True)
class Picture:
    """One page: who looks, which contract, and where; `{ref}` is the contract's reference."""

    name: str
    person: str
    state: str
    path: str


PICTURES = (
    Picture("contracts", "cleo", "", "/contracts"),
    Picture("negotiation", "cleo", "negotiation", "/contracts/{ref}/terms"),
    Picture("signing", "cleo", "signing", "/contracts/{ref}/sign"),
    Picture("in-force", "ada", "in_force", "/contracts/{ref}"),
    Picture("log", "ada", "in_force", "/contracts/{ref}/log"),
)


def main() -> None:
    """Load, serve, take the pictures."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["COUNTERPART_HOME"] = home
        subprocess.run([COMMAND, "demo", "load"], check=True, stdout=subprocess.DEVNULL)
        refs = references()
        with served() as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for person in dict.fromkeys(picture.person for picture in PICTURES):
                take(browser, url, person, refs, folder)
            browser.close()


def references() -> dict[str, str]:
    """Return a reference for each state that has a contract in the demo."""
    import json

    lines = subprocess.run(
        [COMMAND, "contracts", "--json"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    return {
        "": "",
        **{row["state"]: row["ref"] for row in rows if "Otherware" not in row["vendor"]},
    }


@contextmanager
def served() -> Iterator[str]:
    """Serve the home on a free port while inside."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/sign-in", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def take(browser: Browser, url: str, person: str, refs: dict[str, str], folder: Path) -> None:
    """Sign a person in once and take all their pictures in both sizes."""
    context = browser.new_context(locale="en-GB", timezone_id="Europe/London")
    page = context.new_page()
    sign_in(page, url, person)
    for picture in PICTURES:
        if picture.person != person:
            continue
        page.goto(url + picture.path.format(ref=refs[picture.state]))
        for size, viewport in SIZES.items():
            page.set_viewport_size(viewport)  # type: ignore[arg-type]
            page.screenshot(path=folder / f"{picture.name}-{size}.png")
            print(f"{picture.name}-{size}.png")
    context.close()


def sign_in(page: Page, url: str, person: str) -> None:
    """Sign in with the demo's password and the person's code of this moment."""
    code = subprocess.run(
        [COMMAND, "demo", "code", person], check=True, capture_output=True, text=True
    ).stdout.strip()
    mail = {"ada": "ada@northwind.example", "cleo": "cleo@harbour.example"}[person]
    page.goto(f"{url}/sign-in")
    page.get_by_label("E-mail").fill(mail)
    page.locator("input[type=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("input[autocomplete=one-time-code]").fill(code)
    page.locator("main button[type=submit]").first.click()
    page.wait_for_load_state()


if __name__ == "__main__":
    main()
