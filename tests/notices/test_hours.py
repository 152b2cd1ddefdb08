"""Quiet hours, digests and the ladder, over summer time, leap days and odd zones."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.notices.rules import LADDER, Reader, digest_after, due_rung, rungs, sent_at
from portal.notices.rules.hours import is_quiet

# Half-hour steps, half an hour of summer time, a day that was skipped, both hemispheres.
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
         "Pacific/Apia", "America/St_Johns", "Africa/Casablanca"]  # fmt: skip
MINUTE = timedelta(minutes=1)


def around_changes(zone: str) -> list[datetime]:
    """Return the instants of 2026 to 2028 at which a zone's clocks change."""
    place, found = ZoneInfo(zone), []
    at = datetime(2026, 1, 1, tzinfo=UTC)
    while at.year < 2029:
        following = at + timedelta(hours=1)
        if at.astimezone(place).utcoffset() != following.astimezone(place).utcoffset():
            found.append(following)
        at = following
    return found


CHANGES = {zone: around_changes(zone) for zone in ZONES}
WALLS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, datetime]:
    """An instant, half of them within two days of a change of the clocks."""
    zone = draw(st.sampled_from(ZONES))
    near = CHANGES[zone] or [datetime(2028, 2, 29, tzinfo=UTC)]
    far = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)).map(
        lambda at: at.replace(tzinfo=UTC)
    )
    close = st.builds(
        lambda at, minutes: at + minutes * MINUTE, st.sampled_from(near), st.integers(-2880, 2880)
    )
    return zone, draw(st.one_of(far, close))


@given(moments(), WALLS, WALLS)
@settings(max_examples=150, deadline=None)
@pytest.mark.slow
def test_a_mail_goes_at_the_first_minute_that_is_not_quiet(
    moment: tuple[str, datetime], start: time, end: time
) -> None:
    zone, at = moment
    at = at.replace(second=0, microsecond=0)
    reader = Reader(ZoneInfo(zone), quiet=(start, end))
    due = sent_at(at, reader)
    assert not is_quiet(due, reader) and timedelta() <= due - at <= timedelta(hours=49)
    first = at
    while is_quiet(first, reader):
        first += MINUTE
    # Where the night ends in an hour the clocks skip or repeat, the end itself is what counts.
    assert due - first <= timedelta(hours=2)
    if not any(abs(first - change) < timedelta(hours=3) for change in CHANGES[zone]):
        assert due == first


@given(moments(), WALLS, st.booleans())
@settings(max_examples=150, deadline=None)
@pytest.mark.slow
def test_a_digest_comes_once_a_day_or_week_at_its_wall_time(
    moment: tuple[str, datetime], wall: time, weekly: bool
) -> None:
    zone, at = moment
    reader = Reader(ZoneInfo(zone), digest_at=wall, weekly=weekly)
    times = [at]
    for _ in range(8):
        times.append(digest_after(times[-1], reader))
    assert times == sorted(set(times))
    local = [one.astimezone(reader.zone) for one in times[1:]]
    days = [one.date() for one in local]
    assert len(set(days)) == len(days), "never twice on one day"
    assert all(b - a <= timedelta(days=8 if weekly else 2) for a, b in pairwise(times))
    if weekly:
        assert {day.weekday() for day in days} <= {0, 1}
    skipped = [one for one in local if one.time() != wall]
    assert all(
        any(abs(one - change) < timedelta(hours=25) for change in CHANGES[zone]) for one in skipped
    )


@pytest.mark.parametrize(
    ("zone", "at", "quiet", "due"),
    [
        # The clocks of Berlin skip 02:00 to 03:00 on 29 March 2026 and repeat it on 25 October.
        ("Europe/Berlin", "2026-03-28T23:00Z", ("22:00", "07:00"), "2026-03-29T05:00Z"),
        ("Europe/Berlin", "2026-10-24T22:00Z", ("22:00", "07:00"), "2026-10-25T06:00Z"),
        ("Europe/Berlin", "2026-03-29T00:30Z", ("01:00", "02:30"), "2026-03-29T01:30Z"),
        ("Europe/Berlin", "2026-10-25T00:15Z", ("01:00", "02:30"), "2026-10-25T00:30Z"),
        ("Europe/Berlin", "2026-10-25T01:15Z", ("01:00", "02:30"), "2026-10-25T01:30Z"),
        ("America/New_York", "2026-11-25T22:30Z", ("17:00", "07:00"), "2026-11-26T12:00Z"),
        ("Europe/Berlin", "2026-11-25T11:00Z", ("22:00", "07:00"), "2026-11-25T11:00Z"),
        ("Europe/Berlin", "2026-11-25T06:00Z", ("22:00", "07:00"), "2026-11-25T06:00Z"),
    ],
)
def test_known_nights(zone: str, at: str, quiet: tuple[str, str], due: str) -> None:
    start, end = (time.fromisoformat(wall) for wall in quiet)
    reader = Reader(ZoneInfo(zone), quiet=(start, end))
    when = datetime.fromisoformat(at.replace("Z", "+00:00"))
    assert sent_at(when, reader) == datetime.fromisoformat(due.replace("Z", "+00:00"))


def test_who_is_never_quiet_is_told_at_once() -> None:
    at = datetime(2026, 11, 25, 3, tzinfo=UTC)
    assert sent_at(at, Reader(ZoneInfo("UTC"))) == at
    assert sent_at(at, Reader(ZoneInfo("UTC"), quiet=(time(3), time(3)))) == at


@given(st.dates(date(2026, 1, 1), date(2030, 1, 1)), st.integers(1, 400))
@pytest.mark.slow
def test_the_ladder_sends_each_rung_once_and_after_a_silence_only_the_last(
    until: date, start: int
) -> None:
    day, sent = until - timedelta(days=start), []
    while day < until + timedelta(days=3):
        rung = due_rung(until, today=day, sent=sent)
        if rung:
            sent.append(rung.days)
        day += timedelta(days=1)
    passed = [days for days in LADDER if days < start]
    late = [days for days in LADDER if days >= start][-1:]
    assert sent == late + passed
    for gap in (1, 45, 200):
        rung = due_rung(until, today=until - timedelta(days=gap))
        assert rung is None or rung.days == min(days for days in LADDER if days >= gap)


def test_a_ladder_has_no_upper_limit_and_ends_with_its_date() -> None:
    until = date(2028, 2, 29)
    long = rungs(until, ladder=(1000, 7, 365, 7))
    assert [rung.days for rung in long] == [1000, 365, 7]
    assert long[1].on == date(2027, 3, 1)
    assert due_rung(until, today=date(2026, 1, 1), ladder=(1000, 7)).days == 1000  # type: ignore[union-attr]
    assert due_rung(until, today=until) is None
    assert due_rung(until, today=date(2027, 1, 1)) is None
