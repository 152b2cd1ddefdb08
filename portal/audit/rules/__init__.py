"""The form of an entry and its chain; the tree over all entries; signed checkpoints; receipts."""

from portal.audit.rules.entries import (
    EVENT,
    PORTAL,
    ZERO,
    Actor,
    ChainFinding,
    body,
    check_chain,
    commitment,
    digest,
)
from portal.audit.rules.log_keys import LogKeys, hand_over, read_keys
from portal.audit.rules.notes import BadNote, Checkpoint, open_note, read_note, sign_note, vkey
from portal.audit.rules.receipts import BadReceipt, Receipt, read_receipt, receipt_text
from portal.audit.rules.tree import (
    STEP,
    KeptTree,
    Tree,
    consistency_holds,
    inclusion_holds,
    leaf_hash,
)

__all__ = [
    "EVENT",
    "PORTAL",
    "STEP",
    "ZERO",
    "Actor",
    "BadNote",
    "BadReceipt",
    "ChainFinding",
    "Checkpoint",
    "KeptTree",
    "LogKeys",
    "Receipt",
    "Tree",
    "body",
    "check_chain",
    "commitment",
    "consistency_holds",
    "digest",
    "hand_over",
    "inclusion_holds",
    "leaf_hash",
    "open_note",
    "read_keys",
    "read_note",
    "read_receipt",
    "receipt_text",
    "sign_note",
    "vkey",
]
