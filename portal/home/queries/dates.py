"""Notice dates that come near, and decisions that are due."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, may
from portal.home.rules import Item
from portal.kit.words import day, say
from portal.renewals.queries import listing as renewals
from portal.renewals.rules.listing import Filter

SOON = timedelta(days=60)


def renewal_lines(
    sessions: Sequence[Session], actor: Actor, *, at: datetime
) -> tuple[list[Item], list[Item]]:
    """Return (decisions that are overdue, notice dates of the next sixty days)."""
    if not may(actor, "renewal:decide"):
        return [], []
    today = at.date()
    waits = [
        Item(
            row.title,
            say(
                "Notice by %(day)s, %(ref)s, with %(other)s",
                day=day(row.notice_by),
                ref=row.ref,
                other=row.other,
            ),
            f"/contracts/{row.ref}/renewal",
            rank=3,
            state=say("Decide on renewal"),
            kind="yours",
        )
        for row in renewals.overdue(sessions, actor, today=today).rows
    ]
    coming = [
        Item(
            say("Last day for notice: %(title)s", title=row.title),
            say("%(ref)s, with %(other)s", ref=row.ref, other=row.other),
            f"/contracts/{row.ref}/renewal",
            at=datetime.combine(row.notice_by, time(12), UTC),
        )
        for row in renewals.page_of(sessions, actor, Filter(), today=today).rows
        if row.notice_by <= today + SOON
    ]
    return waits, coming
