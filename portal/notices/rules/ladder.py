"""The ladder of reminders before a date: 120, 90, 60, 30, 14 and 7 days, without an upper limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

LADDER = (120, 90, 60, 30, 14, 7)


@dataclass(frozen=True)
class Rung:
    """One reminder: how many days before the date, and the day it is due."""

    days: int
    on: date


def rungs(until: date, *, ladder: Sequence[int] = LADDER) -> list[Rung]:
    """Return the reminders of a date, first to last; any whole numbers of days may be asked for.

    A ladder longer than its date's own term simply begins in the past: the caller sends what
    `due_rung` names.
    """
    return [Rung(days, until - timedelta(days=days)) for days in sorted(set(ladder), reverse=True)]


def due_rung(
    until: date, *, today: date, sent: Sequence[int] = (), ladder: Sequence[int] = LADDER
) -> Rung | None:
    """Return the one reminder to send today, or None.

    After a time of silence it is the latest rung that has passed, once: one mail, not six. Nothing
    is due from the date itself on.
    """
    if today >= until:
        return None
    passed = [rung for rung in rungs(until, ladder=ladder) if rung.on <= today]
    if not passed or any(days <= passed[-1].days for days in sent):
        return None
    return passed[-1]
