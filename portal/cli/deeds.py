"""`counterpart deeds`: when the proof of each sealed deed ends, and renewing it in time."""

from datetime import UTC, datetime, timedelta

import click

from portal.app import create_app
from portal.kit import clock
from portal.kit.db import reading
from portal.residency.databases import regions
from portal.signing.jobs import renew_deeds
from portal.signing.queries import deeds_to_renew

FAR = datetime(9999, 1, 1, tzinfo=UTC)


@click.group()
def deeds() -> None:
    """Sealed deeds: their proofs of time."""


@deeds.command("list")
def show() -> None:
    """Print each sealed deed with the day its last proof of time ends."""
    with create_app().app_context():
        reading.set(True)
        for _, session in regions().each():
            for row in deeds_to_renew(session, before=FAR):
                ends = f"{row.renew_by:%Y-%m-%d}" if row.renew_by else "unknown"
                click.echo(f"{row.contract_id}  {row.kind:8}  proven until {ends}")


@deeds.command()
@click.option("--within", default=90, show_default=True, help="Days before a proof ends.")
def renew(*, within: int) -> None:
    """Renew every proof of time that ends soon: fresh lists and a new stamp over the deed."""
    app = create_app()
    with app.app_context():
        done = renew_deeds(
            regions(), app.config["SETTINGS"], at=clock.now(), within=timedelta(days=within)
        )
    click.echo(f"{done} renewed")
