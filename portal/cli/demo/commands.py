"""`counterpart demo`: one story with real people, and their codes."""

import sys

import click

from portal.accounts import queries as accounts
from portal.accounts.models import Organisation
from portal.app import create_app
from portal.cli.demo.people import PASSWORD, PLAYERS, player
from portal.cli.demo.story import is_demo, tell
from portal.cli.running import migrate_all
from portal.evidence.actions import keep_logs
from portal.kit import clock
from portal.kit.db import db, reading


@click.group()
def demo() -> None:
    """The demo: two companies, their contracts, and the people who sign them."""


@demo.command()
@click.option("--if-empty", is_flag=True, help="Do nothing where there is data already.")
def load(*, if_empty: bool) -> None:
    """Fill an empty home with the story."""
    app = create_app()
    migrate_all(app)
    with app.app_context():
        empty = db.session.query(Organisation).first() is None
        db.session.rollback()
        if not empty:
            if not if_empty:
                sys.exit("This home is not empty. The demo is loaded into an empty one only.")
            if is_demo(app):
                say_how(app.config["SETTINGS"].base_url)
            return
        click.echo("Loading the demo: people, contracts, signatures ...")
        tell(app, say=click.echo)
        keep_logs(app.extensions["regions"], app.config["SETTINGS"], at=clock.now())
    say_how(app.config["SETTINGS"].base_url)


def say_how(base_url: str) -> None:
    """Print the address, the people and how to get their codes."""
    click.echo(f"\nOpen {base_url} and sign in as one of these. Password for all: {PASSWORD}\n")
    for one in PLAYERS:
        click.echo(f"  {one.key:5} {one.email:24} {one.title}, {one.company or 'the portal'}")
    # By the way the command was called: nothing says that it is on the path.
    command = sys.argv[0]
    click.echo(f"\nThe six-digit code of a person, at this moment:  {command} demo code cleo\n")


@demo.command()
@click.argument("name")
def code(name: str) -> None:
    """Print a person's current code (demo homes only)."""
    from portal.accounts.totp import code_at

    app = create_app()
    with app.app_context():
        reading.set(True)
        if not is_demo(app):
            sys.exit("This is not a demo home: codes are on people's own phones only.")
        try:
            email = player(name).email
        except KeyError:
            sys.exit(f"Nobody in the demo is called {name}: {', '.join(p.key for p in PLAYERS)}.")
        person = accounts.person_by_email(email)
        if person is None or person.totp_secret is None:
            sys.exit(f"{name} has no codes set up.")
        click.echo(code_at(person.totp_secret, clock.now()))
