"""What contracts begin from: a template of Northwind's own, a batch of two, and an amendment."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.models import Organisation
from portal.accounts.rules import Actor
from portal.batches import actions as batches
from portal.batches.queries import partner_of, partners
from portal.batches.rules import Start, read_sheet
from portal.contracts.actions import Pin, start_amendment
from portal.contracts.models import Contract
from portal.contracts.queries import standing_terms
from portal.contracts.rules.amending import FROM
from portal.kit.db import db
from portal.negotiation import actions as negotiation
from portal.negotiation.queries import negotiation_of
from portal.negotiation.rules import words_sha256
from portal.residency.databases import Regions
from portal.templates import actions as templates
from portal.templates.models import TemplateVersion
from portal.templates.queries import raw_of
from portal.templates.rules import template_of_raw, writing
from portal.terms.rules import load_schema, parse
from portal.terms.rules.standard import load_standard_terms

REGION = "eu"
SHEET = (
    "customer,title,A5,D1\n"
    "lindqvist,Cold chain support,2027-02-01,99.9 %\n"
    "Otherware GmbH,Partner desk support,2027-03-01,\n"
    "Lindqist,Market stalls support,,\n"
)


def tell(cast: Mapping[str, Actor], regions: Regions, *, title: str, now: datetime) -> None:
    """Tell all of it; the amendment is of the contract with this title."""
    template = own_template(cast, at=now - timedelta(days=30))
    start_batch(cast, regions, template, at=now - timedelta(days=4))
    amend(cast, regions, title, at=now - timedelta(days=1))


def own_template(cast: Mapping[str, Actor], *, at: datetime) -> TemplateVersion:
    """Publish a template twice: the second version promises more and lets less go."""
    shipped = TemplateVersion.organisation_id.is_(None)
    source = db.session.scalars(select(TemplateVersion).where(shipped)).first()
    db.session.rollback()
    assert source is not None  # noqa: S101  the portal ships one
    row = templates.create_template(
        cast["ada"], title="Retail support", copy_of=source.id, acknowledged="yes", at=at
    )
    first = {"P6": {"default": "90 days", "min": "60 days", "max": "120 days"},
             "J13": {"locked": "yes"}}  # fmt: skip
    row = _published(cast, row, first, "For shops: ninety days of notice.", at=at)
    later = at + timedelta(days=18)
    row = templates.start_draft(cast["ada"], row.id, at=later)
    second = {"D1": {"default": "99.9 %", "min": "99.5 %", "max": "99.95 %"},
              "P6": {"default": "60 days", "min": "30 days", "max": "120 days"}}  # fmt: skip
    return _published(cast, row, second, "Uptime of 99.9 %; notice down to thirty.", at=later)


def _published(
    cast: Mapping[str, Actor],
    row: TemplateVersion,
    typed: Mapping[str, Mapping[str, str]],
    note: str,
    *,
    at: datetime,
) -> TemplateVersion:
    schema = load_schema("1")
    row = templates.change_draft(
        cast["ada"], row.id, lambda raw: writing.with_terms(schema, raw, typed),
        seen_sha256=row.sha256, at=at + timedelta(minutes=20),
    )  # fmt: skip
    return templates.publish(
        cast["nia"], row.id, note=note, seen_sha256=row.sha256, at=at + timedelta(hours=3)
    )


def start_batch(
    cast: Mapping[str, Actor], regions: Regions, row: TemplateVersion, *, at: datetime
) -> None:
    """Start two contracts from a sheet of three rows: one names nobody."""
    ada, database = cast["ada"], regions[REGION]
    template, standard = template_of_raw(raw_of(row)), load_standard_terms("1.0")
    vendor = partner_of(db.session.get_one(Organisation, ada.organisation_id))
    start = Start(
        load_schema("1"), template, (standard.title, standard.version), {}, vendor, REGION
    )
    rows = read_sheet(SHEET, start, partners(ada))
    db.session.rollback()
    session = regions.session(REGION)
    people = {"functions": {"owner": ada.person_id},
              "signers": [[ada.person_id, "Director of Accounts"]]}  # fmt: skip
    batch = batches.upload_batch(
        session, database, ada, rows, once="demo", template=Pin(row.key, template.sha256),
        tier=None, sends="send", people=people, at=at,
    )  # fmt: skip
    batches.confirm_batch(session, ada, batch.id, at=at + timedelta(minutes=6))
    session.rollback()
    batches.run_batches(regions, at=at + timedelta(minutes=7))


def amend(cast: Mapping[str, Actor], regions: Regions, title: str, *, at: datetime) -> None:
    """Offer other patch windows and a longer notice: round 1 waits for Harbour."""
    session, ada = regions.session(REGION), cast["ada"]
    parent = session.scalars(select(Contract)).all()
    contract = next(one for one in parent if one.title == title and one.amends_id is None)
    child = start_amendment(session, regions[REGION], ada, contract, terms=("F6", "P6"), at=at)
    standing = standing_terms(session, child, on=at.date())
    values = {term: standing.get(term) for term in child.named_terms or ()}
    schema = load_schema("1")
    wished = {"F6": parse(schema.terms["F6"], "21 days"), FROM: None,
              "P6": parse(schema.terms["P6"], "45 days")}  # fmt: skip
    negotiation.set_offers(session, child, ada, {**values, **wished}, at=at)
    _send(session, child, ada, at=at + timedelta(minutes=8))


def _send(session: Session, contract: Contract, actor: Actor, *, at: datetime) -> None:
    words = negotiation_of(session, contract, actor, at=at).words
    negotiation.send_round(
        session, contract, actor, seen_draft_sha256=words_sha256(words), at=at,
        note="Three weeks to test a release, and a notice you can still plan by.",
    )  # fmt: skip
