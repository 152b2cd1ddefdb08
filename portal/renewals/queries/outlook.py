"""What the page of one contract's renewal shows to one side."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.contracts.models import Contract
from portal.contracts.queries import name_of, own_side
from portal.contracts.rules.life import Side
from portal.kit.words import say
from portal.notices.models import RegionMail
from portal.renewals.models import Decision, Notice, PlannedDate, Renewal
from portal.renewals.queries.measured import Measure, measured_in
from portal.renewals.queries.term import (
    Running,
    counts_from,
    dates_of,
    in_time,
    left_unreminded,
    notices_of,
    own_decision,
    price_told,
    quote_of,
    renewal_of,
    running,
    was_reminded,
)
from portal.renewals.rules import money
from portal.renewals.rules.conditions import Condition, conditions
from portal.renewals.rules.notices import (
    CHANNEL_WORDS,
    KIND_WORDS,
    Kind,
    WayOut,
    Window,
    channels,
    last_sending,
    open_window,
    unreminded_until,
    ways_out,
)
from portal.renewals.rules.reading import (
    Mode,
    business_days,
    mode_of,
    notice_deadline,
    price_deadline,
    zone_of,
)
from portal.renewals.rules.working import in_words, working_of_deadline, working_of_term


@dataclass(frozen=True)
class Delivery:
    """How the message about a notice went to one address."""

    address: str
    words: str
    at: datetime | None
    failed: bool
    answer: str | None = None


@dataclass(frozen=True)
class Told:
    """A notice as a page shows it."""

    notice: Notice
    title: str
    sender: str
    channel: str
    counts_on: date | None
    in_time: bool
    mine: bool


@dataclass(frozen=True)
class Outlook:
    """The renewal of one contract as one side sees it."""

    contract: Contract
    side: Side
    found: Running
    row: Renewal | None
    mode: Mode
    today: date
    working: list[str]
    window: Window | None
    passed: bool
    sendings: list[tuple[str, date | None]]
    decision: Decision | None
    notices: list[Told]
    planned: list[PlannedDate]
    conditions: list[Condition]
    quote: money.Quote | None
    fee: money.Fee | None
    price_rule: money.PriceRule
    price_by: date | None
    price: Notice | None
    reminded: bool
    may_leave_unreminded: bool
    ways_out: list[WayOut]
    zone: str

    @property
    def leaving(self) -> bool:
        """Whether the contract ends with this term."""
        return self.row is not None and self.row.state == "leaving"

    @property
    def over(self) -> bool:
        """Whether the last term has ended."""
        return self.row is not None and self.row.state == "over"

    @property
    def ends(self) -> date:
        """The day the running term ends, also where a notice moved it."""
        return date.fromisoformat(self.row.ends) if self.row else self.found.span.ends


def outlook(
    session: Session,
    actor: Actor,
    contract: Contract,
    *,
    at: datetime,
    measure: Measure = measured_in,
) -> Outlook:
    """Return everything the page shows; the other side's decision is never part of it."""
    side = own_side(contract, actor)
    found, row = running(session, contract, on=at.date()), renewal_of(session, contract)
    today, terms = found.today(at), found.terms
    notice, price = (
        notice_deadline(terms, found.span.ends),
        price_deadline(terms, found.span.ends),
    )
    days, passed = business_days(terms), today > notice.on
    reminded, told = was_reminded(session, found), price_told(session, found)
    working: list[str] = [*working_of_term(found.plan, found.span)]
    working.append(working_of_deadline(notice, sorted(days.holidays)))
    if price is not None and terms.get("P10"):
        working.append(
            say(
                "The new price is told in time until %(day)s: %(working)s",
                day=in_words(price.on),
                working=working_of_deadline(price),
            )
        )
    return Outlook(
        contract=contract,
        side=side,
        found=found,
        row=row,
        mode=mode_of(terms),
        today=today,
        working=working,
        window=open_window(terms, found.plan, found.span.number, today=today),
        passed=passed,
        sendings=[
            (CHANNEL_WORDS[one], last_sending(terms, one, notice.on)) for one in channels(terms)
        ],
        decision=own_decision(session, found, actor),
        notices=[told_of(session, contract, one, side) for one in notices_of(session, contract)],
        planned=dates_of(session, contract, found.span.number),
        conditions=conditions(terms, measure(session, found)),
        quote=_quote(found, told),
        fee=money.fee_of(terms),
        price_rule=money.price_rule_of(terms),
        price_by=price.on if price else None,
        price=told,
        reminded=reminded,
        may_leave_unreminded=_unreminded(session, found, side, today=today),
        ways_out=ways_out(
            terms,
            found.span,
            side=side,
            reminded=reminded or not passed,
            priced=told is not None,
            today=today,
        ),
        zone=zone_of(terms).key,
    )


def _unreminded(session: Session, found: Running, side: Side, *, today: date) -> bool:
    until = unreminded_until(found.terms, found.span.begins)
    if side is not Side.CUSTOMER or until is None or today > until:
        return False
    return left_unreminded(session, found.contract, found.span.number, on=today)


def _quote(found: Running, told: Notice | None) -> money.Quote | None:
    if told is None:
        return quote_of(found.terms)
    return quote_of(found.terms, fee=money.read_amount(told.words["words"]["fee"]["amount"]))


def told_of(session: Session, contract: Contract, notice: Notice, side: Side) -> Told:
    """Return a notice as one side reads it."""
    sender = Side(notice.side)
    return Told(
        notice=notice,
        title=KIND_WORDS[Kind(notice.kind)],
        sender=name_of(contract, sender),
        channel=CHANNEL_WORDS[notice.channel],
        counts_on=counts_from(session, notice),
        in_time=in_time(session, notice),
        mine=sender is side,
    )


def deliveries_of(session: Session, notice: Notice) -> list[Delivery]:
    """Return how the message about a notice went, address by address: proof for its sender."""
    rows = session.scalars(
        select(RegionMail)
        .where(
            RegionMail.dedupe > f"renewal:notice.{notice.id}.",
            RegionMail.dedupe < f"renewal:notice.{notice.id}/",
        )
        .order_by(RegionMail.id)
    )
    return [_delivery(row) for row in rows]


def _delivery(row: RegionMail) -> Delivery:
    if row.sent_at:
        late = say("handed to the mail server late")
        words = late if row.is_late else say("handed to the mail server")
        return Delivery(row.recipient, words, row.sent_at, False, row.answer)
    if row.dead_at:
        return Delivery(
            row.recipient,
            say("failed: %(value)s", value=row.last_error or "no reason"),
            row.dead_at,
            True,
        )
    if row.last_error:
        return Delivery(
            row.recipient,
            say("being tried again: %(last_error)s", last_error=row.last_error),
            None,
            True,
        )
    return Delivery(row.recipient, say("waiting to be sent"), None, False)
