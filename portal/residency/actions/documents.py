"""Making a contract's data key, and keeping its documents."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal.kit.db import let_go
from portal.kit.faults import is_undone
from portal.kit.refs import new_id
from portal.kit.vault import CannotOpen, cipher_of, new_key
from portal.residency.databases import RegionDatabase
from portal.residency.models import DataKey, Document
from portal.residency.stores import StoreAway


def make_data_key(
    session: Session, database: RegionDatabase, *, contract_id: str, at: datetime
) -> None:
    """Create the data key of a new contract, in the caller's transaction."""
    session.add(
        DataKey(
            id=contract_id,
            region=database.region.name,
            wrapped=database.wrap(contract_id, new_key()),
            created_at=at,
        )
    )
    session.flush()


def store_document(
    session: Session,
    database: RegionDatabase,
    *,
    contract_id: str,
    kind: str,
    content: bytes,
    at: datetime,
) -> Document:
    """Seal and store the bytes, and return the record for the caller to add in its transaction.

    Asked before that transaction, for a store may be slow: no lock is held meanwhile, and what
    the session read is read anew. `CannotStore` where no file is taken now. A transaction that
    fails leaves a sealed object nobody names; it is never read, and leaves with its contract.
    A job, which tries again and again, takes it back: `taken_back`.
    """
    row = Document(
        id=new_id(at),
        region=database.region.name,
        contract_id=contract_id,
        kind=kind,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        created_at=at,
    )
    cipher = cipher_of(session, contract_id)
    row.generation = cipher.generation
    sealed = cipher.seal(content, context=_context(row))
    let_go(session)
    database.store.put(key_of(row), sealed)
    return row


@contextmanager
def taken_back(database: RegionDatabase, *rows: Document) -> Iterator[None]:
    """Remove what was stored for a transaction that surely came to nothing.

    Where nobody can say whether it was committed, all stays as it is.
    """
    try:
        yield
    except DBAPIError as error:
        if is_undone(error):
            with suppress(StoreAway):
                for row in rows:
                    database.store.remove(key_of(row))
        raise


def read_document(session: Session, database: RegionDatabase, row: Document) -> bytes:
    """Return the plain bytes of a document; raise `CannotOpen` if they were changed or moved."""
    sealed = database.store.get(key_of(row))
    return cipher_of(session, row.contract_id).open(sealed, context=_context(row))


def fetch_document(session: Session, database: RegionDatabase, row: Document) -> bytes:
    """Read a document as a job does: no lock is held while the store is asked."""
    cipher, key, context = cipher_of(session, row.contract_id), key_of(row), _context(row)
    let_go(session)
    return cipher.open(database.store.get(key), context=context)


def seal_document_anew(session: Session, database: RegionDatabase, row: Document) -> int | None:
    """Store a document sealed with its contract's present key, under a name of its own.

    Return the generation the row must say from then on; None where it says so already. What an
    earlier try left in that place is taken where it opens, for it is the same text.
    """
    cipher, context = cipher_of(session, row.contract_id), _context(row)
    if row.generation == cipher.generation:
        return None
    before, after = key_of(row), key_of(row, generation=cipher.generation)
    let_go(session)
    plain = cipher.open(database.store.get(before), context=context)
    sealed = cipher.seal(plain, context=context)
    if not database.store.put_once(after, sealed):
        sealed = database.store.get(after)
    if cipher.open(sealed, context=context) != plain:
        raise CannotOpen(context)
    return cipher.generation


def key_of(row: Document, *, generation: int | None = None) -> str:
    """Return the key of a document in its store; the same in every region.

    Each sealing lies in a place of its own: nothing in a store is overwritten.
    """
    number = row.generation if generation is None else generation
    return f"{row.contract_id}/{row.id}" + (f".{number}" if number else "")


def _context(row: Document) -> str:
    return f"documents|{row.kind}|{row.id}|{row.contract_id}"
