"""What lies ahead on the calendar of changes: windows, freezes and peaks, in order of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.sla.rules.instants import to_moment, union
from portal.sla.rules.uptime_terms import window_spans

KIND_WORDS = {"window": "Maintenance window", "freeze": "Freeze", "peak": "Peak"}


@dataclass(frozen=True)
class Stretch:
    """A stretch of the calendar in which changes are allowed, forbidden, or cost more."""

    kind: str
    name: str
    begin: datetime
    end: datetime


def agenda(terms: Mapping[str, Any], begin: datetime, end: datetime) -> list[Stretch]:
    """Return the windows, freezes and peaks between two moments, oldest first."""
    found = [
        Stretch(kind, KIND_WORDS[kind], to_moment(b), to_moment(e))
        for kind, term in (("window", "E1"), ("freeze", "E7"))
        for b, e in union(window_spans(terms, terms.get(term), begin, end))
    ]
    for row in terms.get("B5") or ():
        found += [
            Stretch("peak", f"Peak: {row['name']}, weight {row['multiplier']}", to_moment(b),
                    to_moment(e))
            for b, e in union(window_spans(terms, row["window"], begin, end))
        ]  # fmt: skip
    return sorted(found, key=lambda one: (one.begin, one.end))
