"""Deciding in private, and giving notice: a signed act that both sides hold.

A decision is one side's own business and writes no entry on the chain both sides read. A notice
does, and it is only ever added.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.contracts.models import Contract
from portal.contracts.queries import name_of, own_side, people_to_tell
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import say
from portal.notices.rules import Recipient
from portal.profiles.queries import is_regulated
from portal.profiles.rules import BOTH_FACTORS, TOTP, meaning_problem
from portal.renewals.actions.ends import leave, stay
from portal.renewals.actions.letters import Post, addresses_for
from portal.renewals.actions.portal_notices import Draft, write_notice
from portal.renewals.actions.projection import enrol, hold, move_end
from portal.renewals.models import Decision, Notice, Receipt, Renewal
from portal.renewals.queries.term import (
    Running,
    find_notice,
    in_time,
    left_unreminded,
    notice_about,
    receipt_of,
    renewal_of,
    running,
)
from portal.renewals.rules import giving as rules
from portal.renewals.rules import money
from portal.renewals.rules.dates import start_of
from portal.renewals.rules.notices import Choice, Kind, received_on
from portal.renewals.rules.reading import business_days, price_deadline
from portal.renewals.rules.schedule import ENDS, Due


@dataclass(frozen=True)
class Table:
    """Who gives notice about what: the contract's term, its stored row, and the actor's side."""

    found: Running
    row: Renewal
    side: Side


def table_of(session: Session, actor: Actor, contract: Contract, *, at: datetime) -> Table:
    """Return what a side's act stands on; the dates are computed first where nobody did yet."""
    side = own_side(contract, actor)
    found, row = running(session, contract, on=at.date()), renewal_of(session, contract)
    if row is None:
        raise NotFound
    if row.state == "over":
        raise Refused(say("This contract has ended."))
    return Table(found, row, side)


def decide(
    session: Session, actor: Actor, contract: Contract, *, choice: Choice, note: str, at: datetime
) -> Decision:
    """Keep what the actor's side means to do; the other side never sees it."""
    demand(actor, "renewal:decide")
    enrol(session, at=at)
    with transaction(session):
        table = table_of(session, actor, hold(session, contract.id), at=at)
        row = Decision(
            id=new_id(at), region=contract.region, contract_id=contract.id, side=table.side.value,
            number=table.row.number, person_id=actor.person_id, decided_at=at,
        )  # fmt: skip
        put(session, row, said={"choice": choice.value, "note": note.strip(), "by": actor.name})
        if table.side is Side.VENDOR:
            table.row.vendor_decided = 1
        else:
            table.row.customer_decided = 1
        return row


@dataclass(frozen=True)
class Given:
    """What a person states when giving notice, and what the page showed them."""

    kind: Kind
    seen_ends: date
    title: str
    text: str
    channel: str = "portal"
    sent_on: date | None = None


def check_notice(
    session: Session, actor: Actor, contract: Contract, given: Given, *, at: datetime
) -> tuple[Table, Draft]:
    """Return the notice as it would be written; refuse all that a code cannot mend."""
    demand(actor, "notice:give")
    table = table_of(session, actor, contract, at=at)
    found, today = table.found, table.found.today(at)
    target = _target(session, table, given.kind, today=today)
    if isinstance(target, str):
        raise Refused(target)
    if target.ends != given.seen_ends:
        raise Refused(say("The dates moved since this page was opened. Look at them again."))
    problem = rules.channel_problem(given.channel, found.terms, sent_on=given.sent_on, today=today)
    if problem:
        raise Refused(problem)
    dedupe = f"{given.kind.value}:{table.side.value}:{given.channel}"
    if rules.is_once(given.kind) and _standing(session, contract, target.number, given.kind):
        raise Refused(say("A notice of this kind was already given for this term."))
    words = {
        "ends": target.ends.isoformat(),
        "text": given.text.strip(),
        "name": actor.name,
        "title": " ".join(given.title.split()),
        "organisation": actor.organisation_name,
        "sent_on": (given.sent_on or today).isoformat(),
    }
    counts = received_on(
        found.terms, given.channel, given.sent_on or today,
        is_business_day=business_days(found.terms),
    )  # fmt: skip
    return table, Draft(
        given.kind, target.number, table.side, dedupe, words, due_on=target.due_on,
        received_on=counts, channel=given.channel, person_id=actor.person_id,
    )  # fmt: skip


