"""The main job, from the first offer to the sealed PDF, on a phone: with scripts and without."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.conftest import Served, Visitor

pytestmark = pytest.mark.journey
TITLES = {"ada": "Director of Accounts", "nia": "General Counsel", "cleo": "VP Sales Operations",
          "lena": "Corporate Counsel"}  # fmt: skip
RESPONSE = "C4.S1.first_response"


@pytest.mark.parametrize("scripted", [True, False], ids=["scripts", "no scripts"])
def test_two_companies_agree_sign_and_hold_a_sealed_deed(
    visitor: Callable[..., Visitor], served: Served, tmp_path: Path, scripted: bool
) -> None:
    ada, cleo = (visitor(key, scripted=scripted) for key in ("ada", "cleo"))
    ada.sign_in()
    at = starts(ada)
    sends(ada, at)
    cleo.sign_in()
    names_signers(cleo, at)
    counters(cleo, at)
    sends(cleo, at)
    agrees(ada, at)
    freezes(cleo, at)
    assert served.run("work", "--once").exit_code == 0
    nia, lena = (visitor(key, scripted=scripted) for key in ("nia", "lena"))
    for one in (ada, nia, cleo, lena):
        signs(one, at)
    assert served.run("work", "--once").exit_code == 0
    # How the terms were agreed leaves no trace in a deed: one of the two is proven.
    if scripted:
        holds(ada, served, at, tmp_path)
    else:
        completes(ada, served, at)


def starts(ada: Visitor) -> str:
    """Start a contract in four steps; return its address."""
    ada.open("/contracts/new")
    ada.fill("Title", "CRM support 2027")
    ada.page.get_by_label("Contract with").select_option(label="Harbour Retail Inc")
    ada.page.get_by_label("Vendor: we give support").check()
    ada.page.get_by_label("Plan tier").select_option(index=3)
    ada.page.get_by_label("EU (Frankfurt)").check()
    ada.press("Start the contract")
    at = re.sub(r"/start/people$", "", ada.page.url.removeprefix(ada.url))
    choose_signers(ada, "Ada Keane", "Nia Ferrand")
    ada.press("Save and continue")
    for words in ("Save and continue", "Save and continue", "Save and review round 1"):
        ada.press(words)
    return at


def choose_signers(one: Visitor, first: str, second: str) -> None:
    """Name the owner and two signers with their titles."""
    page = one.page
    page.get_by_label("Owner", exact=False).first.select_option(label=first)
    for number, (place, name) in enumerate((("First", first), ("Second", second)), 1):
        signer = page.get_by_label(f"{place} signer", exact=True)
        if not signer.is_visible():
            page.get_by_text("Add the second signer").click()
        signer.select_option(label=name)
        key = name.split()[0].lower()
        page.locator(f"[name=title_{number}]").fill(TITLES[key])


def names_signers(cleo: Visitor, at: str) -> None:
    """Name the customer's people."""
    cleo.open(f"{at}/people")
    choose_signers(cleo, "Cleo Marsh", "Lena Hart")
    cleo.press("Save people")


def sends(one: Visitor, at: str) -> None:
    """Read the round as the other side will see it, and send it."""
    one.open(f"{at}/rounds/draft")
    one.press("Send round")
    assert "Only" not in one.page.title()


def opens(one: Visitor, at: str) -> None:
    """Open the round that came."""
    one.open(f"{at}/terms")
    one.press("Open round")


def counters(cleo: Visitor, at: str) -> None:
    """Counter one term with a mistake first, and accept the rest."""
    opens(cleo, at)
    cleo.open(f"{at}/terms/{RESPONSE}")
    form = cleo.page.locator("form.answer__form")
    form.get_by_label("Counter with another value").check()
    form.locator("[name=value]").fill("soonish")
    form.get_by_role("button", name="Save in my draft").click()
    cleo.page.wait_for_selector(".error-summary")
    assert form.locator("[name=value]").input_value() == "soonish"
    form.locator("[name=value]").fill("15 min")
    form.get_by_role("button", name="Save in my draft").click()
    cleo.page.wait_for_selector("text=You counter")
    cleo.open(f"{at}/answers")
    cleo.page.locator("#turn button").click()
    cleo.page.wait_for_selector("text=accepted in your draft")


def agrees(ada: Visitor, at: str) -> None:
    """Accept the counter and send."""
    opens(ada, at)
    ada.open(f"{at}/terms/{RESPONSE}")
    form = ada.page.locator("form.answer__form")
    form.get_by_label("Accept their offer").check()
    form.get_by_role("button", name="Save in my draft").click()
    ada.page.wait_for_selector("text=You accept")
    sends(ada, at)


def freezes(cleo: Visitor, at: str) -> None:
    """Freeze what is agreed."""
    opens(cleo, at)
    cleo.open(f"{at}/freeze")
    cleo.press("Freeze the agreed terms")


def signs(one: Visitor, at: str) -> None:
    """Sign in where needed, then review, consent and sign with the next code."""
    if not one.seen:
        one.sign_in()
    one.open(f"{at}/sign")
    one.press("Continue", role="link")
    one.page.locator("[name=word]").fill(one.sample_word())
    one.page.locator("[name=covers]").first.check()
    one.page.locator("[name=agreed]").check()
    one.press("Consent and continue")
    one.page.locator("[name=intent]").check()
    one.page.locator("input[autocomplete=one-time-code]").fill(one.fresh_code())
    one.press("Sign agreement")
    assert one.page.get_by_role("heading", level=1).inner_text() == "You signed"


def completes(ada: Visitor, served: Served, at: str) -> None:
    """See it completed, on its page and in the operator's list."""
    ada.open(at)
    assert "signed" in ada.page.content().lower()
    listed = json.loads(served.run("contracts", "--json").stdout.splitlines()[0])
    assert (listed["ref"], bool(listed["completed_at"])) == (at.rsplit("/", 1)[1], True)
    assert served.run("audit", "verify").exit_code == 0


def holds(ada: Visitor, served: Served, at: str, folder: Path) -> None:
    """See it completed, and check the exported deed without the portal."""
    completes(ada, served, at)
    ref = at.rsplit("/", 1)[1]
    assert served.run("export", ref, "--out", str(folder)).exit_code == 0
    names = {path.name for path in folder.iterdir()}
    assert {"deed.pdf", "terms.json", "entries.jsonl", "root.pem"} <= names
    verdict = served.run("verify", str(folder / "deed.pdf"), "--json")
    assert verdict.exit_code == 0, verdict.stdout
    said = subprocess.run(
        ["pdfsig", folder / "deed.pdf"], capture_output=True, text=True, check=False
    ).stdout
    assert said.count("Signature is Valid") >= 5
