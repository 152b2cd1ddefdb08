"""Giving every contract of a region a new data key, and sealing anew all it holds, under way.

Each contract first gets a new key beside the one before; from then on everything is sealed with
the new one and opens with either. Columns are sealed anew a few rows at a time, and documents one
by one under a new name in the store, for what lies there is never overwritten. What the keys before
still seal is counted off the rows themselves, so that a rotation cut off anywhere goes on.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal.kit import walls
from portal.kit.db import Base, transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.vault import Pair, Sealed, cipher_of, new_key
from portal.operations.queries.inventory import (
    context_of,
    documents_left,
    kept_by_contracts,
    regional_models,
)
from portal.residency.actions import seal_document_anew
from portal.residency.actions.documents import key_of
from portal.residency.databases import RegionDatabase
from portal.residency.models import DataKey, Document

Told = Callable[[int, int], None]
BATCH = 200


def reseal(database: RegionDatabase, told: Told, *, at: datetime) -> None:
    """Seal anew what the keys before still seal; `told` hears of rows and documents, all together.

    Each batch is a transaction of its own; a document's bytes are stored before it.
    """
    with database.open_session() as session:
        _begin(session, database, at)
        total, done = _size(session), 0
        for model, columns in regional_models():
            for ids in _batches(session, model):
                # Opened anew each time: a session holds the keys it has seen.
                with database.open_session() as fresh, transaction(fresh), down(fresh, model):
                    _seal_rows(fresh, model, columns, ids)
                done += len(ids)
                told(done, total)
        for ids in _batches(session, Document):
            for one in ids:
                _seal_document(database, one)
            done += len(ids)
            told(done, total)


def retire(database: RegionDatabase) -> None:
    """Forget the keys before, and the documents they sealed; `Refused` while one is needed."""
    with database.open_session() as session:
        if not session.scalar(select(func.count()).where(DataKey.wrapped_before.is_not(None))):
            raise Refused("No rotation of these keys waits to be finished.")
        left = documents_left(session)
        session.rollback()
        left += kept_by_contracts(database).left
        if left:
            again = f"Run `counterpart keys rotate contracts-{database.region.name}` again."
            raise Refused(f"The keys before still open {left}. {again}")
        earlier = [
            key_of(row, generation=row.generation - 1)
            for row in session.scalars(select(Document).where(Document.generation > 0))
        ]
        session.rollback()
        for key in earlier:
            database.store.remove(key)
        with transaction(session):
            session.execute(update(DataKey).values(wrapped_before=None))


def _begin(session: Session, database: RegionDatabase, at: datetime) -> None:
    """Give every contract a new key, unless a rotation waits: then it goes on with those."""
    waiting = session.scalar(select(func.count()).where(DataKey.wrapped_before.is_not(None)))
    if not waiting:
        with transaction(session):
            for row in session.scalars(select(DataKey)):
                row.wrapped_before = row.wrapped
                row.wrapped = database.wrap(row.id, new_key())
                row.generation, row.created_at = row.generation + 1, at
    session.rollback()


def down(session: Session, model: type[Base]) -> AbstractContextManager[None]:
    """Take the walls of a table down: what a row says stays, only the key under it changes."""
    return walls.down(session.connection(), "UPDATE", tables={model.__tablename__})


def _size(session: Session) -> int:
    models: list[type[Base]] = [Document, *(one for one, _ in regional_models())]
    counts = [session.scalar(select(func.count()).select_from(one)) or 0 for one in models]
    session.rollback()
    return sum(counts)


def _batches(session: Session, model: type[Base]) -> Iterator[list[str]]:
    """Yield the ids of a table's rows, a few at a time, without a transaction in between."""
    last = ""
    while True:
        ids = select(model.id).where(model.id > last)  # type: ignore[attr-defined]
        found = list(session.scalars(ids.order_by(model.id).limit(BATCH)))  # type: ignore[attr-defined]
        session.rollback()
        if not found:
            return
        yield found
        last = found[-1]


def _seal_rows(session: Session, model: type[Base], columns: list[Sealed], ids: list[str]) -> None:
    rows = select(model).where(model.id.in_(ids)).with_for_update()  # type: ignore[attr-defined]
    for row in session.scalars(rows).all():
        for column in columns:
            sealed = getattr(row, column.column)
            if sealed is None:
                continue
            try:
                keys = cipher_of(session, row.owner_key)  # type: ignore[attr-defined]
            except NotFound:  # the contract has left this region: nothing of it opens here
                continue
            context = context_of(row, column)
            if isinstance(keys, Pair) and not keys.is_current(sealed, context=context):
                plain = keys.open(sealed, context=context)
                setattr(row, column.column, keys.seal(plain, context=context))
    session.flush()


def _seal_document(database: RegionDatabase, document_id: str) -> None:
    """Store the bytes sealed anew under their next name, then say so in the row."""
    with database.open_session() as session:
        row = session.get(Document, document_id)
        generation = seal_document_anew(session, database, row) if row else None
        if generation is None:
            return
        with transaction(session), down(session, Document):
            session.execute(
                update(Document).where(Document.id == document_id).values(generation=generation)
            )