def _standing(session: Session, contract: Contract, number: int, kind: Kind) -> bool:
    notice = notice_about(session, contract, number, kind)
    return notice is not None and (notice.received_on is None or in_time(session, notice))


def target_now(
    session: Session, actor: Actor, contract: Contract, kind: Kind, *, at: datetime
) -> rules.Target | str:
    """Return what a notice given now would do, or a sentence that says why it cannot be given."""
    table = table_of(session, actor, contract, at=at)
    return _target(session, table, kind, today=table.found.today(at))


def _target(session: Session, table: Table, kind: Kind, *, today: date) -> rules.Target | str:
    found, number = table.found, table.row.number
    return rules.target_of(
        kind, found.terms, found.plan, number, side=table.side, today=today,
        leaving=table.row.state == "leaving",
        unreminded=left_unreminded(session, found.contract, number, on=today),
    )  # fmt: skip


def give_notice(
    session: Session,
    actor: Actor,
    contract: Contract,
    given: Given,
    *,
    step: int,
    factor: str = TOTP,
    meaning: str = "",
    at: datetime,
) -> Notice:
    """Give a notice, signed with a code whose `step` was consumed; both sides get a receipt.

    A regulated contract asks for both factors, and for what the signature means.
    """
    with transaction(session):
        contract = hold(session, contract.id)
        table, draft = check_notice(session, actor, contract, given, at=at)
        post = Post(session, contract, at)
        draft = _signed(post, draft, step, factor=factor, meaning=meaning)
        row = _write(post, actor, draft, event="renewal:notice:given")
        if in_time(session, row):
            _take_effect(post, table.row, row)
        _hand_over(post, table.found, actor, row)
        return row


def _signed(post: Post, draft: Draft, step: int, *, factor: str, meaning: str) -> Draft:
    regulated = is_regulated(post.session, post.contract, at=post.at)
    problem = meaning_problem(meaning, regulated=regulated)
    if not problem and regulated and factor != BOTH_FACTORS:
        problem = say("This contract asks for your password and a code at each signature.")
    if problem:
        raise Refused(problem)
    told = {"meaning": meaning, "factor": factor} if meaning else {}
    return replace(draft, step=step, words={**draft.words, **told})


def _write(post: Post, actor: Actor, draft: Draft, *, event: str) -> Notice:
    try:
        return write_notice(post, draft, event=event, actor=actor.log)
    except IntegrityError as error:
        raise Refused(say("This notice was already given.")) from error


def _take_effect(post: Post, row: Renewal, notice: Notice) -> None:
    """Do what a notice that counts does to the running term."""
    kind = Kind(notice.kind)
    if kind is Kind.AGAINST and notice.number == row.number and row.state == "running":
        leave(post, row, by=notice.person_id)
    elif kind in (Kind.OPTION, Kind.WAIVER) and row.state == "leaving":
        stay(post, row, by=notice.person_id)
    elif kind in (Kind.CONVENIENCE, Kind.LEAVE):
        ends = date.fromisoformat(notice.words["words"]["ends"])
        zone = running(post.session, post.contract, on=post.at.date()).zone
        if row.state == "running":
            leave(post, row, by=notice.person_id)
        move_end(post.session, row, Due(ENDS, ends, start_of(ends, zone)), at=post.at)


def _hand_over(post: Post, found: Running, actor: Actor, row: Notice) -> None:
    """Send the message that makes a portal notice received, and a receipt to the sender's side."""
    side, contract = Side(row.side), post.contract
    page = f"/renewal/notices/{row.serial}"
    words: Mapping[str, Any] = {
        "sender": name_of(contract, side), "given_at": row.given_at.isoformat(timespec="seconds"),
        "sha256": row.sha256, "head": row.head,
    }  # fmt: skip
    post.tell(side.other, "renewal:notice", row.id, page=page, **words)
    for name, email in addresses_for(contract, found.terms, side.other):
        post.mail("renewal:notice", row.id, name, email, page, **words)
    mine = people_to_tell(contract, side)
    if actor.person_id not in {person.person_id for person in mine}:
        mine.append(Recipient(actor.person_id, actor.name, actor.email, actor.organisation_id))
    for person in mine:
        post.tell_person(person, "renewal:receipt", row.id, page=page, **words)


