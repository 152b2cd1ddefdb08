"""`counterpart doctor`: everything that should hold, and the line that mends what does not."""

import json
import sys

import click

from portal.app import create_app
from portal.kit import clock
from portal.kit.db import reading
from portal.operations.queries import Subject, every_check
from portal.operations.rules import Level, is_well
from portal.residency.databases import regions


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--all", "show_all", is_flag=True, help="Also print what holds.")
def doctor(*, as_json: bool, show_all: bool) -> None:
    """Look at the whole portal. Exit code 0 when nothing is an error; warnings are told."""
    app = create_app()
    with app.app_context():
        reading.set(True)
        checks = list(every_check(Subject(app.config["SETTINGS"], regions(), clock.now())))
    well = is_well(checks)
    if as_json:
        rows = [{"name": c.name, "level": c.level, "said": c.said, "mend": c.mend} for c in checks]
        click.echo(json.dumps({"ok": well, "checks": rows}, ensure_ascii=False))
    else:
        for check in checks:
            if show_all or check.level is not Level.GOOD:
                click.echo(check.line)
        bad = sum(check.level is Level.ERROR for check in checks)
        warn = sum(check.level is Level.WARNING for check in checks)
        click.echo(f"{len(checks)} checks: {bad} errors, {warn} warnings.")
    sys.exit(0 if well else 1)
