"""Migrating: a rehearsal changes nothing; the same words finish what was interrupted."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from portal.cli import main
from portal.kit import migrate
from portal.kit.db import open_engine
from tests.cluster import new_home
from tests.conftest import settings_for

pytestmark = pytest.mark.slow


def run(home: Path, *words: str) -> Result:
    """Run the command over a home."""
    environment = {**os.environ, "COUNTERPART_HOME": str(home)}
    return CliRunner().invoke(main, ["migrate", *words], env=environment)


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_rehearsal_prints_and_changes_nothing_and_a_failed_region_is_made_up_for(
    tmp_path: Path, kind: str
) -> None:
    home = new_home(tmp_path / "home") if kind == "postgres" else tmp_path / "home"
    rehearsed = run(home, "--dry-run")
    assert rehearsed.exit_code == 0, rehearsed.output
    assert f"-- region us: from None to {migrate.newest('region')}" in rehearsed.stdout
    assert rehearsed.stdout.count("CREATE TABLE contracts") == 2
    target = open_engine(settings_for(home).regions["us"].database)
    with target.begin() as connection:
        assert migrate.current(connection) is None
        connection.execute(text("CREATE TABLE incidents (x INTEGER)"))
    failed = run(home)
    assert failed.exit_code == 1 and "Not migrated: region us" in failed.output
    assert "region eu: migrated to" in failed.stdout
    with target.begin() as connection:
        assert migrate.current(connection) is None, "nothing of it was kept"
        connection.execute(text("DROP TABLE incidents"))
    target.dispose()
    done = run(home)
    assert done.exit_code == 0, done.output
    assert "region eu: at" in done.stdout and "region us: migrated to" in done.stdout
