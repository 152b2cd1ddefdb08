"""Checking a password at the door, and changing one's own."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from portal.accounts import passwords
from portal.accounts.actions.codes import actor_in_log
from portal.accounts.actions.failures import enter_failure
from portal.accounts.actions.letters import tell_person
from portal.accounts.actions.limits import give_back, reserve
from portal.accounts.actions.sign_ins import end_others
from portal.accounts.models import Person, SignIn
from portal.accounts.queries import person_by_email, person_by_id
from portal.accounts.rules import wait_message
from portal.audit.actions import record
from portal.kit.db import db, transaction
from portal.kit.errors import Refused
from portal.kit.words import say

WRONG = say("The e-mail address or the password is not right.")


@dataclass(frozen=True)
class PasswordOutcome:
    """Whose password it was, if anyone's; `rehashed` where today's parameters are stronger."""

    person_id: str | None = None
    rehashed: str | None = None
    until: datetime | None = None

    @property
    def message(self) -> str:
        """The same sentence for a wrong password and for an unknown person."""
        return wait_message(self.until) if self.until else WRONG


def check_password(
    email: str, password: str, *, address: str, at: datetime, device: str | None = None
) -> PasswordOutcome:
    """Judge an address and a password; an unknown person costs the same steps and time.

    `device` is the mark of the browser. No transaction is open while argon2id runs: it takes tens
    of milliseconds.
    """
    email = email.strip().lower()
    person_id, stored, subjects = _look_up(email, address, device)
    until = reserve(subjects, at=at)
    if until is not None:
        return PasswordOutcome(until=until)
    if not passwords.is_right(stored, password):
        account = subjects["password:account"]
        enter_failure(person_id, "password", scope="password:account", subject=account, at=at)
        return PasswordOutcome()
    rehashed = passwords.hash_password(password) if passwords.is_old(stored or "") else None
    give_back(subjects, at=at)
    return PasswordOutcome(person_id, rehashed=rehashed)


def _look_up(
    email: str, address: str, device: str | None
) -> tuple[str, str | None, dict[str, str]]:
    """Return the person, the stored hash and the subjects whose tries are counted.

    A browser in which this person was before is counted by itself, wherever it is, and so is an
    address they came from: no stranger's guesses, from however many places, lock them out there.
    """
    with transaction(db.session) as session:
        person = person_by_email(email)
        if person is not None and person.deactivated_at:
            person = None
        person_id = person.id if person else ""
        been = session.execute(
            select(SignIn.device == device, SignIn.address == address)
            .where(
                SignIn.person_id == person_id,
                or_(SignIn.device == device, SignIn.address == address),
            )
            .distinct()
        ).all()
        stored = person.password_hash if person else None
    if device is not None and any(by_device for by_device, _ in been):
        return person_id, stored, {"password:account": f"{email}|browser|{device}"}
    if any(by_address for _, by_address in been):
        of_place = {"password:account": f"{email}|{address}", "password:address": address}
        return person_id, stored, of_place
    return person_id, stored, {
        "password:account": email, "password:address": address, "password:all": "all"
    }  # fmt: skip


def prove_password(
    person_id: str, password: str, *, address: str | None, at: datetime
) -> PasswordOutcome:
    """Judge one's own password at an act that asks for both factors; tries are counted apart.

    Counted for the account from this address, so that nobody else's guesses lock a signer out.
    """
    with transaction(db.session):
        stored = person_by_id(person_id).password_hash
    subjects = {"password:account": f"{person_id}|act|{address}"}
    until = reserve(subjects, at=at)
    if until is not None:
        return PasswordOutcome(until=until)
    if not passwords.is_right(stored, password):
        return PasswordOutcome()
    give_back(subjects, at=at)
    return PasswordOutcome(person_id)


def change_password(
    person_id: str, current: str, new: str, *, keep: str, address: str, at: datetime
) -> None:
    """Change one's own password; every other session ends and the person is told.

    The rule on new passwords and a recent code are the caller's to check. `Refused` when the
    current password is wrong or was tried too often.
    """
    with transaction(db.session):
        stored = person_by_id(person_id).password_hash
    subjects = {"password:account": f"{person_id}|change", "password:address": address}
    until = reserve(subjects, at=at)
    if until is not None:
        raise Refused(wait_message(until))
    if not passwords.is_right(stored, current):
        raise Refused(say("The current password is not right."))
    hashed = passwords.hash_password(new)
    with transaction(db.session) as session:
        person: Person = person_by_id(person_id)
        person.password_hash = hashed
        ended = end_others(session, person_id, keep=keep, at=at)
        record(
            session, person_id, "person:password:changed", actor=actor_in_log(person), at=at,
            facts={"sign_ins_ended": ended},
        )  # fmt: skip
        tell_person(person, "person:password:changed", at=at)
    give_back(subjects, at=at)
