"""Passkeys: a second factor at sign-in beside the codes. Signing still takes a code."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts import webauthn
from portal.accounts.actions.codes import actor_in_log, code_subjects
from portal.accounts.actions.failures import enter_failure
from portal.accounts.actions.letters import tell_person
from portal.accounts.actions.limits import give_back, reserve
from portal.accounts.models import Passkey, SignIn
from portal.accounts.queries import person_by_id
from portal.accounts.rules import read_name, wait_message
from portal.accounts.webauthn import NotProven, Place
from portal.audit.actions import record
from portal.kit.db import db, transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.words import say

CHALLENGE_LIFE = timedelta(minutes=5)
MOST_PASSKEYS = 10
NOT_PROVEN = say("That passkey was not accepted. Try again, or use a code from your phone.")


def challenge_passkey(sign_in_id: str, *, at: datetime) -> None:
    """Keep a fresh challenge with the session; one answer to it counts, within five minutes."""
    with transaction(db.session) as session:
        row = session.get(SignIn, sign_in_id)
        if row is None or row.ended_at:
            raise NotFound
        row.challenge, row.challenged_at = secrets.token_urlsafe(32), at


def _take_challenge(session: Session, sign_in_id: str, at: datetime) -> str:
    """Use up the session's challenge, in the caller's transaction: a copied answer counts never."""
    row = session.get(SignIn, sign_in_id)
    if row is None or row.challenge is None or row.challenged_at is None:
        raise NotProven
    challenge, made = row.challenge, row.challenged_at
    done: Any = session.execute(
        update(SignIn)
        .where(SignIn.id == sign_in_id, SignIn.challenge == challenge)
        .values(challenge=None)
    )
    if done.rowcount != 1 or at - made > CHALLENGE_LIFE:
        raise NotProven
    return challenge


def add_passkey(
    person_id: str, sign_in_id: str, answer: str, *, name: str, place: Place, at: datetime
) -> Passkey:
    """Keep a passkey the browser just made; the person is told. `Refused` when it proves nothing.

    A recent code is the caller's to check.
    """
    called = read_name(name, most=60)
    with transaction(db.session) as session:
        person = person_by_id(person_id)
        if not person.has_factor:
            raise Refused(say("Set up codes on your phone first: signing takes a code."))
        held = session.scalars(select(Passkey.id).where(Passkey.person_id == person_id)).all()
        if len(held) >= MOST_PASSKEYS:
            raise Refused(
                say(
                    "You have %(most_passkeys)s passkeys. Remove one first.",
                    most_passkeys=MOST_PASSKEYS,
                )
            )
        try:
            challenge = _take_challenge(session, sign_in_id, at)
            made = webauthn.read_made(place, answer, challenge=challenge)
        except NotProven as error:
            raise Refused(say("The browser did not make a passkey. Try again.")) from error
        row = Passkey(
            id=new_id(at), person_id=person_id, credential=made.credential,
            public_key=made.public_key, sign_count=made.sign_count, name=called, created_at=at,
        )  # fmt: skip
        session.add(row)
        try:
            session.flush()
        except IntegrityError as error:
            raise Refused(say("That passkey is known already.")) from error
        record(
            session, person_id, "person:passkey:added", actor=actor_in_log(person), at=at,
            facts={"passkey": row.id},
        )  # fmt: skip
        tell_person(person, "person:passkey:added", at=at)
    return row


def remove_passkey(person_id: str, passkey_id: str, *, at: datetime) -> None:
    """Forget one of a person's own passkeys; it opens nothing from now on."""
    with transaction(db.session) as session:
        row = session.get(Passkey, passkey_id)
        if row is None or row.person_id != person_id:
            raise NotFound
        session.delete(row)
        record(
            session, person_id, "person:passkey:removed",
            actor=actor_in_log(person_by_id(person_id)), at=at, facts={"passkey": passkey_id},
        )  # fmt: skip


def spend_passkey(
    person_id: str, sign_in_id: str, answer: str, *, place: Place, address: str, at: datetime
) -> None:
    """Judge a passkey in place of a code, to sign in; `Refused` when it does not count.

    Tries are counted as those of codes. The challenge is used up whatever comes of it.
    """
    subjects = code_subjects(person_id, address)
    until = reserve(subjects, at=at)
    if until is not None:
        raise Refused(wait_message(until))
    try:
        with transaction(db.session) as session:
            challenge = _take_challenge(session, sign_in_id, at)
        with transaction(db.session) as session:
            _prove(session, person_id, answer, challenge, place, at)
    except NotProven as error:
        enter_failure(person_id, "passkey", scope="code:account", subject=person_id, at=at)
        raise Refused(NOT_PROVEN) from error
    give_back(subjects, at=at)


def _prove(
    session: Session, person_id: str, answer: str, challenge: str, place: Place, at: datetime
) -> None:
    row = session.scalar(
        select(Passkey).where(
            Passkey.person_id == person_id, Passkey.credential == webauthn.credential_of(answer)
        )
    )
    if row is None:
        raise NotProven
    row.sign_count = webauthn.read_proof(
        place, answer, challenge=challenge, public_key=row.public_key, sign_count=row.sign_count
    )
    row.used_at = at
    record(
        session, person_id, "person:passkey:used", actor=actor_in_log(person_by_id(person_id)),
        at=at, facts={"passkey": row.id},
    )  # fmt: skip
