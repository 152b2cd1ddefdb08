"""The journey of an incident on a phone: report, acknowledge, a pause contested, severity raised, a
target missed, resolved, and why it happened. With JavaScript and without."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from portal.app import create_app
from portal.kit import clock
from portal.residency.databases import Regions
from tests.conftest import close, make_contract, settings_for
from tests.incidents import desk
from tests.journeys.conftest import Served, Visitor

pytestmark = [pytest.mark.journey, pytest.mark.slow]


@pytest.fixture
def in_force(home: Path) -> Iterator[str]:
    """A contract in force in the served home, with one incident nobody has answered for hours."""
    app = create_app(settings_for(home))
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        session = regions.session("eu")
        contract = make_contract(session, regions)
        now = clock.now()
        terms = desk.terms_with({"B1": "24x7 America/New_York"})
        desk.put_in_force(session, contract, terms, at=now - timedelta(days=20))
        desk.reported(session, contract, severity="S1", at=now - timedelta(hours=3))
        ref = contract.id
        desk.settle(session)
        regions.close()
    close(app)
    yield ref


def unfold(person: Visitor, label: str) -> None:
    """Open one of the things that may be said."""
    person.page.locator("details.answer > summary", has_text=label).first.click()


def send(person: Visitor, name: str) -> None:
    """Press the button of the form that is open."""
    person.page.locator("details[open]").get_by_role("button", name=name, exact=True).last.click()
    person.page.wait_for_load_state()
    person.page.wait_for_timeout(200)
    person.inspect()


def say(person: Visitor, label: str, words: str, *, choice: str | None = None) -> None:
    """Unfold a panel, fill it and send it."""
    unfold(person, label)
    box = person.page.locator("details.answer[open]").last
    if choice:
        box.get_by_label(choice, exact=False).first.check()
    box.locator("textarea").first.fill(words)
    send(person, label)


@pytest.mark.parametrize("scripted", [True, False], ids=["with-js", "without-js"])
def test_an_incident_from_report_to_root_cause(
    served: Served, in_force: str, visitor: Callable[..., Visitor], scripted: bool
) -> None:
    home = f"/contracts/{in_force}/incidents"
    dov, ben = visitor("dov", scripted=scripted), visitor("ben", scripted=scripted)
    dov.sign_in()
    ben.sign_in()

    # Reported on a phone, with the facts the contract asks for.
    dov.open(f"{home}/new")
    dov.press("Report and start the clocks")
    assert "There is a problem" in dov.page.inner_text("main")
    dov.fill("What is wrong, in one line", "Orders are not saved")
    dov.page.get_by_label("S2, Major", exact=False).check()
    dov.page.select_option("#module", "Order entry")
    dov.fill("Affected function", "Saving an order")
    dov.fill("Business impact", "40 orders an hour wait")
    dov.fill("When it began", "This morning")
    dov.press("Report and start the clocks")
    assert "The clocks run." in dov.page.inner_text("body")

    # Answered; paused by the vendor; contested by the customer.
    ben.open(f"{home}/2")
    say(ben, "Acknowledge", "I have it.")
    assert "Met" in ben.page.inner_text("#clock")
    say(ben, "Claim a pause", "Which order number?", choice="Waiting on the customer")
    dov.open(f"{home}/2")
    say(dov, "Contest this pause", "It is in the report.")
    assert "A pause is contested" in dov.page.inner_text("#clock")

    # Raised to severity 1 by the customer; agreed by the vendor.
    say(dov, "Propose another severity", "All stores now.", choice="S1, Critical")
    ben.open(f"{home}/2")
    assert "Severity 1" in ben.page.inner_text("main")
    unfold(ben, "Agree")
    send(ben, "Agree")

    # The other incident was not answered in time: a miss that stays on record, and a climb.
    done = served.run("work", "--once")
    assert done.exit_code == 0, done.stderr
    dov.open(f"{home}/1")
    text = dov.page.inner_text("main")
    assert "First response:" in text
    assert "Missed" in dov.page.inner_text("#clock")
    assert "L2" in text
    assert "Late" in text

    # Resolved, confirmed; why it happened, with an action; accepted by the customer.
    ben.open(f"{home}/2")
    say(ben, "Resolve", "The disk was full.", choice="A permanent fix")
    dov.open(f"{home}/2")
    say(dov, "Close it", "Works.")
    ben.open(f"{home}/2/root-cause")
    unfold(ben, "Add an action")
    ben.fill("What will be done", "Watch the disks")
    ben.fill("Who answers for it", "Ben Osei")
    ben.fill("Due", (clock.now() + timedelta(days=9)).date().isoformat())
    send(ben, "Add this action")
    ben.page.get_by_label("Full account", exact=False).check()
    ben.fill("Why it happened", "Nobody watched the disk.")
    ben.fill("What it did to the business", "Two hours without orders.")
    ben.press("Deliver to")
    dov.open(f"{home}/2/root-cause")
    dov.page.get_by_label("Yes, accept it").check()
    dov.press("Send my review")
    assert "Accepted" in dov.page.inner_text("main")
    dov.open(f"{home}/figures")
    dov.open(home)
