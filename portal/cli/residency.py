"""`counterpart residency`: where everything is, as a report or a table; a move carried out now."""

import sys
from collections.abc import Iterator

import click
from flask import Flask

from portal.admin.actions.moves import move_now
from portal.admin.queries import every_contract
from portal.app import create_app
from portal.cli.jobs import tell_before_it_leaves
from portal.kit import clock
from portal.kit.csv_file import csv_bytes
from portal.kit.db import reading
from portal.kit.errors import NotFound
from portal.residency.databases import regions
from portal.residency.queries import facts_of, held_of
from portal.residency.rules import STEP_WORDS, places_of

HEADER = ("Region", "Contracts", "Documents", "Bytes", "Entries", "Place", "Holds", "Where",
          "Pinned", "How it is kept")  # fmt: skip
Row = tuple[object, ...]


@click.group()
def residency() -> None:
    """Regions: what lies where."""


@residency.command()
@click.option("--csv", "as_csv", is_flag=True, help="Print a table for a spreadsheet.")
def report(*, as_csv: bool) -> None:
    """Print every place that holds or carries something, region by region; no contract is named."""
    app = create_app()
    reading.set(True)
    with app.app_context():
        rows = list(_rows(app))
    if as_csv:
        click.echo(csv_bytes(HEADER, rows).decode(), nl=False)
        return
    told = ""
    for name, contracts, documents, size, entries, place, _, where, pinned, kept in rows:
        if name != told:
            click.echo(
                f"{name}: {contracts} contracts, {documents} documents ({size} bytes), "
                f"{entries} entries"
            )
            told = str(name)
        click.echo(f"    {place}: {where}. {kept}. {'Pinned' if pinned == 'yes' else 'Not pinned'}")


def _rows(app: Flask) -> Iterator[Row]:
    for database, session in regions().each():
        refs = every_contract(session)
        held = held_of(session, refs)
        counts = (len(refs), held.documents, held.size, held.entries)
        for place in places_of(facts_of(app.config["SETTINGS"], database.region)):
            pinned = "yes" if place.pinned else "no"
            words = (place.name, place.holds, place.where, pinned, place.kept)
            yield (database.region.name, *counts, *words)


@residency.command()
@click.argument("ref")
def move(ref: str) -> None:
    """Carry out now the move of contract REF that both sides agreed to, instead of the worker."""
    app = create_app()
    with app.app_context():
        try:
            step = move_now(regions(), ref, now=clock.now, heard=tell_before_it_leaves)
        except NotFound:
            sys.exit(f"No move of {ref} waits here.")
    click.echo(STEP_WORDS[step])
