"""Asking people to approve or to sign: once when it is their turn, then reminders."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.contracts.models import Contract, Version
from portal.contracts.queries import approvals_missing, side_of
from portal.kit.db import transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.words import long_day, say
from portal.notices.rules import Recipient
from portal.signing import queries, rules
from portal.signing.actions.letters import APPROVE, REMINDED, SIGN, Post, approver, signer
from portal.signing.actions.turn import demand_signing, hold
from portal.signing.models import Invitation

ZoneOf = Callable[[str], ZoneInfo]


def awaited(session: Session, contract: Contract, version: Version) -> list[queries.Awaited]:
    """Return whom the signing waits for now, asked or about to be."""
    return queries.awaited(session, contract, version)


def invite_open(post: Post, version: Version) -> None:
    """Invite everybody whose turn it is and who was not asked yet, in the caller's transaction."""
    session, contract, at = post.session, post.contract, post.at
    session.flush()
    asked = {(row.kind, row.person_id) for row in queries.invitations_of(session, version)}
    for kind, to, slot_id in _open(session, contract, version):
        if (kind, to.person_id) in asked:
            continue
        row = Invitation(
            id=new_id(at), region=contract.region, contract_id=contract.id, version_id=version.id,
            kind=kind, person_id=to.person_id, slot_id=slot_id, invited_at=at, asked_at=at,
        )  # fmt: skip
        session.add(row)
        post.invite(row, to)


def _open(
    session: Session, contract: Contract, version: Version
) -> Sequence[tuple[str, Recipient, str | None]]:
    missing = approvals_missing(contract)
    if missing:
        return [(APPROVE, approver(contract, row), None) for row in missing]
    slots = {slot.id: slot for slot in contract.slots}
    seats = queries.open_now(session, contract, version)
    return [(SIGN, signer(contract, slots[seat.slot_id]), seat.slot_id) for seat in seats]


def remind(session: Session, contract: Contract, *, at: datetime, zone_of: ZoneOf) -> int:
    """Remind those whose turn it is and whose reminder is due; return how many were."""
    version = demand_signing(contract, at=at)
    every = timedelta(hours=queries.setting(contract, "reminder_hours"))
    with transaction(session):
        hold(session, contract)
        version = demand_signing(contract, at=at)
        due = [
            one
            for one in queries.awaited(session, contract, version)
            if one.invitation is not None
            and rules.reminder_is_due(
                one.asked(), at=at, zone=zone_of(one.invitation.person_id), every=every
            )
        ]
        for one in due:
            _ask_again(Post(session, contract, at), version, one.invitation)
        if due:
            record(
                session, contract.id, "signing:signer:reminded", actor=PORTAL, at=at,
                facts={"version": version.number, "people": len(due)},
            )  # fmt: skip
        return len(due)


def _ask_again(post: Post, version: Version, row: Invitation | None) -> None:
    if row is None:
        return
    row.asked_at, row.reminders = post.at, row.reminders + 1
    for kind, to, _ in _open(post.session, post.contract, version):
        if (kind, to.person_id) == (row.kind, row.person_id):
            post.write(
                REMINDED, f"{row.id}:{row.reminders}", to, kind=kind,
                waited=rules.waited_words(row.invited_at, post.at),
                until=long_day(queries.offer_ends(post.contract, version)),
            )  # fmt: skip


def resend(
    session: Session, actor: Actor, contract: Contract, invitation_id: str, *, at: datetime
) -> None:
    """Ask somebody again at a person's wish, at most once in 24 hours."""
    demand(actor, "signing:remind")
    with transaction(session):
        hold(session, contract)
        if side_of(contract, actor) is None:
            raise NotFound
        version = demand_signing(contract, at=at)
        waiting = queries.awaited(session, contract, version)
        found = next((one for one in waiting if one.is_invitation(invitation_id)), None)
        if found is None or found.invitation is None:
            raise Refused(say("Nobody waits on that mail any more."))
        problem = rules.resend_problem(found.asked(), at=at)
        if problem:
            raise Refused(problem)
        found.invitation.resent_at = at
        _ask_again(Post(session, contract, at, by=actor.person_id), version, found.invitation)
        record(
            session, contract.id, "signing:signer:reminded", actor=actor.log, at=at,
            facts={"version": version.number, "people": 1},
        )  # fmt: skip
