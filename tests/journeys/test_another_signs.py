"""On a phone: a signer lets a colleague sign, the colleague does, and another one declines."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from portal.accounts.models import Membership
from portal.app import create_app
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.db import db
from tests import cast
from tests.conftest import close, make_contract, settings_for
from tests.journeys.conftest import Visitor
from tests.journeys.test_main import signs
from tests.signing import stage

pytestmark = [pytest.mark.journey, pytest.mark.slow]


@pytest.fixture
def out(home: Path) -> str:
    """The address of a contract that waits for Ada; Ben may sign for her side as well."""
    app = create_app(settings_for(home))
    with app.app_context():
        row = db.session.scalars(
            select(Membership).where(Membership.person_id == cast.actor("ben").person_id)
        ).one()
        row.roles = f"{row.roles},signatory"
        db.session.commit()
        regions = app.extensions["regions"]
        session = regions.session("eu")
        contract: Contract = make_contract(session, regions)
        at = clock.now() - timedelta(minutes=5)
        stage.freeze(session, contract, at=at)
        stage.work(session, regions, contract, at=at)
        ref = contract.id
    close(app)
    return f"/contracts/{ref}"


@pytest.mark.parametrize("scripted", [True, False], ids=["scripts", "no scripts"])
def test_a_colleague_signs_in_their_own_name_and_another_signer_declines(
    visitor: Callable[..., Visitor], out: str, scripted: bool
) -> None:
    ada, ben, nia, cleo = (visitor(k, scripted=scripted) for k in ("ada", "ben", "nia", "cleo"))
    ada.sign_in()
    ada.open(f"{out}/signing")
    ada.press("Let a colleague sign instead of me", role="link")
    ada.press("Hand over this place")
    assert "Choose who signs instead" in ada.page.locator(".error-summary").inner_text()
    ada.page.get_by_label("Who signs instead").select_option(label="Ben Osei")
    ada.fill("Their title", "Head of Support")
    ada.fill("Reason", "On leave until January")
    ada.press("Hand over this place")
    assert ada.page.get_by_text("Your place is given away").is_visible()
    told = ada.page.get_by_text("in place of Ada Keane").first
    assert told.is_visible()
    # The link she had is of no use to her any more.
    answer = ada.page.goto(f"{ada.url}{out}/signature")
    assert answer is not None and answer.status in {403, 404, 409}
    signs(ben, out)
    ben.open(f"{out}/signing")
    assert ben.page.get_by_text("in place of Ada Keane").first.is_visible()
    nia.sign_in()
    nia.open(f"{out}/sign")
    nia.press("Decline to sign electronically", role="link")
    nia.press("Decline to sign")
    assert "Give a reason" in nia.page.locator(".error-summary").inner_text()
    nia.fill("Reason", "We sign on paper")
    nia.press("Decline to sign")
    assert nia.page.get_by_text("You declined to sign").is_visible()
    cleo.sign_in()
    cleo.open(f"{out}/signing")
    said = cleo.page.locator("main").inner_text()
    assert "We sign on paper" in said and "Signatures made on it bind nobody" in said
    assert "Void the signing" not in said
