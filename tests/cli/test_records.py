"""`counterpart contracts`, `export`, `verify` and `audit verify` over one sealed contract.

The commands are run as an operator types them, over a home folder, and judged by their exit code
and what they print.
"""

import hashlib
import json
import sqlite3
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from portal.app import create_app
from portal.contracts.models import Contract
from portal.kit import clock
from tests.cluster import copy_home
from tests.command import run
from tests.conftest import close, make_contract, settings_for
from tests.signing import stage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sealed(template_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home with one contract that four people signed, and its reference."""
    home = copy_home(template_home, tmp_path_factory.mktemp("sealed") / "home")
    app = create_app(settings_for(home))
    with app.app_context():
        regions = app.extensions["regions"]
        session = regions.session("eu")
        contract: Contract = make_contract(session, regions)
        at = clock.now() - timedelta(minutes=30)
        stage.freeze(session, contract, at=at)
        stage.work(session, regions, contract, at=at)
        for number, key in enumerate(stage.SIGNERS, 1):
            later = at + timedelta(minutes=number)
            stage.consent(session, contract, key, at=later)
            stage.sign(session, contract, key, at=later)
            stage.work(session, regions, contract, at=later)
        ref = contract.id
    close(app)
    return home, ref


@pytest.fixture
def own(sealed: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    """This test's own copy of that home, to be spoilt."""
    return copy_home(sealed[0], tmp_path / "home"), sealed[1]


def test_the_list_says_what_is_completed(sealed: tuple[Path, str]) -> None:
    home, ref = sealed
    rows = [json.loads(line) for line in run(home, "contracts", "--json").stdout.splitlines()]
    assert [(row["ref"], row["region"], row["state"]) for row in rows] == [(ref, "eu", "in_force")]
    assert set(rows[0]) == {
        "ref", "title", "state", "region", "vendor", "customer", "completed_at"
    }  # fmt: skip


def test_an_export_is_checked_without_the_portal(sealed: tuple[Path, str], tmp_path: Path) -> None:
    home, ref = sealed
    assert run(home, "export", ref, "--out", str(tmp_path)).exit_code == 0
    deed, terms = tmp_path / "deed.pdf", (tmp_path / "terms.json").read_bytes()
    verdict = run(home, "verify", str(deed), "--json")
    found = json.loads(verdict.stdout)
    assert (verdict.exit_code, found["ok"]) == (0, True)
    entries = [json.loads(line) for line in (tmp_path / "entries.jsonl").read_text().splitlines()]
    hashes = {entry["facts"].get("sha256") for entry in entries}
    assert hashlib.sha256(terms).hexdigest() in hashes
    sealed_as = {entry["facts"].get("deed_sha256") for entry in entries}
    assert hashlib.sha256(deed.read_bytes()).hexdigest() in sealed_as
    said = subprocess.run(["pdfsig", deed], capture_output=True, text=True, check=False).stdout
    # Four signers, the portal's certification and its seal; the archive time stamp stands beside.
    assert said.count("Signature is Valid.") >= 6
    assert "Signature is Invalid" not in said


def test_a_deed_the_log_does_not_know_is_refused(sealed: tuple[Path, str], tmp_path: Path) -> None:
    home, ref = sealed
    run(home, "export", ref, "--out", str(tmp_path))
    content = bytearray((tmp_path / "deed.pdf").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "changed.pdf").write_bytes(content)
    verdict = run(home, "verify", str(tmp_path / "changed.pdf"), "--json")
    found = json.loads(verdict.stdout)
    assert (verdict.exit_code, found["ok"]) == (1, False)
    assert found["findings"]


def test_an_untouched_log_holds(sealed: tuple[Path, str]) -> None:
    verdict = run(sealed[0], "audit", "verify", "--json")
    found = json.loads(verdict.stdout)
    assert (verdict.exit_code, found["ok"], found["findings"]) == (0, True, [])
    assert found["entries"] > 8


TAMPERINGS = {
    "edit": "UPDATE entries SET body = replace(body, 'signed', 'refuse') WHERE seq = 4",
    "delete": "DELETE FROM entries WHERE seq = 3",
    "insert": "INSERT INTO entries (chain, seq, prev, hash, at, event, body) "
    "SELECT chain, seq + 1, hash, 'abc', at, event, body FROM entries ORDER BY seq DESC LIMIT 1",
    "reorder": "UPDATE entries SET body = (SELECT other.body FROM entries AS other "
    "WHERE other.chain = entries.chain AND other.seq = 7 - entries.seq) WHERE seq IN (3, 4)",
}


@pytest.mark.parametrize("kind", TAMPERINGS)
@pytest.mark.sqlite_only("what an operator does with the file; tests/audit does it on both")
def test_an_operator_who_tampers_with_the_log_is_found(own: tuple[Path, str], kind: str) -> None:
    home, ref = own
    with sqlite3.connect(home / "regions" / "eu" / "region.db") as database:
        walls = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'entries'"
        ).fetchall()
        for (name,) in walls:
            database.execute(f'DROP TRIGGER "{name}"')
        changed = database.execute(TAMPERINGS[kind]).rowcount
    database.close()
    assert changed >= 1
    verdict = run(home, "audit", "verify", "--json")
    found = json.loads(verdict.stdout)
    assert (verdict.exit_code, found["ok"]) == (1, False)
    assert ref in {finding["chain"] for finding in found["findings"]}


def test_codes_are_shown_in_demo_homes_only(sealed: tuple[Path, str]) -> None:
    refused = run(sealed[0], "demo", "code", "cleo")
    assert refused.exit_code == 1
    assert "not a demo home" in refused.output
