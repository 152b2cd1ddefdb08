"""Taking a person out of the directory; the row stays without a name, for what refers to it."""

import hashlib
import hmac
from datetime import datetime

from flask import current_app
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.accounts.models import (
    Invitation,
    Membership,
    Passkey,
    Person,
    ProviderLink,
    RecoveryCode,
    SignIn,
    UsedAddress,
)
from portal.kit.db import db
from portal.kit.errors import Refused
from portal.kit.files import read_or_make
from portal.kit.vault import new_key
from portal.kit.words import say
from portal.settings.rules import Settings


def address_hash(email: str) -> str:
    """Return the keyed hash of an address; without the key file nobody can guess it back."""
    return hmac.new(
        address_key(current_app.config["SETTINGS"]), f"address|{email}".encode(), hashlib.sha256
    ).hexdigest()


def address_key(settings: Settings) -> bytes:
    """Return the key of erased addresses, which has no rotation: nobody knows them to hash anew.

    The first addresses were hashed with the pepper: then it begins as a copy of that.
    """
    pepper = settings.keys / "pepper.key"
    has_some = db.session.scalar(select(UsedAddress.id).limit(1)) is not None
    made = pepper.read_bytes if has_some and pepper.exists() else new_key
    return read_or_make(settings.keys / "addresses.key", made)


def demand_unused(session: Session, email: str) -> None:
    """Refuse an address that belonged to a person who was erased."""
    if session.get(UsedAddress, address_hash(email)) is not None:
        raise Refused(
            say(
                "This address belonged to a person who was erased, and is given to nobody else. "
                "Use another address."
            )
        )


def forget_person(session: Session, person_id: str, *, name: str, at: datetime) -> None:
    """Empty a person's row and end all that lets them in, in the caller's transaction.

    Their id stays with the row, and a keyed hash of their address in a table of its own: neither
    is ever given to another person (21 CFR 11.100(a), 11.300(a)).
    """
    person = session.get_one(Person, person_id)
    session.add(UsedAddress(id=address_hash(person.email), person_id=person_id, at=at))
    session.execute(delete(Invitation).where(Invitation.email == person.email))
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    session.execute(delete(Passkey).where(Passkey.person_id == person_id))
    session.execute(delete(ProviderLink).where(ProviderLink.person_id == person_id))
    session.execute(delete(SignIn).where(SignIn.person_id == person_id))
    session.execute(
        update(Membership)
        .where(Membership.person_id == person_id, Membership.ended_at.is_(None))
        .values(ended_at=at)
    )
    person.email, person.name = f"{person_id.lower()}@erased.invalid", name
    person.password_hash = ""
    person.totp_secret, person.totp_confirmed_at = None, None
    person.deactivated_at = at
