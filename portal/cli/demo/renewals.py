"""The renewals of the story: dates kept day by day, a price told, a decision, a review held."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts import actions as accounts
from portal.accounts.models import Person
from portal.accounts.rules import Actor
from portal.accounts.totp import code_at
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.kit.db import db
from portal.renewals import actions
from portal.renewals.models import PlannedDate
from portal.renewals.queries.term import renewal_of
from portal.renewals.rules.dates import add_days
from portal.renewals.rules.notices import Choice
from portal.reviews import actions as reviews
from portal.reviews.queries import reviews_of
from portal.reviews.rules.schedule import Kind


def tell(cast: Mapping[str, Actor], session: Session, *, title: str, now: datetime) -> None:
    """Tell how the contract of this title goes towards its renewal."""
    contract = next(one for one in session.query(Contract) if one.title == title)
    contract_id = contract.id
    session.rollback()
    actions.enrol(session, at=now - timedelta(days=70))
    keep_until(session, contract_id, now - timedelta(days=3))
    hold_review(session, contract_id, cast, now=now)
    price(session, contract_id, cast["ada"], at=now - timedelta(days=2))
    contract = session.get_one(Contract, contract_id)
    actions.decide(
        session, cast["cleo"], contract, choice=Choice.RENEGOTIATE,
        note="Uptime was good. The price should follow the index, no more.",
        at=now - timedelta(days=1),
    )  # fmt: skip
    keep_until(session, contract_id, now)
    reviews.plan_reviews(session, contract_id, at=now)


def keep_until(session: Session, contract_id: str, now: datetime) -> None:
    """Do each date at its own instant, as a worker that never sleeps does."""
    while True:
        due = session.scalar(
            select(PlannedDate.due_at)
            .where(
                PlannedDate.contract_id == contract_id, PlannedDate.done_at.is_(None),
                PlannedDate.cancelled_at.is_(None), PlannedDate.due_at <= now,
            )
            .order_by(PlannedDate.due_at)
            .limit(1)
        )  # fmt: skip
        session.rollback()
        if due is None:
            return
        actions.keep_dates(session, contract_id, at=due)


def price(session: Session, contract_id: str, ada: Actor, *, at: datetime) -> None:
    """Tell the price of the next term with the code of that minute, where it can still be told."""
    contract = session.get_one(Contract, contract_id)
    row = renewal_of(session, contract)
    told = row is not None and row.price_by is not None and row.price_by >= at.date().isoformat()
    session.rollback()
    if not told:
        return
    secret = db.session.get_one(Person, ada.person_id).totp_secret
    db.session.rollback()
    outcome = accounts.spend_code(ada.person_id, code_at(secret, at), at=at, purpose="notice")
    assert outcome.step is not None, outcome  # noqa: S101
    contract = session.get_one(Contract, contract_id)
    actions.give_price(
        session, ada, contract, amount=Decimal("1530.00"), index_change=Decimal("2.4"),
        step=outcome.step, at=at,
    )  # fmt: skip


def hold_review(
    session: Session, contract_id: str, cast: Mapping[str, Actor], *, now: datetime
) -> None:
    """Let Ada ask for a review and keep its minutes."""
    asked, on = now - timedelta(days=16), (now - timedelta(days=9)).date()
    contract = session.get_one(Contract, contract_id)
    row = reviews.call_review(
        session, cast["ada"], contract, kind=Kind.SERVICE, on=on,
        why="Ten weeks of service: what we promised, what we measured.", at=asked,
    )  # fmt: skip
    reviews.hold_review(
        session, cast["ada"], contract, row.id, held_on=on, at=now - timedelta(days=9),
        minutes="We went through every incident. One answer came late: the night shift had the "
        "wrong telephone number.\nBoth sides want the contacts checked before the quarter ends.",
        agreed=[
            reviews.Agreed("Check the telephone tree", "Ben Osei", Side.VENDOR, _in(now, 12)),
            reviews.Agreed("Name a second contact", "Dov Amsel", Side.CUSTOMER, _in(now, 5)),
        ],
    )  # fmt: skip
    session.rollback()
    assert reviews_of(session, contract)  # noqa: S101
    session.rollback()


def _in(now: datetime, days: int) -> date:
    return add_days(now.date(), days)