def check_price(
    session: Session,
    actor: Actor,
    contract: Contract,
    *,
    amount: Decimal,
    index_change: Decimal | None,
    at: datetime,
) -> tuple[Table, Draft]:
    """Return the price notice as it would be written; refuse one the contract does not allow."""
    demand(actor, "price:tell")
    table = table_of(session, actor, contract, at=at)
    if table.side is not Side.VENDOR:
        raise NotFound
    found, today = table.found, table.found.today(at)
    fee, rule = money.fee_of(found.terms), money.price_rule_of(found.terms)
    deadline = price_deadline(found.terms, found.span.ends)
    problem = rules.price_problem(
        fee, rule, amount=amount, index_change=index_change, today=today,
        due_on=deadline.on if deadline else found.span.ends, leaving=table.row.state == "leaving",
    )  # fmt: skip
    if problem or fee is None:
        raise Refused(problem or say("This contract has no base fee."))
    if notice_about(session, contract, found.span.number, Kind.PRICE):
        raise Refused(say("A price was already told for this renewal."))
    words = {
        "fee": {"amount": str(money.rounded(amount, fee.currency)), "currency": fee.currency},
        "before": {"amount": str(fee.amount), "currency": fee.currency},
        "months": fee.months,
        "index": rule.index if rule.needs_index else None,
        "index_change": str(index_change) if index_change is not None else None,
        "ends": found.span.ends.isoformat(),
        "name": actor.name,
        "organisation": actor.organisation_name,
    }
    return table, Draft(
        Kind.PRICE, found.span.number, Side.VENDOR, Kind.PRICE.value, words,
        due_on=deadline.on if deadline else found.span.ends,
        received_on=received_on(
            found.terms, "portal", today, is_business_day=business_days(found.terms)
        ),
        person_id=actor.person_id,
    )  # fmt: skip


def give_price(
    session: Session,
    actor: Actor,
    contract: Contract,
    *,
    amount: Decimal,
    index_change: Decimal | None,
    step: int,
    factor: str = TOTP,
    meaning: str = "",
    at: datetime,
) -> Notice:
    """Tell the customer the fee of the next term, signed with a code; both sides get a receipt."""
    with transaction(session):
        contract = hold(session, contract.id)
        table, draft = check_price(
            session, actor, contract, amount=amount, index_change=index_change, at=at
        )
        post = Post(session, contract, at)
        draft = _signed(post, draft, step, factor=factor, meaning=meaning)
        row = _write(post, actor, draft, event="renewal:price:told")
        _hand_over(post, table.found, actor, row)
        return row


def confirm_receipt(
    session: Session, actor: Actor, contract: Contract, *, serial: int, at: datetime
) -> Receipt:
    """Confirm that a notice sent outside the portal arrived; only the other side can."""
    demand(actor, "notice:confirm")
    with transaction(session):
        contract = hold(session, contract.id)
        table, notice = (
            table_of(session, actor, contract, at=at),
            find_notice(session, contract, serial),
        )
        if notice.side == table.side.value:
            raise Refused(say("The side that receives a notice confirms it."))
        if notice.received_on or receipt_of(session, notice):
            raise Refused(say("This notice already counts as received."))
        row = Receipt(
            id=new_id(at), region=contract.region, contract_id=contract.id, notice_id=notice.id,
            person_id=actor.person_id, confirmed_at=at,
            received_on=table.found.today(at).isoformat(),
        )  # fmt: skip
        session.add(row)
        session.flush()
        record(
            session, contract.id, "renewal:notice:received", actor=actor.log, at=at,
            facts={"notice": notice.id, "serial": serial, "in_time": in_time(session, notice)},
        )  # fmt: skip
        if in_time(session, notice):
            _take_effect(Post(session, contract, at), table.row, notice)
        return row
