"""A customer fetches the evidence on a phone, and a stranger asks about a file."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from portal.audit.actions import record
from portal.audit.signer import signer_of
from portal.contracts.models import Contract
from portal.evidence.actions import keep_log
from portal.evidence.rules.reading import check_bundle
from portal.kit import clock
from portal.kit.db import transaction
from portal.residency.databases import Regions
from tests import cast
from tests.conftest import settings_for
from tests.journeys.conftest import Served, Visitor


@pytest.fixture
def covered(home: Path, regions: Regions, eu: Session, contract: Contract) -> str:
    """The reference of a draft whose log a checkpoint covers."""
    with transaction(eu):
        record(eu, contract.id, "contract:step:finished", actor=cast.actor("ada").log,
               at=clock.now(), facts={"step": 1})  # fmt: skip
    keep_log(eu, signer_of(settings_for(home), regions["eu"].region), at=clock.now())
    ref = contract.id
    eu.rollback()
    return ref


@pytest.mark.journey
@pytest.mark.parametrize("scripted", [True, False], ids=["scripts", "no scripts"])
def test_a_customer_takes_the_evidence_and_a_stranger_learns_nothing(
    covered: str, served: Served, visitor: Callable[..., Visitor], tmp_path: Path, scripted: bool
) -> None:
    cleo = visitor("cleo", scripted=scripted)
    cleo.sign_in()
    cleo.open(f"/contracts/{covered}/evidence")
    with cleo.page.expect_download() as waiting:
        cleo.page.get_by_role("link", name="Download the evidence").click()
    file = tmp_path / "evidence.zip"
    waiting.value.save_as(file)
    assert waiting.value.suggested_filename == f"evidence-{covered}.zip"
    found = check_bundle(file.read_bytes())
    assert found.ok, found.findings
    assert served.run("verify", str(file)).exit_code == 0
    assert served.run("audit", "verify").exit_code == 0
    stranger = visitor("nobody", scripted=scripted)
    stranger.open("/verify")
    stranger.page.get_by_label("File", exact=True).set_input_files(file)
    stranger.press("Verify")
    assert stranger.page.get_by_role("heading", name="No match").is_visible()
    stranger.fill("SHA-256 of the file", "not a hash")
    stranger.press("Verify")
    assert stranger.page.get_by_text("A SHA-256 has 64 digits").first.is_visible()
    assert covered not in stranger.page.content()
