"""Bringing customers, and making one a prospect whose contact is invited."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session, selectinload

from portal.accounts.models import Invitation, Organisation
from portal.accounts.queries import organisation_by_id
from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.customers import queries, rules
from portal.customers.models import Customer, CustomerContact
from portal.customers.rules import Account, Contact, Counts, plain_name
from portal.kit.db import db, transaction
from portal.kit.refs import new_id, new_token
from portal.notices.actions import write_mail
from portal.notices.letters import letter


def bring_customers(actor: Actor, accounts: Iterable[Account], *, at: datetime) -> Counts:
    """Add what is new and change what is known: all of it in one transaction, with one entry.

    A customer is known by its id elsewhere, or else by its name; a contact by its e-mail.
    """
    demand(actor, "customer:keep")
    counts = Counts()
    with transaction(db.session) as session:
        rows = session.scalars(
            select(Customer)
            .where(Customer.organisation_id == actor.organisation_id)
            .options(selectinload(Customer.contacts))
        ).all()
        by_id = {row.external_id: row for row in rows if row.external_id}
        by_name = {row.sort_name: row for row in rows}
        for account in accounts:
            row = _matching(account, by_id, by_name)
            if row is None:
                row = _add(session, actor, account, at)
                counts.added += 1
            elif _change(row, account, at):
                counts.changed += 1
            else:
                counts.same += 1
            by_name[row.sort_name] = row
            if row.external_id:
                by_id[row.external_id] = row
            for contact in account.contacts:
                _keep_contact(session, row, contact, counts, at)
        record(
            session, actor.organisation_id, "organisation:customers:brought", actor=actor.log,
            at=at, facts=counts.facts,
        )  # fmt: skip
    return counts


def _matching(
    account: Account, by_id: dict[str, Customer], by_name: dict[str, Customer]
) -> Customer | None:
    if account.external_id and account.external_id in by_id:
        return by_id[account.external_id]
    named = by_name.get(plain_name(account.name))
    # One name may be several accounts elsewhere; a customer without an id is the one meant.
    if named is not None and account.external_id and named.external_id:
        return None
    return named


def _add(session: Session, actor: Actor, account: Account, at: datetime) -> Customer:
    row = Customer(
        id=new_id(at), organisation_id=actor.organisation_id, external_id=account.external_id,
        name=account.name, sort_name=plain_name(account.name), address=account.address,
        created_at=at, changed_at=at, contacts=[],
    )  # fmt: skip
    session.add(row)
    return row


def _change(row: Customer, account: Account, at: datetime) -> bool:
    before = (row.external_id, row.name, row.address)
    row.external_id = account.external_id or row.external_id
    row.name, row.address = account.name or row.name, account.address or row.address
    row.sort_name = plain_name(row.name)
    if before == (row.external_id, row.name, row.address):
        return False
    row.changed_at = at
    return True


def _keep_contact(
    session: Session, row: Customer, contact: Contact, counts: Counts, at: datetime
) -> None:
    held = next((one for one in row.contacts if one.email == contact.email), None)
    if held is None:
        row.contacts.append(
            CustomerContact(
                id=new_id(at), external_id=contact.external_id, name=contact.name,
                email=contact.email, title=contact.title,
            )
        )  # fmt: skip
        counts.contacts_added += 1
        return
    told = (contact.external_id or held.external_id, contact.name, contact.title or held.title)
    if told != (held.external_id, held.name, held.title):
        held.external_id, held.name, held.title = told
        counts.contacts_changed += 1


def invite_contact(
    actor: Actor, customer_id: str, contact_id: str, *, link: str, at: datetime
) -> Organisation:
    """Make a customer a prospect, invite a contact of it, and return the organisation it is.

    Whoever accepts first claims it. One that was claimed looks after its own members: nobody is
    invited then. `link` is the address of an invitation with `TOKEN` where the token goes.
    """
    demand(actor, "customer:keep")
    with transaction(db.session) as session:
        customer = queries.find_customer(actor, customer_id)
        contact = queries.find_contact(customer, contact_id)
        prospect = _prospect(session, actor, customer, at)
        if prospect.kept_by != actor.organisation_id:
            return prospect
        session.execute(
            update(Invitation)
            .where(
                Invitation.organisation_id == prospect.id, Invitation.email == contact.email,
                Invitation.accepted_at.is_(None), Invitation.expires_at > at,
            )
            .values(expires_at=at)
        )  # fmt: skip
        _write_invitation(session, actor, prospect, contact, link=link, at=at)
        contact.invited_at = at
    return prospect


def _prospect(session: Session, actor: Actor, customer: Customer, at: datetime) -> Organisation:
    if customer.partner_id is not None:
        return organisation_by_id(customer.partner_id)
    own = organisation_by_id(actor.organisation_id)
    row = Organisation(
        id=new_id(at), slug=f"kept-{new_token()[:20].lower()}", name=customer.name,
        details=customer.address, regions=own.regions, created_at=at,
        kept_by=actor.organisation_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    customer.partner_id = row.id
    return row


def _write_invitation(
    session: Session, actor: Actor, prospect: Organisation, contact: CustomerContact, *,
    link: str, at: datetime,
) -> None:  # fmt: skip
    token = new_token()
    row = Invitation(
        id=new_id(at), email=contact.email, name=contact.name, organisation_id=prospect.id,
        roles=",".join(rules.CONTACT_ROLES), invited_by=actor.person_id, created_at=at,
        token_hash=hashlib.sha256(token.encode()).hexdigest(), expires_at=at + rules.CONTACT_LIFE,
    )  # fmt: skip
    session.add(row)
    record(
        session, actor.organisation_id, "organisation:contact:invited", actor=actor.log, at=at,
        facts={"prospect": prospect.id, "invitation": row.id},
    )  # fmt: skip
    write_mail(
        session, chain=actor.organisation_id, dedupe=f"invitation.{row.id}",
        recipient=contact.email, name=contact.name, at=at, caused_by=actor.person_id,
        subject=f"{actor.organisation_name} invites {prospect.name} to Counterpart",
        text=letter(
            "customers_invitation", name=contact.name, organisation=actor.organisation_name,
            inviter=actor.name, customer=prospect.name, link=link.replace("TOKEN", token),
            until=row.expires_at,
        ),
    )  # fmt: skip
