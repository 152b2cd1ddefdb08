"""Reading the log. Whoever calls has already found the subject as its party."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit import rules
from portal.audit.models import (
    DirectoryEntry,
    DirectoryEntryPerson,
    RegionEntry,
    RegionEntryPerson,
)
from portal.kit import clock


@dataclass(frozen=True)
class Line:
    """An entry ready to be read: who did what, when, with the facts of the entry."""

    seq: int
    at: datetime
    event: str
    name: str
    organisation: str
    facts: dict[str, Any]
    hash: str


def _tables(session: Session) -> tuple[Any, Any]:
    if "region" in session.info:
        return RegionEntry, RegionEntryPerson
    return DirectoryEntry, DirectoryEntryPerson


def lines(session: Session, chain: str) -> list[Line]:
    """Return the entries of a chain, oldest first, with the names behind the commitments."""
    entries, people = _tables(session)
    names = {
        row.id: row.identity for row in session.scalars(select(people).where(people.chain == chain))
    }
    rows = session.scalars(select(entries).where(entries.chain == chain).order_by(entries.seq))
    return [_line(row, names) for row in rows]


def _line(row: Any, names: dict[str, Any]) -> Line:
    entry = json.loads(row.body)
    portal = rules.PORTAL
    identity = names.get(entry["actor"])
    if entry["actor"] == portal.person:
        identity = [portal.person, portal.name, "", ""]
    name, organisation = (identity[1], identity[3]) if identity else ("Someone (erased)", "")
    at = clock.read_stamp(row.at)
    return Line(row.seq, at, row.event, name, organisation, entry["facts"], row.hash)


def bodies(session: Session, chain: str) -> Iterator[str]:
    """Yield the canonical text of each entry of a chain, oldest first."""
    entries, _ = _tables(session)
    yield from session.scalars(
        select(entries.body).where(entries.chain == chain).order_by(entries.seq)
    )


def head(session: Session, chain: str) -> str | None:
    """Return the hash of the last entry of a chain."""
    entries, _ = _tables(session)
    found: str | None = session.scalar(
        select(entries.hash).where(entries.chain == chain).order_by(entries.seq.desc()).limit(1)
    )
    return found


def check(session: Session) -> tuple[int, list[rules.ChainFinding]]:
    """Check every chain of this database; return how many entries were read and what is wrong."""
    entries, _ = _tables(session)
    count, findings = 0, []
    for chain in session.scalars(select(entries.chain).distinct().order_by(entries.chain)).all():
        rows = session.execute(
            select(entries.seq, entries.hash, entries.body)
            .where(entries.chain == chain)
            .order_by(entries.seq)
        ).all()
        count += len(rows)
        findings += rules.check_chain(chain, [(r[0], r[1], r[2]) for r in rows])
    return count, findings


def count_chains(session: Session) -> int:
    """Return how many chains this database holds."""
    entries, _ = _tables(session)
    return session.scalar(select(func.count(entries.chain.distinct()))) or 0
