"""Outside time stamps: never a bogus one, through the list, pending until one comes; renewal."""

import subprocess
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit.queries import lines
from portal.contracts.models import Contract
from portal.contracts.queries import current_version, state
from portal.contracts.rules.life import State
from portal.kit import clock
from portal.notices.models import RegionMail
from portal.residency.actions import read_document
from portal.residency.databases import Regions
from portal.settings.rules import Authority, Settings
from portal.signing import keys, queries
from portal.signing.jobs import renew_deeds, stamp_deeds
from portal.signing.models import Deed, SealFailure
from portal.signing.validation import validate
from tests.conftest import settings_for
from tests.signing.authority import Server, root_file, serving
from tests.tampering import walls_down

pytestmark = pytest.mark.home("sealed_home")
FAULTS = ("another nonce", "another imprint", "expired", "foreign", "clock", "slow", "refuses",
          "broken", "no list")  # fmt: skip


def with_authorities(regions: Regions, folder: Path, *servers: Server, wait: float = 1) -> Settings:
    """Return this home's settings with authorities, in order."""
    plain = settings_for(regions["eu"].region.key_file.parents[1])
    found = tuple(
        Authority(server.url, root_file(server, folder), timedelta(seconds=wait))
        for server in servers
    )
    return replace(plain, authorities=found)


def waits_for_stamp(session: Session) -> None:
    """Make the sealed deed one that was sealed while an authority was configured."""
    with walls_down(session, tables={"deeds"}) as connection:
        connection.exec_driver_sql("UPDATE deeds SET stamp_due = 1 WHERE kind = 'sealed'")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.slow
def test_a_bogus_stamp_is_never_taken_and_the_deed_says_pending(
    eu: Session, regions: Regions, contract: Contract, tmp_path: Path, fault: str
) -> None:
    waits_for_stamp(eu)
    at, before = clock.now(), len(lines(eu, contract.id))
    eu.rollback()
    with serving(fault) as bad:
        settings = with_authorities(regions, tmp_path, bad)
        assert stamp_deeds(regions, settings, at=at) == 0
        # Not tried again before the pause is over.
        asked = bad.asked
        assert stamp_deeds(regions, settings, at=at + timedelta(seconds=59)) == 0
        assert bad.asked == asked
    eu.expire_all()
    assert len(lines(eu, contract.id)) == before
    assert eu.scalar(select(func.count()).select_from(SealFailure)) == 1
    told = queries.sealing_state(eu, contract)
    assert told is not None
    assert (told.is_sealed, "time stamp pending" in told.words) == (True, True)
    assert state(contract, today=at.date()) in {State.COMPLETED, State.IN_FORCE}
    assert eu.scalar(select(func.count()).where(Deed.kind == "sealed")) == 1


@pytest.mark.slow
def test_the_list_is_gone_through_and_the_stamp_proves_the_time_offline(
    eu: Session, regions: Regions, contract: Contract, tmp_path: Path
) -> None:
    waits_for_stamp(eu)
    at = clock.now()
    eu.rollback()
    with serving("foreign") as bad, serving() as good:
        settings = with_authorities(regions, tmp_path, bad, good, wait=10)
        assert stamp_deeds(regions, settings, at=at) == 1
        assert stamp_deeds(regions, settings, at=at) == 0
    eu.expire_all()
    version = current_version(contract)
    assert version is not None
    deed = queries.latest_deed(eu, version)
    assert deed is not None
    assert (deed.kind, deed.stamp_due) == ("stamped", 0)
    entry = lines(eu, contract.id)[-1]
    assert (entry.event, entry.facts["deed_sha256"]) == ("signing:deed:stamped", deed.sha256)
    mails = eu.scalars(select(RegionMail).where(RegionMail.subject.contains("stamped"))).all()
    assert len(mails) == 4
    assert all(deed.sha256 in mail.text for mail in mails)
    pdf = read_document(eu, regions["eu"], queries.document_of(eu, deed))
    bundle = keys.root_pem(settings)
    for later in (timedelta(minutes=5), timedelta(hours=2), timedelta(days=400)):
        report = validate(pdf, root_pem=bundle, known_sha256=deed.sha256, at=at + later)
        assert report.ok, (later, report.errors())
    assert report.signatures[-1].time_source == "a time-stamp authority"
    assert report.signatures[-1].trusted
    renewed, renewed_at = renewed_before_its_end(eu, regions, settings, deed)
    report = validate(renewed, root_pem=bundle, at=renewed_at + timedelta(days=8 * 365.25))
    assert report.ok, report.errors()
    assert renewed.startswith(pdf)
    alone = validate(pdf, root_pem=keys.root_pem(settings_for(settings.home)), at=at)
    assert not alone.ok
    file = tmp_path / "deed.pdf"
    file.write_bytes(pdf)
    assert subprocess.run(["qpdf", "--check", file], capture_output=True).returncode == 0
    said = subprocess.run(["pdfsig", "-nocert", file], capture_output=True, text=True).stdout
    assert said.count("Signature is Valid") >= 6


def renewed_before_its_end(
    session: Session, regions: Regions, settings: Settings, deed: Deed
) -> tuple[bytes, datetime]:
    """Renew a stamped deed in time, after its authority is gone; return the file and when."""
    assert deed.renew_by is not None
    near, version_id = deed.renew_by - timedelta(days=80), deed.version_id
    session.rollback()
    assert renew_deeds(regions, settings, at=near) == 1
    session.expire_all()
    newest = session.scalars(
        select(Deed).where(Deed.version_id == version_id).order_by(Deed.revision.desc())
    ).first()
    assert newest is not None
    assert newest.kind == "renewed"
    return read_document(session, regions["eu"], queries.document_of(session, newest)), near


@pytest.mark.slow
def test_a_proof_is_renewed_before_it_ends_and_lasts_on(
    eu: Session, regions: Regions, contract: Contract
) -> None:
    version = current_version(contract)
    assert version is not None
    sealed = queries.latest_deed(eu, version)
    assert sealed is not None
    assert sealed.renew_by is not None
    settings = settings_for(regions["eu"].region.key_file.parents[1])
    ends: datetime = sealed.renew_by
    eu.rollback()
    assert renew_deeds(regions, settings, at=clock.now()) == 0
    near = ends - timedelta(days=89)
    assert renew_deeds(regions, settings, at=near) == 1
    assert renew_deeds(regions, settings, at=near) == 0
    eu.expire_all()
    renewed = queries.latest_deed(eu, version)
    assert renewed is not None
    assert renewed.kind == "renewed"
    assert renewed.renew_by is not None
    assert renewed.renew_by > ends + timedelta(days=3000)
    assert lines(eu, contract.id)[-1].event == "signing:deed:renewed"
    pdf = read_document(eu, regions["eu"], queries.document_of(eu, renewed))
    later = ends + timedelta(days=400)
    report = validate(pdf, root_pem=keys.root_pem(settings), known_sha256=renewed.sha256, at=later)
    assert report.ok, report.errors()
