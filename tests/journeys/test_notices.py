"""Being told, on a phone: inbox, wishes, the way out of a mail, and each role's first page."""

import email
import email.policy
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.app import create_app
from portal.cli.demo.readers import READERS
from tests import cast
from tests.conftest import close, make_contract, settings_for
from tests.journeys.conftest import Served, Visitor
from tests.notices.test_pages import tell_cleo

pytestmark = pytest.mark.journey


@pytest.fixture
def told(home: Path) -> str:
    """A contract whose round Cleo was told of; return its reference."""
    app = create_app(settings_for(home))
    with app.app_context():
        regions = app.extensions["regions"]
        session = regions.session("eu")
        contract = make_contract(session, regions)
        ref = contract.id
        tell_cleo(session, contract, 2)
    close(app)
    return ref


@pytest.mark.parametrize("scripted", [True, False], ids=["scripts", "no scripts"])
def test_a_person_is_told_and_chooses_how(
    told: str, visitor: Callable[..., Visitor], served: Served, scripted: bool
) -> None:
    cleo = visitor("cleo", scripted=scripted)
    cleo.sign_in()
    assert cleo.page.url == f"{served.url}/"
    assert "Hello, Cleo Marsh" in cleo.page.inner_text("h1")
    assert "2" in cleo.page.inner_text("#inbox-count")
    cleo.press("Notices", "link")
    assert cleo.page.get_by_role("listitem").filter(has_text="Your turn to answer").count() == 2
    cleo.page.get_by_role("button", name="Your turn to answer").first.click()
    cleo.page.wait_for_url(f"**/contracts/{told}/terms")
    cleo.inspect()
    assert "1" in cleo.page.inner_text("#inbox-count")
    cleo.open("/notices")
    cleo.press("Mark all as read")
    cleo.page.get_by_text("Everything up to here is read.").wait_for()
    assert "unread" not in cleo.page.inner_text("#inbox-count")

    cleo.open("/notices/preferences")
    cleo.fill("Your time zone", "America/New_York")
    cleo.page.get_by_label("Send me no mail at night").check()
    cleo.press("Save")
    assert "Saved" in cleo.page.inner_text("#flashes")
    cleo.open("/notices")
    assert "EST" in cleo.page.inner_text("#inbox")

    assert served.run("work", "--once").exit_code == 0
    leave_by_mail(visitor("cleo", scripted=scripted), served)
    cleo.open("/notices/preferences")
    chosen = cleo.page.get_by_label("A round is sent to you and it is your turn").input_value()
    assert chosen == "portal"


def leave_by_mail(stranger: Visitor, served: Served) -> None:
    """Open the address in the header of a mail, signed out, and turn the mail off."""
    path = next((served.home / "regions" / "eu" / "mail").glob("*.eml"))
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = mail["List-Unsubscribe"].strip("<>")
    stranger.open(address[address.index("/unsubscribe") :])
    stranger.press("Turn off this mail")
    assert "Mail turned off" in stranger.page.inner_text("h1")


def test_every_role_opens_on_its_own_first_page(told: str, visitor: Callable[..., Visitor]) -> None:
    for key in (*READERS, "nia", "lena", "op"):
        one = visitor(key)
        one.sign_in()
        page = one.page.inner_text("main")
        assert "What went wrong" in page, key
        assert ("What waits for you" in page) == (key != "op")
    ada = visitor("ada")
    ada.sign_in()
    assert told in ada.page.inner_text("main")
    assert cast.actor("ada").name in ada.page.inner_text("h1")
