"""What a check says, and what many of them add up to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Level(StrEnum):
    """How well a check came out."""

    GOOD = "good"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Check:
    """One thing that should hold: what was found, and the line that mends it where it does not."""

    name: str
    level: Level
    said: str
    mend: str = ""

    @property
    def line(self) -> str:
        """The check as one line for people."""
        mark = {Level.GOOD: "ok  ", Level.WARNING: "warn", Level.ERROR: "FAIL"}[self.level]
        mend = f"\n      mend: {self.mend}" if self.level is not Level.GOOD else ""
        return f"{mark}  {self.name}: {self.said}{mend}"


def good(name: str, said: str) -> Check:
    """Return a check that holds."""
    return Check(name, Level.GOOD, said)


def judged(
    name: str, said: str, *, holds: bool, mend: str, otherwise: Level = Level.ERROR
) -> Check:
    """Return a check by whether it holds; `otherwise` is how bad it is when it does not."""
    return Check(name, Level.GOOD if holds else otherwise, said, mend)


def is_well(checks: Iterable[Check]) -> bool:
    """Whether no check is an error."""
    return all(check.level is not Level.ERROR for check in checks)


# What keeps a portal from answering people; everything else it can be up with.
READINESS = frozenset(
    {
        "database opens", "database takes writes", "migrations", "disk", "keys open", "token key",
        "clock", "log extends",
    }
)  # fmt: skip


def is_ready(checks: Iterable[Check]) -> bool:
    """Whether every check that `READINESS` names holds; a name may carry where it was asked."""
    return all(
        check.level is not Level.ERROR
        for check in checks
        if check.name.partition(" (")[0] in READINESS
    )


def mode_words(mode: int) -> str:
    """Return a file mode as people type it."""
    return f"{mode & 0o777:04o}"


def is_private(mode: int) -> bool:
    """Whether nobody but the owner may read or write."""
    return mode & 0o077 == 0


def age_words(age: timedelta) -> str:
    """Return an age in one unit: "3 hours"."""
    seconds = max(0, int(age.total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def days_left(until: datetime, at: datetime) -> int:
    """Return whole days from an instant until another; negative when it has passed."""
    return (until - at).days
