"""Taking a person out of the directory; the row stays without a name, for what refers to it."""

from datetime import datetime

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
)


def forget_person(session: Session, person_id: str, *, name: str, at: datetime) -> None:
    """Empty a person's row and end all that lets them in, in the caller's transaction."""
    person = session.get_one(Person, person_id)
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
