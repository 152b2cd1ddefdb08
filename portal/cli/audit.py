"""`counterpart audit verify`: check every chain, every tree and every checkpoint of this host."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from flask import current_app

from portal.app import create_app
from portal.audit import queries
from portal.audit.rules import BadNote, BadReceipt, Receipt, read_receipt
from portal.audit.signer import Signer, signer_of
from portal.kit import clock
from portal.kit.db import db, reading
from portal.operations.actions import remember_check
from portal.residency.databases import regions
from portal.residency.rules import region_of


@click.group()
def audit() -> None:
    """The log."""


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--receipt", "held", multiple=True, type=click.Path(path_type=Path),
    help="A receipt somebody holds (a saved mail). May be given more than once.",
)  # fmt: skip
def verify(held: tuple[Path, ...], *, as_json: bool) -> None:
    """Check that every entry follows the one before it, and that the log extends what was signed.

    Each region's entries are held against its signed checkpoints, and against the signer's memory,
    which lies outside the database. Exit code 0 only if all hold; 2 if a receipt cannot be read.
    """
    report = check_everything([_receipt(path) for path in held])
    if as_json:
        click.echo(json.dumps(report))
    else:
        for finding in report["findings"]:
            where = " ".join(filter(None, (finding["where"], finding["chain"])))
            click.echo(f"{where}: {finding['message']}")
        word = "hold" if report["ok"] else "do NOT hold"
        click.echo(
            f"{report['entries']} entries in {report['chains']} chains, under "
            f"{report['checkpoints']} checkpoints, {word}."
        )
    sys.exit(0 if report["ok"] else 1)


def _receipt(path: Path) -> Receipt:
    try:
        return read_receipt(path.read_bytes())
    except (OSError, BadReceipt) as error:
        click.echo(f"{path}: {error}", err=True)
        sys.exit(2)


def check_everything(receipts: Iterable[Receipt] = ()) -> dict[str, Any]:
    """Check all logs of this host; return `ok`, the counts, and `findings`."""
    receipts = list(receipts)
    with create_app().app_context():
        reading.set(True)
        report = _counted("directory", db.session())
        for found, session in regions().each():
            name = found.region.name
            _add(report, _counted(f"region {name}", session))
            signer = signer_of(current_app.config["SETTINGS"], found.region)
            mine = [receipt for receipt in receipts if _issued_by(receipt, signer, name)]
            report["checkpoints"] += len(queries.checkpoint_sizes(session))
            report["findings"] += [
                {"where": f"region {name}", "chain": "", "seq": None, "message": message}
                for message in queries.check_tree(session, signer, mine)
            ]
            receipts = [receipt for receipt in receipts if receipt not in mine]
        settings = current_app.config["SETTINGS"]
        remember_check(settings, at=clock.now(), holds=not report["findings"])
    report["findings"] += [
        {"where": "receipt", "chain": r.chain, "seq": r.seq, "message": "no region here has it"}
        for r in receipts
    ]
    return {"ok": not report["findings"], **report}


def _issued_by(receipt: Receipt, signer: Signer, region: str) -> bool:
    """Whether a receipt speaks of this region's log: by the key that signed its checkpoint.

    A contract that was moved has receipts of two logs; one without a checkpoint names its first.
    """
    named = region_of(receipt.chain) == region
    if receipt.note is None:
        return named
    try:
        return bool(signer.keys.open(receipt.note))
    except BadNote:
        return named


def _counted(where: str, session: Any) -> dict[str, Any]:
    count, wrong = queries.check(session)
    return {
        "entries": count,
        "chains": queries.count_chains(session),
        "checkpoints": 0,
        "findings": [
            {"where": where, "chain": f.chain, "seq": f.seq, "message": f.message} for f in wrong
        ],
    }


def _add(report: dict[str, Any], more: dict[str, Any]) -> None:
    for name, value in more.items():
        report[name] += value
