"""Gathering the lines of the home page, a room at a time; a fixed number of queries each."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session, selectinload

from portal.accounts.models import Person
from portal.accounts.queries import members_short_of_rule
from portal.accounts.rules import Actor, MfaRule, may
from portal.changes.models import ChangeRow, OutageRow
from portal.changes.queries import as_change, standing_outage
from portal.changes.rules.outages import Standing
from portal.changes.rules.plan import Effect, Stage
from portal.contracts.models import Contract, Fact
from portal.contracts.queries import waiting_contracts
from portal.contracts.rules.life import Side
from portal.contracts.rules.waiting import WAIT_WORDS, Wait, waits_for
from portal.home.rules import Item
from portal.incidents.models import Incident
from portal.incidents.rules.reading import span_words
from portal.kit.words import day, month, say, say_n
from portal.notices.queries import count_failed, lag_of, standing_of_work
from portal.renewals.queries import listing as renewals
from portal.renewals.rules.listing import Filter
from portal.statements.models import Statement

SOON = timedelta(days=60)
LATELY = timedelta(days=14)
WATCHED = timedelta(days=120)
MOST = 50
NOT_CLOSED = ("open", "resolved")
LATE_MINUTES = 10
ANSWERS = {Wait.SIGNATURE: "/sign", Wait.ANSWER: "/terms", Wait.START: ""}
ENDINGS = {"declined": say("Declined"), "withdrawn": say("Withdrawn")}
# Of a statement: the stage, the side it waits for, and what to do.
STATEMENTS = {
    "issued": (Side.VENDOR, say("Confirm the statement of %(month)s")),
    "confirmed": (Side.CUSTOMER, say("Accept or dispute the statement of %(month)s")),
    "disputed": (Side.VENDOR, say("Answer the dispute about %(month)s")),
}


def contract_lines(sessions: Sequence[Session], actor: Actor, *, at: datetime) -> list[Item]:
    """Return contracts that wait for this member: to sign, to answer, to finish."""
    found = []
    for row in waiting_contracts(sessions, actor, today=at.date(), limit=MOST):
        standing = row.standing
        wait = waits_for(standing) if standing else None
        if standing is None or wait is None:
            continue
        if wait is Wait.SIGNATURE or may(actor, "round:send"):
            found.append(
                Item(
                    row.title,
                    say("%(ref)s, with %(other)s", ref=row.ref, other=standing.other_name),
                    f"/contracts/{row.ref}{ANSWERS[wait]}",
                    rank=list(Wait).index(wait) + 1,
                    at=row.created_at,
                    what=say("Started"),
                    state=WAIT_WORDS[wait],
                    kind="yours",
                )
            )
    return found


def ended_lines(sessions: Sequence[Session], actor: Actor, *, at: datetime) -> list[Item]:
    """Return contracts that were declined or withdrawn in the last fourteen days."""
    found = []
    for session in sessions:
        query = _led_by(
            Fact, actor, Fact.kind.in_(ENDINGS), Fact.at >= at - LATELY, order=Fact.at.desc()
        )
        found += [
            Item(
                contract.title, f"{contract.id}, with {_other(contract, actor)}",
                f"/contracts/{contract.id}", rank=6, at=fact.at, state=ENDINGS[fact.kind],
                kind="rejected",
            )
            for fact, contract in session.execute(query)
        ]  # fmt: skip
    return found


def _other(contract: Contract, actor: Actor) -> str:
    vendor = contract.vendor_id == actor.organisation_id
    return contract.customer_name if vendor else contract.vendor_name


def _led_by(table: Any, actor: Actor, *conditions: ColumnElement[bool], order: Any) -> Select[Any]:
    """Return the first rows of a table that are the actor's, each with its contract.

    The table's own index leads, so that it costs the same however many contracts there are.
    """
    mine = select(Contract.id).where(Contract.id == table.contract_id, _of_actor(actor)).exists()
    some = select(table.id).where(*conditions, mine).order_by(order).limit(MOST)
    found = select(table, Contract).join(Contract, Contract.id == table.contract_id)
    return found.where(table.id.in_(some)).order_by(order)


def _of_actor(actor: Actor) -> ColumnElement[bool]:
    mine = actor.organisation_id
    return or_(Contract.vendor_id == mine, Contract.customer_id == mine)


def incident_lines(
    sessions: Sequence[Session], actor: Actor, *, at: datetime
) -> tuple[list[Item], list[Item]]:
    """Return (what waits, what went wrong) of incidents, for those who answer or report them."""
    waits: list[Item] = []
    wrong: list[Item] = []
    if not may(actor, "incident:follow"):
        return waits, wrong
    for incident, contract in _incidents(sessions, actor):
        vendor = contract.vendor_id == actor.organisation_id
        href = f"/contracts/{contract.id}/incidents/{incident.number}"
        other = _other(contract, actor)
        hint = say(
            "Incident %(number)s, %(severity)s, %(ref)s, %(other)s",
            number=incident.number,
            severity=incident.severity,
            ref=contract.id,
            other=other,
        )
        late = incident.next_due_at is not None and incident.next_due_at < at
        if vendor and incident.standing == "open" and may(actor, "incident:answer"):
            waits.append(
                Item(
                    incident.title,
                    hint,
                    href,
                    rank=0,
                    at=incident.next_due_at,
                    what=say("Due"),
                    state=say("Overdue") if late else say("Yours to answer"),
                    kind="bad" if late else "yours",
                )
            )
        if not vendor and incident.standing == "resolved":
            waits.append(
                Item(incident.title, hint, href, rank=2, at=incident.silence_at,
                     what=say("Closes by itself"), state=say("Confirm that it works"), kind="yours")
            )  # fmt: skip
        if incident.breaches and incident.standing != "closed":
            wrong.append(
                Item(
                    incident.title,
                    hint,
                    href,
                    rank=1,
                    at=incident.reported_at,
                    what=say("Reported"),
                    state=say("Target missed"),
                    kind="bad",
                )
            )
    return waits, wrong


def _incidents(sessions: Sequence[Session], actor: Actor) -> Iterator[tuple[Incident, Contract]]:
    for session in sessions:
        query = _led_by(
            Incident, actor, Incident.standing.in_(NOT_CLOSED), order=Incident.next_due_at
        )
        for row in session.execute(query):
            yield row[0], row[1]


def change_lines(sessions: Sequence[Session], actor: Actor, *, at: datetime) -> list[Item]:
    """Return announced changes that wait for this side's approval, for those who may give it."""
    if not may(actor, "change:approve"):
        return []
    found = []
    for session in sessions:
        query = _led_by(
            ChangeRow,
            actor,
            ChangeRow.asks != "",
            ChangeRow.begin >= at - WATCHED,
            order=ChangeRow.begin,
        ).options(selectinload(ChangeRow.events))
        for row, contract in session.execute(query):
            change, side = as_change(row), _side(contract, actor)
            asked = side in row.asks.split(",") and side not in change.approved_by
            if change.stage is not Stage.ANNOUNCED or change.plan.end < at or not asked:
                continue
            found.append(
                Item(say("Approve %(ref)s", ref=row.ref), f"{contract.title}, {contract.id}",
                     f"/contracts/{contract.id}/changes/{row.ref}", rank=2, at=change.plan.begin,
                     what=say("Begins"), state=say("Approval asked"), kind="yours")
            )  # fmt: skip
    return found


