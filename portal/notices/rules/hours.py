"""When a mail is sent: quiet hours and digests in the reader's own zone.

Wall times follow RFC 5545, 3.3.5: a time that occurs twice means its first occurrence unless that
has passed; one that the clocks skip is read with the offset before the change.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
MONDAY = 0


@dataclass(frozen=True)
class Reader:
    """How a person wants to be told: zone, language, quiet hours, and the digest's time.

    `language` is empty where none was chosen: pages are in the browser's then, mail in English.
    `quiet` is (from, until) in wall time, over midnight where `from` is later; None: never quiet.
    `weekly` digests come on Mondays, others every day.
    """

    zone: ZoneInfo
    language: str = ""
    quiet: tuple[time, time] | None = None
    digest_at: time = time(8)
    weekly: bool = False


ALWAYS = Reader(ZoneInfo("UTC"))


def instants(day: date, wall: time, zone: ZoneInfo) -> list[datetime]:
    """Return the instants, in UTC, at which a wall clock of the zone shows this time on this day.

    Two where the hour is repeated; for a time the clocks skip, the one instant of RFC 5545.
    """
    first = datetime.combine(day, wall, tzinfo=zone).astimezone(UTC)
    second = datetime.combine(day, wall.replace(fold=1), tzinfo=zone).astimezone(UTC)
    return [first, second] if second > first else [first]


def is_quiet(at: datetime, reader: Reader) -> bool:
    """Return whether an instant lies in the reader's quiet hours."""
    if reader.quiet is None:
        return False
    start, end = reader.quiet
    wall = at.astimezone(reader.zone).time()
    if start <= end:
        return start <= wall < end
    return wall >= start or wall < end


def sent_at(at: datetime, reader: Reader) -> datetime:
    """Return when a mail of this instant is sent: at once, or when the quiet hours end."""
    if reader.quiet is None or not is_quiet(at, reader):
        return at
    day, end = at.astimezone(reader.zone).date(), None
    while end is None:
        later = [one for one in instants(day, reader.quiet[1], reader.zone) if one > at]
        end, day = (later[0] if later else None), day + DAY
    # A time the clocks skip in spring may end the quiet inside its next turn.
    return sent_at(end, reader)


def digest_after(at: datetime, reader: Reader) -> datetime:
    """Return when the next digest is sent to a reader."""
    day = at.astimezone(reader.zone).date()
    while True:
        first = instants(day, reader.digest_at, reader.zone)[0]
        if first > at and not (reader.weekly and day.weekday() != MONDAY):
            return first
        day += DAY
