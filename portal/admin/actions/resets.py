"""Taking away a factor whose phone is lost: two administrators, then a day without signing."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from portal.accounts.actions import take_factor
from portal.accounts.queries import find_member, memberships_of, person_by_id
from portal.accounts.rules import Actor, demand
from portal.admin import queries, rules
from portal.admin.actions.letters import keepers_of, tell_keepers, tell_one
from portal.admin.models import FactorReset
from portal.audit.actions import record
from portal.kit.db import db, transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.words import say


def ask_for_reset(actor: Actor, membership_id: str, *, at: datetime) -> FactorReset:
    """Ask that a member's factor be taken away; the member and the administrators are told."""
    demand(actor, "member:edit")
    with transaction(db.session) as session:
        member = find_member(actor, membership_id)
        if member.person_id == actor.person_id:
            raise Refused(
                say("Move your own codes on your security page, or ask another administrator.")
            )
        if not member.person.has_factor:
            raise Refused(
                say(
                    "%(name)s has set up no codes, so there is nothing to reset.",
                    name=member.person.name,
                )
            )
        rules.demand_two(len(keepers_of(actor.organisation_id)))
        for old in queries.stale_resets(member.person_id, at=at):
            old.withdrawn_at = at
        session.flush()
        row = FactorReset(
            id=new_id(at), person_id=member.person_id, organisation_id=actor.organisation_id,
            asked_by=actor.person_id, asked_at=at,
        )  # fmt: skip
        session.add(row)
        try:
            session.flush()
        except IntegrityError as error:
            raise Refused(say("A reset waits already for a second administrator.")) from error
        record(
            session, actor.organisation_id, "organisation:factor_reset:asked", actor=actor.log,
            at=at, facts={"person": member.person_id, "reset": row.id},
        )  # fmt: skip
        words = {
            "organisation": actor.organisation_name, "asker": actor.name,
            "member": member.person.name,
        }  # fmt: skip
        event = "organisation:factor_reset:asked"
        link = f"/organisation/members/{member.id}"
        tell_keepers([actor.organisation_id], event, link=link, by=actor.person_id, at=at, **words)
        tell_one(member.person, None, event, link="/security", by=actor.person_id, at=at, **words)
    return row


def confirm_reset(actor: Actor, reset_id: str, *, partners: Iterable[str], at: datetime) -> None:
    """Say the second "yes": factor, recovery codes, passkeys and sessions end at once.

    For a day the person signs nothing, and every organisation that shares a contract with theirs
    is told: whoever runs the portal could otherwise reset a factor and sign in their name unseen.
    """
    demand(actor, "member:edit")
    with transaction(db.session) as session:
        row = queries.find_reset(actor, reset_id, at=at)
        rules.demand_second(
            asked_by=row.asked_by, confirmer=actor.person_id, about=row.person_id
        )  # fmt: skip
        until = at + rules.SIGNING_HOLD
        row.confirmed_by, row.confirmed_at = actor.person_id, at
        ended = take_factor(session, row.person_id, held_until=until, at=at)
        person = person_by_id(row.person_id)
        homes = {home.organisation_id for home in memberships_of(row.person_id)}
        words = {
            "organisation": actor.organisation_name, "member": person.name, "until": until,
            "confirmer": actor.name,
        }  # fmt: skip
        event = "organisation:factor_reset:done"
        told = tell_keepers(
            {*homes, *partners}, event, link="/inbox", by=actor.person_id, at=at, **words
        )
        tell_one(person, None, event, link="/security", by=actor.person_id, at=at, **words)
        record(
            session, actor.organisation_id, "organisation:factor_reset:done", actor=actor.log,
            at=at, facts={"person": row.person_id, "reset": row.id, "sign_ins_ended": ended,
                          "told": told + 1},
        )  # fmt: skip


def withdraw_reset(actor: Actor, reset_id: str, *, at: datetime) -> None:
    """End a reset nobody confirmed yet."""
    demand(actor, "member:edit")
    with transaction(db.session) as session:
        row = queries.find_reset(actor, reset_id, at=at)
        row.withdrawn_at = at
        record(
            session, actor.organisation_id, "organisation:factor_reset:withdrawn",
            actor=actor.log, at=at, facts={"person": row.person_id, "reset": row.id},
        )  # fmt: skip
