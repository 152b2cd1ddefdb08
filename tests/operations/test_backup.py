"""Backups: made while people write, shut to who makes them, whole after the way back."""

import json
import os
import shutil
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from portal.app import create_app
from portal.audit.actions import record
from portal.audit.signer import signer_of
from portal.cli import main
from portal.cli.working import work_once
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.db import reading, transaction
from tests import cast
from tests.cluster import copy_home, databases_of, new_home
from tests.conftest import close, make_contract, settings_for
from tests.signing import stage

PLANTED = "Zanzibar-Title-7381"


def brought_back(home: Path, folder: Path, secret: Path) -> tuple[int, dict[str, Any]]:
    """Restore into a new home with every check; return the exit code and the report."""
    back = run(home, "restore", str(folder), "--identity", str(secret), "--verify", "--json")
    return back.exit_code, json.loads(back.stdout)


def run(home: Path, *words: str) -> Result:
    """Run a command over a home."""
    before = reading.get()
    done = CliRunner().invoke(main, list(words), env={**os.environ, "COUNTERPART_HOME": str(home)})
    reading.set(before)
    return done


@pytest.fixture(scope="module")
def full(template_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home with a contract that has a prepared deed, documents, entries and a checkpoint."""
    home = copy_home(template_home, tmp_path_factory.mktemp("full") / "home")
    app = create_app(settings_for(home))
    with app.app_context():
        regions = app.extensions["regions"]
        session = regions.session("eu")
        contract: Contract = make_contract(session, regions, title=PLANTED)
        at = clock.now() - timedelta(minutes=30)
        stage.freeze(session, contract, at=at)
        stage.work(session, regions, contract, at=at)
        stage.consent(session, contract, "ada", at=at)
        stage.sign(session, contract, "ada", at=at)
        work_once(app)
        ref = contract.id
    close(app)
    return home, ref


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, str]:
    """The file of a secret key that lies elsewhere, and its public half."""
    path = tmp_path / "elsewhere.key"
    made = CliRunner().invoke(main, ["backup-key", "--out", str(path)])
    assert path.stat().st_mode & 0o077 == 0
    return path, made.stdout.strip()


@pytest.mark.slow
@pytest.mark.both_engines
@pytest.mark.parametrize("into", ["the same engine", "the other engine"])
def test_a_backup_comes_back_whole(
    full: tuple[Path, str], key: tuple[Path, str], tmp_path: Path, into: str
) -> None:
    (home, ref), (secret, recipient) = full, key
    made = run(home, "backup", "--out", str(tmp_path / "b"), "--to", recipient, "--with-keys")
    assert made.exit_code == 0, made.output
    on_server = bool(databases_of(home)) == (into == "the same engine")
    again = new_home(tmp_path / "again") if on_server else tmp_path / "again"
    back = run(
        again, "restore", str(tmp_path / "b"), "--identity", str(secret), "--verify", "--json"
    )
    report = json.loads(back.stdout)
    assert (back.exit_code, report["ok"], report["findings"]) == (0, True, [])
    assert report["documents"] >= 2
    assert report["entries"] >= 4
    app = create_app(settings_for(again))
    with app.app_context():
        session = app.extensions["regions"].session("eu")
        contract = session.get_one(Contract, ref)
        assert contract.title == PLANTED
        at = clock.now()
        session.rollback()
        stage.consent(session, contract, "nia", at=at)
        stage.sign(session, contract, "nia", at=at)
    close(app)


def test_who_makes_backups_cannot_read_them(
    full: tuple[Path, str], key: tuple[Path, str], tmp_path: Path
) -> None:
    (home, ref), (_, recipient) = full, key
    run(home, "backup", "--out", str(tmp_path / "b"), "--to", recipient, "--with-keys")
    for path in (tmp_path / "b").glob("*.age"):
        content = path.read_bytes()
        assert content.startswith(b"age-encryption.org/v1")
        for text in (PLANTED, ref, "ada@northwind.example", "SQLite format 3"):
            assert text.encode() not in content
    other = tmp_path / "other.key"
    CliRunner().invoke(main, ["backup-key", "--out", str(other)])
    refused = run(tmp_path / "new", "restore", str(tmp_path / "b"), "--identity", str(other))
    assert refused.exit_code == 1
    assert "does not open" in refused.output
    assert not (tmp_path / "new" / "directory.db").exists()


def test_a_region_is_backed_up_alone(
    full: tuple[Path, str], key: tuple[Path, str], tmp_path: Path
) -> None:
    (home, _), (_, recipient) = full, key
    run(home, "backup", "--out", str(tmp_path / "eu"), "--to", recipient, "--only", "eu")
    assert {path.name for path in (tmp_path / "eu").iterdir()} == {"eu.tar.age", "manifest.json"}
    unknown = run(home, "backup", "--out", str(tmp_path / "x"), "--to", recipient, "--only", "mars")
    assert unknown.exit_code == 1


@pytest.mark.parametrize("fault", ["changed", "missing", "no recipient", "in use"])
def test_a_faulty_backup_is_refused_and_writes_nothing(
    full: tuple[Path, str], key: tuple[Path, str], tmp_path: Path, fault: str
) -> None:
    (home, _), (secret, recipient) = full, key
    folder, target = tmp_path / "b", tmp_path / "new"
    to = [] if fault == "no recipient" else ["--to", recipient]
    made = run(home, "backup", "--out", str(folder), *to)
    if fault == "no recipient":
        assert made.exit_code == 1
        assert not list(folder.glob("*")) if folder.exists() else True
        return
    part = folder / "us.tar.age"
    if fault == "changed":
        part.write_bytes(part.read_bytes()[:-1] + b"!")
    if fault == "missing":
        part.unlink()
    if fault == "in use":
        target = copy_home(home, target)
    before = {path for path in target.rglob("*") if path.is_file()} if target.exists() else set()
    refused = run(target, "restore", str(folder), "--identity", str(secret))
    assert refused.exit_code == 1
    after = {path for path in target.rglob("*") if path.is_file()} if target.exists() else set()
    assert after == before


@pytest.mark.slow
def test_an_older_backup_is_told_as_a_gap_with_its_range(
    full: tuple[Path, str], key: tuple[Path, str], tmp_path: Path
) -> None:
    (home, ref), (secret, recipient) = full, key
    own = copy_home(home, tmp_path / "own")
    run(own, "backup", "--out", str(tmp_path / "b"), "--to", recipient, "--with-keys")
    settings = settings_for(own)
    app = create_app(settings)
    with app.app_context():
        session = app.extensions["regions"].session("eu")
        before = len(_entries(session, ref, 3))
        with time_later():
            work_once(app)
        memory = signer_of(settings, settings.regions["eu"]).memory
    close(app)
    again = tmp_path / "again"
    target = settings_for(again).log_memory / memory.name
    target.parent.mkdir(parents=True)
    shutil.copy(memory, target)
    back = run(
        again, "restore", str(tmp_path / "b"), "--identity", str(secret), "--verify", "--json"
    )
    report = json.loads(back.stdout)
    assert (back.exit_code, report["ok"]) == (1, False)
    assert any("are missing (a gap)" in said for said in report["findings"]), report
    assert before == 3


def _entries(session, ref: str, count: int) -> list[str]:
    heads = []
    for _ in range(count):
        with transaction(session):
            heads.append(
                record(session, ref, "negotiation:round:sent", actor=cast.actor("ada").log,
                       at=clock.now())
            )  # fmt: skip
    return heads


def time_later():
    """Travel past the hour after which a checkpoint is due."""
    import time_machine

    return time_machine.travel(clock.now() + timedelta(hours=2))


@pytest.mark.slow
def test_a_backup_is_consistent_while_people_write(
    full: tuple[Path, str], key: tuple[Path, str], tmp_path: Path
) -> None:
    (home, ref), (secret, recipient) = full, key
    own = copy_home(home, tmp_path / "own")
    stop, written = threading.Event(), []

    app = create_app(settings_for(own))

    def write() -> None:
        with app.app_context(), app.extensions["regions"]["eu"].open_session() as session:
            while not stop.is_set():
                written.extend(_entries(session, ref, 1))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            made = run(own, "backup", "--out", str(tmp_path / str(number)), "--to", recipient,
                       "--with-keys")  # fmt: skip
            assert made.exit_code == 0, made.output
    finally:
        stop.set()
        writer.join()
        close(app)
    assert len(written) > 3
    for number in range(3):
        _, report = brought_back(tmp_path / f"again{number}", tmp_path / str(number), secret)
        assert report["findings"] == []
