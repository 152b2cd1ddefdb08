"""Spending a code: each code of an authenticator, and each recovery code, counts once."""

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from portal.accounts import totp
from portal.accounts.actions.failures import enter_failure
from portal.accounts.actions.letters import tell_person
from portal.accounts.actions.limits import give_back, reserve
from portal.accounts.models import Person, RecoveryCode
from portal.accounts.pepper import Peppers
from portal.accounts.queries import person_by_id, recovery_codes_left
from portal.accounts.rules import CodeOutcome, CodeResult, is_held, judge_code
from portal.audit.actions import record
from portal.audit.models import DirectoryEntry
from portal.audit.rules import Actor as LogActor
from portal.kit.db import db, transaction

SPENT, SIGN_IN = "person:code:spent", "sign_in"


def actor_in_log(person: Person) -> LogActor:
    """Return a person as the log of their own account names them."""
    return LogActor(person.id, person.name, "", "")


def spend_code(
    person_id: str, code: str, *, at: datetime, purpose: str, address: str | None = None
) -> CodeOutcome:
    """Judge a typed code and, when it is right and new, consume its step for good.

    `purpose`: sign_in, sign, notice, enrol or password. Runs in transactions of its own on the
    directory; call it before opening the transaction that the code allows. Order: reserve the try,
    compare, then raise `totp_step` by compare-and-set, so that of simultaneous uses one is
    accepted. While signing is held, no code counts to sign, to approve or to give notice.
    """
    typed = totp.read_code(code)
    if typed is None:
        return CodeOutcome(CodeResult.WRONG)
    # Who is in already is counted for themselves alone: others behind the same address, whose codes
    # are wrong, must not keep a signer from signing.
    subjects = code_subjects(person_id, address if purpose == SIGN_IN else None)
    until = reserve(subjects, at=at)
    if until is not None:
        return CodeOutcome(CodeResult.LOCKED, until=until)
    outcome = _consume(person_id, typed, at=at, purpose=purpose)
    if outcome.result in {CodeResult.ACCEPTED, CodeResult.ALREADY_USED, CodeResult.HELD}:
        give_back(subjects, at=at)
    elif purpose == SIGN_IN:
        enter_failure(person_id, "code", scope="code:account", subject=person_id, at=at)
    return outcome


def code_subjects(person_id: str, address: str | None) -> dict[str, str]:
    """Return whose tries are counted when a code is typed."""
    subjects = {"code:account": person_id}
    return subjects | {"code:address": address} if address else subjects


def _consume(person_id: str, typed: str, *, at: datetime, purpose: str) -> CodeOutcome:
    with transaction(db.session) as session:
        person = person_by_id(person_id)
        secret = person.current_secret
        if secret is None:
            return CodeOutcome(CodeResult.WRONG)
        if is_held(person.signing_held_until, purpose=purpose, at=at):
            return CodeOutcome(CodeResult.HELD, until=person.signing_held_until)
        outcome = judge_code(
            matched=totp.matched_step(secret, typed, at), drift=totp.drift(secret, typed, at),
            last_step=person.totp_step, at=at,
        )  # fmt: skip
        if outcome.accepted:
            step = outcome.step or 0
            if not raise_step(person_id, step):
                outcome = judge_code(matched=step, drift=None, last_step=step, at=at)
        if outcome.accepted:
            record(
                session, person.id, SPENT, actor=actor_in_log(person), at=at,
                facts={"purpose": purpose, "step": outcome.step},
            )  # fmt: skip
        elif outcome.result is CodeResult.ALREADY_USED:
            return CodeOutcome(
                outcome.result, seconds=outcome.seconds, purpose=_last_purpose(person_id)
            )
        return outcome


def raise_step(person_id: str, step: int) -> bool:
    """Raise a person's last used step, in the caller's transaction; False when it is not above.

    "Remember the last code" is no guard: within the window an older code would count again.
    """
    done: Any = db.session.execute(
        update(Person)
        .where(Person.id == person_id, Person.totp_step < step)
        .values(totp_step=step)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount) == 1


def _last_purpose(person_id: str) -> str:
    body = db.session.scalar(
        select(DirectoryEntry.body)
        .where(DirectoryEntry.chain == person_id, DirectoryEntry.event == SPENT)
        .order_by(DirectoryEntry.seq.desc())
        .limit(1)
    )
    return str(json.loads(body)["facts"]["purpose"]) if body else ""


def recovery_hash(typed: str, pepper: bytes) -> str:
    """Return the HMAC-SHA-256 of a recovery code; spaces, hyphens and case do not matter."""
    plain = "".join(c for c in typed.upper() if c.isascii() and c.isalnum())
    return hmac.new(pepper, plain.encode(), hashlib.sha256).hexdigest()


def recovery_hashes(typed: str, peppers: Peppers) -> list[str]:
    """Return what a recovery code may be kept as: under the present pepper, or the one before."""
    return [recovery_hash(typed, pepper) for pepper in peppers.each]


def spend_recovery_code(
    person_id: str, code: str, *, peppers: Peppers, at: datetime, address: str | None = None
) -> CodeOutcome:
    """Use up a recovery code in place of an authenticator's, to sign in; the person is told."""
    subjects = code_subjects(person_id, address)
    until = reserve(subjects, at=at)
    if until is not None:
        return CodeOutcome(CodeResult.LOCKED, until=until)
    with transaction(db.session) as session:
        used: Any = session.execute(
            update(RecoveryCode)
            .where(
                RecoveryCode.person_id == person_id,
                RecoveryCode.code_hash.in_(recovery_hashes(code, peppers)),
                RecoveryCode.used_at.is_(None),
            )
            .values(used_at=at)
        )
        accepted = used.rowcount == 1
        if accepted:
            person, left = person_by_id(person_id), recovery_codes_left(person_id)
            record(
                session, person_id, "person:recovery_code:spent", actor=actor_in_log(person),
                at=at, facts={"left": left},
            )  # fmt: skip
            tell_person(person, "person:recovery_code:spent", at=at, left=left)
    if not accepted:
        enter_failure(person_id, "recovery_code", scope="code:account", subject=person_id, at=at)
        return CodeOutcome(CodeResult.WRONG)
    give_back(subjects, at=at)
    return CodeOutcome(CodeResult.ACCEPTED)
