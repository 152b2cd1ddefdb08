"""Generated calendars, starts and pauses, near the days on which clocks change."""

import os
from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from portal.sla.rules import calendar_from_json

from .oracle import DAY_NAMES, DAYS_SHOWN, around

USUAL = "5000" if os.environ.get("COUNTERPART_THOROUGH") == "1" else "200"
EXAMPLES = int(os.environ.get("SLA_EXAMPLES", USUAL))
# The quick run is the same every time; a thorough one looks for new cases.
generated = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 200,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

PLACES = (
    ("UTC", around(2026, 3, 2)),
    ("Europe/Berlin", around(2026, 3, 29)),
    ("Europe/Berlin", around(2026, 10, 25)),
    ("America/New_York", around(2026, 3, 8)),
    ("America/New_York", around(2026, 11, 1)),
    ("America/Sao_Paulo", around(2015, 10, 18)),  # the gap is at midnight
    ("America/Sao_Paulo", around(2015, 2, 22)),
    ("Australia/Lord_Howe", around(2026, 4, 5)),  # half an hour
    ("Africa/Casablanca", around(2026, 2, 15)),
    ("Asia/Kathmandu", around(2026, 3, 2)),  # 5 h 45 min
    ("Pacific/Honolulu", around(2026, 3, 2)),  # ten hours behind
    ("Pacific/Kiritimati", around(2026, 3, 2)),  # fourteen hours ahead
    ("Pacific/Apia", around(2011, 12, 30)),  # a date that never was
)

QUARTERS = 96


def _wall(quarter: int) -> str:
    return f"{quarter // 4:02}:{quarter % 4 * 15:02}"


def _window(pair: tuple[int, int]) -> list[str]:
    """From one quarter hour to another, overnight if that is past midnight."""
    opens, length = pair
    closes = opens + length
    return [_wall(opens), _wall(closes if closes <= QUARTERS else closes - QUARTERS)]


def _same_day(pair: tuple[int, int]) -> list[str]:
    opens, length = pair
    return [_wall(opens), _wall(min(opens + length, QUARTERS))]


_pairs = st.tuples(st.integers(0, QUARTERS - 1), st.integers(1, QUARTERS - 1))
_hours = {
    overnight: st.lists(_pairs.map(_window if overnight else _same_day), max_size=2)
    for overnight in (True, False)
}
_numbers = st.integers(3, DAYS_SHOWN - 5)


@st.composite
def calendars(draw, *, overnight: bool = True, places=PLACES) -> tuple[dict, datetime]:
    """A calendar as JSON values, and the beginning of the four weeks it is tried in."""
    tz, begin = draw(st.sampled_from(places))
    hours = _hours[overnight]
    week = draw(st.lists(hours, min_size=7, max_size=7).filter(any))
    dates = [str((begin + timedelta(days=n)).date()) for n in range(DAYS_SHOWN)]
    holidays = draw(st.dictionaries(_numbers, st.booleans(), max_size=3))
    exceptions, breaks = draw(st.tuples(*[st.dictionaries(_numbers, hours, max_size=2)] * 2))
    made = {
        "tz": tz,
        "weekly": dict(zip(DAY_NAMES, week, strict=True)),
        "holidays": [dates[n][5:] if yearly else dates[n] for n, yearly in holidays.items()],
        "exceptions": {dates[n]: windows for n, windows in exceptions.items()},
        "breaks": {dates[n]: windows for n, windows in breaks.items()},
    }
    return made, begin


minutes = st.integers(4 * 1440, 12 * 1440) | st.integers(4 * 96, 12 * 96).map(lambda n: n * 15)
minute_pauses = st.lists(
    st.tuples(minutes, st.integers(0, 3 * 1440)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    max_size=4,
)


_seconds = st.integers(4 * 86_400, 12 * 86_400)
_pauses = st.lists(st.tuples(_seconds, st.integers(0, 3 * 86_400)), max_size=4)
_lengths = st.integers(0, 30 * 3_600_000).map(lambda n: timedelta(milliseconds=n))


@st.composite
def runs(draw, **kinds):
    """A calendar, a start to the second, a length of time, and pauses."""
    source, begin = draw(calendars(**kinds))
    start, length, pauses = draw(st.tuples(_seconds, _lengths, _pauses))
    spans = [(begin + timedelta(seconds=at), timedelta(seconds=n)) for at, n in pauses]
    return (
        calendar_from_json(source),
        begin + timedelta(seconds=start),
        length,
        [(at, at + lasts) for at, lasts in spans],
    )
