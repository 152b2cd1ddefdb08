"""The rules of signing: whose turn it is, what an act needs, when to ask again."""

from portal.profiles.rules import BOTH_FACTORS
from portal.signing.rules.acts import (
    LEAST_REASON,
    LONGEST_TITLE,
    Change,
    Departure,
    approval_statement,
    authority_statement,
    identified_words,
    intent_statement,
    meaning_words,
    retry_at,
    signature_problem,
    term_changes,
    tier_departures,
    turn_problem,
)
from portal.signing.rules.disclosure import (
    ALL_RECORDS,
    COVERS,
    PAPER_WITHIN,
    SIGNING_ONLY,
    Disclosure,
    is_sample_word,
    load_disclosure,
    sample_word,
)
from portal.signing.rules.fingerprint import hash_words
from portal.signing.rules.handovers import Candidate, handover_problem
from portal.signing.rules.invitations import (
    Asked,
    expires_at,
    is_working_time,
    reminder_is_due,
    resend_problem,
    waited_words,
)
from portal.signing.rules.strokes import read_strokes, svg_path

__all__ = [
    "ALL_RECORDS",
    "BOTH_FACTORS",
    "COVERS",
    "LEAST_REASON",
    "LONGEST_TITLE",
    "PAPER_WITHIN",
    "SIGNING_ONLY",
    "Asked",
    "Candidate",
    "Change",
    "Departure",
    "Disclosure",
    "approval_statement",
    "authority_statement",
    "expires_at",
    "handover_problem",
    "hash_words",
    "identified_words",
    "intent_statement",
    "is_sample_word",
    "is_working_time",
    "load_disclosure",
    "meaning_words",
    "read_strokes",
    "reminder_is_due",
    "resend_problem",
    "retry_at",
    "sample_word",
    "signature_problem",
    "svg_path",
    "term_changes",
    "tier_departures",
    "turn_problem",
    "waited_words",
]
