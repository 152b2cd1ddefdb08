"""The blueprint of the room, and what every page of it opens: a contract with signed terms."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from flask import Blueprint

from portal.changes.rules.plan import TEST_WORDS
from portal.changes.rules.verdict_words import work_zone
from portal.contracts import visit as visits

bp = Blueprint("changes", __name__)


class Visit(visits.Visit):
    """A member looking at the service of one contract, now."""

    @property
    def zone(self) -> tzinfo:
        """The zone in which times are typed and shown."""
        found: tzinfo = work_zone(self.terms)
        return found

    def frame(self) -> dict[str, Any]:
        """Return what every page of the room shows."""
        return super().frame() | {"zone": self.zone}


visit = Visit.to


def modules_of(terms: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the modules a form offers: those in scope, and those with an uptime of their own."""
    named = [row["module"] for term in ("I1", "D5") for row in terms.get(term) or ()]
    return [(name, name) for name in dict.fromkeys(named)]


def tests_of(terms: Mapping[str, Any]) -> dict[str, str]:
    """Return the kinds of tests with who runs them (F9)."""
    rows = terms.get("F9") or ()
    return {row["activity"]: row["party"] for row in rows if row["activity"] in TEST_WORDS}
