"""What the stored figures say in words, as a page tells it.

The figures of a statement are sealed with English words in them. A page says the same sentence in
the reader's language: its shape is found again, and its numbers and moments are told anew.
"""

import re
from collections.abc import Callable
from datetime import datetime

from portal.changes.rules.minutes import EMERGENCY, EMERGENCY_FREE, OVERRUN_FREE, SCHEDULED
from portal.kit.words import Words, moment, percent, say
from portal.sla.rules.promises import AIM_WORDS
from portal.sla.rules.uptime import MEASURED, OUTSIDE

# Words that stand alone in the figures, and how a page begins with them.
_ALONE = {
    MEASURED: say("Measured"),
    OUTSIDE: say("Outside the hours measured"),
    SCHEDULED: say("Scheduled maintenance in its window"),
    EMERGENCY: say("Emergency maintenance, its first stretch"),
    EMERGENCY_FREE: say("Emergency maintenance"),
    OVERRUN_FREE: say("Maintenance past its end, not counted"),
    "force majeure": say("Force majeure"),
    "the internet at large": say("The internet at large"),
    "the customer's equipment or software": say("The customer's equipment or software"),
    "unauthorised use": say("Unauthorised use"),
    "beta features": say("Beta features"),
    "suspension for non-payment": say("Suspension for non-payment"),
    "third parties the vendor does not control": say("Third parties the vendor does not control"),
    "The software": say("The software"),
    "no report in time, so it counts as missed": say("no report in time, so it counts as missed"),
    "the greatest credit for availability is due; bands do not add up": say(
        "the greatest credit for availability is due; bands do not add up"
    ),
    "nothing in the terms pays for this uptime": say("nothing in the terms pays for this uptime"),
    "the same minutes earn a credit already": say("the same minutes earn a credit already"),
    "one of the misses of the quarter that earn nothing": say(
        "one of the misses of the quarter that earn nothing"
    ),
    "no unit of time late has counted yet": say("no unit of time late has counted yet"),
    "less than a full point is missing": say("less than a full point is missing"),
    "the most for a month is reached": say("the most for a month is reached"),
}
_AIMS = {words.lower(): words for words in AIM_WORDS.values()}


def _at(stamp: str) -> Words:
    return moment(datetime.fromisoformat(stamp))


_SHAPES: tuple[tuple[re.Pattern[str], Callable[..., Words]], ...] = (
    (
        re.compile(r"([\d.]+) % of ([\d.]+) % promised"),
        lambda share, asked: say(
            "%(share)s of %(promised)s promised", share=percent(share), promised=percent(asked)
        ),
    ),
    (
        re.compile(r"([\d.]+) % of ([\d.]+) % asked for"),
        lambda share, asked: say(
            "%(share)s of %(asked)s asked for", share=percent(share), asked=percent(asked)
        ),
    ),
    (
        re.compile(r"due (\S+Z), met (\S+Z)"),
        lambda due, met: say("due %(due)s UTC, met %(met)s UTC", due=_at(due), met=_at(met)),
    ),
    (
        re.compile(r"due (\S+Z), not met"),
        lambda due: say("due %(due)s UTC, not met", due=_at(due)),
    ),
    (
        re.compile(r"(S\d), incident (\d+)"),
        lambda severity, number: say(
            "%(severity)s, incident %(number)s", severity=severity, number=number
        ),
    ),
    (
        re.compile(r"(S\d), share of (.+) targets met"),
        lambda severity, aim: say(
            "%(severity)s, share of targets met: %(aim)s",
            severity=severity,
            aim=_AIMS.get(aim, aim),
        ),
    ),
)


def told(text: str) -> str:
    """Return a text of the figures so that it can say itself; a name given by people stays."""
    if text in _ALONE:
        return _ALONE[text]
    for shape, words in _SHAPES:
        found = shape.fullmatch(text)
        if found:
            return words(*found.groups())
    return text
