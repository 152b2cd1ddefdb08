"""What lies ahead on the calendar of changes: windows, freezes and peaks, in order of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal.kit.words import number, say
from portal.sla.rules.instants import Span, to_instant, to_moment, union
from portal.sla.rules.uptime_terms import window_spans

KIND_WORDS = {"window": say("Maintenance window"), "freeze": say("Freeze"), "peak": say("Peak")}


@dataclass(frozen=True)
class Stretch:
    """A stretch of the calendar in which changes are allowed, forbidden, or cost more."""

    kind: str
    name: str
    begin: datetime
    end: datetime


# Longer than any peak or freeze may be, so that one that runs over an edge is told whole.
MARGIN = timedelta(days=120)


def agenda(terms: Mapping[str, Any], begin: datetime, end: datetime) -> list[Stretch]:
    """Return the windows, freezes and peaks that touch a time, each whole, oldest first."""
    found = [
        _stretch(kind, KIND_WORDS[kind], span)
        for kind, term in (("window", "E1"), ("freeze", "E7"))
        for span in _whole(terms, terms.get(term), begin, end)
    ]
    for row in terms.get("B5") or ():
        name = say(
            "Peak: %(name)s, weight %(weight)s", name=row["name"], weight=number(row["multiplier"])
        )
        found += [_stretch("peak", name, span) for span in _whole(terms, row["window"], begin, end)]
    return sorted(found, key=lambda one: (one.begin, one.end))


def _whole(terms: Mapping[str, Any], windows: Any, begin: datetime, end: datetime) -> list[Span]:
    first, last = to_instant(begin), to_instant(end)
    spans = union(window_spans(terms, windows, begin - MARGIN, end + MARGIN))
    return [span for span in spans if span[0] < last and first < span[1]]


def _stretch(kind: str, name: str, span: Span) -> Stretch:
    return Stretch(kind, name, to_moment(span[0]), to_moment(span[1]))
