"""Making a backup, and putting one back."""

from portal.operations.actions.backup import MANIFEST, back_up
from portal.operations.actions.checking import check_logs, remember_check
from portal.operations.actions.restore import restore, verify_home

__all__ = ["MANIFEST", "back_up", "check_logs", "remember_check", "restore", "verify_home"]
