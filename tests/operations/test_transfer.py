"""From SQLite to PostgreSQL by one command: all of it, the same, into an empty database only."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from portal.app import create_app
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.cli import main
from portal.contracts.models import Contract
from portal.kit import clock, migrate
from portal.kit.db import open_engine, transaction
from tests.cluster import copy_home, new_home
from tests.conftest import close, make_contract, settings_for

TITLE = "Moved to a server"
pytestmark = [pytest.mark.slow, pytest.mark.sqlite_only("it is where a transfer begins")]


def run(home: Path, *words: object) -> Result:
    """Run a command over a home."""
    environment = {**os.environ, "COUNTERPART_HOME": str(home)}
    return CliRunner().invoke(main, [str(word) for word in words], env=environment)


@pytest.fixture(scope="module")
def lived_in(template_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a contract and entries."""
    home = copy_home(template_home, tmp_path_factory.mktemp("lived") / "home")
    app = create_app(settings_for(home))
    with app.app_context():
        regions = app.extensions["regions"]
        session = regions.session("eu")
        contract = make_contract(session, regions, TITLE)
        for number in range(3):
            with transaction(session):
                record(session, contract.id, "round:sent", actor=PORTAL, at=clock.now(),
                       facts={"number": number})  # fmt: skip
        regions.close()
    close(app)
    return home


def test_everything_is_there_and_the_same_and_the_portal_goes_on(
    lived_in: Path, tmp_path: Path
) -> None:
    home = copy_home(lived_in, tmp_path / "home")
    there = new_home(tmp_path / "there") / "counterpart.toml"
    done = run(home, "transfer", "--to", there)
    assert done.exit_code == 0, done.output
    assert "region eu\tcontracts\t1\t" in done.stdout
    assert "3 entries of the log hold" in done.stdout
    again = run(home, "transfer", "--to", there)
    assert again.exit_code == 0 and again.stdout.count("there already") == 3
    (home / "counterpart.toml").write_bytes(there.read_bytes())
    app = create_app(settings_for(home))
    with app.app_context():
        session = app.extensions["regions"].session("eu")
        contract = session.query(Contract).one()
        assert contract.title == TITLE
        with transaction(session):
            record(session, contract.id, "round:sent", actor=PORTAL, at=clock.now())
        app.extensions["regions"].close()
    close(app)


def test_a_target_that_is_not_empty_is_refused_and_stays_as_it_was(
    lived_in: Path, tmp_path: Path
) -> None:
    home = copy_home(lived_in, tmp_path / "home")
    there = new_home(tmp_path / "there")
    assert run(there, "migrate").exit_code == 0
    done = run(home, "transfer", "--to", there / "counterpart.toml")
    assert done.exit_code == 1 and "not empty" in done.output
    app = create_app(settings_for(there))
    with app.app_context():
        assert app.extensions["regions"].session("eu").query(Contract).count() == 0
        app.extensions["regions"].close()
    close(app)


def test_a_copy_that_fails_half_way_leaves_nothing_and_can_be_repeated(
    lived_in: Path, tmp_path: Path
) -> None:
    home = copy_home(lived_in, tmp_path / "home")
    there = new_home(tmp_path / "there")
    target = open_engine(settings_for(there).regions["eu"].database)
    migrate.upgrade(target, "region")
    with target.begin() as connection:
        connection.execute(text("ALTER TABLE signer_slots ADD CONSTRAINT never CHECK (false)"))
    failed = run(home, "transfer", "--to", there / "counterpart.toml")
    assert failed.exit_code == 1
    with target.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM contracts")).scalar() == 0
        connection.execute(text("ALTER TABLE signer_slots DROP CONSTRAINT never"))
    target.dispose()
    done = run(home, "transfer", "--to", there / "counterpart.toml")
    assert done.exit_code == 0, done.output
    assert "directory: there already" in done.stdout and "region eu: copied" in done.stdout
