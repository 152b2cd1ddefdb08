"""Keeping the log of each region, and erasing a person's data from behind it."""

from portal.evidence.actions.erasing import Erased, erase_person
from portal.evidence.actions.keeping import keep_log, keep_logs
from portal.evidence.actions.stamping import stamp_checkpoints
from portal.evidence.actions.weekly import send_weekly

__all__ = [
    "Erased",
    "erase_person",
    "keep_log",
    "keep_logs",
    "send_weekly",
    "stamp_checkpoints",
]
