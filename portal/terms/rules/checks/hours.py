"""Checks 2, 3 and 5: support hours, maintenance and freezes, and how much may be down."""

from collections.abc import Iterator
from decimal import Decimal

from portal.kit.words import listed, say, say_n
from portal.terms.rules.checks.facts import Facts, Finding, error, warning
from portal.terms.rules.durations import DAY, in_business_time, is_length, longest
from portal.terms.rules.numbers import plain
from portal.terms.rules.schedules import minutes_of
from portal.terms.rules.shape import Value
from portal.terms.rules.spans import (
    REFERENCE_YEAR,
    meeting,
    said_start,
    schedule_year,
    without,
    years_of,
)

_S1_TARGETS = ("first_response", "update_every", "workaround", "resolution")
_MONTH_MINUTES = 30 * DAY
_VOICE = frozenset({"phone", "callback"})


def check_support_hours(facts: Facts) -> Iterator[Finding]:
    """Check 2: business time has hours and holidays to run in, and selling hours have support."""
    written = [term.id for term in facts.in_business_time()]
    missing = [term_id for term_id in ("B1", "B2") if not facts.has(term_id)]
    if written and missing:
        yield error(
            2,
            (*missing, *written),
            _no_calendar(facts, written, missing),
        )
    yield from _selling_without_support(facts)
    yield from _no_voice_at_night(facts)


def _no_calendar(facts: Facts, written: list[str], missing: list[str]) -> str:
    first, labels = facts.label(written[0]), [facts.label(one) for one in missing]
    if len(missing) == 1:
        return say_n(
            "%(num)s term is in business hours or days (first: %(first)s), but %(label)s is not "
            "set: business time has no calendar to run on.",
            "%(num)s terms are in business hours or days (first: %(first)s), but %(label)s is not "
            "set: business time has no calendar to run on.",
            len(written), first=first, label=labels[0],
        )  # fmt: skip
    return say_n(
        "%(num)s term is in business hours or days (first: %(first)s), but %(labels)s are not "
        "set: business time has no calendar to run on.",
        "%(num)s terms are in business hours or days (first: %(first)s), but %(labels)s are not "
        "set: business time has no calendar to run on.",
        len(written), first=first, labels=listed(labels),
    )  # fmt: skip


def _selling_without_support(facts: Facts) -> Iterator[Finding]:
    slow = [f"C4.S1.{t}" for t in _S1_TARGETS if in_business_time(facts.get(f"C4.S1.{t}"))]
    if not slow or not facts.has("B1", "B4"):
        return
    selling = schedule_year(facts.get("B4"), REFERENCE_YEAR)
    uncovered = without(selling, schedule_year(facts.get("B1"), REFERENCE_YEAR))
    if uncovered:
        when = said_start(uncovered, facts.get("B4")["tz"])
        yield warning(
            2,
            (*slow, "B1", "B4"),
            say(
                "%(label)s runs in support hours (%(b1)s), but the customer also "
                "sells outside them (%(b4)s), for example from %(when)s: sales at "
                "that time have no support.",
                label=facts.label(slow[0]),
                b1=facts.told("B1"),
                b4=facts.told("B4"),
                when=when,
            ),
        )


def _no_voice_at_night(facts: Facts) -> Iterator[Finding]:
    covered = next((r["hours"] for r in facts.rows("B3") if r["severity"] == "S1"), None)
    channels = next((r["channels"] for r in facts.rows("B6") if r["severity"] == "S1"), None)
    if covered == "24x7" and channels and not _VOICE & set(channels):
        yield error(
            2,
            ("B3", "B6"),
            say(
                "S1 is covered 24x7 but has neither phone nor callback: a critical "
                "fault at night cannot wait in a mailbox."
            ),
        )


# ---- check 3 -------------------------------------------------------------------------------------


def check_maintenance(facts: Facts) -> Iterator[Finding]:
    """Check 3: maintenance stays out of selling hours and peaks, and a rollback fits its window."""
    peaks = [slot for row in facts.rows("B5") for slot in row["window"] or ()]
    if facts.has("E1") and not facts.has("E8"):
        yield from _in_selling_hours(facts)
        yield from _in_peaks(facts, peaks)
    if peaks and facts.knows("E7"):
        yield from _unfrozen_peaks(facts, peaks)
    yield from _rollback_fits(facts)


def _in_selling_hours(facts: Facts) -> Iterator[Finding]:
    if not facts.has("B4"):
        return
    for year in years_of(facts.get("E1"), facts.get("E7")):
        work = without(facts.windows(facts.get("E1"), year), facts.windows(facts.get("E7"), year))
        both = meeting(work, schedule_year(facts.get("B4"), year))
        if both:
            yield error(
                3,
                ("E1", "B4", "E8"),
                say(
                    "Maintenance (%(e1)s) falls into sales-critical hours (%(b4)s), "
                    "first on %(first)s: move it, or agree an exception.",
                    e1=facts.told("E1"),
                    b4=facts.told("B4"),
                    first=said_start(both, facts.get("B4")["tz"]),
                ),
            )
            return


