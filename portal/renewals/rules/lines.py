"""A contract's dates as one JSON object, for machines and for checking on paper.

A line holds `id`, `start`, `initial_months` and `as_of`, and as far as they apply:
`renewal_months`, `max_renewals`, `pilot_months` or `pilot_days`, `ends_with` (the end date of the
contract it ends together with); one of `notice_months`, `notice_days` and `notice_business_days`;
`roll` ("earlier", "later" or "stays"), `open_days` (["mo", …]) and `holidays`;
`reminder_days_before_notice`; `price_notice_months` or `price_notice_days` before the end date.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from portal.kit.errors import Refused
from portal.kit.words import say
from portal.renewals.rules.dates import (
    Before,
    BusinessDay,
    Deadline,
    Plan,
    Roll,
    Unit,
    add_days,
    add_months,
    deadline,
    term_on,
)
from portal.renewals.rules.working import (
    working_of_deadline,
    working_of_reminder,
    working_of_term,
)

Line = Mapping[str, Any]
NEEDED = ("id", "start", "initial_months", "as_of")
_UNITS = {"months": Unit.MONTHS, "days": Unit.DAYS, "business_days": Unit.BUSINESS_DAYS}
_KNOWN = frozenset(
    (*NEEDED, "source", "renewal_months", "max_renewals", "pilot_months", "pilot_days",
     "ends_with", "roll", "open_days", "holidays", "reminder_days_before_notice",
     *(f"notice_{unit}" for unit in _UNITS), "price_notice_months", "price_notice_days",
     "current_term_ends", "notice_by", "reminder_on")
)  # fmt: skip
_WEEK = ("mo", "tu", "we", "th", "fr", "sa", "su")
_MOST_MONTHS = 1200


@dataclass(frozen=True)
class _Days:
    """Which days are business days: weekdays without the holidays."""

    week: frozenset[int]
    holidays: frozenset[date]

    def __call__(self, day: date) -> bool:
        return day.weekday() in self.week and day not in self.holidays


def answer(line: Line) -> dict[str, Any]:
    """Return the dates of one line with their working; `Refused` names what cannot be read."""
    _demand_known(line)
    plan, days = _plan(line), _days(line)
    as_of = _date(line, "as_of")
    span = term_on(plan, as_of)
    working: list[str] = [*working_of_term(plan, span)]
    pilot = _pilot_words(line)
    notice = _counted_back(line, "notice", span.ends, days, roll=_roll(line))
    price = _counted_back(line, "price_notice", span.ends, days, roll=Roll.STAYS)
    if notice:
        working.append(working_of_deadline(notice, sorted(days.holidays)))
    remind = line.get("reminder_days_before_notice")
    if remind is not None and notice is None:
        raise Refused(say("A reminder before the notice needs a notice period."))
    told = {
        "id": line["id"],
        "current_term_begins": span.begins.isoformat(),
        "current_term_ends": span.ends.isoformat(),
        "renewals_so_far": span.number,
        "ended": span.ends <= as_of,
        "notice_by": notice.on.isoformat() if notice else None,
        "reminder_on": None,
        "price_notice_by": price.on.isoformat() if price else None,
    }
    if remind is not None and notice is not None:
        count = _count(line, "reminder_days_before_notice", most=3660)
        told["reminder_on"] = add_days(notice.on, -count).isoformat()
        working.append(working_of_reminder(count, notice.on))
    if price:
        working.append(f"The new price is told in time until then: {working_of_deadline(price)}")
    told["working"] = [*pilot, *working]
    unread = sorted(str(name) for name in line if name not in _KNOWN)
    # Named rather than passed over: a misspelt notice period must not look like none.
    return {**told, "not_understood": unread} if unread else told


def _demand_known(line: Line) -> None:
    missing = [name for name in NEEDED if name not in line]
    if missing:
        raise Refused(say("There is no %(missing)s.", missing=missing[0]))
    if not isinstance(line["id"], str | int) or isinstance(line["id"], bool):
        raise Refused(say("An id is a text or a whole number."))


def _plan(line: Line) -> Plan:
    start = _date(line, "start")
    if line.get("pilot_months") is not None:
        start = add_months(start, _count(line, "pilot_months", most=_MOST_MONTHS))
    if line.get("pilot_days") is not None:
        start = add_days(start, _count(line, "pilot_days", most=3660))
    initial = _count(line, "initial_months", least=1, most=_MOST_MONTHS)
    renewal, renewals = None, None
    if line.get("renewal_months") is not None:
        renewal = _count(line, "renewal_months", least=1, most=_MOST_MONTHS)
    if line.get("max_renewals") is not None:
        renewals = _count(line, "max_renewals", most=_MOST_MONTHS)
    shared = _date(line, "ends_with") if line.get("ends_with") is not None else None
    if shared is not None and shared <= start:
        raise Refused(say("The contract this one ends with ends before this one begins."))
    return Plan(start, initial, renewal, renewals, shared)


def _pilot_words(line: Line) -> list[str]:
    lasting = [
        f"{line[name]} {unit}"
        for name, unit in (("pilot_months", "months"), ("pilot_days", "days"))
        if line.get(name) is not None
    ]
    if not lasting:
        return []
    return [f"A pilot of {' and '.join(lasting)} comes first, from {line['start']}."]


def _days(line: Line) -> _Days:
    names = line.get("open_days", list(_WEEK[:5]))
    if not isinstance(names, list) or not names or any(name not in _WEEK for name in names):
        raise Refused(say("open_days is a list of mo, tu, we, th, fr, sa and su."))
    holidays = line.get("holidays") or []
    if not isinstance(holidays, list):
        raise Refused(say("holidays is a list of dates."))
    return _Days(
        frozenset(_WEEK.index(name) for name in names),
        frozenset(_as_date(text, "holidays") for text in holidays),
    )


def _roll(line: Line) -> Roll:
    try:
        return Roll(line.get("roll", Roll.STAYS))
    except ValueError:
        raise Refused(say("roll is earlier, later or stays.")) from None


def _counted_back(
    line: Line, name: str, end: date, days: BusinessDay, *, roll: Roll
) -> Deadline | None:
    given = [unit for unit in _UNITS if line.get(f"{name}_{unit}") is not None]
    if not given:
        return None
    if len(given) > 1:
        raise Refused(
            say("Give %(name)s in one unit, not in %(join)s.", name=name, join=" and ".join(given))
        )
    n = _count(line, f"{name}_{given[0]}", most=3660)
    return deadline(end, Before(n, _UNITS[given[0]], roll), is_business_day=days)


def _count(line: Line, name: str, *, least: int = 0, most: int) -> int:
    value = line.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Refused(
            say(
                "%(name)s is a whole number from %(least)s to %(most)s.",
                name=name,
                least=least,
                most=most,
            )
        )
    return value


def _date(line: Line, name: str) -> date:
    return _as_date(line.get(name), name)


def _as_date(text: Any, name: str) -> date:
    try:
        if not isinstance(text, str) or len(text) != 10:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(say("%(name)s is a date such as 2027-01-31.", name=name)) from None
