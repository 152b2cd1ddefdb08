"""Planning and running changes, recording outages, and what monitors report."""

from portal.changes.actions.monitors import add_monitor, report_by_monitor, revoke_monitor
from portal.changes.actions.outages import (
    answer_cause,
    claim_cause,
    confirm_outage,
    correct_outage,
    dispute_outage,
    end_outage,
    report_outage,
    withdraw_outage,
)
from portal.changes.actions.works import (
    allow_in_freeze,
    announce,
    approve,
    finish,
    plan_change,
    postpone,
    replan,
    start,
    withdraw_change,
)

__all__ = [
    "add_monitor",
    "allow_in_freeze",
    "announce",
    "answer_cause",
    "approve",
    "claim_cause",
    "confirm_outage",
    "correct_outage",
    "dispute_outage",
    "end_outage",
    "finish",
    "plan_change",
    "postpone",
    "replan",
    "report_by_monitor",
    "report_outage",
    "revoke_monitor",
    "start",
    "withdraw_change",
    "withdraw_outage",
]
