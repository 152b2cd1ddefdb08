"""Entries as sentences: who did what, in words fit for a person of either side.

A sentence says no more than the entry's facts do; an event nobody has worded yet is still told.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from portal.audit.queries import Line
from portal.audit.rules import PORTAL, told_of_contracts, told_of_people, told_of_service
from portal.audit.rules.phrases import PHRASES, Facts, Wordings
from portal.kit.words import Words, long_day, say

WORDINGS: Wordings = {**told_of_contracts.TOLD, **told_of_service.TOLD, **told_of_people.TOLD}
NAMES = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Sentence:
    """An entry ready to be printed in a log."""

    time: str
    sentence: Words
    ref: str


def sentence(line: Line) -> Words:
    """Return an entry as one sentence: who, for whom, and what they did."""
    who = f"{line.name} ({line.organisation})" if line.organisation else line.name
    if line.name == PORTAL.name:
        who = say("The portal")
    return told(line.event, line.facts, who=who)


def told(event: str, facts: Facts, *, who: str) -> Words:
    """Return who did what; an event without words of its own is told by its name."""
    wording = WORDINGS.get(event)
    if wording is None:
        name = event.replace(":", " ").replace("_", " ")
        return say("%(who)s recorded “%(event)s”.", who=who, event=name)
    words = wording if isinstance(wording, Words) else wording(facts)
    return words % {name: _value(name, facts, who) for name in NAMES.findall(words)}


def _value(name: str, facts: Facts, who: str) -> Any:
    if name == "who":
        return who
    return PHRASES[name](facts) if name in PHRASES else facts.get(name, "")


def by_day(lines: Iterable[Line]) -> list[tuple[Words, list[Sentence]]]:
    """Return entries by day in UTC, newest first, each with its number and the head of its hash."""
    days: dict[date, list[Sentence]] = {}
    for line in sorted(lines, key=lambda line: line.seq, reverse=True):
        days.setdefault(line.at.date(), []).append(
            Sentence(f"{line.at:%H:%M}", sentence(line), f"{line.seq} · {line.hash[:12]}")
        )
    return [(long_day(day), entries) for day, entries in days.items()]
