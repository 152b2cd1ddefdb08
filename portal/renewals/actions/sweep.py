"""Doing what is due on each date, exactly once.

The worker may stop and start at will and run many times beside itself: a date is done by one
update of its row, in the transaction that does the thing, and is marked late where it is.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.renewals.actions.ends import close_notice, close_price, end_term
from portal.renewals.actions.letters import Post
from portal.renewals.actions.portal_notices import remind
from portal.renewals.actions.projection import hold, read_terms_again
from portal.renewals.models import PlannedDate, Renewal
from portal.renewals.queries.measured import Measure, measured_in
from portal.renewals.queries.term import Running, due_dates, renewal_of, running
from portal.renewals.rules import schedule as rules
from portal.renewals.rules.dates import add_days

# A contract of one-month terms that nobody swept for a century has fewer dates than this.
MOST_AT_ONCE = 20_000


def keep_dates(
    session: Session,
    contract_id: str,
    *,
    at: datetime,
    measure: Measure = measured_in,
) -> int:
    """Do everything of a contract that is due, each thing in a transaction of its own."""
    for done in range(MOST_AT_ONCE):
        with transaction(session):
            contract = hold(session, contract_id)
            row, due = renewal_of(session, contract), due_dates(session, contract, at=at)
            if row is None or not due:
                return done
            _do(Post(session, contract, at), row, due, measure)
    return MOST_AT_ONCE


def _do(post: Post, row: Renewal, due: Sequence[PlannedDate], measure: Measure) -> None:
    first = due[0]
    if rules.is_reminder(first.kind):
        _remind(post, row, [one for one in due if rules.is_reminder(one.kind)])
    elif first.kind.startswith(rules.PRICE_SOON):
        _remind_of_price(post, [one for one in due if one.kind.startswith(rules.PRICE_SOON)])
    else:
        mark_done([first], at=post.at)
        found = _ran_on(post, first)
        match first.kind:
            case kind if kind.startswith(rules.TERMS):
                read_terms_again(post.session, row, found, at=post.at)
            case rules.PRICE_BY:
                close_price(post, found, late=bool(first.late))
            case rules.NOTICE_BY:
                close_notice(post, row, found, measure(post.session, found), late=bool(first.late))
            case _:
                end_term(post, row, found, on=first.due_on, late=bool(first.late))


def _ran_on(post: Post, due: PlannedDate) -> Running:
    """The term by the terms in force on the day a date was due, however late it is done."""
    day = date.fromisoformat(due.due_on)
    on = add_days(day, -1) if due.kind == rules.ENDS else day
    return running(post.session, post.contract, on=on)


def mark_done(dates: Sequence[PlannedDate], *, at: datetime) -> bool:
    """Mark dates done, in the caller's transaction; return whether one of them is late."""
    for one in dates:
        one.done_at, one.late = at, int(rules.is_late(one.due_at, at))
    return any(one.late for one in dates)


def _same_term(dates: Sequence[PlannedDate]) -> list[PlannedDate]:
    return [one for one in dates if one.number == dates[0].number]


def _remind(post: Post, row: Renewal, due: Sequence[PlannedDate]) -> None:
    rungs = _same_term(due)
    late = mark_done(rungs, at=post.at)
    kind = rules.latest_rung([one.kind for one in rungs])
    found = running(post.session, post.contract, on=post.at.date())
    if row.state == "running" and found.today(post.at) <= found.notice_by:
        remind(post, found, kind=kind, dates=len(rungs), late=late)
        return
    # Too late to be of use: kept in the log, and nobody is told of a date that has passed.
    record(
        post.session, post.contract.id, "renewal:reminder:passed", actor=PORTAL, at=post.at,
        facts={"term": rungs[0].number, "dates": len(rungs), "kind": kind, "late": late},
    )  # fmt: skip


def _remind_of_price(post: Post, due: Sequence[PlannedDate]) -> None:
    rungs = _same_term(due)
    late = mark_done(rungs, at=post.at)
    contract: Contract = post.contract
    post.tell(
        Side.VENDOR, "renewal:price:soon", f"{contract.id}:{rungs[0].number}:{rungs[-1].kind}"
    )
    record(
        post.session, contract.id, "renewal:price:reminded", actor=PORTAL, at=post.at,
        facts={"term": rungs[0].number, "dates": len(rungs), "late": late},
    )  # fmt: skip
