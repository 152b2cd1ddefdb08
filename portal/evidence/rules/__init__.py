"""When a checkpoint is due, what a receipt says, and the form of a bundle; pure."""

from portal.evidence.rules.keeping import (
    HOURLY,
    RECEIPTS,
    checkpoint_due,
    nameless,
    receipt_hashes,
)

__all__ = ["HOURLY", "RECEIPTS", "checkpoint_due", "nameless", "receipt_hashes"]
