"""The longer sentences of a verdict, and the times inside them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

from portal.kit.words import Words, long_day_of_year, say, weekday
from portal.sla.rules import zone

# By the period of the limit, and whether it is kept.
PLANNED = {
    ("month", True): say("%(used)s of %(limit)s planned in this month."),
    ("quarter", True): say("%(used)s of %(limit)s planned in this quarter."),
    ("month", False): say(
        "%(used)s of %(limit)s planned in this month. What is over the limit counts as downtime."
    ),
    ("quarter", False): say(
        "%(used)s of %(limit)s planned in this quarter. What is over the limit counts as downtime."
    ),
}


WAITS = {
    "vendor": say("Waiting for the approval of the vendor."),
    "customer": say("Waiting for the approval of the customer."),
    "both": say("Waiting for the approval of the customer and the vendor."),
}


_BY = {
    "vendor": say("%(test)s (vendor)"),
    "customer": say("%(test)s (customer)"),
    "joint": say("%(test)s (joint)"),
}


def tested_by(test: str, party: str) -> Words:
    """Return a kind of tests with who runs them."""
    return _BY[party] % {"test": test}


def commas(parts: Sequence[str]) -> str:
    """Return parts with commas between."""
    return reduce(lambda one, next: say("%(first)s, %(next)s", first=one, next=next), parts)


def said(local: datetime) -> str:
    """Return a moment such as "Friday 1 October 09:00 CEST", in the zone it carries."""
    return say(
        "%(weekday)s %(day)s %(time)s %(zone)s",
        weekday=weekday(local),
        day=long_day_of_year(local),
        time=f"{local:%H:%M}",
        zone=local.tzname() or "",
    )


def hours(length: timedelta) -> str:
    """Return a length such as "1 h 30 min"."""
    minutes = int(length / timedelta(minutes=1))
    if minutes % 60 == 0:
        return say("%(hours)s h", hours=minutes // 60)
    if minutes < 60:
        return say("%(minutes)s min", minutes=minutes)
    return say("%(hours)s h %(minutes)s min", hours=minutes // 60, minutes=minutes % 60)


def work_zone(terms: Mapping[str, Any]) -> Any:
    """Return the zone in which work is planned: that of the windows, or of the support hours."""
    named = next((slot["tz"] for slot in terms.get("E1") or () if slot.get("tz")), None)
    return zone(str(named or terms["B1"]["tz"]))
