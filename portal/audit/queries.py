"""Reading the log. Whoever calls has already found the subject as its party."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit import rules
from portal.audit.models import (
    Branch,
    CheckpointStamp,
    DirectoryEntry,
    DirectoryEntryPerson,
    Leaf,
    RegionCheckpoint,
    RegionEntry,
    RegionEntryPerson,
)
from portal.audit.signer import Forked, Signer, demand_extends
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


def last_lines(session: Session, chain: str, *, most: int) -> list[Line]:
    """Return the last entries of a chain, the newest first, with the names behind them."""
    entries, people = _tables(session)
    names = {
        row.id: row.identity for row in session.scalars(select(people).where(people.chain == chain))
    }
    rows = session.scalars(
        select(entries).where(entries.chain == chain).order_by(entries.seq.desc()).limit(most)
    )
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


def last_stamp_at(session: Session) -> datetime | None:
    """Return when an authority last stamped a checkpoint of this region."""
    return session.scalar(select(func.max(CheckpointStamp.at)))


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


# The tree of a region, and its checkpoints.


def tree_of(session: Session) -> rules.Tree:
    """Return the tree over all entries of a region, in their order; it reads what is asked for."""

    def nodes(level: int, first: int, stop: int) -> list[bytes]:
        if level == 0:
            leaves = select(Leaf.hash).where(Leaf.place >= first, Leaf.place < stop)
            return [bytes.fromhex(one) for one in session.scalars(leaves.order_by(Leaf.place))]
        kept = _branches(session, level, first, stop)
        return [kept.get(number) or below(level, number) for number in range(first, stop)]

    def below(level: int, number: int) -> bytes:
        width = 1 << rules.STEP
        return rules.Tree(nodes(level - rules.STEP, number * width, (number + 1) * width)).root()

    return rules.KeptTree(size_of(session), nodes)


def _branches(session: Session, level: int, first: int, stop: int) -> dict[int, bytes]:
    rows = session.execute(
        select(Branch.number, Branch.hash).where(
            Branch.level == level, Branch.number >= first, Branch.number < stop
        )
    )
    return {number: bytes.fromhex(found) for number, found in rows}


def missing_branches(session: Session) -> Iterator[tuple[int, int, bytes]]:
    """Yield level, number and hash of every branch that could be kept and is not, lowest first.

    Whoever takes one stores it before the next is asked for, which is found from those below.
    """
    tree = tree_of(session)
    for level in range(rules.STEP, tree.size.bit_length(), rules.STEP):
        last = session.scalar(select(func.max(Branch.number)).where(Branch.level == level))
        for number in range(0 if last is None else last + 1, tree.size >> level):
            yield level, number, tree.full(level, number)


def size_of(session: Session) -> int:
    """Return how many entries the tree of a region holds."""
    last = session.scalar(select(func.max(Leaf.place)))
    return 0 if last is None else last + 1


def newest_at(session: Session) -> datetime | None:
    """Return when the last entry of a region was made, by the order of the log."""
    found = session.scalar(
        select(RegionEntry.at)
        .join(Leaf, (Leaf.chain == RegionEntry.chain) & (Leaf.seq == RegionEntry.seq))
        .order_by(Leaf.place.desc())
        .limit(1)
    )
    return clock.read_stamp(found) if found else None


def last_checkpoint(session: Session) -> RegionCheckpoint | None:
    """Return the newest checkpoint of a region."""
    query = select(RegionCheckpoint).order_by(RegionCheckpoint.size.desc())
    return session.scalar(query.limit(1))


def checkpoint_of(session: Session, size: int) -> RegionCheckpoint | None:
    """Return the checkpoint over exactly this many entries."""
    return session.get(RegionCheckpoint, size)


def stamps_of(session: Session, sizes: Iterable[int]) -> Sequence[CheckpointStamp]:
    """Return the time stamps over checkpoints, in the order of their size."""
    return session.scalars(
        select(CheckpointStamp)
        .where(CheckpointStamp.size.in_(list(sizes)))
        .order_by(CheckpointStamp.size, CheckpointStamp.authority)
    ).all()


def checkpoint_sizes(session: Session) -> Sequence[int]:
    """Return the sizes of all checkpoints of a region, smallest first."""
    return session.scalars(select(RegionCheckpoint.size).order_by(RegionCheckpoint.size)).all()


@dataclass(frozen=True)
class Placed:
    """An entry with its place in the order of its region."""

    place: int
    chain: str
    seq: int
    event: str
    hash: str
    body: str


def placed_since(session: Session, place: int) -> list[Placed]:
    """Return the entries of a region from a place on, in order."""
    return _placed(session, Leaf.place >= place)


def placed_of(session: Session, chain: str) -> list[Placed]:
    """Return the entries of a chain with their places, oldest first."""
    return _placed(session, RegionEntry.chain == chain)


def _placed(session: Session, which: Any) -> list[Placed]:
    rows = session.execute(
        select(
            Leaf.place, RegionEntry.chain, RegionEntry.seq, RegionEntry.event, RegionEntry.hash,
            RegionEntry.body,
        )
        .join(Leaf, (Leaf.chain == RegionEntry.chain) & (Leaf.seq == RegionEntry.seq))
        .where(which)
        .order_by(Leaf.place)
    )  # fmt: skip
    return [Placed(*row) for row in rows]


def openings(session: Session, chain: str) -> list[tuple[str, str, list[str]]]:
    """Return (commitment, salt, identity) of the people of a chain who were not erased."""
    people = _tables(session)[1]
    rows = session.scalars(select(people).where(people.chain == chain).order_by(people.id))
    return [(row.id, row.salt, row.identity) for row in rows if row.salt_enc is not None]


def check_tree(
    session: Session, signer: Signer, receipts: Iterable[rules.Receipt] = ()
) -> list[str]:
    """Check the order, every checkpoint, the signer's memory, and receipts somebody holds.

    Return what is wrong in sentences; an empty list means that all hold.
    """
    (tree, findings), keys = _tree_of_bodies(session), signer.keys
    findings += _check_branches(session, tree)
    for row in session.scalars(select(RegionCheckpoint).order_by(RegionCheckpoint.size)):
        try:
            demand_extends(tree, keys.open(row.note))
        except (Forked, rules.BadNote) as error:
            findings.append(f"checkpoint {row.size}: {error}")
    findings += _check_memory(session, signer, tree)
    for receipt in receipts:
        findings += check_receipt(session, signer, tree, receipt)
    return findings


def _tree_of_bodies(session: Session) -> tuple[rules.Tree, list[str]]:
    """Build the tree anew from what the entries say, not from the leaves that were stored."""
    rows = session.execute(
        select(Leaf.place, Leaf.hash, RegionEntry.body)
        .join(RegionEntry, (Leaf.chain == RegionEntry.chain) & (Leaf.seq == RegionEntry.seq))
        .order_by(Leaf.place)
        .execution_options(yield_per=1000)
    )
    findings, leaves = [], []
    for expected, (place, stored, text) in enumerate(rows):
        leaf = rules.leaf_hash(text.encode())
        if place != expected:
            findings.append(f"entry {place} of the region stands where {expected} should")
        if leaf.hex() != stored:
            findings.append(f"entry {place} of the region was changed after it was written")
        leaves.append(leaf)
    entries = session.scalar(select(func.count()).select_from(RegionEntry)) or 0
    if not entries == size_of(session) == len(leaves):
        findings.append("the order of the region does not hold every entry exactly once")
    return rules.Tree(leaves), findings


def _check_branches(session: Session, tree: rules.Tree) -> list[str]:
    """Hold what is kept of the tree against the tree its entries make."""
    rows = session.execute(select(Branch.level, Branch.number, Branch.hash))
    return [
        f"branch {number} of level {level} is not the one its entries make"
        for level, number, kept in rows
        if (number + 1) << level > tree.size or tree.full(level, number).hex() != kept
    ]


def _check_memory(session: Session, signer: Signer, tree: rules.Tree) -> list[str]:
    try:
        remembered = signer.remembered()
        if remembered is None:
            lost = last_checkpoint(session) is not None
            return ["the memory of the signer is missing"] if lost else []
        demand_extends(tree, remembered)
    except (Forked, rules.BadNote) as error:
        return [f"the last checkpoint the signer remembers: {error}"]
    return []


def check_receipt(
    session: Session, signer: Signer, tree: rules.Tree, receipt: rules.Receipt
) -> list[str]:
    """Hold the log against a receipt; an empty list means that it still says the same."""
    where = f"the receipt for entry {receipt.seq} of {receipt.chain}"
    row = session.get(RegionEntry, (receipt.chain, receipt.seq))
    findings = []
    if row is None:
        findings.append(f"{where}: the log has no such entry")
    elif row.hash != receipt.head or rules.digest(row.body.encode()) != receipt.head:
        findings.append(f"{where}: the log now says something else")
    if receipt.note is not None:
        try:
            demand_extends(tree, signer.keys.open(receipt.note))
        except (Forked, rules.BadNote) as error:
            findings.append(f"{where}: {error}")
    return findings
