"""Appending to the log."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import rfc8785
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit import rules
from portal.audit.models import (
    Branch,
    DirectoryEntry,
    DirectoryEntryPerson,
    Leaf,
    RegionCheckpoint,
    RegionEntry,
    RegionEntryPerson,
)
from portal.audit.queries import missing_branches
from portal.kit import clock, metrics
from portal.kit.db import insert_for, lock_in_turn
from portal.kit.vault import put

# Asked with what is about to be entered: session, chain, event, and actor, at and facts by name.
BeforeEntry = Callable[..., None]
# A region has one order of entries: who appends holds it until the commit.
LOG_ORDER = "the order of the log"


def record(
    session: Session,
    chain: str,
    event: str,
    *,
    actor: rules.Actor,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
) -> str:
    """Append one entry to a chain, in the caller's transaction; return the new head.

    Facts hold identifiers, counts and hashes only, never content or names of people.
    A session may carry who is asked first (`before_entry`): it may refuse, or enter something that
    belongs before.
    """
    known = facts or {}
    before: BeforeEntry | None = session.info.get("before_entry")
    if before is not None:
        before(session, chain, event, actor=actor, at=at, facts=known)
    with metrics.appending():
        return _append(session, chain, event, actor=actor, at=at, facts=known)


def _append(
    session: Session,
    chain: str,
    event: str,
    *,
    actor: rules.Actor,
    at: datetime,
    facts: Mapping[str, Any],
) -> str:
    table = RegionEntry if "region" in session.info else DirectoryEntry
    session.flush()
    lock_in_turn(session, LOG_ORDER if table is RegionEntry else f"chain {chain}")
    last = session.execute(
        select(table.seq, table.hash)
        .where(table.chain == chain)
        .order_by(table.seq.desc())
        .limit(1)
    ).first()
    seq, prev = (last[0] + 1, last[1]) if last else (1, rules.ZERO)
    body = rules.body(
        chain=chain,
        seq=seq,
        prev=prev,
        at=clock.stamp(at),
        event=event,
        actor=_committed(session, chain, actor),
        facts=facts,
    )
    head = rules.digest(body)
    session.add(
        table(
            chain=chain,
            seq=seq,
            prev=prev,
            hash=head,
            at=clock.stamp(at),
            event=event,
            body=body.decode(),
        )
    )
    session.flush()
    if table is RegionEntry:
        _place(session, chain, seq, body)
    return head


def _place(session: Session, chain: str, seq: int, body: bytes) -> None:
    """Give the entry its place in the region's order; the next writer waits for this commit."""
    last = session.scalar(select(func.max(Leaf.place)))
    session.add(
        Leaf(
            place=0 if last is None else last + 1,
            region=session.info["region"],
            chain=chain,
            seq=seq,
            hash=rules.leaf_hash(body).hex(),
        )
    )
    session.flush()


def add_checkpoint(session: Session, note: str, *, at: datetime) -> RegionCheckpoint:
    """Store a signed checkpoint in the caller's transaction; one of a size is enough."""
    checkpoint, _ = rules.read_note(note)
    row = session.get(RegionCheckpoint, checkpoint.size)
    if row is None:
        row = RegionCheckpoint(
            size=checkpoint.size, region=session.info["region"], note=note, at=at
        )
        session.add(row)
        session.flush()
        _keep_branches(session)
    return row


def _keep_branches(session: Session) -> None:
    """Keep the roots of runs that are full by now: the next checkpoint starts from them."""
    keep = insert_for(session)(Branch).on_conflict_do_nothing()
    for level, number, found in missing_branches(session):
        row = {"level": level, "number": number, "region": session.info["region"]}
        session.execute(keep.values(**row, hash=found.hex()))


def forget_names(session: Session, person: str) -> dict[str, list[str]]:
    """Delete who stands behind a person's entries, in the caller's transaction.

    Return the commitments that stay unopened from now on, by chain.
    """
    table: Any = RegionEntryPerson if "region" in session.info else DirectoryEntryPerson
    rows = session.scalars(select(table).where(table.person == person)).all()
    chains: dict[str, list[str]] = {}
    for row in rows:
        chains.setdefault(row.chain, []).append(row.id)
        session.delete(row)
    session.flush()
    return chains


def _committed(session: Session, chain: str, actor: rules.Actor) -> str:
    if actor.person == rules.PORTAL.person:
        return rules.PORTAL.person
    table = RegionEntryPerson if "region" in session.info else DirectoryEntryPerson
    identity = [actor.person, actor.name, actor.organisation, actor.organisation_name]
    mark = hashlib.sha256(rfc8785.dumps([chain, *identity])).hexdigest()
    known = session.scalar(select(table.id).where(table.chain == chain, table.digest == mark))
    if known:
        return known
    salt = secrets.token_hex(32)
    row = table(id=rules.commitment(actor, salt), chain=chain, person=actor.person, digest=mark)
    put(session, row, salt=salt, identity=identity)
    return row.id