def outage_lines(
    sessions: Sequence[Session], actor: Actor, *, at: datetime
) -> tuple[list[Item], list[Item]]:
    """Return (outages this side is to confirm or dispute, outages that go on or are disputed)."""
    waits: list[Item] = []
    wrong: list[Item] = []
    if not may(actor, "outage:report"):
        return waits, wrong
    for session in sessions:
        query = _led_by(
            OutageRow,
            actor,
            OutageRow.created_at >= at - WATCHED,
            order=OutageRow.created_at.desc(),
        ).options(selectinload(OutageRow.events))
        for row, contract in session.execute(query):
            outage = standing_outage(row)
            down = outage.effect is Effect.DOWN
            words = say("Outage %(ref)s") if down else say("Degraded service %(ref)s")
            words %= {"ref": row.ref}
            hint = f"{contract.title}, {contract.id}"
            href = f"/contracts/{contract.id}/outages/{row.ref}"
            if outage.standing is Standing.WITHDRAWN:
                continue
            if not outage.over:
                wrong.append(Item(words, hint, href, rank=0, at=outage.begin, what=say("Since"),
                                  state=say("Going on"), kind="bad"))  # fmt: skip
            elif outage.standing is Standing.DISPUTED:
                wrong.append(Item(words, hint, href, rank=3, at=outage.begin, what=say("Began"),
                                  state=say("Disputed"), kind="rejected"))  # fmt: skip
            elif outage.standing is Standing.REPORTED and outage.reporter != _side(contract, actor):
                waits.append(Item(words, hint, href, rank=3, at=outage.begin, what=say("Began"),
                                  state=say("Confirm or dispute"), kind="yours"))  # fmt: skip
    return waits, wrong


