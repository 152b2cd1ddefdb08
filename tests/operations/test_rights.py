"""A role that serves and owns nothing: people work as before, and what only grows only grows."""

import os
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import errors, sql
from sqlalchemy.orm import Session

from portal.app import create_app
from portal.cli import main
from portal.cli.running import migrate_all
from portal.contracts.models import Contract
from portal.kit import clock, rights
from portal.kit.db import open_engine
from portal.settings.rules import Settings, settings_from
from tests.cluster import PLACES, cluster, databases_of
from tests.conftest import close, make_contract, settings_for, sign_in
from tests.incidents import desk
from tests.negotiation.table import offer_all
from tests.operations.test_doctor import look
from tests.signing import stage

pytestmark = [pytest.mark.postgres_only, pytest.mark.slow]
ROLE = "counterpart_web"


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """A home whose owner named a role that serves; the addresses of that role."""
    admin = cluster().admin
    if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
    path = home / "counterpart.toml"
    path.write_text(f'serving_role = "{ROLE}"\n{path.read_text()}')
    owners = create_app(settings_for(home))
    migrate_all(owners)
    close(owners)
    names = databases_of(home)
    return {
        f"COUNTERPART_DATABASE_{place.upper()}": cluster().address(names[place], ROLE)
        for place in PLACES
    }


def serving(home: Path, environment: dict[str, str]) -> Settings:
    """Return the settings as the server reads them."""
    plain = settings_for(home)
    file = {
        "serving_role": plain.serving_role,
        "regions": {name: {"label": one.label} for name, one in plain.regions.items()},
    }
    return settings_from(home, file, environment)


def test_people_sign_and_the_role_can_change_nothing_that_only_grows(
    home: Path, environment: dict[str, str]
) -> None:
    app = create_app(serving(home, environment))
    app.config.update(WTF_CSRF_ENABLED=False)
    with app.app_context():
        regions = app.extensions["regions"]
        session: Session = regions.session("eu")
        contract: Contract = make_contract(session, regions)
        stage.freeze(session, contract)
        # A request, too, takes a deed as far as it goes.
        assert stage.work(session, regions, contract, at=clock.now()) == 1
        stage.consent(session, contract, "ada", at=clock.now())
        stage.sign(session, contract, "ada", at=clock.now())
        assert stage.work(session, regions, contract, at=clock.now()) == 1
        offer_all(session, make_contract(session, regions))
        served = make_contract(session, regions)
        desk.put_in_force(session, served, desk.terms_with(), at=desk.MONDAY - timedelta(days=30))
        desk.reported(session, served, key="dov")
        ref = contract.id
        regions.close()
    client = app.test_client()
    client.set_cookie("sid", sign_in(app, "ada"))
    assert client.get(f"/contracts/{ref}").status_code == 200
    assert client.get("/").status_code == 200
    close(app)
    # Every table that a wall keeps: asked for by the role itself, each change is refused.
    tried = 0
    for place in PLACES:
        owners = open_engine(settings_for(home).directory if place == "directory"
                             else settings_for(home).regions[place].database)  # fmt: skip
        with owners.connect() as connection:
            kept = rights.refused_always(connection)
            columns = {
                table: connection.exec_driver_sql(
                    f"SELECT column_name FROM information_schema.columns "
                    f"WHERE table_name = '{table}' LIMIT 1"
                ).scalar_one()
                for table in kept
            }
        owners.dispose()
        assert "entries" in kept
        address = environment[f"COUNTERPART_DATABASE_{place.upper()}"]
        with psycopg.connect(address, autocommit=True) as web:
            for table, events in kept.items():
                attacks = {
                    "UPDATE": f'UPDATE "{table}" SET "{columns[table]}" = "{columns[table]}"',
                    "DELETE": f'DELETE FROM "{table}"',
                }
                chosen = [attacks[one] for one in events]
                chosen += [f'TRUNCATE "{table}"', f'ALTER TABLE "{table}" DISABLE TRIGGER USER',
                           f'DROP TABLE "{table}"']  # fmt: skip
                for attack in (*chosen, "SET session_replication_role = replica"):
                    with pytest.raises(errors.InsufficientPrivilege):
                        web.execute(attack)
                    tried += 1
    assert tried > 100


def test_the_doctor_says_what_the_role_may_too_much(
    home: Path, environment: dict[str, str]
) -> None:
    assert look(home)["rights (region eu)"]["level"] == "good"
    with psycopg.connect(cluster().address(databases_of(home)["eu"])) as owner:
        owner.execute(f"GRANT UPDATE ON entries TO {ROLE}")
    found = look(home)["rights (region eu)"]
    assert (found["level"], found["said"]) == ("error", "entries: UPDATE (1 in all)")
    refused = CliRunner().invoke(main, ["serve"], env={**os.environ, "COUNTERPART_HOME": str(home)})
    assert refused.exit_code == 1 and f"serving_role is {ROLE}" in refused.output
