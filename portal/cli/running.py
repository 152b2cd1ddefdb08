"""`counterpart migrate` and `serve`."""

import sys
from collections.abc import Iterator

import click
from flask import Flask, current_app
from gunicorn.app.base import BaseApplication
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import SQLAlchemyError

from portal.app import create_app
from portal.contracts.actions import place_all
from portal.kit import clock, logs, metrics, rights, token
from portal.kit import migrate as migrations
from portal.kit.db import db, is_postgresql
from portal.plans.actions import plant_examples
from portal.residency.databases import RegionDatabase, WrongRegion, regions
from portal.residency.models import RegionIdentity
from portal.residency.queries import missing_parts
from portal.settings.rules import Settings, read_settings
from portal.signing import jobs
from portal.templates.actions import plant_shipped


@click.command()
@click.option("--dry-run", is_flag=True, help="print what would be done, and undo it")
def migrate(dry_run: bool) -> None:
    """Bring the directory and every region to the newest migration.

    Each database is one transaction of its own: one that fails stays as it was, the others go on,
    and the same command later does what is left.
    """
    app = create_app()
    with app.app_context():
        failed = [name for name in _places() if not _go_on(name, dry_run)]
        if failed:
            sys.exit(f"Not migrated: {', '.join(failed)}. Mend it and run this command again.")
        if not dry_run:
            _plant()


def _go_on(name: str, dry_run: bool) -> bool:
    """Migrate one database, or say what that would do; return whether it went well."""
    try:
        if dry_run:
            before, after, statements = migrations.rehearse(*_places()[name])
            click.echo(f"-- {name}: {'at' if before == after else f'from {before} to'} {after}")
            if before != after:
                click.echo("".join(f"{one};\n" for one in statements))
        else:
            before, after = _migrate(name)
            click.echo(f"{name}: {'at' if before == after else 'migrated to'} {after}")
    except (SQLAlchemyError, WrongRegion, migrations.BadDatabase) as error:
        click.echo(f"{name}: stays as it was: {error}", err=True)
        return False
    return True


def migrate_all(app: Flask) -> list[tuple[str, str | None, str | None]]:
    """Migrate the directory, then each region; name each new region database."""
    with app.app_context():
        done = [(name, *_migrate(name)) for name in _places()]
        _plant()
    return done


def _places() -> dict[str, tuple[Engine, str]]:
    """Return each database by its name, with its history."""
    found = {"directory": (db.engine, "directory")}
    for name, database in regions().databases.items():
        found[f"region {name}"] = (database.engine, "region")
    return found


def _migrate(name: str) -> tuple[str | None, str | None]:
    engine, history = _places()[name]
    done = migrations.upgrade(engine, history)
    role = current_app.config["SETTINGS"].serving_role
    if role and is_postgresql(engine):
        with engine.begin() as connection:
            rights.give(connection, role)
    if name != "directory":
        database = regions()[name.removeprefix("region ")]
        _name_region(database)
        database.check_identity()
        with database.open_session() as session:
            place_all(session, today=clock.now().date())
    return done


def _plant() -> None:
    plant_examples(db.session(), at=clock.now())
    plant_shipped(db.session(), at=clock.now())


def _name_region(database: RegionDatabase) -> None:
    with database.engine.begin() as connection:
        if connection.scalar(select(RegionIdentity.region)) is None:
            row = RegionIdentity.__table__.insert()
            connection.execute(row, {"region": database.region.name})


def refuse_incomplete(settings: Settings) -> None:
    """Stop before anything is opened where a region lacks one of its parts."""
    lacking = missing_parts(settings)
    if lacking:
        sys.exit("\n".join(["This portal does not start:", *lacking]))


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn inside our command, on loopback by default."""

    def __init__(self, app: Flask, *, host: str, port: int, processes: int) -> None:
        self.app, self.bind, self.processes = app, f"{host}:{port}", processes
        super().__init__()

    def load_config(self) -> None:
        """Two processes of four threads, as measured best for one small machine."""
        for key, value in {
            "bind": self.bind,
            "workers": self.processes,
            "threads": 4,
            "worker_class": "gthread",
            "preload_app": False,
            "loglevel": "warning",
            "proc_name": "counterpart",
            "control_socket_disable": True,
        }.items():
            if key in self.cfg.settings:
                self.cfg.set(key, value)

    def load(self) -> Flask:
        """Return the app of a worker process: engines are never shared over a fork."""
        return create_app()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--processes", default=2, show_default=True, type=click.IntRange(1, 64))
@click.option(
    "--untried", is_flag=True, help="Start without making, signing and checking a trial deed."
)
def serve(*, host: str, port: int, processes: int, untried: bool) -> None:
    """Serve the portal."""
    settings = read_settings()
    refuse_incomplete(settings)
    metrics.prepare(settings.metrics_folder, empty=True)
    logs.configure()
    app = create_app()
    with app.app_context():
        for name, engine in _engines():
            history = "directory" if name == "directory" else "region"
            if _revision(engine) != migrations.newest(history):
                sys.exit(f"{name} is not migrated: run `counterpart migrate`")
            _demand_role(name, engine, settings.serving_role)
        for database in regions().databases.values():
            database.check_identity()
            database.engine.dispose()
        db.engine.dispose()
    if not untried:
        _try_signing(app)
    _let_go_of_tokens(settings)
    click.echo(f"Serving http://{host}:{port} (stop with Ctrl-C)")
    Server(app, host=host, port=port, processes=processes).run()


def _let_go_of_tokens(settings: Settings) -> None:
    """A token's library is not used over a fork: each process opens it anew."""
    modules = {region.token.module for region in settings.regions.values() if region.token}
    if settings.own_seal is not None and settings.own_seal.module is not None:
        modules.add(settings.own_seal.module)
    for module in modules:
        token.close_all(module)


def _try_signing(app: Flask) -> None:
    try:
        took = jobs.self_test(app)
    except jobs.SelfTestFailed as failure:
        sys.exit(str(failure))
    click.echo(f"Signed and checked a deed in {took.total_seconds():.1f} s: signing works.")


def _demand_role(name: str, engine: Engine, role: str | None) -> None:
    """Refuse to serve as anybody but the role that is named for it: the owner may do too much."""
    if role and is_postgresql(engine):
        with engine.connect() as connection:
            found = connection.scalar(text("SELECT current_user"))
        if found != role:
            place = name.removeprefix("region ").upper()
            sys.exit(
                f"{name} is opened as {found}, and serving_role is {role}: "
                f"give the server its address in COUNTERPART_DATABASE_{place}"
            )


def _engines() -> Iterator[tuple[str, Engine]]:
    yield "directory", db.engine
    for name, database in regions().databases.items():
        yield f"region {name}", database.engine


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return migrations.current(connection)
