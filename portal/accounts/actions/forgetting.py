"""Taking a person out of the directory; the row stays without a name, for what refers to it."""

import hashlib
import hmac
from datetime import datetime

from flask import current_app
from sqlalchemy import delete, update
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
from portal.kit.errors import Refused
from portal.kit.words import say
from portal.residency.databases import read_or_make_key


def address_hash(email: str) -> str:
    """Return the keyed hash of an address; without the key file nobody can guess it back."""
    pepper = read_or_make_key(current_app.config["SETTINGS"].keys / "pepper.key")
    return hmac.new(pepper, f"address|{email}".encode(), hashlib.sha256).hexdigest()


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
