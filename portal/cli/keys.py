"""`counterpart keys`: which keys there are, and rotating each while the portal runs."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import current_app

from portal.app import create_app
from portal.kit import clock
from portal.kit.errors import Refused
from portal.kit.token import TokenAway
from portal.operations.actions import rotating
from portal.operations.queries import Subject
from portal.operations.queries.inventory import Key, inventory
from portal.residency.databases import regions


@contextmanager
def _subject() -> Iterator[Subject]:
    with create_app().app_context():
        try:
            yield Subject(current_app.config["SETTINGS"], regions(), clock.now())
        except Refused as refusal:
            sys.exit(refusal.message)
        except TokenAway as away:
            sys.exit(f"Nothing was lost: {away}. Run the command again.")


@click.group()
def keys() -> None:
    """The keys of this portal."""


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_keys(*, as_json: bool) -> None:
    """Print every key: what it is for, since when, what it seals, how far a rotation has come."""
    with _subject() as subject:
        found = inventory(subject)
    if as_json:
        click.echo(json.dumps([_facts(key) for key in found]))
        return
    for key in found:
        click.echo(f"{key.name}: {key.purpose}")
        click.echo(f"    {key.file}, {_since(key)}, mark {key.mark}{_covers(key)}")
        if key.rotating:
            click.echo(f"    being rotated: counterpart keys finish {key.name}")
        if key.note:
            click.echo(f"    {key.note}")


def _since(key: Key) -> str:
    return f"since {key.since:%d %b %Y}" if key.since else "not made yet"


def _covers(key: Key) -> str:
    if key.covers is None:
        return ""
    return f", seals {key.covers}" + (f", {key.left} still under the old one" if key.left else "")


def _facts(key: Key) -> dict[str, object]:
    return {**vars(key), "since": key.since.isoformat() if key.since else None}


@keys.command()
@click.argument("name")
@click.option(
    "--to", type=click.Choice(["file", "token"]),
    help="Where the new key of a region shall lie; without it, where the present one does.",
)  # fmt: skip
def rotate(name: str, to: str | None) -> None:
    """Make a new key NAME and seal everything under it; people go on working meanwhile."""
    with _subject() as subject:
        rotating.rotate(subject, name, to=to, told=lambda done, of: click.echo(f"{done} of {of}"))
    if name.startswith("log-"):
        click.echo("Done. The old key signed the new one, and is gone.")
        return
    click.echo(
        f"Done. The old key still opens what a process wrote meanwhile. In an hour run "
        f"`counterpart keys finish {name}`; keep the old key with the backups made before."
    )


@keys.command()
@click.argument("name")
@click.option(
    "--reset",
    is_flag=True,
    help="End the recovery codes that need the old pepper; people are told.",
)
def finish(name: str, *, reset: bool) -> None:
    """Check that nothing needs the old key NAME any more, and remove it."""
    with _subject() as subject:
        rotating.finish(subject, name, reset=reset)
    click.echo("The old key is removed.")


@keys.command("renew-seal")
def renew_seal() -> None:
    """Make a new seal and time-stamp certificate under the same root, before the old ones end."""
    with _subject() as subject:
        rotating.renew_seal(subject)
    click.echo("Done. The next deed is sealed by the new one; those sealed before stay valid.")
