"""`counterpart migrate`, `serve` and `work`."""

import logging
import signal
import sys
import threading
from collections.abc import Iterator

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from sqlalchemy import Engine, select

from portal.app import create_app
from portal.evidence.actions import keep_logs
from portal.kit import clock
from portal.kit import migrate as migrations
from portal.kit.db import db
from portal.notices.actions import deliver_due
from portal.notices.smtp import sender_for
from portal.renewals import actions as renewals
from portal.renewals.queries.term import due_contracts
from portal.residency.databases import RegionDatabase, regions
from portal.residency.models import RegionIdentity
from portal.signing import jobs


@click.command()
def migrate() -> None:
    """Bring the directory and every region to the newest migration."""
    app = create_app()
    for name, before, after in migrate_all(app):
        click.echo(f"{name}: {'at' if before == after else 'migrated to'} {after}")


def migrate_all(app: Flask) -> list[tuple[str, str | None, str | None]]:
    """Migrate the directory, then each region; name each new region database."""
    with app.app_context():
        done = [("directory", *migrations.upgrade(db.engine, "directory"))]
        for name, database in regions().databases.items():
            done.append((f"region {name}", *migrations.upgrade(database.engine, "region")))
            _name_region(database)
            database.check_identity()
    return done


def _name_region(database: RegionDatabase) -> None:
    with database.engine.begin() as connection:
        if connection.scalar(select(RegionIdentity.region)) is None:
            row = RegionIdentity.__table__.insert()
            connection.execute(row, {"region": database.region.name})


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn inside our command, on loopback by default."""

    def __init__(self, app: Flask, *, host: str, port: int) -> None:
        self.app, self.bind = app, f"{host}:{port}"
        super().__init__()

    def load_config(self) -> None:
        """Two processes of four threads, as measured best for one small machine."""
        for key, value in {
            "bind": self.bind,
            "workers": 2,
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
def serve(host: str, port: int) -> None:
    """Serve the portal."""
    app = create_app()
    with app.app_context():
        for name, engine in _engines():
            history = "directory" if name == "directory" else "region"
            if _revision(engine) != migrations.newest(history):
                sys.exit(f"{name} is not migrated: run `counterpart migrate`")
        for database in regions().databases.values():
            database.check_identity()
            database.engine.dispose()
        db.engine.dispose()
    took = jobs.self_test(app)
    click.echo(f"Signed and checked a deed in {took.total_seconds():.1f} s: signing works.")
    click.echo(f"Serving http://{host}:{port} (stop with Ctrl-C)")
    Server(app, host=host, port=port).run()


def _engines() -> Iterator[tuple[str, Engine]]:
    yield "directory", db.engine
    for name, database in regions().databases.items():
        yield f"region {name}", database.engine


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return migrations.current(connection)


@click.command()
@click.option("--once", is_flag=True, help="Do what is due and stop.")
@click.option("--every", default=2.0, show_default=True, help="Seconds between looks.")
def work(*, once: bool, every: float) -> None:
    """Deliver mail, prepare deeds, sign and seal what waits. Run as many as you like."""
    app = create_app()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    while True:
        work_once(app)
        if once or stop.wait(every):
            return


def work_once(app: Flask) -> None:
    """Do everything that is due, each job by itself: one that fails is logged, the rest go on."""
    with app.app_context():
        for job in JOBS:
            try:
                job(app)
            except Exception:  # the top of a worker loop is the one place that may go on
                logging.getLogger("counterpart.work").exception("%s failed", job.__name__)
                db.session.rollback()


def make_deeds(app: Flask) -> None:
    """Prepare deeds, apply signatures and seal what waits, in every region."""
    jobs.run_jobs(regions(), app.config["SETTINGS"], at=clock.now())


def sign_checkpoints(app: Flask) -> None:
    """Sign the checkpoints that are due in every region, and write the receipts they cover."""
    keep_logs(regions(), app.config["SETTINGS"], at=clock.now())


def keep_renewals(app: Flask) -> None:
    """Remind, close and renew what is due, each contract by itself."""
    base_url = app.config["SETTINGS"].base_url
    for _, session in regions().each():
        renewals.enrol(session, at=clock.now())
        for contract_id in due_contracts(session, at=clock.now()):
            session.rollback()
            try:
                renewals.keep_dates(session, contract_id, base_url=base_url, at=clock.now())
            except Exception:  # one contract that fails must not stop the dates of the others
                logging.getLogger("counterpart.work").exception("dates of %s failed", contract_id)
                session.rollback()
        session.rollback()


def deliver_directory_mail(app: Flask) -> None:
    """Hand over due mail about accounts."""
    settings = app.config["SETTINGS"]
    send = sender_for(settings, settings.home / "mail")
    deliver_due(db.session(), send, sender=settings.mail_from, at=clock.now())


def deliver_region_mail(app: Flask) -> None:
    """Hand over due mail about contracts, each region's by itself."""
    settings = app.config["SETTINGS"]
    for database, session in regions().each():
        send = sender_for(settings, database.region.mail_folder)
        deliver_due(session, send, sender=settings.mail_from, at=clock.now())


JOBS = (
    make_deeds,
    keep_renewals,
    sign_checkpoints,
    deliver_directory_mail,
    deliver_region_mail,
)
