"""Peaks: named stretches of time in which a faster target replaces the usual one.

The moment of the report decides, and its target stays in force after the peak has ended.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from portal.sla.rules.instants import SECOND, to_moment
from portal.sla.rules.target import Target


@dataclass(frozen=True)
class Peak:
    """A named peak from `begin` up to, but not including, `end`."""

    name: str
    begin: datetime
    end: datetime


def peaks_from_stretches(name: str, *, stretches: Iterable[tuple[int, int]]) -> tuple[Peak, ...]:
    """Peaks from half-open pairs of minutes since 1970 in UTC, as window terms lay them out."""
    minute = 60 * SECOND
    return tuple(Peak(name, to_moment(b * minute), to_moment(e * minute)) for b, e in stretches)


def peak_at(moment: datetime, *, peaks: Iterable[Peak]) -> Peak | None:
    """The peak in which the moment lies, if any."""
    return next((peak for peak in peaks if peak.begin <= moment < peak.end), None)


def target_in_force(
    reported: datetime, *, usual: Target, in_peak: Target | None, peaks: Iterable[Peak]
) -> Target:
    """The target for a report made at that moment."""
    return in_peak if in_peak is not None and peak_at(reported, peaks=peaks) else usual
