"""What the sides of an incident may do, and who is entitled to report one."""

from portal.incidents.rules.entitlement import Entitlement, entitlement_of
from portal.incidents.rules.steps import EVENTS, GROUND_WORDS, grounds_of, why_not

__all__ = [
    "EVENTS",
    "GROUND_WORDS",
    "Entitlement",
    "entitlement_of",
    "grounds_of",
    "why_not",
]
