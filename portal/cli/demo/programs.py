"""Programs that act for members: a CRM link that Cleo let in, and a bridge from monitoring."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select

from portal.accounts.models import Membership
from portal.accounts.rules import Actor
from portal.kit.db import db
from portal.oauth import actions
from portal.oauth.rules import Kind

DAY = timedelta(days=1)


def tell_programs(cast: Mapping[str, Actor], *, now: datetime) -> None:
    """Register three programs, and let one act for Cleo."""
    dov, cleo, ada = cast["dov"], cast["cleo"], cast["ada"]
    link, _ = actions.add_client(
        dov, name="CRM link", kind=Kind.WEB, addresses="https://crm.harbour.example/back",
        scopes=["contracts:read", "incidents:read", "incidents:write", "renewals:read"],
        membership_id=_member(dov), at=now - 20 * DAY,
    )  # fmt: skip
    link_id = link.id
    actions.give_consent(
        cleo,
        actions.Consent(
            client_id=link_id, membership_id=_member(cleo), scopes="contracts:read incidents:read",
            address="https://crm.harbour.example/back", challenge="A" * 43,
        ),
        at=now - 19 * DAY,
    )  # fmt: skip
    for who, name, scopes in (
        (dov, "Monitoring bridge", ["changes:read", "changes:write"]),
        (ada, "Finance export", ["statements:read", "renewals:read"]),
    ):
        actions.add_client(
            who, name=name, kind=Kind.MACHINE, addresses="", scopes=scopes,
            membership_id=_member(who), at=now - 15 * DAY,
        )  # fmt: skip
    db.session.remove()


def _member(actor: Actor) -> str:
    """Return the membership of one of the cast."""
    found = db.session.scalars(
        select(Membership.id).where(
            Membership.person_id == actor.person_id,
            Membership.organisation_id == actor.organisation_id,
        )
    ).one()
    db.session.rollback()
    return found
