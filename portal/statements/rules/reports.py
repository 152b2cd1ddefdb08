"""When the report of a month is due, and whether it is missing (clauses 12.13 and 15.1)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from portal.statements.rules.measured import period_months
from portal.statements.rules.month import Month, due_after

Terms = Mapping[str, Any]
REPORT_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
# A report that comes later than this many Periods leaves the presumption as it is.
PERIODS_OF_GRACE = 2


def report_due(month: Month, terms: Terms) -> datetime | None:
    """Return when the vendor's word on the statement of a month is due (N1, N1.due)."""
    months = REPORT_MONTHS[str(terms.get("N1") or "monthly")]
    last = month.first_of(months).plus(months - 1)
    return due_after(last.bounds(terms)[1], terms.get("N1.due"), terms)


def report_missing_from(month: Month, terms: Terms) -> datetime | None:
    """Return from when on an unconfirmed statement is a missing report (K16, K16.after)."""
    due = report_due(month, terms)
    if due is None or not terms.get("K16"):
        return None
    return due_after(due, terms.get("K16.after"), terms) or due


def presumed_until(month: Month, terms: Terms) -> datetime | None:
    """Return until when a late report still brings back the true figures."""
    due = report_due(month, terms)
    months = PERIODS_OF_GRACE * period_months(terms)
    return due and due_after(due, {"n": months, "unit": "mo"}, terms)


def is_missing(month: Month, terms: Terms, *, delivered: datetime | None, now: datetime) -> bool:
    """Return whether what the report covers counts as missed, as far as is known now."""
    missing = report_missing_from(month, terms)
    if missing is None or now <= missing:
        return False
    until = presumed_until(month, terms)
    if until is None:
        return False
    return delivered is None or (delivered > missing and delivered > until)
