"""The way back for who forgot the password: a link by mail, which opens nothing by itself.

It sets a new password and ends every session; whoever signs in with it still gives a code (OWASP
ASVS 5.0, 6.4.3).
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.accounts import passwords
from portal.accounts.actions.codes import actor_in_log
from portal.accounts.actions.letters import tell_person
from portal.accounts.actions.limits import reserve
from portal.accounts.actions.sign_ins import end_all
from portal.accounts.models import PasswordReset, Person
from portal.accounts.queries import find_reset, person_by_email
from portal.accounts.rules import RESET_LIFE, read_email
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.kit.db import by_itself, db, transaction
from portal.kit.errors import NotFound
from portal.kit.refs import new_id, new_token
from portal.kit.words import say
from portal.notices.actions import write_mail
from portal.notices.letters import headline, letter

KEPT = timedelta(days=1)


def reset_hash(token: str) -> str:
    """Return what is stored of a reset's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def ask_for_reset(email: str, *, address: str, at: datetime) -> datetime | None:
    """Note that somebody asks for a link; None, or the instant from which it may be asked again.

    Whether the address is anybody's is looked up later, by the worker: the answer, and the work
    done before it, are the same. `Refused` where it is no address at all.
    """
    asked = read_email(email)
    until = reserve({"reset:account": asked, "reset:address": address}, at=at)
    if until is None:
        with transaction(db.session) as session:
            session.add(PasswordReset(id=new_id(at), email=asked, asked_at=at))
    return until


def mail_resets(*, base_url: str, at: datetime) -> int:
    """Write the mails that were asked for, and return how many.

    An address that is nobody's is forgotten. Links of before go on working until one is used:
    nobody ends them by asking for more.
    """
    waiting = select(PasswordReset.id).where(PasswordReset.email.is_not(None))
    refs = db.session.scalars(waiting.order_by(PasswordReset.id)).all()
    db.session.rollback()
    sent = 0
    for ref in refs:
        with by_itself(db.session(), f"password link {ref}"), transaction(db.session) as session:
            row = session.get(PasswordReset, ref)
            if row is not None and row.email is not None:
                sent += _mail(session, row, base_url, at)
    return sent


def _mail(session: Session, row: PasswordReset, base_url: str, at: datetime) -> bool:
    person = person_by_email(row.email or "")
    if person is None or person.deactivated_at:
        session.delete(row)
        return False
    token = new_token()
    row.email, row.person_id, row.token_hash = None, person.id, reset_hash(token)
    row.expires_at = at + RESET_LIFE
    record(session, person.id, "person:password:asked", actor=PORTAL, at=at, facts={"link": row.id})
    write_mail(
        session, chain=person.id, dedupe=f"reset.{row.id}", recipient=person.email,
        name=person.name, subject=headline(say("Choose a new password")), at=at,
        text=letter(
            "accounts_password_asked", name=person.name, until=row.expires_at,
            link=f"{base_url}/password-resets/{token}",
        ),
    )  # fmt: skip
    return True


def set_password(token: str, new: str, *, at: datetime) -> None:
    """Use a link up: set the password, end every session and every other link, tell the person.

    The rule on new passwords is the caller's to check. `NotFound` where the link works no more.
    """
    db.session.rollback()  # nobody waits for the write lock while this hashes
    hashed = passwords.hash_password(new)
    with transaction(db.session) as session:
        row, person = find_reset(reset_hash(token), at=at)
        used: Any = session.execute(
            update(PasswordReset)
            .where(PasswordReset.person_id == person.id, PasswordReset.used_at.is_(None))
            .values(used_at=at)
        )
        if used.rowcount == 0:
            raise NotFound
        _renew(session, person, hashed, row.id, at)


def _renew(session: Session, person: Person, hashed: str, link: str, at: datetime) -> None:
    person.password_hash = hashed
    ended = end_all(session, person.id, at=at)
    record(
        session, person.id, "person:password:reset", actor=actor_in_log(person), at=at,
        facts={"link": link, "sign_ins_ended": ended},
    )  # fmt: skip
    tell_person(person, "person:password:changed", at=at)


def forget_resets(*, at: datetime) -> int:
    """Delete what was asked for more than a day ago; return how many."""
    with transaction(db.session) as session:
        done: Any = session.execute(delete(PasswordReset).where(PasswordReset.asked_at < at - KEPT))
        return int(done.rowcount)
