"""Finding people, members and organisations. A member of another organisation is not found."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from portal.accounts.models import (
    Invitation,
    Membership,
    MfaPolicy,
    Organisation,
    Passkey,
    PasswordReset,
    Person,
    ProviderLink,
    RecoveryCode,
    SignIn,
)
from portal.accounts.rules import HIPAA_RULES, Actor, MfaRule, Role, mfa_rule_for
from portal.audit.models import DirectoryEntry
from portal.audit.queries import Line, last_lines
from portal.kit import clock
from portal.kit.db import db
from portal.kit.errors import NotFound
from portal.settings.rules import Settings


def person_by_id(person_id: str) -> Person:
    """Return a person, or raise `NotFound`."""
    person = db.session.get(Person, person_id)
    if person is None:
        raise NotFound
    return person


def person_by_email(email: str) -> Person | None:
    """Return the person of an address, if there is one."""
    return db.session.scalar(select(Person).where(Person.email == email.strip().lower()))


def organisation_by_id(organisation_id: str) -> Organisation:
    """Return an organisation, or raise `NotFound`."""
    organisation = db.session.get(Organisation, organisation_id)
    if organisation is None:
        raise NotFound
    return organisation


def is_seen_by(organisation_id: str) -> ColumnElement[bool]:
    """Return what holds for organisations others may know of: a prospect is its keeper's alone."""
    return or_(Organisation.kept_by.is_(None), Organisation.kept_by == organisation_id)


def partners(actor: Actor) -> Sequence[Organisation]:
    """Return the organisations the actor may offer a contract to: all others, by name."""
    others = select(Organisation).where(
        Organisation.id != actor.organisation_id, is_seen_by(actor.organisation_id)
    )
    return db.session.scalars(others.order_by(Organisation.name)).all()


def members(actor: Actor) -> Sequence[Membership]:
    """Return the members of the actor's own organisation, by name."""
    return members_of(actor.organisation_id)


def members_of(organisation_id: str) -> Sequence[Membership]:
    """Return the members of an organisation, by name; the caller is a party that may know them."""
    query = (
        select(Membership)
        .join(Membership.person)
        .where(
            Membership.organisation_id == organisation_id,
            Membership.ended_at.is_(None),
            Person.deactivated_at.is_(None),
        )
        .options(joinedload(Membership.person), joinedload(Membership.organisation))
        .order_by(Person.name, Person.id)
    )
    return db.session.scalars(query).all()


def members_with(organisation_id: str, role: Role) -> list[Membership]:
    """Return the members of an organisation who hold a role, by name."""
    return [row for row in members_of(organisation_id) if role in row.roles.split(",")]


def find_member(actor: Actor, membership_id: str) -> Membership:
    """Return a member of the actor's organisation, or raise `NotFound`."""
    found = db.session.get(Membership, membership_id)
    if found is None or found.organisation_id != actor.organisation_id or found.ended_at:
        raise NotFound
    return found


def passkeys_of(person_id: str) -> Sequence[Passkey]:
    """Return a person's passkeys, the oldest first."""
    query = select(Passkey).where(Passkey.person_id == person_id)
    return db.session.scalars(query.order_by(Passkey.created_at)).all()


def provider_links_of(person_id: str) -> Sequence[ProviderLink]:
    """Return the accounts at providers that open a person's account, the oldest first."""
    query = select(ProviderLink).where(ProviderLink.person_id == person_id)
    return db.session.scalars(query.order_by(ProviderLink.created_at)).all()


def challenge_of(sign_in_id: str) -> str | None:
    """Return the challenge a passkey may answer in this session, if one waits."""
    return db.session.scalar(select(SignIn.challenge).where(SignIn.id == sign_in_id))


