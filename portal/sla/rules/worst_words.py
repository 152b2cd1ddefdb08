"""The worst case of a term in words, remembered: a page asks for the same one many times."""

import json
from datetime import timedelta
from functools import lru_cache

from portal.kit.errors import Refused
from portal.kit.words import Words, in_a_row, say, say_n
from portal.sla.rules.calendar import calendar_from_schedule
from portal.sla.rules.target import Clock, target_from_term
from portal.sla.rules.worst import worst_case, worst_case_sentence
from portal.terms.rules import Term, Value, canonical

CLOCKED = "incident.clock."


def worst_in_words(term: Term, value: Value, hours: Value, *, year: int) -> Words | None:
    """Say how long a duration can last on the wall at worst; None where its clock never stops.

    `hours` is the value of the support hours (B1) it is counted in.
    """
    found = worst_words(term, value, hours, year=year)
    if found is None:
        return None
    span, example = found
    return say("At worst %(span)s on the wall clock: %(example)s", span=span, example=example)


def worst_words(term: Term, value: Value, hours: Value, *, year: int) -> tuple[Words, Words] | None:
    """Return that length and an example of it, each in words."""
    clocked = any(feature.startswith(CLOCKED) for feature in term.drives)
    if not clocked or term.type != "dur" or not isinstance(value, dict) or hours is None:
        return None
    return _worst(canonical(value), canonical(hours), year)


# A year is searched for the worst start: the same length in the same hours is searched once.
@lru_cache(maxsize=2048)
def _worst(length: bytes, hours: bytes, year: int) -> tuple[Words, Words] | None:
    try:
        target = target_from_term(json.loads(length))
        calendar = calendar_from_schedule(json.loads(hours))
        if target.clock is Clock.ROUND_THE_CLOCK:
            return None
        span = worst_case(target, calendar=calendar, year=year)
        example = worst_case_sentence(target, calendar=calendar, year=year)
    except Refused:
        return None
    return in_words(span), example


def in_words(span: timedelta) -> Words:
    """Return a span as "2 days 20 hours"; the two largest units are enough."""
    minutes = int(span.total_seconds() // 60)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [
        (days, say_n("%(num)s day", "%(num)s days", days)),
        (hours, say_n("%(num)s hour", "%(num)s hours", hours)),
        (rest, say_n("%(num)s minute", "%(num)s minutes", rest)),
    ]
    named = [words for n, words in parts if n]
    return in_a_row(named[:2] or [parts[-1][1]], " ")
