"""Finding what one side may see: the table, its own playbook and approvals, what was said."""

from portal.negotiation.queries.inside import (
    Approved,
    Board,
    Marks,
    PlaybookView,
    Said,
    approvals_of,
    approvers_of,
    board_of,
    comments_of,
    marks_of,
    notes_of,
    open_comments,
    playbook_of,
    playbook_versions,
    readers_of,
    readiness,
)
from portal.negotiation.queries.table import Negotiation, Waiting, negotiation_of, words_of

__all__ = [
    "Approved",
    "Board",
    "Marks",
    "Negotiation",
    "PlaybookView",
    "Said",
    "Waiting",
    "approvals_of",
    "approvers_of",
    "board_of",
    "comments_of",
    "marks_of",
    "negotiation_of",
    "notes_of",
    "open_comments",
    "playbook_of",
    "playbook_versions",
    "readers_of",
    "readiness",
    "words_of",
]