def last_sign_ins(person_id: str, *, most: int = 30) -> Sequence[SignIn]:
    """Return a person's sign-ins, open and ended, the newest first.

    The half-way session that a code made a full one is not told apart: it is the same sign-in.
    """
    proven = aliased(SignIn)
    same = (
        (proven.person_id == SignIn.person_id)
        & (proven.created_at == SignIn.created_at)
        & proven.mfa_at.is_not(None)
    )
    query = (
        select(SignIn)
        .where(
            SignIn.person_id == person_id,
            SignIn.mfa_at.is_not(None) | ~select(proven.id).where(same).exists(),
        )
        .order_by(SignIn.created_at.desc(), SignIn.seen_at.desc())
    )
    return db.session.scalars(query.limit(most)).all()


def account_log(person_id: str, *, most: int = 50) -> list[Line]:
    """Return the last entries of a person's own log, the newest first."""
    return last_lines(db.session(), person_id, most=most)


@dataclass(frozen=True)
class FailedSignIn:
    """A sign-in of a member that failed: when, by which proof, and whether it was the last try."""

    person: Person
    at: datetime
    proof: str
    locked: bool


def failed_sign_ins(actor: Actor, *, since: datetime, most: int = 500) -> list[FailedSignIn]:
    """Return the failed sign-ins of the actor's own organisation's members, the newest first.

    Tries at addresses of nobody, or of people elsewhere, are not among them.
    """
    people = {row.person_id: row.person for row in members(actor)}
    rows = db.session.execute(
        select(DirectoryEntry.chain, DirectoryEntry.at, DirectoryEntry.body)
        .where(
            DirectoryEntry.event == "person:sign_in:failed",
            DirectoryEntry.chain.in_(people),
            DirectoryEntry.at >= clock.stamp(since),
        )
        .order_by(DirectoryEntry.at.desc(), DirectoryEntry.seq.desc())
        .limit(most)
    )
    found = []
    for chain, at, body in rows:
        facts = json.loads(body)["facts"]
        found.append(
            FailedSignIn(people[chain], clock.read_stamp(at), facts["proof"], facts["locked"])
        )
    return found


def memberships_of(person_id: str) -> Sequence[Membership]:
    """Return the organisations a person belongs to, by name."""
    query = (
        select(Membership)
        .join(Membership.organisation)
        .where(Membership.person_id == person_id, Membership.ended_at.is_(None))
        .options(joinedload(Membership.organisation))
        .order_by(Organisation.name)
    )
    return db.session.scalars(query).all()


def has_factor(person_id: str) -> bool:
    """Return whether a person has set up codes from an authenticator."""
    return person_by_id(person_id).has_factor


def mfa_rules(organisation_id: str) -> dict[str, MfaRule]:
    """Return the rules that hold in an organisation by role ("*" is every role)."""
    if is_hipaa(organisation_id):
        return dict(HIPAA_RULES)
    return chosen_mfa_rules(organisation_id)


def is_hipaa(organisation_id: str) -> bool:
    """Return whether the HIPAA profile holds for an organisation."""
    since = select(Organisation.hipaa_since).where(Organisation.id == organisation_id)
    return db.session.scalar(since) is not None


def hipaa_among(directory: Session, organisations: Collection[str]) -> set[str]:
    """Return for which of these organisations the HIPAA profile holds."""
    return set(
        directory.scalars(
            select(Organisation.id).where(
                Organisation.id.in_(organisations), Organisation.hipaa_since.is_not(None)
            )
        )
    )


def hipaa_anywhere() -> bool:
    """Return whether the HIPAA profile holds for any organisation of this portal."""
    found = select(Organisation.id).where(Organisation.hipaa_since.is_not(None)).limit(1)
    return db.session.scalar(found) is not None


def chosen_mfa_rules(organisation_id: str) -> dict[str, MfaRule]:
    """Return the rules an organisation chose for itself, by role."""
    rows = db.session.scalars(select(MfaPolicy).where(MfaPolicy.organisation_id == organisation_id))
    return {row.role: MfaRule(row.rule) for row in rows}


