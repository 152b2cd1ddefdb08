"""Making a contract's data key, keeping its documents, and moving a contract to another region."""

from portal.residency.actions.documents import (
    fetch_document,
    make_data_key,
    read_document,
    store_document,
)
from portal.residency.actions.moving import carry_out, note_move, step_of

__all__ = [
    "carry_out",
    "fetch_document",
    "make_data_key",
    "note_move",
    "read_document",
    "step_of",
    "store_document",
]
