"""`counterpart backup`, `restore` and `backup-key`."""

import json
import sys
from pathlib import Path

import click

from portal.app import create_app
from portal.kit import clock
from portal.kit.db import reading
from portal.kit.errors import Refused
from portal.operations import actions, age
from portal.residency.databases import regions
from portal.residency.stores import StoreAway
from portal.settings.rules import read_settings

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("backup-key")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
def backup_key(out: Path) -> None:
    """Make a key for backups: the secret into a file to be kept elsewhere, the public one shown."""
    secret, recipient = age.new_identity()
    out.touch(mode=0o600, exist_ok=False)
    out.write_text(secret + "\n", "utf-8")
    click.echo(recipient)


@click.command()
@click.option("--out", required=True, type=FOLDER, help="A new folder.")
@click.option("--to", "recipients", multiple=True, help="A public age key. May be repeated.")
@click.option("--only", help="The directory, or one region.")
@click.option("--with-keys", is_flag=True, help="Also the portal's key files.")
def backup(out: Path, recipients: tuple[str, ...], only: str | None, *, with_keys: bool) -> None:
    """Write an encrypted backup while the portal runs."""
    app = create_app()
    with app.app_context():
        reading.set(True)
        try:
            manifest = actions.back_up(
                app.config["SETTINGS"], regions(), out, recipients=recipients, at=clock.now(),
                only=only, with_keys=with_keys,
            )  # fmt: skip
        except Refused as refusal:
            sys.exit(refusal.message)
        except StoreAway as away:
            sys.exit(f"No backup was made. {away}")
    for part in manifest["parts"]:
        click.echo(f"{part['name']}: {part['size']} bytes, {part['sha256']}")


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--identity", required=True, type=FILE, help="The file of the secret age key.")
@click.option("--verify", "check", is_flag=True, help="Check every hash, log and document after.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def restore(folder: Path, identity: Path, *, check: bool, as_json: bool) -> None:
    """Put a backup back into an empty home. With --verify, exit code 0 only if everything holds."""
    settings = read_settings()
    try:
        manifest = actions.restore(settings, folder, identity=identity.read_text("utf-8"))
    except Refused as refusal:
        sys.exit(refusal.message)
    except StoreAway as away:
        sys.exit(f"Nothing was put back but documents; the same call goes on. {away}")
    report = {"ok": True, "findings": [], "parts": [part["name"] for part in manifest["parts"]]}
    if check:
        with create_app(settings).app_context():
            reading.set(True)
            report |= actions.verify_home(settings, regions(), manifest)
    if as_json:
        click.echo(json.dumps(report))
    else:
        _say(report)
    sys.exit(0 if report["ok"] else 1)


def _say(report: dict[str, object]) -> None:
    click.echo(f"Restored: {', '.join(report['parts'])}.")  # type: ignore[arg-type]
    for finding in report["findings"]:  # type: ignore[attr-defined]
        click.echo(f"  {finding}")
    if "entries" in report:
        word = "hold" if report["ok"] else "do NOT all hold"
        click.echo(f"{report['entries']} entries and {report['documents']} documents {word}.")
