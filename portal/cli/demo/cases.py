"""The two contracts the field tells, as the words their parties would type.

The CRM deployment: a mid-market sales team sells around the clock, a critical fault must be
answered in four hours, and quarter ends get a faster answer and a shorter way up. The CPQ
integration: patches in windows, integration tests before every release, a rollback plan with a
decision time, and a freeze in the peak months.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A contract's title, tier, and terms (id to typed text) over the tier."""

    title: str
    tier: str
    terms: Mapping[str, str]


CRM_TERMS = {
    "A3": "none",
    "A6": "England and Wales",
    "A7": "The courts of England and Wales",
    "B1": "24x7 America/New_York",
    "B7": "10",
    "C4.S1.first_response": "4 hours, round the clock",
    "C4.S1.peak_first_response": "1 hour, round the clock",
    "C4.S1.workaround": "6 hours, round the clock",
    "C4.S1.resolution": "8 hours, round the clock",
    "C4.S1.update_every": "4 hours, round the clock",
    "D1": "99.9 %",
    "E4": "7 days",
    "F15": "30 minutes",
    "G2": (
        "S1 | 1 hour, round the clock | 2 hours, round the clock | 4 hours, round the clock\n"
        "S2 | 4 hours, round the clock | 1 business day | 2 business days\n"
        "S3 | 3 business days | 5 business days | none"
    ),
    "G6": "10 business days",
    "I1": (
        "CRM core | 4.x | production | critical | Harbour Retail sales operations\n"
        "Mobile sales app | 4.x | production | normal | Harbour Retail sales operations"
    ),
}
# Half a year at first, so that its notice date is near and the renewal is on everybody's mind.
CRM = Case(
    "CRM deployment support 2026",
    "Business",
    CRM_TERMS | {"P1": "6 months", "P4": "6 months"},
)
CRM_NEXT = Case(
    "CRM deployment support 2027",
    "Business",
    CRM_TERMS | {"C4.S1.resolution": "7 hours, round the clock"},
)

CPQ = Case(
    "CPQ integration support",
    "Enterprise",
    {
        "E3": "3 hours",
        "F4": "critical | 72 hours\nhigh | 14 days\nmedium | 60 days",
        "F6": "14 days",
        "F8": "7 days",
        "F14": "30 minutes",
        "F15": "20 minutes",
        "J11": "10",
    },
)
# What Harbour Retail answers in round 2 of the CPQ contract, and why, and what Northwind
# says to it in round 3: then it is Harbour's turn.
CPQ_COUNTERS = {
    "C4.S1.first_response": ("15 minutes, round the clock", "Quotes stop selling at once."),
    "E10": ("2", "Two store launches a quarter move at short notice."),
    "E4": ("21 days", "We plan store launches three weeks ahead."),
    "F8": ("14 days", "Two weeks of integration tests, as we do for our own releases."),
    "F14": ("15 minutes", "A rollback that starts late misses the window."),
    "P6": ("30 days", "Our budget round ends a month before."),
}
CPQ_REJECTED = {"J11": "Ten hours would not cover one release. Please offer at least 20."}
CPQ_ANSWERS: Mapping[str, tuple[str, str] | None] = {
    "C4.S1.first_response": ("20 minutes, round the clock", "Our bridge opens in fifteen."),
    "E10": None,
    "E4": None,
    "F8": None,
    "F14": None,
    "P6": ("45 days", "Half-way."),
    "J11": ("20", "Twenty hours a quarter."),
}

OTHER = Case("Warehouse suite support", "Essential", {})
