"""The verifier for people without Python: one HTML file in a browser, no portal, no network."""

import base64
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import Page, sync_playwright

from portal.audit.rules import receipt_text
from tests.evidence.conftest import THOROUGH, VERIFIER, Scene, as_told, later
from tests.evidence.test_bundle import CHANGES, opened, packed
from tests.evidence.test_corpus import mutated
from tests.journeys.conftest import CHROMIUM, FLAGS, PATIENCE

pytestmark = pytest.mark.slow
PAGE = VERIFIER.with_name("verify.html")
MUTATED = 2_000 if THOROUGH else 40
HEAVY = ("deed.pdf", "verify.py", "verify.html", "terms/1.txt")
Judge = Callable[..., tuple[bool, set[str]]]


@pytest.fixture(scope="module")
def tab() -> Iterator[Page]:
    """The page, opened from the disk in a browser that is offline."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(offline=True, viewport={"width": 390, "height": 844})
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.goto(PAGE.as_uri())
        yield page
        browser.close()


def judged_all(tab: Page, bundles: list[bytes]) -> list[tuple[bool, set[str]]]:
    """Return the verdict and the errors of the page on each bundle."""
    told = tab.evaluate(
        """async (bundles) => {
          const found = [];
          for (const one of bundles) {
            const check = await verify(unbase64(one));
            const errors = check.findings.filter((f) => f.level === "error");
            found.push([check.ok, errors.map((f) => f.code)]);
          }
          return found;
        }""",
        [base64.b64encode(one).decode() for one in bundles],
    )
    return [(ok, set(codes)) for ok, codes in told]


def agrees(ours: set[str], page: set[str]) -> bool:
    """They give up at different places where a part is not made of what it must be."""
    return ours == page or "damaged" in ours | page


def test_a_person_checks_a_bundle_with_a_receipt_on_a_phone(
    tab: Page, told: Scene, tmp_path: Path
) -> None:
    (tmp_path / "evidence.zip").write_bytes(told.bundle())
    (tmp_path / "mail.txt").write_text(receipt_text(told.receipts()[0]), "utf-8")
    (tmp_path / "other.txt").write_text(
        receipt_text(later(told.receipts()[0], head="0" * 64)), "utf-8"
    )
    tab.goto(PAGE.as_uri())
    tab.get_by_label("The evidence").set_input_files(tmp_path / "evidence.zip")
    tab.get_by_label("Receipts you hold").set_input_files(tmp_path / "mail.txt")
    tab.get_by_role("button", name="Check").click()
    tab.get_by_role("heading", name="Everything that was checked holds.").wait_for()
    said = tab.get_by_role("status").inner_text()
    assert "the log in this bundle contains it" in said
    assert "Cleo Marsh" in said
    assert "were not checked here" in said
    assert "PROBLEM" not in said
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not tab.evaluate(wide)
    tab.get_by_label("Receipts you hold").set_input_files(tmp_path / "other.txt")
    tab.get_by_role("button", name="Check").click()
    tab.get_by_role("heading", name="Do not rely on this bundle.").wait_for()
    assert "the entry now says something else" in tab.get_by_role("status").inner_text()
    tab.get_by_label("Receipts you hold").set_input_files(tmp_path / "evidence.zip")
    tab.get_by_role("button", name="Check").click()
    tab.get_by_text("there is no receipt in this file").wait_for()


def test_a_saved_mail_is_read_as_the_script_reads_it(
    tab: Page, told: Scene, script: ModuleType
) -> None:
    from email.message import EmailMessage

    for encoding in ("base64", "quoted-printable", "8bit"):
        mail = EmailMessage()
        mail["Subject"] = "Receipt"
        mail.set_content(receipt_text(told.receipts()[0]), cte=encoding)
        mail.add_alternative("<p>The same</p>", subtype="html")
        saved = mail.as_bytes()
        read = tab.evaluate(
            "(mail) => Object.values(readReceipt(unbase64(mail)))",
            base64.b64encode(saved).decode(),
        )
        assert tuple(read) == script.read_receipt(saved) == as_told(told.receipts()[0])


def test_the_page_finds_every_changed_part(tab: Page, told_bundle: bytes) -> None:
    bundles = []
    for name, (change, _) in CHANGES.items():
        files = opened(told_bundle)
        if "deed" not in name:  # it is large, and its absence is one finding more
            files.pop("deed.pdf")
        change(files)
        bundles.append(packed(files, told_bundle))
    missed = []
    for name, (ok, codes) in zip(CHANGES, judged_all(tab, bundles), strict=True):
        expected = CHANGES[name][1]
        if expected != "stamp-broken" and (ok or expected not in codes):
            missed.append((name, codes))
    assert missed == []


def test_the_page_follows_a_log_through_its_keys(tab: Page, rotated: Scene) -> None:
    bundle, held = rotated.bundle(), rotated.receipts()
    files = opened(bundle)
    names = files["keys/log.txt"].decode().split()
    changed = {
        "another order": {"keys/log.txt": "\n".join([names[1], names[0], names[2]]).encode()},
        "another note": {"keys/transition-1.txt": files["keys/transition-2.txt"]},
        "no note": {"keys/transition-1.txt": b""},
        "only the first": {"keys/log.txt": names[0].encode()},
    }
    bundles = [bundle, *(packed({**files, **change}, bundle) for change in changed.values())]
    (good, codes), *wrong = judged_all(tab, bundles)
    assert (good, codes, len(held)) == (True, set(), 3)
    assert [(ok, "key-broken" in codes) for ok, codes in wrong[:3]] == [(False, True)] * 3
    assert not wrong[3][0] and "checkpoint-broken" in wrong[3][1]


def test_the_page_agrees_with_the_script_on_every_mutated_bundle(
    tab: Page, told_bundle: bytes, script: ModuleType
) -> None:
    files = opened(told_bundle)
    small = {p: c for p, c in files.items() if p not in HEAVY and len(c) < 50_000}
    chance = random.Random(12)
    differing, accepted = [], 0
    for start in range(0, MUTATED, 20):
        bundles = []
        for number in range(start, start + 20):
            if number % 2:
                bundles.append(mutated(packed(small, told_bundle), chance))
            else:
                path = chance.choice([path for path in sorted(small) if small[path]])
                changed = {**small, path: mutated(small[path], chance)}
                bundles.append(packed(changed, told_bundle))
        for number, (content, (ok, codes)) in enumerate(
            zip(bundles, judged_all(tab, bundles), strict=True), start
        ):
            theirs = script.verify(content)
            errors = {f["code"] for f in theirs.findings if f["level"] == "error"}
            accepted += ok or theirs.ok
            if not agrees(errors, codes):
                differing.append((number, errors, codes))
    assert (differing, accepted) == ([], 0)


def test_the_page_reaches_out_for_nothing() -> None:
    source = PAGE.read_text("utf-8")
    assert "default-src 'none'" in source
    assert not [
        word for word in ("http:", "https:", "fetch(", "XMLHttp", "import(") if word in source
    ]
