"""What a contract in force asks of a member: incidents, changes, outages, statements."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session, selectinload

from portal.accounts.rules import Actor, may
from portal.changes.models import ChangeRow, OutageRow
from portal.changes.queries import as_change, standing_outage
from portal.changes.rules.outages import Standing
from portal.changes.rules.plan import Effect, Stage
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.home.queries.mine import led_by, other_of, pairs, side_of
from portal.home.rules import Item
from portal.incidents.models import Incident
from portal.kit.words import month, say
from portal.statements.models import Statement

WATCHED = timedelta(days=120)


NOT_CLOSED = ("open", "resolved")


# Of a statement: the stage, the side it waits for, and what to do.
STATEMENTS = {
    "issued": (Side.VENDOR, say("Confirm the statement of %(month)s")),
    "confirmed": (Side.CUSTOMER, say("Accept or dispute the statement of %(month)s")),
    "disputed": (Side.VENDOR, say("Answer the dispute about %(month)s")),
}


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
        other = other_of(contract, actor)
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
        query = led_by(
            Incident, actor, Incident.standing.in_(NOT_CLOSED), order=Incident.next_due_at
        )
        yield from pairs(session, query)


def change_lines(sessions: Sequence[Session], actor: Actor, *, at: datetime) -> list[Item]:
    """Return announced changes that wait for this side's approval, for those who may give it."""
    if not may(actor, "change:approve"):
        return []
    found = []
    for session in sessions:
        query = led_by(
            ChangeRow,
            actor,
            ChangeRow.asks != "",
            ChangeRow.begin >= at - WATCHED,
            order=ChangeRow.begin,
        ).options(selectinload(ChangeRow.events))
        for row, contract in pairs(session, query):
            change, side = as_change(row), side_of(contract, actor)
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
        query = led_by(
            OutageRow,
            actor,
            OutageRow.created_at >= at - WATCHED,
            order=OutageRow.created_at.desc(),
        ).options(selectinload(OutageRow.events))
        for row, contract in pairs(session, query):
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
            elif outage.standing is Standing.REPORTED and outage.reporter != side_of(
                contract, actor
            ):
                waits.append(Item(words, hint, href, rank=3, at=outage.begin, what=say("Began"),
                                  state=say("Confirm or dispute"), kind="yours"))  # fmt: skip
    return waits, wrong


def _statements(session: Session, actor: Actor) -> Iterator[tuple[Statement, Contract]]:
    # A stage at a time, so that the index gives the oldest without a sort of them all.
    for stage in STATEMENTS:
        query = led_by(Statement, actor, Statement.stage == stage, order=Statement.month)
        yield from pairs(session, query)


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
        for row, contract in _statements(session, actor):
            side, words = STATEMENTS[row.stage]
            mine = side_of(contract, actor)
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
