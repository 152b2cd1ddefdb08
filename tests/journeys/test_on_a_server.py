"""A served portal on PostgreSQL: invited by mail, signed on a phone, sealed, and proven offline."""

import email
import email.policy
import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from portal.app import create_app
from portal.contracts.models import Contract
from portal.kit import clock
from tests.conftest import close, make_contract, settings_for
from tests.journeys.conftest import Served, Visitor
from tests.journeys.test_main import holds, signs
from tests.signing import stage

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.postgres_only]
# What the worker reads of a contract that is in force.
KEPT = ("P1", "P3", "P4", "P5", "P6", "P7", "B1")


@pytest.fixture
def half_signed(home: Path) -> str:
    """A contract that the vendor's two signed, so that it is the customer's turn; its address."""
    app = create_app(settings_for(home))
    with app.app_context():
        regions = app.extensions["regions"]
        session = regions.session("eu")
        contract: Contract = make_contract(session, regions)
        at = clock.now() - timedelta(minutes=5)
        stage.freeze(session, contract, at=at, more=KEPT)
        stage.work(session, regions, contract, at=at)
        for key in ("ada", "nia"):
            stage.consent(session, contract, key, at=at)
            stage.sign(session, contract, key, at=at)
            stage.work(session, regions, contract, at=at)
        ref = contract.id
        regions.close()
    close(app)
    return f"/contracts/{ref}"


def invitation_to(one: Visitor, served: Served, recipient: str) -> str:
    """Let the worker send what is due, and return where somebody's mail leads to sign."""
    done = served.run("work", "--once")
    assert done.exit_code == 0 and "failed" not in done.output, done.output
    folder = served.home / "regions" / "eu" / "mail"
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(folder.glob("*.eml"))
    ]
    texts = [mail.get_content() for mail in mails if recipient in str(mail["To"])]  # type: ignore[attr-defined]
    ways = {line for text in texts for line in text.splitlines() if line.endswith("/sign")}
    assert len(ways) == 1, texts
    return str(ways.pop())


def await_seal(served: Served) -> None:
    """Look like the worker until the deed is sealed: the portal itself began, and is left alone."""
    patience = time.monotonic() + 120
    while not json.loads(served.run("contracts", "--json").stdout.splitlines()[0])["completed_at"]:
        assert time.monotonic() < patience, "not sealed"
        assert served.run("work", "--once").exit_code == 0
        time.sleep(0.2)


def test_a_customer_is_invited_signs_on_a_phone_and_holds_the_sealed_deed(
    visitor: Callable[..., Visitor], served: Served, half_signed: str, tmp_path: Path
) -> None:
    for key, scripted in (("cleo", True), ("lena", False)):
        one = visitor(key, scripted=scripted)
        leads_to = invitation_to(one, served, one.key)
        assert leads_to.endswith(f"{half_signed}/sign"), leads_to
        signs(one, half_signed)
    await_seal(served)
    holds(one, served, half_signed, tmp_path)
