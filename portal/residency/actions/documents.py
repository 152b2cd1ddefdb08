"""Making a contract's data key, and keeping its documents."""

import hashlib
from datetime import datetime

from sqlalchemy.orm import Session

from portal.kit.refs import new_id
from portal.kit.vault import cipher_of, new_key
from portal.residency.databases import RegionDatabase
from portal.residency.models import DataKey, Document


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


def write_document(
    session: Session,
    database: RegionDatabase,
    *,
    contract_id: str,
    kind: str,
    content: bytes,
    at: datetime,
) -> Document:
    """Seal and store the bytes first, then add the record to the caller's transaction.

    A transaction that fails leaves a sealed object nobody names; it is never read.
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
    sealed = cipher_of(session, contract_id).seal(content, context=_context(row))
    database.store.put(key_of(row), sealed)
    session.add(row)
    return row


def read_document(session: Session, database: RegionDatabase, row: Document) -> bytes:
    """Return the plain bytes of a document; raise `CannotOpen` if they were changed or moved."""
    sealed = database.store.get(key_of(row))
    return cipher_of(session, row.contract_id).open(sealed, context=_context(row))


def key_of(row: Document) -> str:
    """Return the key of a document in its store; the same in every region."""
    return f"{row.contract_id}/{row.id}"


def _context(row: Document) -> str:
    return f"documents|{row.kind}|{row.id}|{row.contract_id}"
