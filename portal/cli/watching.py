"""`counterpart metrics` and `siem`: what a monitor reads."""

import json
import sys
from pathlib import Path

import click
from flask import Flask, current_app
from sqlalchemy.orm import Session

from portal.app import create_app
from portal.kit import clock
from portal.kit.db import db, reading
from portal.kit.files import replace
from portal.operations import prometheus
from portal.operations.queries import Subject
from portal.operations.queries.figures import Figure, figures
from portal.operations.queries.siem import events_after
from portal.residency.databases import regions


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=9109, show_default=True, type=click.IntRange(1, 65535))
@click.option("--once", is_flag=True, help="Print them and stop.")
def metrics(host: str, port: int, *, once: bool) -> None:
    """Serve the metrics for Prometheus on a port of their own; they name no tenant."""
    app = create_app()
    folder: Path = app.config["SETTINGS"].metrics_folder
    registry = prometheus.registry_of(folder, lambda: ask(app))
    if once:
        click.echo(prometheus.text_of(registry))
        return
    click.echo(f"Metrics on http://{host}:{port}/metrics (stop with Ctrl-C)")
    prometheus.serve(registry, host=host, port=port)


def ask(app: Flask) -> list[Figure]:
    """Return the figures of now, read beside whatever is being written."""
    before = reading.set(True)
    try:
        with app.app_context():
            subject = Subject(current_app.config["SETTINGS"], regions(), clock.now())
            return list(figures(subject))
    finally:
        reading.reset(before)


@click.command()
@click.option(
    "--state", required=True, type=click.Path(dir_okay=False, path_type=Path),
    help="Where the cursor is kept; without the file it begins at the first entry.",
)  # fmt: skip
def siem(state: Path) -> None:
    """Print the entries since the last run as OCSF events, one JSON object a line.

    The cursor moves only after the lines are out: an entry may come twice, none is left out.
    """
    app = create_app()
    cursors = json.loads(state.read_text("utf-8")) if state.exists() else {}
    before = reading.set(True)
    try:
        with app.app_context():
            places: dict[str, Session] = {"directory": db.session()}
            places |= {one.region.name: session for one, session in regions().each()}
            for place, session in places.items():
                cursors[place] = _print(place, session, int(cursors.get(place, 0)))
    finally:
        reading.reset(before)
    sys.stdout.flush()
    replace(state, json.dumps(cursors).encode())


def _print(place: str, session: Session, cursor: int) -> int:
    while True:
        last = cursor
        for position, event in events_after(place, session, cursor):
            click.echo(json.dumps(event, sort_keys=True))
            last = position
        if last == cursor:
            return cursor
        cursor = last
