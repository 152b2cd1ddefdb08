"""Moving a contract to another region: a verified copy first, the source emptied only then.

Each step is a transaction, and the rows of `moves` say which was the last: after a crash the next
call goes on from there. The switch is one commit, of the copy in the new region: before it the
contract lives in the old one, where it is frozen; from it on in the new one.
"""

import hashlib
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, func, insert, or_, select
from sqlalchemy.orm import Session

from portal.audit.actions import record
from portal.audit.models import Leaf, RegionEntry
from portal.audit.rules import PORTAL
from portal.kit import walls
from portal.kit.db import (
    REGIONAL,
    check_references_last,
    clear_deleted,
    db,
    overwrite_deleted,
    transaction,
)
from portal.kit.refs import new_id
from portal.kit.vault import cipher_of
from portal.notices.models import RegionMail
from portal.residency import rules
from portal.residency.actions.documents import key_of, read_document
from portal.residency.databases import RegionDatabase
from portal.residency.models import DataKey, Document, Move, is_inside
from portal.residency.rules import Step

Told = Callable[[Step], None]


class CopyDiffers(Exception):
    """The copy is not what was read; nothing was committed, and the source stays."""


def note_move(
    session: Session, contracts: list[str], *, to_region: str, asked_by: str, at: datetime
) -> list[Move]:
    """Write down the wish to move contracts together, in the caller's transaction."""
    group = new_id(at)
    rows = [
        Move(
            id=new_id(at), region=session.info["region"], group_id=group, contract_id=one,
            from_region=session.info["region"], to_region=to_region, asked_by=asked_by, asked_at=at,
        )
        for one in contracts
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    return rows


def step_of(row: Move) -> Step:
    """Return the last step that is durable."""
    if row.withdrawn_at:
        return Step.WITHDRAWN
    stamps = (
        (Step.DONE, row.emptied_at), (Step.LEFT, row.left_at), (Step.ARRIVED, row.arrived_at),
        (Step.FROZEN, row.frozen_at), (Step.AGREED, row.agreed_at),
    )  # fmt: skip
    return next((step for step, at in stamps if at), Step.ASKED)


def carry_out(
    source: RegionDatabase,
    target: RegionDatabase,
    group_id: str,
    *,
    now: Callable[[], datetime],
    told: Told = lambda step: None,
) -> Step:
    """Carry an agreed move as far as it goes, and return the step it stands at.

    It stays at "agreed" while mail of the contract is on its way: what is sent once stays so; and
    while one of the stores does not answer, for a frozen contract should not wait for it.
    `told` hears of each step before the next begins.
    """
    with closing(source.open_session()) as old, closing(target.open_session()) as new:
        group = _group(old, group_id)
        if step_of(group[0]) is Step.AGREED:
            if mail_waits(old, _ids(group)) or not (
                source.store.answers() and target.store.answers()
            ):
                return Step.AGREED
            _freeze(old, group_id, now())
        if step_of(_group(old, group_id)[0]) is Step.FROZEN:
            if not _has_arrived(new, group_id):
                # Said again after a crash: whoever hears it sees all entries of the old region.
                old.rollback()
                new.rollback()
                told(Step.FROZEN)
                _copy_documents(old, source, target, group_id)
                _arrive(old, new, source, target, group_id, now())
                told(Step.ARRIVED)
            _leave(old, new, group_id, now())
            told(Step.LEFT)
        if step_of(_group(old, group_id)[0]) is Step.LEFT:
            _empty(old, source, group_id, now())
            told(Step.DONE)
        return step_of(_group(old, group_id)[0])


def _group(session: Session, group_id: str) -> list[Move]:
    session.rollback()
    session.expire_all()
    rows = select(Move).where(Move.group_id == group_id).order_by(Move.id)
    return list(session.scalars(rows))


def _ids(group: list[Move]) -> list[str]:
    return [row.contract_id for row in group]


def mail_waits(session: Session, contracts: list[str]) -> bool:
    """Return whether mail of contracts is still on its way: what is sent once stays so."""
    waiting = select(func.count()).where(
        RegionMail.chain.in_(contracts),
        RegionMail.sent_at.is_(None),
        RegionMail.dead_at.is_(None),
    )
    return bool(session.scalar(waiting))


def _freeze(session: Session, group_id: str, at: datetime) -> None:
    """Enter the move as the last entry here; a trigger refuses any that would follow."""
    group = _group(session, group_id)
    with transaction(session):
        for row in group:
            record(
                session, row.contract_id, "contract:move:started", actor=PORTAL, at=at,
                facts={"from": row.from_region, "to": row.to_region},
            )  # fmt: skip
        for row in group:
            row.frozen_at = at


def _has_arrived(session: Session, group_id: str) -> bool:
    return any(row.arrived_at for row in _group(session, group_id))


# The copy


def _tables() -> list[tuple[Table, str]]:
    """Return every table whose rows belong to contracts, with the column that says to which."""
    found = []
    for table in db.metadatas[REGIONAL].sorted_tables:
        column = rules.column_of(table.name, table.columns.keys())
        if column is not None:
            found.append((table, column))
    return found


def _belongs(table: Table, column: str, contracts: list[str]) -> Any:
    """Return the condition for rows of these contracts, and of the chains inside them."""
    named = table.c[column]
    inside = (is_inside(named, one) for one in contracts)
    return or_(named.in_(contracts), *inside)


def _rows(
    session: Session, table: Table, column: str, contracts: list[str]
) -> list[dict[str, Any]]:
    query = select(table).where(_belongs(table, column, contracts))
    order = table.c.place if "place" in table.c else None
    keys = [order] if order is not None else list(table.primary_key.columns)
    return [dict(row) for row in session.execute(query.order_by(*keys)).mappings()]


def _digests(session: Session, contracts: list[str]) -> tuple[dict[str, str], int]:
    digests, count = {}, 0
    for table, column in _tables():
        rows = _rows(session, table, column, contracts)
        count += len(rows)
        digests[table.name] = rules.digest_of(table.name, [_stored(row) for row in rows])
    return digests, count


def _stored(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def _copy_documents(
    session: Session, source: RegionDatabase, target: RegionDatabase, group_id: str
) -> None:
    """Put every sealed object into the new store, and open what lies there against its hash.

    One that is there already must be the same. No lock is held meanwhile, for a store may be slow;
    what is frozen does not change.
    """
    contracts = _ids(_group(session, group_id))
    rows = list(session.scalars(select(Document).where(Document.contract_id.in_(contracts))))
    for one in contracts:
        cipher_of(session, one)
    session.commit()
    for row in rows:
        if not target.store.put_once(key_of(row), source.store.get(key_of(row))):
            raise CopyDiffers(f"document {row.id} is in the new store already, and differs")
        if hashlib.sha256(read_document(session, target, row)).hexdigest() != row.sha256:
            raise CopyDiffers(f"document {row.id} is not what it was")


def _arrive(
    old: Session,
    new: Session,
    source: RegionDatabase,
    target: RegionDatabase,
    group_id: str,
    at: datetime,
) -> None:
    """Copy all rows in one transaction, compare them there, and only then commit."""
    group = _group(old, group_id)
    contracts = _ids(group)
    expected, count = _digests(old, contracts)
    with transaction(new):
        check_references_last(new)
        for row in group:
            new.add(_noted(row, new.info["region"], at, count, rules.digest_over(expected)))
        new.flush()
        for table, column in _tables():
            rows = _rows(old, table, column, contracts)
            _insert(new, table, [_here(row, table, source, target) for row in rows])
        found, _ = _digests(new, contracts)
        wrong = rules.differing(expected, found)
        if wrong:
            raise CopyDiffers(f"the copies differ in {', '.join(wrong)}")
        _check_keys(new, contracts)
        for row in group:
            record(
                new, row.contract_id, "contract:move:arrived", actor=PORTAL, at=at,
                facts={"from": row.from_region, "to": row.to_region, "rows": count,
                       "sha256": rules.digest_over(expected)},
            )  # fmt: skip
    old.rollback()


def _noted(row: Move, region: str, at: datetime, count: int, digest: str) -> Move:
    return Move(
        id=row.id, region=region, group_id=row.group_id, contract_id=row.contract_id,
        from_region=row.from_region, to_region=row.to_region, asked_by=row.asked_by,
        asked_at=row.asked_at, agreed_at=row.agreed_at, frozen_at=row.frozen_at, arrived_at=at,
        rows=count, digest=digest,
    )  # fmt: skip


def _here(
    row: dict[str, Any], table: Table, source: RegionDatabase, target: RegionDatabase
) -> dict[str, Any]:
    """Return a row as the new region keeps it: under its own name, keys wrapped by its own key."""
    copy = dict(row)
    if "region" in copy:
        copy["region"] = target.region.name
    if table.name == DataKey.__tablename__:
        for name in ("wrapped", "wrapped_before"):
            if row[name] is not None:
                copy[name] = target.wrap(row["id"], source.unwrap(row["id"], row[name]))
    return copy


def _insert(session: Session, table: Table, rows: list[dict[str, Any]]) -> None:
    if table.name == RegionEntry.__tablename__:
        rows = sorted(rows, key=lambda row: (row["chain"], row["seq"]))
    if table.name in rules.LOG:
        rows = _unknown(session, table, rows)
    if table.name == Leaf.__tablename__ and rows:
        last = session.scalar(select(func.max(Leaf.place)))
        for place, row in enumerate(rows, 0 if last is None else last + 1):
            row["place"] = place
    for row in rows:
        session.execute(insert(table), row)


def _unknown(session: Session, table: Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries this region lacks: of a contract that left it kept the first ones."""
    chains = {row["chain"] for row in rows}
    known = session.execute(select(table.c.chain, table.c.seq).where(table.c.chain.in_(chains)))
    held = {(one.chain, one.seq) for one in known}
    return [row for row in rows if (row["chain"], row["seq"]) not in held]


def _check_keys(session: Session, contracts: list[str]) -> None:
    """Open every contract's key as it is wrapped here; `CannotOpen` where it does not open."""
    for one in contracts:
        cipher_of(session, one)


# The way out


def _leave(old: Session, new: Session, group_id: str, at: datetime) -> None:
    """Enter in the old region's own log what left, with the hashes both copies had."""
    arrived = {row.contract_id: row for row in _group(new, group_id)}
    group = _group(old, group_id)
    with transaction(old):
        for row in group:
            there = arrived[row.contract_id]
            row.arrived_at, row.rows, row.digest = there.arrived_at, there.rows, there.digest
            row.left_at = at
        first = group[0]
        record(
            old, f"region:{first.from_region}", "region:contract:left", actor=PORTAL, at=at,
            facts={"contracts": _ids(group), "to": first.to_region, "rows": first.rows,
                   "sha256": first.digest},
        )  # fmt: skip
    new.rollback()


def _empty(old: Session, source: RegionDatabase, group_id: str, at: datetime) -> None:
    """Remove what has moved; the log alone stays, which names and says nothing."""

    def mark(rows: int) -> None:
        for row in _still(old, group_id):
            row.emptied_at = at

    remove_contracts(old, source, _ids(_group(old, group_id)), mark=mark)


def remove_contracts(
    old: Session, source: RegionDatabase, contracts: list[str], *, mark: Callable[[int], None]
) -> None:
    """Remove the rows, objects and mail files of contracts; the log alone stays.

    `mark` says in the same transaction that it is done, told the number of rows, before they go.
    The triggers that refuse deletion are taken down and put up again inside the one transaction, so
    that no other connection ever sees the database without them.
    """
    mails = old.execute(select(RegionMail.id).where(RegionMail.chain.in_(contracts))).all()
    for contract in contracts:
        for key in list(source.store.each_key(contract)):
            source.store.remove(key)
    _remove_mail_files(source.region.mail_folder, mails)
    old.rollback()
    emptied = [(table, column) for table, column in _tables() if table.name not in rules.LOG]
    overwrite_deleted(old)
    with transaction(old):
        check_references_last(old)
        mark(_count(old, contracts))
        old.flush()
        with walls.down(old.connection(), "DELETE", tables={table.name for table, _ in emptied}):
            for table, column in reversed(emptied):
                old.execute(delete(table).where(_belongs(table, column, contracts)))
    old.rollback()
    clear_deleted(source.engine, [table.name for table, _ in emptied])


def _count(session: Session, contracts: list[str]) -> int:
    """Return how many rows of contracts there are besides the log."""
    found = 0
    for table, column in _tables():
        if table.name not in rules.LOG:
            query = select(func.count()).select_from(table)
            found += session.scalar(query.where(_belongs(table, column, contracts))) or 0
    return found


def _still(session: Session, group_id: str) -> list[Move]:
    return list(session.scalars(select(Move).where(Move.group_id == group_id)))


def _remove_mail_files(folder: Path, mails: Any) -> None:
    """Remove the files of mails that were handed to a folder instead of a server."""
    for mail in mails:
        for path in folder.glob(f"{mail.id}.eml"):
            path.unlink()
