"""The three lists of the home page, and their order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

SHOWN = 12


@dataclass(frozen=True)
class Item:
    """One line: what it is, where it leads, when, and how pressing (0 is the most).

    `what` says what happens `at` that time: "Due", "Since", "Closes by itself".
    """

    words: str
    hint: str
    href: str
    rank: int = 5
    at: datetime | None = None
    what: str = ""
    state: str = ""
    kind: str = "open"


@dataclass(frozen=True)
class Lines:
    """A list as the page shows it: the first of its items, and how many more there are."""

    items: Sequence[Item]
    more: int


@dataclass(frozen=True)
class Home:
    """The three lists."""

    waits: Lines
    coming: Lines
    wrong: Lines


def arranged(waits: Iterable[Item], coming: Iterable[Item], wrong: Iterable[Item]) -> Home:
    """Return the lists in order: what presses most, then what is due first."""
    return Home(
        waits=_lines(waits, by_time=False),
        coming=_lines(coming, by_time=True),
        wrong=_lines(wrong, by_time=False),
    )


def _lines(items: Iterable[Item], *, by_time: bool) -> Lines:
    def order(item: Item) -> tuple[int, bool, float, str]:
        rank = 0 if by_time else item.rank
        return (rank, item.at is None, item.at.timestamp() if item.at else 0.0, item.words)

    found = sorted(items, key=order)
    return Lines(found[:SHOWN], max(0, len(found) - SHOWN))
