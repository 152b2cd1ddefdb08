"""The month closes on a phone: confirmed, disputed, corrected, accepted, sealed; with scripts and
without. Then the vendor replays an offer over what happened."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from portal.app import create_app
from portal.contracts.models import Contract
from portal.kit import clock
from portal.statements.rules.month import Month
from tests.changes import works
from tests.conftest import close, make_contract, settings_for
from tests.incidents import desk
from tests.journeys.conftest import Served, Visitor

pytestmark = pytest.mark.journey
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def contract_at(home: Path) -> str:
    """The address of a contract in force since two months ago, with an outage last month."""
    now = clock.now()
    app = create_app(settings_for(home))
    with app.app_context():
        regions = app.extensions["regions"]
        session = regions.session("eu")
        contract: Contract = make_contract(session, regions)
        start = last_month().bounds(works.TERMS)[0]
        terms = works.terms_with(
            {"A5": start.date().isoformat(), "M3": "15 business days", "K16": "no"}
        )
        desk.put_in_force(session, contract, terms, at=start - timedelta(days=9))
        begin = start + timedelta(days=9, hours=15)
        works.outage(session, contract, begin=begin, minutes=240, at=min(now, begin + timedelta(1)))
        desk.settle(session)
        address = f"/contracts/{contract.id}"
    close(app)
    return address


def last_month() -> Month:
    return Month.of(clock.now(), works.TERMS).plus(-1)


@pytest.mark.parametrize("scripted", [True, False], ids=["scripts", "no scripts"])
def test_a_month_closes_is_disputed_corrected_and_sealed(
    contract_at: str, served: Served, visitor: Callable[..., Visitor], scripted: bool
) -> None:
    assert served.run("work", "--once").returncode == 0
    at = f"{contract_at}/statements/{last_month()}"
    ben, dov = (visitor(key, scripted=scripted) for key in ("ben", "dov"))
    ben.sign_in()
    dov.sign_in()
    confirms(ben, at)
    disputes(dov, at)
    records_what_was_missing(dov, contract_at)
    corrects(ben, contract_at, at)
    dov.open(at)
    dov.press("Accept the statement")
    assert "Accepted and frozen" in dov.page.inner_text("main")
    assert served.run("work", "--once").returncode == 0
    dov.open(at)
    assert "Frozen and sealed" in dov.page.inner_text("main")
    pdf = dov.page.request.get(f"{served.url}{at}/statement.pdf")
    assert pdf.ok and pdf.body().startswith(b"%PDF-")
    dov.open(f"{contract_at}/credits")
    assert "Granted" in dov.page.inner_text("main")
    replays(ben, contract_at, scripted=scripted)


def confirms(ben: Visitor, at: str) -> None:
    ben.open(at)
    ben.page.get_by_label("Yes: we stand by them").check()
    ben.press("Send your word")
    assert "Waits for the customer" in ben.page.inner_text("main")


def disputes(dov: Visitor, at: str) -> None:
    dov.open(at)
    dov.press("Dispute the figure")
    assert "There is a problem" in dov.page.inner_text("main")
    dov.page.get_by_label("Which figure").select_option(index=0)
    dov.fill("Why", "The second outage of the month is missing.")
    dov.press("Dispute the figure")
    assert "Disputed" in dov.page.inner_text("main")


def records_what_was_missing(dov: Visitor, contract_at: str) -> None:
    begin = last_month().bounds(works.TERMS)[0] + timedelta(days=12, hours=16)
    wall = begin.astimezone(NEW_YORK)
    dov.open(f"{contract_at}/outages/new")
    dov.page.get_by_label("Down", exact=True).check()
    dov.fill("It began", f"{wall:%Y-%m-%dT%H:%M}")
    dov.fill("It ended", f"{wall + timedelta(hours=2):%Y-%m-%dT%H:%M}")
    dov.fill("What was seen", "Orders could not be saved.")
    dov.press("Record the outage")


def corrects(ben: Visitor, contract_at: str, at: str) -> None:
    ben.open(f"{contract_at}/outages")
    ben.page.get_by_role("link", name="OUT-").first.click()
    ben.page.wait_for_load_state()
    ben.press("Confirm the outage")
    ben.open(at)
    assert "The facts changed since" in ben.page.inner_text("main")
    ben.press("Compute it again")
    assert "revision 2" in ben.page.inner_text("main")
    ben.page.get_by_label("Yes: we stand by them").check()
    ben.press("Send your word")


def replays(ben: Visitor, contract_at: str, *, scripted: bool) -> None:
    ben.open(f"{contract_at}/replay")
    ben.page.get_by_label("Term", exact=True).select_option("D1")
    if scripted:
        ben.page.wait_for_timeout(800)
    ben.page.locator("#value").fill("90 %")
    if scripted:
        ben.page.get_by_role("table", name="").first.wait_for(timeout=8000)
    else:
        ben.press("Run it")
    ben.page.get_by_text("not a prediction").wait_for(timeout=8000)
    ben.inspect()
