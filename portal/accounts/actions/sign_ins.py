"""Starting, proving, switching and ending sessions."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.actions.codes import actor_in_log
from portal.accounts.actions.letters import tell_person
from portal.accounts.gate import key_of
from portal.accounts.models import Membership, Person, SignIn
from portal.accounts.queries import memberships_of, person_by_id
from portal.accounts.rules import MOST_SIGN_INS, browser_words
from portal.audit.actions import record
from portal.kit.db import db, transaction
from portal.kit.errors import NotFound
from portal.kit.refs import new_token

PASSWORD = "password"  # noqa: S105  a means, not a secret


def start_sign_in(
    person_id: str,
    *,
    address: str,
    agent: str,
    at: datetime,
    replaces: str | None = None,
    rehashed: str | None = None,
    means: str = PASSWORD,
    device: str | None = None,
) -> str:
    """Open a session after the password was right, or a provider vouched; return its cookie.

    The session of a person with a factor is half-way until `mark_code_given`. `replaces` names the
    session this browser held before; `rehashed` the password's hash under today's parameters;
    `means` the provider, if it was one; `device` the mark by which this browser is known again.
    """
    with transaction(db.session) as session:
        person = person_by_id(person_id)
        if rehashed:
            person.password_hash = rehashed
        homes = memberships_of(person_id)
        row = SignIn(
            person_id=person_id, membership_id=homes[0].id if len(homes) == 1 else None,
            created_at=at, address=address[:45], agent=agent[:300], means=means, device=device,
        )  # fmt: skip
        cookie = _open(session, row, person, replaces=replaces, at=at)
        record(
            session, person_id, "person:sign_in:started", actor=actor_in_log(person), at=at,
            facts={"sign_in": row.id, "code_owed": person.has_factor, "means": means},
        )  # fmt: skip
    return cookie


def mark_code_given(sign_in_id: str, *, at: datetime) -> str:
    """Replace a session by one that has given its code, and return the new cookie."""
    with transaction(db.session) as session:
        old = session.get(SignIn, sign_in_id)
        if old is None or old.ended_at:
            raise NotFound
        person = old.person
        row = SignIn(
            person_id=old.person_id, membership_id=old.membership_id, created_at=old.created_at,
            mfa_at=at, address=old.address, agent=old.agent, means=old.means, device=old.device,
        )  # fmt: skip
        cookie = _open(session, row, person, replaces=old.id, at=at)
        record(
            session, person.id, "person:sign_in:proven", actor=actor_in_log(person), at=at,
            facts={"sign_in": row.id, "replaces": old.id},
        )  # fmt: skip
    return cookie


def _open(
    session: Session, row: SignIn, person: Person, *, replaces: str | None, at: datetime
) -> str:
    cookie = new_token()
    row.id, row.seen_at = key_of(cookie), at
    if replaces:
        _end(session.get(SignIn, replaces), at)
    session.add(row)
    session.flush()
    if row.mfa_at or not person.has_factor:
        _end_oldest(session, person, at)
        _tell_of_new_device(session, row, person, at)
    return cookie


def _tell_of_new_device(session: Session, row: SignIn, person: Person, at: datetime) -> None:
    """Write to the owner when a browser gets in that never did; the very first tells nobody.

    A session that still owed its code was not in: whoever has the password alone must not make
    their browser known by it.
    """
    were_in = [SignIn.person_id == person.id, SignIn.id != row.id]
    if person.totp_confirmed_at is not None:
        before_codes = SignIn.created_at <= person.totp_confirmed_at
        were_in.append(SignIn.mfa_at.is_not(None) | before_codes)
    devices = set(session.scalars(select(SignIn.device).where(*were_in).distinct()))
    if row.device is None or not devices or row.device in devices:
        return
    tell_person(
        person, "person:device:new", at=at, address_used=row.address,
        browser=browser_words(row.agent),
    )  # fmt: skip


def _end(row: SignIn | None, at: datetime) -> None:
    if row is not None and row.ended_at is None:
        row.ended_at = at


def _end_oldest(session: Session, person: Person, at: datetime) -> None:
    """Keep ten sessions a person. Half-way ones do not count: a stolen password must not sign the
    owner out."""
    full = select(SignIn).where(SignIn.person_id == person.id, SignIn.ended_at.is_(None))
    if person.has_factor:
        full = full.where(SignIn.mfa_at.is_not(None))
    newest_first = full.order_by(SignIn.created_at.desc(), SignIn.seen_at.desc(), SignIn.id)
    for row in session.scalars(newest_first.offset(MOST_SIGN_INS)):
        _end(row, at)


def end_others(session: Session, person_id: str, *, keep: str, at: datetime) -> int:
    """End a person's sessions but one, in the caller's transaction; return how many ended."""
    open_rows = session.scalars(
        select(SignIn).where(
            SignIn.person_id == person_id, SignIn.ended_at.is_(None), SignIn.id != keep
        )
    ).all()
    for row in open_rows:
        _end(row, at)
    return len(open_rows)


def end_all(session: Session, person_id: str, *, at: datetime) -> int:
    """End every session of a person, in the caller's transaction; return how many ended."""
    return end_others(session, person_id, keep="", at=at)


def end_sign_in(person_id: str, sign_in_id: str, *, at: datetime) -> None:
    """End one of a person's own sessions; another person's is not found."""
    with transaction(db.session) as session:
        row = session.get(SignIn, sign_in_id)
        if row is None or row.person_id != person_id or row.ended_at:
            raise NotFound
        _end(row, at)
        record(
            session, person_id, "person:sign_in:ended", actor=actor_in_log(row.person), at=at,
            facts={"sign_in": row.id},
        )  # fmt: skip


def end_sign_ins(session: Session, membership: Membership, *, at: datetime) -> int:
    """End every session of a membership, in the caller's transaction; return how many ended."""
    open_rows = session.scalars(
        select(SignIn).where(SignIn.membership_id == membership.id, SignIn.ended_at.is_(None))
    ).all()
    for row in open_rows:
        _end(row, at)
    return len(open_rows)


def act_for(sign_in_id: str, membership_id: str, *, at: datetime) -> None:
    """Let a session act for one of its person's organisations; any other is not found."""
    with transaction(db.session) as session:
        row = session.get(SignIn, sign_in_id)
        if row is None or row.ended_at:
            raise NotFound
        if membership_id not in {home.id for home in memberships_of(row.person_id)}:
            raise NotFound
        row.membership_id = membership_id
        record(
            session, row.person_id, "person:organisation:chosen", actor=actor_in_log(row.person),
            at=at, facts={"membership": membership_id},
        )  # fmt: skip
