"""The blueprint of the room, and what every page of it opens."""

from datetime import tzinfo
from typing import Any

from flask import Blueprint

from portal.contracts import visit as visits
from portal.kit.errors import NotFound
from portal.sla.rules import zone
from portal.sla.rules.promises import AIM_IN_TEXT
from portal.statements.rules.judged import aim_words
from portal.statements.rules.month import Month
from portal.statements.rules.shown import minutes_shown, percent_shown, time_shown
from portal.statements.rules.told import told

bp = Blueprint("statements", __name__)


class Visit(visits.Visit):
    """A member looking at the months of one contract, now."""

    @property
    def zone(self) -> tzinfo:
        """The zone of the contract's months."""
        return zone(str(self.terms.get("M4") or "UTC"))

    @property
    def month(self) -> Month:
        """The month that runs."""
        return Month.of(self.now, self.terms)

    def frame(self) -> dict[str, Any]:
        """Return what every page of the room shows."""
        return super().frame() | {
            "zone": self.zone,
            "minutes_shown": minutes_shown,
            "percent_shown": percent_shown,
            "time_shown": time_shown,
            "told": told,
            "aim_words": aim_words,
            "aim_in_text": AIM_IN_TEXT,
        }


visit = Visit.to


def read_month(text: str) -> Month:
    """Return the month an address names, or raise `NotFound`."""
    try:
        return Month.read(text)
    except ValueError:
        raise NotFound from None
