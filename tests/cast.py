"""The people of every test, and of the demo's story.

ada signs for Northwind Systems (vendor), ben answers incidents there, nia is its lawyer; cleo
signs for Harbour Retail (customer), dov is its IT administrator, lena its lawyer; mal belongs to
another vendor and must see nothing; op administers the portal.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyotp

from portal.accounts.models import Membership, Organisation, Person
from portal.accounts.passwords import hash_password
from portal.accounts.rules import Actor, Role
from portal.cli.demo.people import COMPANIES, PLAYERS
from portal.kit.db import db
from portal.kit.vault import put
from portal.plans.actions import plant_catalogue
from portal.plans.rules import shipped_catalogues

JOINED = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
PASSWORD = "a long enough passphrase"
SECRETS = {
    "ada": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "ben": "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU",
    "nia": "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK",
    "cleo": "NB2W45DFOIZA4Z3FNB2W45DFOIZA4Z3F",
    "dov": "ONSWG4TFOQ3TINRWONSWG4TFOQ3TINRW",
    "lena": "PFUXGIDTMVRXEZLUPFUXGIDTMVRXEZLU",
    "mal": "QJQXGZJTGI2DGNRXQJQXGZJTGI2DGNRX",
    "op": "RNSWG4TFORVWK6JBRNSWG4TFORVWK6JB",
}


@dataclass(frozen=True)
class Member:
    """One of the cast: where they belong and what they do there."""

    key: str
    name: str
    email: str
    organisation: str | None
    roles: tuple[Role, ...]


MEMBERS = [
    Member(one.key, one.name, one.email, one.company, one.roles)
    for one in PLAYERS
    if one.key != "ida"
]
ORGANISATIONS = {one.slug: (one.name, one.details) for one in COMPANIES if one.slug != "lindqvist"}


def load_cast() -> None:
    """Write the cast into an empty directory."""
    hashed = hash_password(PASSWORD)
    for number, (slug, (name, details)) in enumerate(ORGANISATIONS.items(), 1):
        db.session.add(
            Organisation(
                id=f"ORG{number:023d}", slug=slug, name=name, details=details, regions="eu,us",
                created_at=JOINED,
            )
        )  # fmt: skip
    northwind = db.session.get_one(Organisation, "ORG" + "1".zfill(23))
    plant_catalogue(db.session(), northwind, next(iter(shipped_catalogues().values())), at=JOINED)
    for number, member in enumerate(MEMBERS, 1):
        _load_member(number, member, hashed)
    db.session.commit()


def _load_member(number: int, member: Member, hashed: str) -> None:
    person = Person(
        id=f"PER{number:023d}", email=member.email, name=member.name, password_hash=hashed,
        totp_confirmed_at=JOINED, totp_step=0, operator=int(member.organisation is None),
        created_at=JOINED,
    )  # fmt: skip
    put(db.session, person, totp_secret=SECRETS[member.key])
    if member.organisation is None:
        return
    organisation = list(ORGANISATIONS).index(member.organisation) + 1
    db.session.add(
        Membership(
            id=f"MEM{number:023d}", person_id=person.id,
            organisation_id=f"ORG{organisation:023d}", created_at=JOINED,
            roles=",".join(member.roles),
        )
    )  # fmt: skip


def actor(key: str) -> Actor:
    """Return a member of the cast as the one who asks."""
    number, member = next((n, m) for n, m in enumerate(MEMBERS, 1) if m.key == key)
    assert member.organisation is not None
    index = list(ORGANISATIONS).index(member.organisation) + 1
    return Actor(
        person_id=f"PER{number:023d}",
        name=member.name,
        email=member.email,
        organisation_id=f"ORG{index:023d}",
        organisation_name=ORGANISATIONS[member.organisation][0],
        roles=frozenset(member.roles),
    )


def as_admin(key: str) -> Actor:
    """Return a member of the cast who administers their organisation besides."""
    member = actor(key)
    return replace(member, roles=member.roles | {Role.ORG_ADMIN})


def code(key: str, at: datetime) -> str:
    """Return the code a member's phone shows at an instant."""
    return pyotp.TOTP(SECRETS[key]).at(at)
