"""Sealing that cannot be done now: told to both sides and to the administrator, tried again, and
sealed once. The signatures stand all the same, and nothing is completed without a seal."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.contracts.queries import current_version, state
from portal.contracts.rules.life import State
from portal.kit import clock
from portal.notices.models import RegionMail
from portal.residency.databases import Regions
from portal.signing import queries
from portal.signing.keys import KEY_FILE
from portal.signing.models import Deed, SealFailure
from tests.signing import stage

pytestmark = pytest.mark.home("signed_home")
# A small disk of its own for the worker, with what was there before and room for little more.
ON_A_SMALL_DISK = """
mount -t tmpfs -o size=$1k none "$2" && cp -a "$3/." "$2" && shift 3 && exec "$@"
"""
ROOM = 64


def may_mount() -> bool:
    """Say whether this host lets a process have a disk of its own (a user namespace)."""
    tried = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


def full_disk(home: Path, try_to_seal: Callable[[], int]) -> None:
    """Let a worker seal whose document store is on a disk that is nearly full."""
    folder = home / "regions" / "eu" / "documents"
    held = Path(shutil.copytree(folder, home.parent / "held"))
    size = sum(path.stat().st_size // 4096 * 4 + 8 for path in held.rglob("*")) + ROOM
    counterpart = Path(sys.executable).with_name("counterpart")
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK, "sh", str(size),
         folder, held, counterpart, "work", "--once"],
        env={**os.environ, "COUNTERPART_HOME": str(home)}, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "No space left" in done.stderr


def unreadable_key(home: Path, try_to_seal: Callable[[], int]) -> None:
    """Seal while the portal's key cannot be read, not even by an administrator of the host."""
    key = home / "keys" / KEY_FILE
    aside = key.rename(key.with_name("aside"))
    key.mkdir()
    assert try_to_seal() == 0
    key.rmdir()
    aside.rename(key)


BREAKS: dict[str, tuple[Callable[[Path, Callable[[], int]], None], str]] = {
    "a full disk": (full_disk, "The document store takes no file now."),
    "a key nobody can read": (
        unreadable_key,
        "A file that the portal needs cannot be read or written now.",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BREAKS)
def test_a_seal_that_fails_is_told_tried_again_and_made_once(
    eu: Session, regions: Regions, contract: Contract, home: Path,
    client_as: Callable[[str], FlaskClient], name: str,
) -> None:  # fmt: skip
    if name == "a full disk" and not may_mount():
        pytest.skip("this host gives no process a disk of its own")
    breaks, words = BREAKS[name]
    ref = contract.id
    eu.rollback()
    breaks(home, lambda: stage.work(eu, regions, contract, at=clock.now()))
    eu.rollback()
    eu.expire_all()
    failure = eu.scalars(select(SealFailure)).one()
    failed_at: datetime = failure.at
    assert failure.message == words
    assert state(contract, today=failed_at.date()) is State.SEALING
    assert count(eu, "sealed") == 0
    assert stage.events(eu, contract)[-1] == "signing:deed:failed"
    told = eu.scalars(select(RegionMail).where(RegionMail.event == "signing:deed:failed")).all()
    assert [mail.recipient for mail in told] == ["op@portal.example"]
    assert contract.title not in told[0].text
    version = current_version(contract)
    assert version is not None
    assert all(line.is_signed for line in queries.signatures_of(eu, version))
    eu.rollback()
    for key in ("ada", "cleo"):
        page = client_as(key).get(f"/contracts/{ref}/signing").text
        assert "The deed is delayed" in page and words in page
        assert "Every signature made so far stands" in page
    eu.rollback()
    assert stage.work(eu, regions, contract, at=failed_at + timedelta(seconds=59)) == 0
    assert stage.work(eu, regions, contract, at=failed_at + timedelta(seconds=61)) == 1
    assert stage.work(eu, regions, contract, at=failed_at + timedelta(seconds=62)) == 0
    assert count(eu, "sealed") == 1
    assert stage.events(eu, contract).count("signing:deed:sealed") == 1
    eu.rollback()
    page = client_as("cleo").get(f"/contracts/{ref}/signing").text
    assert "The deed is delayed" not in page and "Signed and sealed" in page


def count(session: Session, kind: str) -> int:
    """Count the revisions of a kind."""
    return session.scalar(select(func.count()).select_from(Deed).where(Deed.kind == kind)) or 0
