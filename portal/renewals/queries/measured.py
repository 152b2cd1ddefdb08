"""What the portal measured in a term: the facts that a renewal is judged and negotiated by."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from portal.renewals.queries.term import Running
from portal.renewals.rules.conditions import Measured

Measure = Callable[[Session, Running], Measured]


def measured_in(session: Session, found: Running) -> Measured:
    """Return what was measured in the running term; what nobody measured is None."""
    return Measured()
