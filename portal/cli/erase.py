"""`counterpart erase`: erase a person's data, and leave every proof as it was."""

import sys

import click

from portal.app import create_app
from portal.evidence.actions import erase_person
from portal.kit import clock
from portal.kit.errors import NotFound, Refused
from portal.residency.databases import regions


@click.command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(email: str, *, yes: bool) -> None:
    """Erase the data of the person with this EMAIL. It cannot be taken back.

    Their name goes from the log, their mail and notices, their account and its devices. What they
    signed stays: the other side of the contract relies on it.
    """
    if not yes:
        click.confirm(f"Erase all data of {email} but what they signed?", abort=True)
    with create_app().app_context():
        try:
            done = erase_person(regions(), email, at=clock.now())
        except NotFound:
            sys.exit(f"Nobody here has the address {email}.")
        except Refused as no:
            sys.exit(no.message)
    click.echo(f"Erased. It touched {len(done.contracts)} contracts; every proof still holds.")
    for ref in sorted(set(done.signed)):
        click.echo(f"{ref}: the signature and what identifies it stay as evidence.")
