"""`counterpart doctor` and the health pages: each fault is seen, and named with what mends it."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import time_machine
from click.testing import CliRunner
from flask import Flask

from portal.app import create_app
from portal.audit.actions import record
from portal.cli import main
from portal.kit import clock
from portal.kit.db import transaction
from portal.operations.rules import age_words, days_left, is_ready, judged
from tests import cast
from tests.cluster import cluster, databases_of
from tests.conftest import close, make_contract, settings_for


def look(home: Path) -> dict[str, dict[str, str]]:
    """Run the doctor over a home; return its checks by name."""
    answer = CliRunner().invoke(
        main, ["doctor", "--json"], env={**os.environ, "COUNTERPART_HOME": str(home)}
    )
    assert answer.stdout, answer.exception
    found = json.loads(answer.stdout)
    assert answer.exit_code == (0 if found["ok"] else 1)
    return {row["name"]: row for row in found["checks"]}


@pytest.fixture
def lived_in(home: Path) -> Path:
    """A home with a contract and an entry."""
    app = create_app(settings_for(home))
    with app.app_context():
        regions = app.extensions["regions"]
        session = regions.session("eu")
        contract = make_contract(session, regions)
        with transaction(session):
            record(
                session, contract.id, "negotiation:round:sent", actor=cast.actor("ada").log,
                at=clock.now(),
            )  # fmt: skip
    close(app)
    return home


@pytest.mark.both_engines
@pytest.mark.slow
def test_a_sound_home_has_forty_kinds_of_checks_and_no_error(lived_in: Path) -> None:
    checks = look(lived_in)
    kinds = {name.partition(" (")[0] for name in checks}
    assert len(kinds) >= 40
    # The tests' own server keeps nothing on a disk, and the doctor says so.
    unsafe = ("fsync", "synchronous commit", "full page writes")
    errors = [row for row in checks.values() if row["level"] == "error"]
    assert [row for row in errors if not row["name"].startswith(unsafe)] == []
    assert all(row["mend"] for row in checks.values() if row["level"] != "good")


@pytest.mark.slow
def test_a_key_older_than_its_days_is_a_warning_with_its_command(home: Path) -> None:
    past = clock.now().timestamp() - timedelta(days=731).total_seconds()
    os.utime(home / "keys" / "region-eu.key", (past, past))
    checks = look(home)
    assert checks["key age (region-eu)"]["level"] == "warning"
    assert checks["key age (region-eu)"]["mend"] == "counterpart keys rotate region-eu"
    assert checks["key age (directory)"]["level"] == "good"


@pytest.mark.slow
def test_debug_mode_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert look(home)["debug"]["level"] == "error"


def loosen(home: Path) -> None:
    (home / "keys" / "region-eu.key").chmod(0o644)


def share(home: Path) -> None:
    (home / "keys" / "region-us.key").write_bytes((home / "keys" / "region-eu.key").read_bytes())


def damage(home: Path) -> None:
    (home / "keys" / "signing.json").write_text("{}")


ON_POSTGRESQL = {
    "DROP TRIGGER entries_no_update": "DROP TRIGGER entries_no_update ON entries",
    "DROP TRIGGER entries_no_delete": "DROP TRIGGER entries_no_delete ON entries",
    "DROP TRIGGER region_identity_no_update":
        "DROP TRIGGER region_identity_no_update ON region_identity",
}  # fmt: skip


def breach(home: Path) -> None:
    run_sql(home, "DROP TRIGGER entries_no_update")


def weaken(home: Path) -> None:
    run_sql(home, "DROP TRIGGER entries_no_delete",
            "CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries WHEN 0 "
            "BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END")  # fmt: skip


def forge(home: Path) -> None:
    run_sql(home, "DROP TRIGGER entries_no_update", "UPDATE entries SET body = body || ' '")


def rename(home: Path) -> None:
    run_sql(home, "DROP TRIGGER region_identity_no_update",
            "UPDATE region_identity SET region = 'us'")  # fmt: skip


def go_back(home: Path) -> None:
    run_sql(home, "UPDATE alembic_version SET version_num = '0001'")


def run_sql(home: Path, *statements: str) -> None:
    """Do what an operator with the file, or the owner of the tables, could do."""
    name = databases_of(home).get("eu")
    if name:
        with psycopg.connect(cluster().address(name)) as owner:
            for statement in statements:
                owner.execute(ON_POSTGRESQL.get(statement, statement))
        return
    with closing(sqlite3.connect(home / "regions" / "eu" / "region.db")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a key anybody reads": (loosen, "key mode (region-eu.key)"),
    "regions with one key": (share, "keys differ"),
    "damaged signing keys": (damage, "keys open"),
    "a wall removed": (breach, "walls (region eu)"),
    "a wall made weaker": (weaken, "walls (region eu)"),
    "an entry changed": (forge, "log chains (region eu)"),
    "addresses swapped": (rename, "identity (region eu)"),
    "a migration missing": (go_back, "migrations (region eu)"),
}


@pytest.mark.both_engines(name={"a wall removed", "an entry changed", "addresses swapped"})
@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.slow
def test_a_fault_is_found_and_comes_with_what_mends_it(lived_in: Path, name: str) -> None:
    spoil, expected = FAULTS[name]
    look(lived_in)
    spoil(lived_in)
    found = look(lived_in)[expected]
    assert found["level"] == "error"
    assert len(found["mend"]) > 10


@pytest.mark.slow
def test_a_clock_behind_the_log_is_an_error_and_takes_the_portal_out(lived_in: Path) -> None:
    with time_machine.travel(clock.now() - timedelta(hours=1)):
        assert look(lived_in)["clock"]["level"] == "error"
        app = create_app(settings_for(lived_in))
        answer = app.test_client().get("/readyz")
        close(app)
    assert (answer.status_code, answer.json) == (503, {"ok": False, "failing": ["clock"]})


def test_a_living_and_ready_portal_says_so_to_anybody(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/livez").json == {"ok": True}
    assert client.get("/readyz").json == {"ok": True, "failing": []}


def test_a_portal_with_a_missing_migration_lives_but_is_not_ready(home: Path) -> None:
    go_back(home)
    app = create_app(settings_for(home))
    client = app.test_client()
    assert client.get("/livez").status_code == 200
    answer = client.get("/readyz")
    close(app)
    assert answer.status_code == 503
    assert answer.json["failing"] == ["migrations (region eu)"]


@pytest.mark.slow
def test_old_mail_says_that_no_worker_runs(lived_in: Path) -> None:
    app = create_app(settings_for(lived_in))
    with app.app_context():
        from portal.notices.actions import write_mail

        session = app.extensions["regions"].session("eu")
        with transaction(session):
            write_mail(
                session, chain="x", dedupe="x", recipient="cleo@harbour.example", name="Cleo",
                subject="Your turn", text="Your turn", at=clock.now() - timedelta(hours=3),
            )  # fmt: skip
    close(app)
    found = look(lived_in)["mail on its way (region eu)"]
    assert (found["level"], found["said"]) == ("error", "the oldest waits 3 hours")


def test_warnings_alone_leave_a_portal_ready() -> None:
    from portal.operations.rules import Level

    warned = judged("disk (home)", "", holds=False, mend="x", otherwise=Level.WARNING)
    assert is_ready([warned])
    assert not is_ready([judged("disk (home)", "", holds=False, mend="x")])
    assert is_ready([judged("mail", "", holds=False, mend="x")])


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=1), "1 second"),
        (timedelta(minutes=59), "59 minutes"),
        (timedelta(hours=25), "1 day"),
        (timedelta(seconds=-5), "0 seconds"),
    ],
)
def test_an_age_is_told_in_one_unit(age: timedelta, words: str) -> None:
    assert age_words(age) == words


def test_days_left_turn_negative_after_the_end() -> None:
    at = clock.now()
    assert days_left(at + timedelta(days=3, hours=1), at) == 3
    assert days_left(at - timedelta(hours=1), at) == -1