def _in_peaks(facts: Facts, peaks: Value) -> Iterator[Finding]:
    for year in years_of(facts.get("E1"), facts.get("E7"), peaks):
        work = without(facts.windows(facts.get("E1"), year), facts.windows(facts.get("E7"), year))
        both = meeting(work, facts.windows(peaks, year))
        if both:
            yield error(
                3,
                ("E1", "B5", "E7", "E8"),
                say(
                    "Maintenance (%(e1)s) falls into a peak period, first on "
                    "%(first)s: freeze the peak, move the window, or agree an "
                    "exception.",
                    e1=facts.told("E1"),
                    first=said_start(both, facts.zone()),
                ),
            )
            return


def _unfrozen_peaks(facts: Facts, peaks: Value) -> Iterator[Finding]:
    for year in years_of(facts.get("E7"), peaks):
        open_peak = without(facts.windows(peaks, year), facts.windows(facts.get("E7"), year))
        if open_peak:
            yield error(
                3,
                ("E7", "B5"),
                say(
                    "The freeze (%(e7)s) leaves out part of a peak period, first from "
                    "%(first)s: the freeze must hold every peak.",
                    e7=facts.told("E7"),
                    first=said_start(open_peak, facts.zone()),
                ),
            )
            return


def _rollback_fits(facts: Facts) -> Iterator[Finding]:
    timed = [slot for slot in facts.get("E1") or () if slot["freq"] in ("weekly", "monthly")]
    lengths = [_slot_minutes(slot) for slot in timed]
    if not lengths or not (is_length(facts.get("F14")) and is_length(facts.get("F15"))):
        return
    needed = longest(facts.get("F14")) + longest(facts.get("F15"))
    if needed > min(lengths):
        yield warning(
            3,
            ("F14", "F15", "E1"),
            say(
                "Deciding on a rollback (%(f14)s) and doing it (%(f15)s) takes "
                "%(needed)s, more than the shortest window of %(shortest)s: a "
                "late rollback would run over.",
                f14=facts.told("F14"),
                f15=facts.told("F15"),
                needed=said_minutes(needed),
                shortest=said_minutes(min(lengths)),
            ),
        )


def _slot_minutes(slot: Value) -> int:
    start, end = minutes_of(slot["from"]), minutes_of(slot["to"])
    return (end - start) % DAY or DAY


def said_minutes(minutes: float | Decimal) -> str:
    """Say a number of minutes as hours where it is whole hours, else as minutes."""
    hours, rest = divmod(minutes, 60)
    if hours and not rest:
        return say_n("%(num)s hour", "%(num)s hours", int(hours))
    return say("%(minutes)s minutes", minutes=Decimal(plain(round(Decimal(minutes), 1))))


# ---- check 5 -------------------------------------------------------------------------------------


def check_downtime(facts: Facts) -> Iterator[Finding]:
    """Check 5: the downtime a month allows is more than one short outage or one rollback."""
    if not facts.has("D1"):
        return
    allowed = (100 - Decimal(facts.get("D1"))) * _MONTH_MINUTES / 100
    yield from _outages_fit(facts, allowed)
    rollback = facts.get("F15")
    if is_length(rollback) and allowed < Decimal(longest(rollback)):
        yield warning(
            5,
            ("D1", "F15"),
            say(
                "An uptime of %(d1)s allows %(allowed)s down in 30 days, less than one rollback "
                "may take (%(f15)s): a single rollback breaks the month.",
                d1=facts.told("D1"),
                allowed=said_minutes(allowed),
                f15=facts.told("F15"),
            ),
        )
    if facts.has("D3") and Decimal(facts.get("D3")) < Decimal(facts.get("D1")):
        yield error(
            5,
            ("D3", "D1"),
            say(
                "Uptime in peaks (%(d3)s) is below ordinary uptime (%(d1)s): the "
                "peak must not be promised less.",
                d3=facts.told("D3"),
                d1=facts.told("D1"),
            ),
        )


def _outages_fit(facts: Facts, allowed: Decimal) -> Iterator[Finding]:
    """One shortest outage of each module that is measured by itself must fit into the month."""
    shortest, modules = facts.get("D7"), max(1, len(facts.rows("D5")))
    if not is_length(shortest):
        return
    together = Decimal(longest(shortest)) * modules
    if allowed < together:
        yield warning(
            5,
            ("D1", "D7", "D5"),
            say_n(
                "An uptime of %(d1)s allows %(allowed)s down in 30 days, less than the shortest "
                "outage counted (%(d7)s) once for each of %(num)s measured module (%(together)s).",
                "An uptime of %(d1)s allows %(allowed)s down in 30 days, less than the shortest "
                "outage counted (%(d7)s) once for each of %(num)s measured modules (%(together)s).",
                modules,
                d1=facts.told("D1"),
                allowed=said_minutes(allowed),
                d7=facts.told("D7"),
                together=said_minutes(together),
            ),
        )
