"""What an incident comes to: reported, acknowledged, a pause contested, severity raised, a target
missed, its root cause accepted; then on a phone the month closes: confirmed, disputed, corrected,
accepted, sealed, with scripts and without. Then the vendor replays an offer over what happened."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from portal.app import create_app
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.incidents import actions as incidents
from portal.incidents.rules.root_cause import Kind
from portal.kit import clock
from portal.statements.rules.month import Month
from tests import cast
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
        tell_incident(session, contract, start + timedelta(days=11, hours=15))
        desk.settle(session)
        address = f"/contracts/{contract.id}"
    close(app)
    return address


def tell_incident(session: Session, contract: Contract, at: datetime) -> None:
    """Last month's incident, by the acts of its pages: answered and settled too late."""
    desk.reported(session, contract, severity="S2", at=at)

    def said(key: str, hours: float) -> incidents.Said:
        return desk.said(session, contract, key, 1, at + timedelta(hours=hours))

    incidents.acknowledge(said("ben", 9), words="I have it.")
    pause = incidents.claim_pause(
        said("ben", 10), ground="waiting_on_customer", words="Which order number?"
    )
    incidents.contest_pause(said("dov", 11), pause=pause.id, words="It is in the report.")
    raised = incidents.propose_severity(said("dov", 12), severity="S1", words="All stores now.")
    incidents.agree_severity(said("ben", 13), proposal=raised.id, from_report=False)
    incidents.end_pause(said("ben", 14), pause=pause.id)
    incidents.settle_pause(said("ben", 14.5), pause=pause.id)
    incidents.resolve(said("ben", 40), means="permanent_fix", words="The disk was full.")
    incidents.confirm(said("dov", 41), words="Works.")
    incidents.keep_root_causes(session, contract, at=at + timedelta(hours=41))
    content = {"cause": "Nobody watched the disk.", "impact": "Two hours without orders.",
               "timeline": "See the log."}  # fmt: skip
    who, later = (session, contract, cast.actor("ben"), 1), at + timedelta(hours=50)
    incidents.add_measure(
        *who, words="Watch the disks", owner="Ben Osei", side=Side.VENDOR,
        due=(later + timedelta(days=9)).date(), at=later,
    )  # fmt: skip
    incidents.deliver_account(*who, kind=Kind.FINAL, content=content, at=later)
    incidents.accept_account(session, contract, cast.actor("dov"), 1, at=later + timedelta(hours=1))


def last_month() -> Month:
    return Month.of(clock.now(), works.TERMS).plus(-1)


@pytest.mark.parametrize("scripted", [True, False], ids=["scripts", "no scripts"])
def test_a_month_closes_is_disputed_corrected_and_sealed(
    contract_at: str, served: Served, visitor: Callable[..., Visitor], scripted: bool
) -> None:
    assert served.run("work", "--once").exit_code == 0
    at = f"{contract_at}/statements/{last_month()}"
    ben, dov = (visitor(key, scripted=scripted) for key in ("ben", "dov"))
    ben.sign_in()
    dov.sign_in()
    confirms(ben, at)
    reads_what_the_incident_came_to(dov, contract_at, at)
    disputes(dov, at)
    records_what_was_missing(dov, contract_at)
    corrects(ben, contract_at, at)
    dov.open(at)
    dov.press("Accept the statement")
    assert "Accepted and frozen" in dov.page.inner_text("main")
    assert served.run("work", "--once").exit_code == 0
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


def reads_what_the_incident_came_to(dov: Visitor, contract_at: str, at: str) -> None:
    dov.open(at)
    words = dov.page.inner_text("main")
    assert "Missed" in words and "incident 1" in words and "Clause 12.2, K2" in words
    dov.page.get_by_role("link", name="incident 1").first.click()
    dov.page.wait_for_load_state()
    words = dov.page.inner_text("main")
    assert "Severity 1" in words and "Root cause: Accepted" in words
    assert "Missed" in dov.page.inner_text("#clock")


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
        ben.page.get_by_role("table", name="").first.wait_for()
    else:
        ben.press("Run it")
    ben.page.get_by_text("not a prediction").wait_for()
    ben.inspect()
