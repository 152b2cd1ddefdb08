"""A vendor sees twelve renewals and tells a price; the customer gives notice on its last day."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.kit import clock
from portal.renewals.rules.dates import add_days
from portal.residency.databases import Regions
from tests.journeys.conftest import DESK, PHONE, Served, Visitor
from tests.renewals import stage
from tests.renewals.stage import SCHEMA, completed, length

AsVisitor = Callable[..., Visitor]
pytestmark = pytest.mark.journey


def start_for(notice_by: date) -> str:
    """Return the start of a one-year term whose notice date (60 days) is this day."""
    ends = add_days(notice_by, 60)
    return date(ends.year - 1, ends.month, min(ends.day, 28)).isoformat()


@pytest.fixture
def twelve(app: Flask, eu: Session, regions: Regions) -> dict[str, str]:
    """Twelve contracts in force; the notice date of one is today."""
    today = clock.now().date()
    found = {}
    for number in range(12):
        title = f"Store support {number + 1}"
        # Days are counted where the hours run: round the clock in UTC, so that today is today.
        around = {"tz": "UTC", "days": [{"days": ["mo", "tu", "we", "th", "fr", "sa", "su"],
                                         "from": "00:00", "to": "24:00"}]}  # fmt: skip
        by = add_days(today, 20 * number + (100 if number else 0))
        row = completed(
            eu, regions, at=clock.now() - timedelta(days=300), title=title, B1=around,
            B2=SCHEMA.defaults()["B2"],
            A5=start_for(by), P1=length(12, "mo"), P6=length(60, "d"), P7_roll="stays", P13=None,
        )  # fmt: skip
        found[title] = row.id
    stage.work(eu, clock.now())
    stage.settle(eu)
    return found


@pytest.mark.parametrize("scripted", [True, False], ids=["scripted", "plain"])
def test_a_year_of_renewals(
    twelve: dict[str, str], served: Served, visitor: AsVisitor, scripted: bool
) -> None:

    ada = visitor("ada", scripted=scripted, size=DESK)
    ada.sign_in()
    ada.open("/renewals")
    for title in twelve:
        assert ada.page.get_by_role("link", name=title, exact=True).count()
    priced = twelve["Store support 3"]
    ada.open(f"/contracts/{priced}/renewal")
    ada.press("Tell the new price", role="link")
    ada.fill("Published change of the index", "3")
    ada.fill("New fee", "1540")
    ada.page.locator("#intent").check()
    ada.fill("Code from your authenticator", ada.fresh_code())
    ada.press("Tell the price")
    assert ada.page.get_by_text("1,540.00 USD").count()

    cleo = visitor("cleo", scripted=scripted, size=PHONE)
    cleo.sign_in()
    cleo.open(f"/contracts/{priced}/renewal")
    assert cleo.page.get_by_text("The price that was told").count()
    leaving = twelve["Store support 1"]
    cleo.open(f"/contracts/{leaving}/renewal")
    assert cleo.page.get_by_text("today is the last day").count()
    cleo.page.get_by_label("Let it end").check()
    cleo.press("Keep the decision")
    cleo.press("Give notice", role="link")
    cleo.fill("Your title", "Head of Sales Operations")
    cleo.page.locator("#intent").check()
    cleo.fill("Code from your authenticator", cleo.fresh_code())
    cleo.press("Give notice")
    assert cleo.page.get_by_role("heading", name="In time").count()

    served.run("work", "--once")
    ada.open(f"/contracts/{leaving}/renewal")
    ada.press("Notice against renewal", role="link")
    assert ada.page.get_by_text("Head of Sales Operations").count()
    assert ada.page.get_by_role("heading", name="Receipt").count()
    renewed = twelve["Store support 4"]
    ada.open(f"/contracts/{renewed}/renewal/round")
    ada.press("Open round 1")
    assert "/terms" in ada.page.url
