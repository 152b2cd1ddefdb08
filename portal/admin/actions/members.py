"""Who belongs to an organisation: invite, change roles, end sessions and memberships."""

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from portal.accounts import passwords
from portal.accounts.actions import end_sign_ins
from portal.accounts.actions.directory import join
from portal.accounts.actions.forgetting import demand_unused
from portal.accounts.models import Invitation, Membership, Person
from portal.accounts.queries import (
    find_invitation,
    find_member,
    members_of,
    members_with,
    open_invitations,
    person_by_email,
)
from portal.accounts.rules import (
    INVITATION_LIFE,
    Actor,
    Role,
    demand,
    read_email,
    read_name,
    read_roles,
)
from portal.audit.actions import record
from portal.audit.rules import Actor as LogActor
from portal.kit.db import db, transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id, new_token
from portal.kit.words import say
from portal.notices.actions import write_mail
from portal.notices.letters import headline, letter


def token_hash(token: str) -> str:
    """Return what is stored of an invitation's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def invite(
    actor: Actor, *, email: str, name: str, roles: Collection[str], link: str, at: datetime
) -> Invitation:
    """Offer membership by mail for 24 hours; an older offer to the same address ends.

    `link` is the address of an invitation with `TOKEN` where the token goes.
    """
    demand(actor, "member:invite")
    address, called, chosen = read_email(email), read_name(name), read_roles(roles)
    token = new_token()
    with transaction(db.session) as session:
        known = {row.person.email for row in members_of(actor.organisation_id)}
        if address in known:
            raise Refused(say("%(address)s is a member already.", address=address))
        for older in open_invitations(actor, at=at):
            if older.email == address:
                older.expires_at = at
        row = Invitation(
            id=new_id(at), email=address, name=called, organisation_id=actor.organisation_id,
            roles=",".join(chosen), token_hash=token_hash(token), invited_by=actor.person_id,
            created_at=at, expires_at=at + INVITATION_LIFE,
        )  # fmt: skip
        session.add(row)
        record(
            session, actor.organisation_id, "organisation:invitation:sent", actor=actor.log, at=at,
            facts={"invitation": row.id, "roles": [*chosen]},
        )  # fmt: skip
        write_mail(
            session,
            chain=actor.organisation_id,
            dedupe=f"invitation.{row.id}",
            recipient=address,
            name=called,
            subject=headline(
                say(
                    "%(organisation)s invites you to Counterpart",
                    organisation=actor.organisation_name,
                )
            ),
            at=at,
            text=letter(
                "accounts_invitation",
                name=called,
                organisation=actor.organisation_name,
                inviter=actor.name,
                link=link.replace("TOKEN", token),
                until=row.expires_at,
            ),
            caused_by=actor.person_id,
        )
    return row


def withdraw_invitation(actor: Actor, invitation_id: str, *, at: datetime) -> None:
    """End an open invitation of the actor's organisation."""
    demand(actor, "member:invite")
    with transaction(db.session) as session:
        row = next((i for i in open_invitations(actor, at=at) if i.id == invitation_id), None)
        if row is None:
            raise NotFound
        row.expires_at = at
        record(
            session, actor.organisation_id, "organisation:invitation:withdrawn", actor=actor.log,
            at=at, facts={"invitation": row.id},
        )  # fmt: skip


def accept_as_new_person(token: str, *, name: str, password: str, at: datetime) -> None:
    """Use up an invitation: make the person, with their own password, and the member."""
    called = read_name(name)
    db.session.rollback()  # nobody waits for the write lock while this hashes
    hashed = passwords.hash_password(password)
    with transaction(db.session) as session:
        offer = _use_up(session, token, at)
        if person_by_email(offer.email):
            raise Refused(say("You have an account already. Sign in, then accept the invitation."))
        demand_unused(session, offer.email)
        person = Person(
            id=new_id(at), email=offer.email, name=called, password_hash=hashed, operator=0,
            totp_step=0, created_at=at,
        )  # fmt: skip
        session.add(person)
        session.flush()
        _join(session, offer, person, at)


def accept_as_person(token: str, person_id: str, *, at: datetime) -> None:
    """Use up an invitation for someone who has an account under the invited address."""
    with transaction(db.session) as session:
        offer = _use_up(session, token, at)
        person = session.get(Person, person_id)
        if person is None or person.email != offer.email:
            raise NotFound
        _join(session, offer, person, at)


def _use_up(session: Session, token: str, at: datetime) -> Invitation:
    offer = find_invitation(token_hash(token), at=at)
    used: Any = session.execute(
        update(Invitation)
        .where(Invitation.id == offer.id, Invitation.accepted_at.is_(None))
        .values(accepted_at=at)
    )
    if used.rowcount != 1:
        raise NotFound
    return offer


def _join(session: Session, offer: Invitation, person: Person, at: datetime) -> None:
    roles = read_roles(offer.roles.split(","))
    join(session, person.id, offer.organisation_id, roles=roles, at=at)
    offer.organisation.kept_by = None  # a prospect is claimed by the first who joins
    joined = LogActor(person.id, person.name, offer.organisation_id, offer.organisation.name)
    record(
        session, offer.organisation_id, "organisation:member:joined", actor=joined, at=at,
        facts={"person": person.id, "invitation": offer.id, "roles": [*roles]},
    )  # fmt: skip


def change_roles(actor: Actor, membership_id: str, roles: Collection[str], *, at: datetime) -> None:
    """Give a member other roles, from their next request on; the same roles change nothing."""
    demand(actor, "member:edit")
    chosen = read_roles(roles)
    with transaction(db.session) as session:
        row = find_member(actor, membership_id)
        before = row.roles.split(",")
        if set(before) == set(chosen):
            return
        if Role.ORG_ADMIN not in chosen:
            _demand_another_admin(row)
        row.roles = ",".join(chosen)
        record(
            session, actor.organisation_id, "organisation:member:roles_changed", actor=actor.log,
            at=at, facts={"person": row.person_id, "before": before, "after": [*chosen]},
        )  # fmt: skip


def end_membership(actor: Actor, membership_id: str, *, at: datetime) -> None:
    """End a membership, and its sessions with it."""
    demand(actor, "member:edit")
    with transaction(db.session) as session:
        row = find_member(actor, membership_id)
        _demand_another_admin(row)
        row.ended_at = at
        ended = end_sign_ins(session, row, at=at)
        record(
            session, actor.organisation_id, "organisation:member:ended", actor=actor.log, at=at,
            facts={"person": row.person_id, "sign_ins_ended": ended},
        )  # fmt: skip


def end_sessions(actor: Actor, membership_id: str, *, at: datetime) -> int:
    """End every session in which a member acts for the organisation; return how many ended."""
    demand(actor, "member:edit")
    with transaction(db.session) as session:
        row = find_member(actor, membership_id)
        ended = end_sign_ins(session, row, at=at)
        if ended:
            record(
                session, actor.organisation_id, "organisation:member:signed_out", actor=actor.log,
                at=at, facts={"person": row.person_id, "sign_ins_ended": ended},
            )  # fmt: skip
        else:
            session.rollback()
    return ended


def _demand_another_admin(row: Membership) -> None:
    admins = members_with(row.organisation_id, Role.ORG_ADMIN)
    if [admin.id for admin in admins] == [row.id]:
        raise Refused(
            say(
                "%(name)s is the only organisation administrator. Give someone else that role "
                "first.",
                name=row.person.name,
            )
        )
