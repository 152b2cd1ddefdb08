"""`counterpart contracts` and `counterpart export`."""

import json
import sys
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.app import create_app
from portal.audit import queries as log
from portal.audit.rules import PORTAL
from portal.audit.signer import Forked, signer_of
from portal.contracts.models import Contract, Version
from portal.contracts.queries import every_contract
from portal.contracts.rules.document import canonical_bytes
from portal.contracts.rules.life import STATE_WORDS
from portal.evidence.actions import keep_log
from portal.evidence.queries import Place, bundle_of
from portal.kit import clock
from portal.kit.db import reading
from portal.profiles.actions import note_listed
from portal.residency.actions import read_document
from portal.residency.databases import RegionDatabase, regions
from portal.residency.models import Document
from portal.residency.rules import region_of
from portal.settings.rules import Settings
from portal.signing.keys import root_pem
from portal.signing.models import Deed
from portal.signing.queries import CLOSED


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def contracts(*, as_json: bool) -> None:
    """List every contract of this host."""
    with create_app().app_context():
        reading.set(True)
        sessions = [session for _, session in regions().each()]
        for row in every_contract(sessions, today=clock.now().date()):
            completed = clock.stamp(row.completed_at) if row.completed_at else None
            if as_json:
                click.echo(
                    json.dumps(
                        {
                            "ref": row.ref,
                            "title": row.title,
                            "state": row.state,
                            "region": row.region,
                            "vendor": row.vendor,
                            "customer": row.customer,
                            "completed_at": completed,
                        },
                        ensure_ascii=False,
                    )
                )
            else:
                click.echo(f"{row.ref}  {STATE_WORDS[row.state]:28}  {row.title}")


@click.command()
@click.argument("ref")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="A folder."
)
def export(ref: str, out: Path) -> None:
    """Write a contract's evidence bundle, and beside it deed, terms, entries and the root."""
    app = create_app()
    with app.app_context():
        if region_of(ref) not in regions().databases:
            sys.exit(f"There is no region for {ref} here.")
        database = regions().home(ref)
        session = regions().session_of(ref)
        if session.get(Contract, ref) is None:
            sys.exit(f"There is no contract {ref}.")
        # Under HIPAA a look is entered before anything is handed out, the operator's too.
        note_listed([(database, session)], PORTAL, [ref], what="export", at=clock.now())
        out.mkdir(parents=True, exist_ok=True)
        _cover(session, database, app.config["SETTINGS"])
        reading.set(True)
        for name, content in _files(session, database, ref):
            (out / name).write_bytes(content)
            click.echo(f"{out / name} ({len(content)} bytes)")
        settings = app.config["SETTINGS"]
        pem = root_pem(settings)
        place = Place(
            session, database, signer_of(settings, database.region), settings.operator, pem
        )
        contract = session.get_one(Contract, ref)
        bundle = bundle_of(place, contract)
        kept = {"root.pem": pem, "evidence.zip": bundle} if bundle else {"root.pem": pem}
        for name, content in kept.items():
            (out / name).write_bytes(content)
            click.echo(f"{out / name} ({len(content)} bytes)")


def _cover(session: Session, database: RegionDatabase, settings: Settings) -> None:
    """Let a checkpoint cover what is new, so that the bundle holds every entry."""
    try:
        signer = signer_of(settings, database.region)
        keep_log(session, signer, at=clock.now(), now=True)
    except Forked as error:
        click.echo(f"No checkpoint over the newest entries: {error}", err=True)


def _files(session: Session, database: RegionDatabase, ref: str) -> list[tuple[str, bytes]]:
    files = []
    deed = session.scalar(
        select(Deed)
        .where(Deed.contract_id == ref, Deed.kind.in_(CLOSED))
        .order_by(Deed.revision.desc())
        .limit(1)
    )
    if deed:
        document = session.get_one(Document, deed.document_id)
        files.append(("deed.pdf", read_document(session, database, document)))
    else:
        click.echo("There is no sealed deed yet.", err=True)
    version = session.scalar(
        select(Version)
        .where(Version.contract_id == ref, Version.voided_at.is_(None), Version.renews.is_(None))
        .order_by(Version.number.desc())
        .limit(1)
    )
    if version:
        files.append(("terms.json", canonical_bytes(version.canonical)))
    lines = "".join(f"{body}\n" for body in log.bodies(session, ref))
    files.append(("entries.jsonl", lines.encode()))
    return files
