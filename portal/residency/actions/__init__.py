"""Making a contract's data key, keeping its documents, and moving a contract to another region."""

from portal.residency.actions.documents import (
    fetch_document,
    make_data_key,
    read_document,
    seal_document_anew,
    store_document,
    taken_back,
)
from portal.residency.actions.moving import (
    carry_out,
    mail_waits,
    note_move,
    remove_contracts,
    step_of,
)

__all__ = [
    "carry_out",
    "fetch_document",
    "mail_waits",
    "make_data_key",
    "note_move",
    "read_document",
    "remove_contracts",
    "seal_document_anew",
    "step_of",
    "store_document",
    "taken_back",
]
