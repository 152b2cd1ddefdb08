"""A vendor publishes a version; a customer compares on a phone and starts; a sheet of five."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.residency.databases import Regions
from tests.contracts.test_pages import freeze
from tests.journeys.conftest import DESK, PHONE, Served, Visitor
from tests.negotiation.table import settle

SHEET = """customer,title,A5,D1
harbour,Stores support,2027-01-01,99.9 %
harbour,Warehouse support,,
nobody,Lost support,,
harbour,Web shop support,soon,
otherware,Partner support,2027-02-01,
"""


@pytest.fixture
def held(eu: Session, regions: Regions, contract: Contract) -> str:
    """A signed contract of Northwind and Harbour, to stand as a column."""
    freeze(eu, contract, "deed_prepared", "all_signed", "completed")
    settle(eu)
    return contract.id


@pytest.mark.journey
@pytest.mark.slow
@pytest.mark.parametrize("scripted", [True, False], ids=["with-script", "without-script"])
def test_from_the_next_version_to_a_contract_and_a_batch(
    held: str, served: Served, visitor: Callable[..., Visitor], scripted: bool
) -> None:
    ada = visitor("ada", scripted=scripted, size=DESK)
    ada.sign_in()
    publishes(ada)
    compares(visitor("cleo", scripted=scripted, size=PHONE), held)
    starts_five(ada, served)


def publishes(ada: Visitor) -> None:
    """Write version 5 with a cheaper first tier, and publish it."""
    ada.open("/plans")
    ada.press("Start the next version")
    ada.press("Essential (edit)", role="link")
    ada.fill("Least or flat fee a month", "350")
    ada.press("Save the tier")
    ada.press("Review and publish", role="link")
    assert ada.page.get_by_text("350.00 USD a month").count()
    ada.press("Publish version 5")
    assert ada.page.get_by_text("Say in a line what changed.").count()
    ada.fill("What changed", "Essential costs less")
    ada.press("Publish version 5")
    assert ada.page.get_by_text("Published", exact=True).count()


def compares(cleo: Visitor, held: str) -> None:
    """Compare on a phone, differences only, with a contract as a column; start from a tier."""
    cleo.sign_in()
    cleo.open("/plans")
    cleo.press("Compare plans", role="link")
    cleo.page.get_by_text("Choose what to compare").click()
    cleo.page.get_by_label(f"CRM support 2027 ({held})").check()
    cleo.press("Compare")
    cleo.press("Differences only", role="link")
    header = cleo.page.locator("table.compare thead th:visible")
    assert header.count() == 1, "one column at a time on a phone"
    cleo.page.locator("nav.picker a", has_text="Business").click()
    cleo.page.wait_for_load_state()
    cleo.page.locator("table.compare thead th:visible", has_text="Business").wait_for()
    cleo.inspect()
    cleo.page.locator("nav.picker a", has_text="CRM support 2027").click()
    cleo.page.locator("table.compare thead th:visible", has_text="CRM support 2027").wait_for()
    cleo.page.locator("nav.picker a", has_text="Business").click()
    cleo.page.locator("table.compare thead th:visible", has_text="Business").wait_for()
    cleo.page.locator("a:visible", has_text="Start a contract from Business").click()
    cleo.page.wait_for_load_state()
    cleo.inspect()
    cleo.fill("Title", "Store systems support")
    cleo.page.get_by_label("Frankfurt").or_(cleo.page.get_by_label("EU")).first.check()
    cleo.press("Start the contract")
    assert "/start/people" in cleo.page.url


def starts_five(ada: Visitor, served: Served) -> None:
    """Upload five rows of which two are wrong; confirm, work, and follow the rest."""
    ada.open("/batches")
    ada.press("Upload a sheet", role="link")
    ada.page.get_by_label("Owner on your side").select_option(label="Ada Keane")
    ada.page.get_by_label("Who signs for you").select_option(label="Ada Keane")
    ada.fill("Title of the signer", "Director")
    ada.page.locator("input[name=region]").first.check()
    ada.page.get_by_label("Start and send round 1 of each").check()
    ada.fill("Or paste the sheet", SHEET)
    ada.press("Show the preview")
    assert ada.page.get_by_text("3 of 5 can start").count()
    ada.press("Start and send 3")
    assert ada.page.get_by_text("0 of 3").count()
    done = served.run("work", "--once")
    assert done.exit_code == 0, done.stderr
    ada.page.reload()
    ada.inspect()
    assert ada.page.get_by_text("3 of 3").count()
    assert ada.page.get_by_text("Left out").count() == 2
