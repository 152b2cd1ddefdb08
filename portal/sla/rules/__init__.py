"""The arithmetic of the SLA clock: pure functions over calendars, targets and pauses."""

from portal.sla.rules.calendar import (
    Calendar,
    NeverOpens,
    always_open,
    calendar_from_json,
    calendar_from_schedule,
    weekdays_open,
)
from portal.sla.rules.clock import ClockState, State, back_from, clock, due_at, elapsed, ledger
from portal.sla.rules.instants import Pause
from portal.sla.rules.ledger import Interval, Kind, Ledger
from portal.sla.rules.peaks import Peak, peak_at, peaks_from_stretches, target_in_force
from portal.sla.rules.target import Clock, Target, Unit, counting_calendar, target_from_term
from portal.sla.rules.worst import worst_case, worst_case_example, worst_case_sentence
from portal.sla.rules.worst_words import in_words, worst_in_words, worst_words
from portal.sla.rules.zones import tzdata_version, zone

__all__ = [
    "Calendar",
    "Clock",
    "ClockState",
    "Interval",
    "Kind",
    "Ledger",
    "NeverOpens",
    "Pause",
    "Peak",
    "State",
    "Target",
    "Unit",
    "always_open",
    "back_from",
    "calendar_from_json",
    "calendar_from_schedule",
    "clock",
    "counting_calendar",
    "due_at",
    "elapsed",
    "in_words",
    "ledger",
    "peak_at",
    "peaks_from_stretches",
    "target_from_term",
    "target_in_force",
    "tzdata_version",
    "weekdays_open",
    "worst_case",
    "worst_case_example",
    "worst_case_sentence",
    "worst_in_words",
    "worst_words",
    "zone",
]