def mfa_rule(actor: Actor) -> MfaRule:
    """Return the strictest rule that holds for the actor's roles."""
    return mfa_rule_for(mfa_rules(actor.organisation_id), actor.roles)


def members_short_of_rule(actor: Actor) -> list[tuple[Membership, MfaRule]]:
    """Return the members whose rule asks for codes and who have none yet, with that rule."""
    return short_of(actor.organisation_id, mfa_rules(actor.organisation_id))


def short_of(
    organisation_id: str, rules: Mapping[str, MfaRule]
) -> list[tuple[Membership, MfaRule]]:
    """Return the members who would not meet these rules today, each with the rule for them."""
    short: list[tuple[Membership, MfaRule]] = []
    for row in members_of(organisation_id):
        rule = mfa_rule_for(rules, [Role(name) for name in row.roles.split(",") if name])
        if rule is MfaRule.REQUIRED_TO_SIGN and Role.SIGNATORY not in row.roles.split(","):
            continue
        if rule is not MfaRule.OPTIONAL and not row.person.has_factor:
            short.append((row, rule))
    return short


def recovery_codes_behind(mark: str) -> dict[str, int]:
    """Return how many unused codes of each person another pepper hashed than the one of `mark`."""
    behind = RecoveryCode.pepper.is_distinct_from(mark)
    rows = db.session.execute(
        select(RecoveryCode.person_id, func.count().label("unused"))
        .where(RecoveryCode.used_at.is_(None), behind)
        .group_by(RecoveryCode.person_id)
    )
    return {row.person_id: row.unused for row in rows}


def recovery_codes_kept() -> int:
    """Return how many unused recovery codes there are."""
    kept = select(func.count()).where(RecoveryCode.used_at.is_(None))
    return db.session.scalar(kept.select_from(RecoveryCode)) or 0


def recovery_codes_left(person_id: str) -> int:
    """Return how many recovery codes a person has not used."""
    unused = select(func.count()).where(
        RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None)
    )
    return db.session.scalar(unused) or 0


def live_sign_ins(person_id: str, settings: Settings, *, at: datetime) -> Sequence[SignIn]:
    """Return a person's sessions that would still open a page, the last used first."""
    query = (
        select(SignIn)
        .where(
            SignIn.person_id == person_id,
            SignIn.ended_at.is_(None),
            SignIn.seen_at >= at - settings.idle,
            SignIn.created_at >= at - settings.absolute,
        )
        .order_by(SignIn.seen_at.desc())
    )
    return db.session.scalars(query).all()


def open_invitations(actor: Actor, *, at: datetime) -> Sequence[Invitation]:
    """Return the invitations of the actor's organisation that can still be accepted."""
    query = (
        select(Invitation)
        .where(
            Invitation.organisation_id == actor.organisation_id,
            Invitation.accepted_at.is_(None),
            Invitation.expires_at > at,
        )
        .order_by(Invitation.created_at)
    )
    return db.session.scalars(query).all()


def find_invitation(token_hash: str, *, at: datetime) -> Invitation:
    """Return the invitation of a token that can still be accepted, or raise `NotFound`."""
    query = select(Invitation).where(
        Invitation.token_hash == token_hash,
        Invitation.accepted_at.is_(None),
        Invitation.expires_at > at,
    )
    found = db.session.scalar(query.options(joinedload(Invitation.organisation)))
    if found is None:
        raise NotFound
    return found


def find_reset(token_hash: str, *, at: datetime) -> tuple[PasswordReset, Person]:
    """Return a link to a new password that still works, and whose it is, or raise `NotFound`."""
    row = db.session.execute(
        select(PasswordReset, Person)
        .join(Person, Person.id == PasswordReset.person_id)
        .where(
            PasswordReset.token_hash == token_hash, PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > at, Person.deactivated_at.is_(None),
        )
    ).one_or_none()  # fmt: skip
    if row is None:
        raise NotFound
    return row[0], row[1]
