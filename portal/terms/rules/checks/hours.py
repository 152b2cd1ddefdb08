"""Checks 2, 3 and 5: support hours, maintenance and freezes, and how much may be down."""

from collections.abc import Iterator
from decimal import Decimal

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
        labels = " and ".join(facts.label(term_id) for term_id in missing)
        first = facts.label(written[0])
        count = "1 term is" if len(written) == 1 else f"{len(written)} terms are"
        absent = "is not set" if len(missing) == 1 else "are not set"
        yield error(
            2,
            (*missing, *written),
            f"{count} in business hours or days (first: {first}), but {labels} {absent}: "
            "business time has no calendar to run on.",
        )
    yield from _selling_without_support(facts)
    yield from _no_voice_at_night(facts)


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
            f"{facts.label(slow[0])} runs in support hours ({facts.say('B1')}), but the customer "
            f"also sells outside them ({facts.say('B4')}), for example from {when}: sales at that "
            "time have no support.",
        )


def _no_voice_at_night(facts: Facts) -> Iterator[Finding]:
    covered = next((r["hours"] for r in facts.rows("B3") if r["severity"] == "S1"), None)
    channels = next((r["channels"] for r in facts.rows("B6") if r["severity"] == "S1"), None)
    if covered == "24x7" and channels and not _VOICE & set(channels):
        yield error(
            2,
            ("B3", "B6"),
            "S1 is covered 24x7 but has neither phone nor callback: a critical fault at night "
            "cannot wait in a mailbox.",
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
                f"Maintenance ({facts.say('E1')}) falls into sales-critical hours "
                f"({facts.say('B4')}), first on {said_start(both, facts.get('B4')['tz'])}: move "
                "it, or agree an exception.",
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
                f"Maintenance ({facts.say('E1')}) falls into a peak period, first on "
                f"{said_start(both, facts.zone())}: freeze the peak, move the window, or agree an "
                "exception.",
            )
            return


def _unfrozen_peaks(facts: Facts, peaks: Value) -> Iterator[Finding]:
    for year in years_of(facts.get("E7"), peaks):
        open_peak = without(facts.windows(peaks, year), facts.windows(facts.get("E7"), year))
        if open_peak:
            yield error(
                3,
                ("E7", "B5"),
                f"The freeze ({facts.say('E7')}) leaves out part of a peak period, first from "
                f"{said_start(open_peak, facts.zone())}: the freeze must hold every peak.",
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
            f"Deciding on a rollback ({facts.say('F14')}) and doing it ({facts.say('F15')}) takes "
            f"{said_minutes(needed)}, more than the shortest window of "
            f"{said_minutes(min(lengths))}: a late rollback would run over.",
        )


def _slot_minutes(slot: Value) -> int:
    start, end = minutes_of(slot["from"]), minutes_of(slot["to"])
    return (end - start) % DAY or DAY


def said_minutes(minutes: float | Decimal) -> str:
    """Say a number of minutes as hours where it is whole hours, else as minutes."""
    hours, rest = divmod(minutes, 60)
    if hours and not rest:
        return f"{int(hours)} {'hour' if hours == 1 else 'hours'}"
    return f"{plain(round(Decimal(minutes), 1))} minutes"


# ---- check 5 -------------------------------------------------------------------------------------


def check_downtime(facts: Facts) -> Iterator[Finding]:
    """Check 5: the downtime a month allows is more than one short outage or one rollback."""
    if not facts.has("D1"):
        return
    allowed = (100 - Decimal(facts.get("D1"))) * _MONTH_MINUTES / 100
    said = f"An uptime of {facts.say('D1')} allows {said_minutes(allowed)} down in 30 days"
    yield from _outages_fit(facts, allowed, said)
    rollback = facts.get("F15")
    if is_length(rollback) and allowed < Decimal(longest(rollback)):
        yield warning(
            5,
            ("D1", "F15"),
            f"{said}, less than one rollback may take ({facts.say('F15')}): a single rollback "
            "breaks the month.",
        )
    if facts.has("D3") and Decimal(facts.get("D3")) < Decimal(facts.get("D1")):
        yield error(
            5,
            ("D3", "D1"),
            f"Uptime in peaks ({facts.say('D3')}) is below ordinary uptime ({facts.say('D1')}): "
            "the peak must not be promised less.",
        )


def _outages_fit(facts: Facts, allowed: Decimal, said: str) -> Iterator[Finding]:
    """One shortest outage of each module that is measured by itself must fit into the month."""
    shortest, modules = facts.get("D7"), max(1, len(facts.rows("D5")))
    if not is_length(shortest):
        return
    together = Decimal(longest(shortest)) * modules
    if allowed < together:
        yield warning(
            5,
            ("D1", "D7", "D5"),
            f"{said}, less than the shortest outage counted ({facts.say('D7')}) once for each of "
            f"{modules} measured {'module' if modules == 1 else 'modules'} "
            f"({said_minutes(together)}).",
        )
