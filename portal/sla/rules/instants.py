"""Instants as whole microseconds since 1970 in UTC: exact, and quick to compare and add."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from portal.kit.errors import Refused
from portal.kit.words import say

Span = tuple[int, int]
Pause = tuple[datetime, datetime | None]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
DAY = 86_400 * SECOND
FIRST_YEAR, LAST_YEAR = 1900, 2999


def to_instant(moment: datetime) -> int:
    """Microseconds since 1970; a moment without an offset, or far from our time, is refused."""
    if moment.tzinfo is None:
        raise Refused(
            say(
                "%(moment)s has no offset from UTC. Write one, such as +00:00.",
                moment=moment.isoformat(),
            )
        )
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Refused(
            say("Use dates between %(first)s and %(last)s.", first=FIRST_YEAR, last=LAST_YEAR)
        )
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def to_moment(instant: int) -> datetime:
    """The aware UTC moment of an instant."""
    return EPOCH + timedelta(microseconds=instant)


def to_micros(length: timedelta) -> int:
    """A length of time as whole microseconds."""
    return length // MICROSECOND


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time as sorted spans that neither touch nor overlap; empty ones are dropped."""
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if end <= begin:
            continue
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def without(spans: Iterable[Span], holes: Sequence[Span]) -> list[Span]:
    """What is left of the spans once the holes (sorted, disjoint) are taken out."""
    left: list[Span] = []
    for begin, end in spans:
        for hole_begin, hole_end in holes:
            if hole_end <= begin or hole_begin >= end:
                continue
            if hole_begin > begin:
                left.append((begin, hole_begin))
            begin = min(hole_end, end)
        if begin < end:
            left.append((begin, end))
    return left


def clip(spans: Iterable[Span], begin: int, end: int) -> list[Span]:
    """The part of the spans that lies between two instants."""
    cut = ((max(b, begin), min(e, end)) for b, e in spans)
    return [(b, e) for b, e in cut if b < e]
