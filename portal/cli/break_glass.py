"""`counterpart break-glass`: read one contract in an emergency, seen by both parties."""

import sys

import click

from portal.admin import actions
from portal.app import create_app
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.errors import NotFound, Refused
from portal.residency.databases import regions
from portal.residency.rules import region_of


@click.command()
@click.argument("ref")
@click.option("--person", "email", help="The address of a portal administrator.")
@click.option("--side", default="vendor", type=click.Choice([*Side]), show_default=True)
@click.option("--reason", help="Why; both parties read it.")
@click.option("--end", is_flag=True, help="End the access that is open.")
def break_glass(ref: str, *, email: str | None, side: str, reason: str | None, end: bool) -> None:
    """Let a portal administrator read the contract REF, and answer its incidents, for four hours.

    The administrators of both parties are told first, and everything is entered in the log. It
    cannot sign, approve or agree to anything.
    """
    with create_app().app_context():
        if region_of(ref) not in regions().databases:
            sys.exit(f"There is no region for {ref} here.")
        session = regions().session_of(ref)
        if end:
            ended = actions.end_emergencies(session, ref, at=clock.now())
            click.echo(f"Ended {ended}.")
            return
        if not email or not reason:
            sys.exit("Give --person and --reason.")
        try:
            row = actions.break_glass(
                session, ref, email=email, side=Side(side), reason=reason, at=clock.now()
            )
        except NotFound:
            sys.exit(f"There is no contract {ref}.")
        except Refused as no:
            sys.exit(no.message)
        click.echo(f"Open until {row.expires_at:%d %b %Y, %H:%M} UTC: /contracts/{ref}")
