"""Monitors: a token each, kept as a hash, and what they report of up, degraded and down."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.changes import queries
from portal.changes.actions.letters import tell_side
from portal.changes.actions.outages import add_event, new_outage
from portal.changes.models import Monitor, OutageRow
from portal.changes.rules.plan import Effect
from portal.contracts.models import Contract
from portal.contracts.queries import own_side, terms_in_force
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id, new_token
from portal.kit.vault import put
from portal.kit.words import say

PREFIX = "cpm_"
# A monitor may be late with its word, and its clock a little ahead of ours.
LATE, AHEAD = timedelta(days=2), timedelta(minutes=2)


def token_sha256(token: str) -> str:
    """Return the hash under which a token is known."""
    return hashlib.sha256(token.encode()).hexdigest()


def add_monitor(
    session: Session, contract: Contract, actor: Actor, *, name: str, at: datetime
) -> tuple[Monitor, str]:
    """Let a machine report outages for the actor's side; the token is shown this once."""
    demand(actor, "monitor:edit")
    side = own_side(contract, actor)
    terms_in_force(session, contract, on=at.date())
    token = PREFIX + new_token()
    with transaction(session):
        row = Monitor(
            id=new_id(at), region=contract.region, contract_id=contract.id, side=side.value,
            token_sha256=token_sha256(token), created_at=at,
        )  # fmt: skip
        put(session, row, name=name.strip())
        record(
            session, contract.id, "changes:monitor:added", actor=actor.log, at=at,
            facts={"side": side, "monitor": row.id},
        )  # fmt: skip
    return row, token


def revoke_monitor(
    session: Session, contract: Contract, actor: Actor, row: Monitor, *, at: datetime
) -> None:
    """End a monitor's token; what it reported stays."""
    demand(actor, "monitor:edit")
    with transaction(session):
        if row.revoked_at is not None:
            raise Refused(say("This monitor was ended already."))
        row.revoked_at = at
        record(
            session, contract.id, "changes:monitor:revoked", actor=actor.log, at=at,
            facts={"side": row.side, "monitor": row.id},
        )  # fmt: skip


def report_by_monitor(
    session: Session, contract: Contract, monitor: Monitor, *, state: str, module: str | None,
    happened: datetime, at: datetime,
) -> OutageRow | None:  # fmt: skip
    """Take a monitor's word: down or degraded begins an outage, up ends it.

    Saying the same again changes nothing, so a monitor may repeat itself. A change between down
    and degraded ends one outage and begins the next.
    """
    if state not in ("up", Effect.DOWN, Effect.DEGRADED):
        raise Refused(say("state is one of: up, degraded, down"))
    if not at - LATE <= happened <= at + AHEAD:
        raise Refused(say("at lies too far from now"))
    happened = min(happened, at)
    with transaction(session):
        monitor.seen_at = at
        modules = [module] if module else []
        running = [
            row
            for row in queries.open_outages_of(session, monitor)
            if row.content["modules"] == modules
        ]
        if any(row.effect == state for row in running):
            return next(row for row in running if row.effect == state)
        for row in running:
            _say(session, contract, monitor, row, "ended", at=at, end=happened)
        if state == "up":
            return running[0] if running else None
        row = new_outage(
            session, contract, effect=Effect(state), modules=modules, at=at,
            seen=f"Seen by {monitor.name}", monitor_id=monitor.id,
        )  # fmt: skip
        _say(session, contract, monitor, row, "reported", at=at, begin=happened)
        return row


def _say(
    session: Session, contract: Contract, monitor: Monitor, row: OutageRow, kind: str, *,
    at: datetime, begin: datetime | None = None, end: datetime | None = None,
) -> None:  # fmt: skip
    side = Side(monitor.side)
    outage = None if kind == "reported" else queries.standing_outage(row)
    if outage is not None and end is not None and end <= outage.begin:
        end = outage.begin + timedelta(seconds=1)
    add_event(session, contract, row, kind, side=side, person_id=None, at=at, begin=begin, end=end)
    record(
        session, contract.id, f"changes:outage:{kind}", actor=PORTAL, at=at,
        facts={"outage": row.ref, "monitor": monitor.id},
    )  # fmt: skip
    if kind == "reported":
        for one in Side:
            tell_side(
                session, contract, one, event="changes:outage:reported", item=row.ref,
                what=say("Outage recorded by a monitor"), path=f"outages/{row.ref}",
                cause=f"{row.id}:1", at=at,
            )  # fmt: skip
