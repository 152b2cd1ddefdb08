"""Carrying a request out once for its Idempotency-Key, and counting requests."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete

from portal.accounts.rules import Actor, demand
from portal.api.models import IdempotencyKey
from portal.api.rules.problems import Problem
from portal.audit.actions import record
from portal.kit.db import db, transaction
from portal.kit.vault import put
from portal.residency.databases import RegionDatabase, one_transaction, regions

KEPT = timedelta(hours=72)


@dataclass(frozen=True)
class Once:
    """One request that must be carried out once: who sent it where, under which key."""

    organisation_id: str
    client_id: str
    address: str
    key: str
    body: bytes

    @property
    def id(self) -> str:
        """What the row is known by."""
        parts = (self.organisation_id, self.client_id, self.address, self.key)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        """What another request under the same key would differ in."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True)
class Kept:
    """An answer as it is kept: its status, body and headers, and whose key seals it."""

    status: int
    body: Any
    headers: dict[str, str]
    owner: str


def carry_out(
    database: RegionDatabase, once: Once, run: Callable[[], Kept], *, at: datetime
) -> tuple[Kept, bool]:
    """Run a request unless its key was used; return its answer, and whether it is an old one.

    The key, all the request wrote in the region, and its answer are one transaction: the actions'
    own commits are savepoints within it. A second request with the key waits for the first and is
    then given its answer; one with another body is refused. What was refused keeps no key.
    """
    with one_transaction(database) as session:
        row = session.get(IdempotencyKey, once.id)
        if row is not None:
            if row.fingerprint != once.fingerprint:
                raise Problem("key_reused")
            kept = row.answer
            return Kept(row.status, kept["body"], kept["headers"], row.owner), True
        row = IdempotencyKey(
            id=once.id, region=database.region.name, owner="", fingerprint=once.fingerprint,
            status=0, created_at=at,
        )  # fmt: skip
        session.add(row)
        session.flush()
        done = run()
        row = session.merge(row)
        row.owner, row.status = done.owner, done.status
        put(session, row, answer={"body": done.body, "headers": done.headers})
        session.commit()
        return done, False


def note_export(actor: Actor, *, contracts: int, at: datetime) -> None:
    """Note in the organisation's log that everything it owns was exported, and by whom."""
    demand(actor, "data:export")
    with transaction(db.session) as session:
        record(
            session, actor.organisation_id, "organisation:data:exported", actor=actor.log, at=at,
            facts={"contracts": contracts},
        )  # fmt: skip


def forget_keys(*, at: datetime) -> int:
    """Delete the keys that are older than three days, in every region; return how many."""
    gone = 0
    for _, session in regions().each():
        done: Any = session.execute(
            delete(IdempotencyKey).where(IdempotencyKey.created_at < at - KEPT)
        )
        session.commit()
        gone += int(done.rowcount)
    return gone
