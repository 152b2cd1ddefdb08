"""Answering in private, sending and recalling a round, talking, approving, freezing.

A draft is one side's own business: it writes no entry on the chain both sides read. Sending does.
"""

from portal.negotiation.actions.answering import (
    accept_rest,
    acceptable,
    answer,
    clear_answer,
    draft_of,
    propose_clause,
    set_offers,
)
from portal.negotiation.actions.approving import approve, remind_approvers, set_limits
from portal.negotiation.actions.bringing import Taken, bring_terms
from portal.negotiation.actions.draft import value_problems
from portal.negotiation.actions.freezing import freeze, freeze_conditions
from portal.negotiation.actions.looking import look
from portal.negotiation.actions.opening import open_round, recall_round
from portal.negotiation.actions.packages import answer_package, dissolve_package, make_package
from portal.negotiation.actions.saying import note_for, resolve, share_note, write_note
from portal.negotiation.actions.sending import keep_note, send_round

__all__ = [
    "Taken",
    "accept_rest",
    "acceptable",
    "answer",
    "answer_package",
    "approve",
    "bring_terms",
    "clear_answer",
    "dissolve_package",
    "draft_of",
    "freeze",
    "freeze_conditions",
    "keep_note",
    "look",
    "make_package",
    "note_for",
    "open_round",
    "propose_clause",
    "recall_round",
    "remind_approvers",
    "resolve",
    "send_round",
    "set_limits",
    "set_offers",
    "share_note",
    "value_problems",
    "write_note",
]
