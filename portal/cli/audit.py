"""`counterpart audit verify`: check every chain of the directory and of every region."""

import json
import sys
from typing import Any

import click

from portal.app import create_app
from portal.audit import queries
from portal.kit.db import db, reading
from portal.residency.databases import regions


@click.group()
def audit() -> None:
    """The log."""


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(*, as_json: bool) -> None:
    """Check that every entry follows the one before it. Exit code 0 only if all hold."""
    report = check_everything()
    if as_json:
        click.echo(json.dumps(report))
    else:
        for finding in report["findings"]:
            click.echo(f"{finding['where']} {finding['chain']}: {finding['message']}")
        word = "hold" if report["ok"] else "do NOT hold"
        click.echo(f"{report['entries']} entries in {report['chains']} chains {word}.")
    sys.exit(0 if report["ok"] else 1)


def check_everything() -> dict[str, Any]:
    """Check all chains of this host; return `ok`, `entries`, `chains`, `findings`."""
    entries, chains, findings = 0, 0, []
    with create_app().app_context():
        reading.set(True)
        for where, session in [
            ("directory", db.session()),
            *((f"region {found.region.name}", session) for found, session in regions().each()),
        ]:
            count, wrong = queries.check(session)
            entries += count
            chains += queries.count_chains(session)
            findings += [
                {"where": where, "chain": f.chain, "seq": f.seq, "message": f.message}
                for f in wrong
            ]
    return {"ok": not findings, "entries": entries, "chains": chains, "findings": findings}
