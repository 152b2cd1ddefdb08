"""Setting up an authenticator, and the recovery codes that stand in for it."""

import secrets
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.accounts import totp
from portal.accounts.actions.codes import (
    actor_in_log,
    code_subjects,
    recovery_hash,
    recovery_hashes,
)
from portal.accounts.actions.letters import tell_person
from portal.accounts.actions.limits import give_back, reserve
from portal.accounts.actions.sign_ins import end_all, end_others
from portal.accounts.models import Passkey, RecoveryCode
from portal.accounts.pepper import Peppers
from portal.accounts.queries import person_by_id, recovery_codes_behind
from portal.accounts.rules import RECOVERY_CODES, CodeOutcome, CodeResult, judge_code
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.kit.db import db, transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.words import say

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 letters: five bits each
RECOVERY_LETTERS = 16  # 80 bits


def start_enrolment(person_id: str, *, at: datetime) -> None:
    """Keep a fresh seed beside the present one; it opens nothing until a code confirms it.

    Kept on the server, so that setting up survives a switch to the authenticator and back.
    """
    with transaction(db.session) as session:
        person = person_by_id(person_id)
        current = person.current_secret
        person.totp_secret = {"current": current, "pending": totp.new_secret()}
        record(session, person_id, "person:factor:started", actor=actor_in_log(person), at=at)


def confirm_enrolment(
    person_id: str, code: str, *, keep: str, at: datetime, address: str | None = None
) -> CodeOutcome:
    """Make the seed being set up the person's factor, by a code that is consumed with it.

    `keep` is the session that stays open; all others of the person end.
    """
    typed = totp.read_code(code)
    if typed is None:
        return CodeOutcome(CodeResult.WRONG)
    subjects = code_subjects(person_id, address)
    until = reserve(subjects, at=at)
    if until is not None:
        return CodeOutcome(CodeResult.LOCKED, until=until)
    outcome = _confirm(person_id, typed, keep=keep, at=at)
    if outcome.accepted:
        give_back(subjects, at=at)
    return outcome


def _confirm(person_id: str, typed: str, *, keep: str, at: datetime) -> CodeOutcome:
    with transaction(db.session) as session:
        person = person_by_id(person_id)
        seed = person.pending_secret
        if seed is None:
            raise Refused(say("Nothing is being set up. Start again from the security page."))
        step = totp.matched_step(seed, typed, at)
        if step is None:
            return judge_code(matched=None, drift=totp.drift(seed, typed, at), last_step=0, at=at)
        moved = person.has_factor
        person.totp_secret, person.totp_confirmed_at = seed, at
        person.totp_step = max(person.totp_step, step)
        ended = end_others(session, person_id, keep=keep, at=at)
        event = "person:factor:moved" if moved else "person:factor:enrolled"
        record(
            session, person_id, event, actor=actor_in_log(person), at=at,
            facts={"step": step, "sign_ins_ended": ended},
        )  # fmt: skip
        tell_person(person, event, at=at, moved=moved)
        return CodeOutcome(CodeResult.ACCEPTED, step=step)


def make_recovery_codes(person_id: str, *, peppers: Peppers, at: datetime) -> list[str]:
    """Return ten new single-use codes, to be shown once; all older ones stop working."""
    codes = [_new_code() for _ in range(RECOVERY_CODES)]
    with transaction(db.session) as session:
        person = person_by_id(person_id)
        if not person.has_factor:
            raise Refused(say("Set up codes on your phone first."))
        session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
        session.add_all(
            RecoveryCode(
                id=new_id(at),
                person_id=person_id,
                pepper=peppers.mark,
                code_hash=recovery_hash(code, peppers.present),
            )
            for code in codes
        )
        record(
            session, person_id, "person:recovery_codes:made", actor=actor_in_log(person), at=at,
            facts={"count": len(codes)},
        )  # fmt: skip
    return codes


def _new_code() -> str:
    letters = "".join(secrets.choice(LETTERS) for _ in range(RECOVERY_LETTERS))
    return "-".join(letters[i : i + 4] for i in range(0, RECOVERY_LETTERS, 4))


def is_own_recovery_code(person_id: str, code: str, *, peppers: Peppers) -> bool:
    """Return whether this is an unused recovery code of the person."""
    found = db.session.scalar(
        select(RecoveryCode.id).where(
            RecoveryCode.person_id == person_id,
            RecoveryCode.code_hash.in_(recovery_hashes(code, peppers)),
            RecoveryCode.used_at.is_(None),
        )
    )
    return found is not None


def end_recovery_codes_behind(peppers: Peppers, *, at: datetime) -> int:
    """End every unused code of a pepper before the present one, and tell its person to make new.

    Return how many people that is.
    """
    with transaction(db.session) as session:
        behind = recovery_codes_behind(peppers.mark)
        for person_id, count in behind.items():
            session.execute(
                delete(RecoveryCode).where(
                    RecoveryCode.person_id == person_id,
                    RecoveryCode.pepper.is_distinct_from(peppers.mark),
                )
            )
            record(
                session, person_id, "person:recovery_codes:ended", actor=PORTAL, at=at,
                facts={"count": count},
            )  # fmt: skip
            tell_person(person_by_id(person_id), "person:recovery_codes:ended", at=at)
    return len(behind)


def take_factor(session: Session, person_id: str, *, held_until: datetime, at: datetime) -> int:
    """Take a person's factor away in the caller's transaction; return how many sessions ended.

    Recovery codes and passkeys go with it, and nothing is signed before `held_until`. The last used
    step stays: a code of the old phone counts nowhere again.
    """
    person = person_by_id(person_id)
    person.totp_secret, person.totp_confirmed_at = None, None
    person.signing_held_until = held_until
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    session.execute(delete(Passkey).where(Passkey.person_id == person_id))
    return end_all(session, person_id, at=at)
