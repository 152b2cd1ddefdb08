"""A contract of the cast with its terms frozen, and the acts that follow."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, Role
from portal.audit.queries import lines
from portal.contracts.actions import add_fact, add_version
from portal.contracts.models import Contract, Version
from portal.contracts.queries import current_version
from portal.contracts.rules.document import contract_document, slot_field
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.db import transaction
from portal.residency.databases import Regions
from portal.settings.rules import Settings
from portal.signing import actions, rules
from portal.signing.actions import Identification, Shown
from portal.signing.jobs import advance
from portal.signing.models import Signature
from portal.signing.queries import slot_of
from portal.terms.rules import load_schema
from portal.terms.rules.standard import load_standard_terms
from tests import cast
from tests.conftest import settings_for

SIGNERS = ("ada", "nia", "cleo", "lena")


FEW = ("A5", "A13.order", "D1", "C4.S1.first_response")
# A deed of few terms has a twentieth of the objects of a whole one, and says as much about signing.
OTHER = {"ref": "eu-7K3QM9XH2E", "version": 1, "sha256": "0" * 64, "title": "An earlier contract"}


def freeze(
    session: Session,
    contract: Contract,
    *,
    at: datetime | None = None,
    whole: bool = False,
    more: Sequence[str] = (),
) -> Version:
    """Freeze default terms as the contract's next version: a few, as an amendment does, or all."""
    at = at or clock.now() - timedelta(hours=1)
    schema, standard = load_schema(), load_standard_terms()
    defaults = schema.defaults()
    terms = defaults if whole else {id: defaults[id] for id in (*FEW, *more)}
    document = contract_document(
        ref=contract.ref,
        title=contract.title,
        region=contract.region,
        version=len(contract.versions) + 1,
        parties={
            "vendor": {"name": contract.vendor_name, "details": "1 Harbour Way, Bristol"},
            "customer": {"name": contract.customer_name, "details": "400 Pier Street"},
        },
        pins={
            "template": {"name": contract.template, "sha256": contract.template_sha256},
            "schema": {"name": "1", "sha256": schema.sha256},
            "standard": {"name": "1.0", "sha256": standard.sha256},
            "tier": None,
        },
        terms=terms,
        amends=None if whole else OTHER,
        signers=[
            {
                "side": slot.side,
                "position": slot.position,
                "field": slot_field(slot.side, slot.position),
                "name": slot.name,
                "title": slot.title,
            }
            for slot in contract.slots
        ],
        frozen_at=at.isoformat(timespec="seconds"),
    )
    with transaction(session):
        version = add_version(session, contract, document=document, at=at)
        person = cast.actor("ada").person_id
        add_fact(session, contract, "frozen", person_id=person, side=Side.VENDOR, at=at)
    return version


def work(
    session: Session,
    regions: Regions,
    contract: Contract,
    *,
    at: datetime,
    up_to_seal: bool = False,
) -> int:
    """Take the contract's deed as far as it goes."""
    database = regions[contract.region]
    settings: Settings = settings_for(database.region.key_file.parents[1])
    return advance(database, session, settings, contract.id, at=at, up_to_seal=up_to_seal)


def identification(at: datetime) -> Identification:
    """Return how the portal knew somebody who signed in ten minutes ago."""
    return Identification(at - timedelta(minutes=10), "totp", cast.JOINED, "192.0.2.7", "Phone/1")


def actor(key: str) -> Actor:
    """Return a member of the cast; dov may sign where a test gave him the role."""
    found = cast.actor(key)
    return replace(found, roles=found.roles | {Role.SIGNATORY}) if key == "dov" else found


def consent(session: Session, contract: Contract, key: str, *, at: datetime) -> None:
    """Let a member of the cast consent to the current disclosure."""
    sha256 = rules.load_disclosure().sha256
    actions.give_consent(
        session, actor(key), contract, shown_sha256=sha256, covers=rules.SIGNING_ONLY,
        demonstrated=True, at=at,
    )  # fmt: skip


def sign(
    session: Session,
    contract: Contract,
    key: str,
    *,
    at: datetime,
    step: int | None = None,
    title: str = "Director",
    intent: str = "yes",
    authority: str = "yes",
    sha256: str | None = None,
) -> Signature:
    """Let a member of the cast sign the standing version, or the hash they say they saw."""
    who, version = actor(key), current_version(contract)
    slot = slot_of(contract, who.person_id)
    seen = sha256 or (version.sha256 if version else "")
    assert seen, "say which hash was seen: no version stands"
    return actions.sign(
        session,
        who,
        contract,
        slot_id=slot.id if slot else "none",
        shown=Shown(seen, title, authority, intent),
        step=step or int(at.timestamp()) // 30,
        identification=identification(at),
        at=at,
    )


def events(session: Session, contract: Contract) -> list[str]:
    """Return the events of the contract's log in order."""
    return [line.event for line in lines(session, contract.id)]
