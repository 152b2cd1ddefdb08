"""Issuing a month, settling it between the sides, and the credit ledger."""

from portal.statements.actions.imports import drop_import, keep_import
from portal.statements.actions.issuing import compute_again, issue
from portal.statements.actions.ledger import claim_credit, pay_credit
from portal.statements.actions.reviews import call_reviews
from portal.statements.actions.settling import accept, accept_by_silence, answer, confirm, dispute

__all__ = [
    "accept",
    "accept_by_silence",
    "answer",
    "call_reviews",
    "claim_credit",
    "compute_again",
    "confirm",
    "dispute",
    "drop_import",
    "issue",
    "keep_import",
    "pay_credit",
]
