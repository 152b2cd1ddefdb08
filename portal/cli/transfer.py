"""`counterpart transfer`: from these databases to empty ones, of the other engine or the same."""

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine, MetaData
from sqlalchemy.orm import Session

from portal.app import create_app
from portal.audit import queries as log
from portal.kit import migrate
from portal.kit.db import REGIONAL, db, open_engine, reading
from portal.kit.transfer import NotEmpty, NotTheSame, compare_databases, copy_database
from portal.residency.databases import regions
from portal.settings.rules import Settings, read_settings, settings_from


@click.command()
@click.option(
    "--to", "there", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="a settings file with the new addresses, as counterpart.toml will have them",
)  # fmt: skip
def transfer(there: Path) -> None:
    """Copy the directory and every region into empty databases, and compare each table.

    Stop the server and the workers first. Each database is copied in one transaction; one that was
    copied before an interruption is compared again and left as it is.
    """
    settings = read_settings()
    new = settings_from(settings.home, tomllib.loads(there.read_text("utf-8")), {})
    _demand_others(settings, new)
    app = create_app(settings)
    reading.set(True)
    with app.app_context():
        plain = db.metadatas[None]
        _carry("directory", db.engine, new.directory, "directory", plain, {})
        for name, database in regions().databases.items():
            if name not in new.regions:
                sys.exit(f"region {name}: {there.name} gives it no database")
            address, regional = new.regions[name].database, db.metadatas[REGIONAL]
            _carry(f"region {name}", database.engine, address, "region", regional, {"region": name})
    click.echo(f"All is there and the same. Put the addresses of {there.name} in counterpart.toml.")


def _demand_others(settings: Settings, new: Settings) -> None:
    same = [name for name in new.regions if _address(settings, name) == _address(new, name)]
    if settings.directory == new.directory or same:
        sys.exit("The new addresses must all be others than the present ones.")


def _address(settings: Settings, name: str) -> str | None:
    return settings.regions[name].database if name in settings.regions else None


def _carry(
    where: str, source: Engine, address: str, history: str, metadata: MetaData,
    info: Mapping[str, Any],
) -> None:  # fmt: skip
    reading.set(False)
    target = open_engine(address)
    try:
        migrate.upgrade(target, history)
        try:
            copied, how = copy_database(source, target, metadata), "copied"
        except NotEmpty as error:
            copied, how = _compared_again(where, source, target, metadata, error), "there already"
    except NotTheSame as error:
        sys.exit(f"{where}: {error}. Nothing was kept.")
    else:
        for one in copied:
            click.echo(f"{where}\t{one.table}\t{one.rows}\t{one.sha256}")
        click.echo(f"{where}: {how}, {sum(one.rows for one in copied)} rows; {_log(target, info)}")
    finally:
        target.dispose()


def _compared_again(
    where: str, source: Engine, target: Engine, metadata: MetaData, error: NotEmpty
) -> Any:
    try:
        return compare_databases(source, target, metadata)
    except NotTheSame:
        sys.exit(f"{where}: the target is not empty ({error}), and not a copy. Nothing was done.")


def _log(target: Engine, info: Mapping[str, Any]) -> str:
    """Verify the chains of the log where they are now; end the command where one does not hold."""
    with Session(target, info=dict(info)) as session:
        count, wrong = log.check(session)
    if wrong:
        sys.exit(f"The log does not hold in the copy: {wrong[0].message}")
    return f"{count} entries of the log hold"
