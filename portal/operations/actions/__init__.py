"""Making a backup, and putting one back."""

from portal.operations.actions.backup import MANIFEST, back_up
from portal.operations.actions.restore import restore, verify_home

__all__ = ["MANIFEST", "back_up", "restore", "verify_home"]