def _side(contract: Contract, actor: Actor) -> Side:
    return Side.VENDOR if contract.vendor_id == actor.organisation_id else Side.CUSTOMER


def statement_lines(
    sessions: Sequence[Session], actor: Actor
) -> tuple[list[Item], list[Item], list[Item]]:
    """Return (what waits, what comes by silence, what is disputed) of monthly statements."""
    waits: list[Item] = []
    coming: list[Item] = []
    wrong: list[Item] = []
    if not may(actor, "statement:settle"):
        return waits, coming, wrong
    for session in sessions:
        query = _led_by(Statement, actor, Statement.stage.in_(STATEMENTS), order=Statement.month)
        for row, contract in session.execute(query):
            side, words = STATEMENTS[row.stage]
            mine = _side(contract, actor)
            href = f"/contracts/{contract.id}/statements/{row.month}"
            named = month(date.fromisoformat(f"{row.month}-01"))
            words, hint = words % {"month": named}, f"{contract.title}, {contract.id}"
            if side is mine:
                waits.append(Item(words, hint, href, rank=3, at=row.act_at, what=say("By"),
                                  state=say("Yours"), kind="yours"))  # fmt: skip
            if row.act_at is not None:
                coming.append(
                    Item(
                        say("The statement of %(month)s is accepted by silence", month=named),
                        hint,
                        href,
                        at=row.act_at,
                    )
                )
            if row.stage == "disputed":
                wrong.append(
                    Item(
                        say("The statement of %(month)s is disputed", month=named),
                        hint,
                        href,
                        rank=3,
                        state=say("Disputed"),
                        kind="rejected",
                    )
                )
    return waits, coming, wrong


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


def member_lines(actor: Actor) -> list[Item]:
    """Return what an organisation's administrator looks after: members without codes."""
    if not may(actor, "member:edit"):
        return []
    short = members_short_of_rule(actor)
    if not short:
        return []
    out = sum(rule is MfaRule.REQUIRED for _, rule in short)
    state = say("Kept out") if out else say("Cannot sign")
    return [
        Item(
            say_n(
                "%(num)s without codes from a phone",
                "%(num)s without codes from a phone",
                len(short),
            ),
            say("The rule on sign-in codes asks for them"),
            "/organisation/mfa",
            rank=4,
            state=state,
            kind="warn",
        )
    ]


def mail_lines(sessions: Sequence[Session], person: Person) -> list[Item]:
    """Return mail in the person's name that could not be delivered."""
    failed = count_failed(sessions, person.id)
    if not failed:
        return []
    return [
        Item(
            say_n(
                "%(num)s mail in your name could not be delivered",
                "%(num)s mails in your name could not be delivered",
                failed,
            ),
            say("See to whom, and why"),
            "/notices/mail",
            rank=2,
            state=say("Failed"),
            kind="bad",
        )
    ]


def operator_lines(
    places: Sequence[tuple[str, Session]], directory: Session, *, at: datetime
) -> list[Item]:
    """Return what is wrong with the host, in counts: no contract is opened for it."""
    found = []
    work = standing_of_work(directory, at=at)
    if not work.workers:
        found.append(
            Item(
                say("No worker runs"),
                say("Mail, deeds and dates wait. Start: counterpart work"),
                "",
                rank=0,
                state=say("Stopped"),
                kind="bad",
            )
        )
    for job in work.jobs:
        if job.error:
            found.append(
                Item(
                    say("The job “%(job)s” failed", job=job.name),
                    say("%(error)s; see the worker's log", error=job.error),
                    "",
                    rank=1,
                    at=job.ran_at,
                    state=say("Failing"),
                    kind="bad",
                )
            )
    for name, session in places:
        lag = lag_of(session, at=at)
        minutes = int(lag.behind.total_seconds() // 60)
        if minutes >= LATE_MINUTES:
            found.append(
                Item(
                    say("Mail is %(time)s late", time=span_words(lag.behind)),
                    say("%(waiting)s wait, %(place)s", waiting=lag.waiting, place=name),
                    "",
                    rank=2,
                    state=say("Late"),
                    kind="warn",
                )
            )
        if lag.given_up:
            found.append(
                Item(
                    say_n("%(num)s mail given up", "%(num)s mails given up", lag.given_up),
                    name,
                    "",
                    rank=3,
                    state=say("Failed"),
                    kind="warn",
                )
            )
    return found
