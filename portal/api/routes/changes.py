"""Planned changes and outages. Approving a change is done in person."""

from typing import Any

from portal.api.routes.door import Ask, Made, Page, operation, paged
from portal.api.rules.problems import Problem
from portal.api.rules.shapes import (
    INSTANT,
    YES_NO,
    Wrong,
    body,
    many,
    maybe,
    one_of,
    read_instant,
    ref,
    text,
)
from portal.changes import actions, queries
from portal.changes.actions import works
from portal.changes.models import OutageRow
from portal.changes.rules.plan import (
    NOTE_WORDS,
    TEST_WORDS,
    Change,
    Effect,
    Kind,
    Plan,
    Sort,
    Stage,
    plan_to_json,
)
from portal.contracts.queries import terms_in_force

TAG = "Changes and outages"
READ, WRITE = "changes:read", "changes:write"
EFFECTS = [effect.value for effect in Effect]


def _told(change: Change) -> dict[str, Any]:
    plan = change.plan
    return {
        "ref": change.ref, "kind": plan.kind, "sort": plan.sort, "stage": change.stage,
        "begin": plan.begin, "end": plan.end, "title": plan.title,
        "description": plan.description, "modules": list(plan.modules), "effect": plan.effect,
        "announced_at": change.announced_at, "begun_at": change.begun_at,
        "over_at": change.over_at, "approved_by": sorted(change.approved_by),
        "postponed": change.postponed,
    }  # fmt: skip


@operation(
    "GET", "/contracts/{ref}/changes", scope=READ, needs="contract:see", tag=TAG, paged=True,
    answers=ref("Change"), summary="List the planned changes, the earliest first",
    query={"stage": one_of(*Stage)},
)  # fmt: skip
def list_changes(ask: Ask) -> Page:
    """What was never announced is the vendor's own."""
    terms_in_force(ask.session, ask.contract, on=ask.now.date())
    wanted = ask.query.get("stage")
    rows = [
        one
        for one in queries.visible_changes(ask.session, ask.contract, ask.actor)
        if wanted in (None, one.stage.value)
    ]
    return paged(ask, "list_changes", rows, _told)


@operation(
    "GET", "/contracts/{ref}/changes/{change}", scope=READ, needs="contract:see", tag=TAG,
    answers=ref("ChangeInFull"), summary="Read a change with its plan and its verdict",
)  # fmt: skip
def read_change(ask: Ask, change: str) -> dict[str, Any]:
    """One change, and what the contract's rules say about it."""
    terms = terms_in_force(ask.session, ask.contract, on=ask.now.date())
    found = queries.as_change(queries.find_change(*ask.args, change))
    checks = works.checks_of(ask.session, ask.contract, found, terms, at=ask.now)
    return {
        **_told(found), "plan": plan_to_json(found.plan),
        "verdict": [
            {"rule": one.rule, "outcome": one.outcome, "says": one.says, "clause": one.clause,
             "term": one.term}
            for one in checks
        ],
    }  # fmt: skip


PLAN = body(
    {
        "description": text(4000, 0), "modules": many(text(200), 60), "effect": one_of(*EFFECTS),
        "tests": many(one_of(*TEST_WORDS), 10), "backup": YES_NO, "rollback": text(4000, 0),
        "decide_minutes": maybe({"type": "integer", "minimum": 0, "maximum": 100_000}),
        "notes": body({name: text(4000, 0) for name in NOTE_WORDS}), "contact": text(300, 0),
    },
    kind=one_of(*Kind), sort=one_of(*Sort), begin=INSTANT, end=INSTANT, title=text(160),
)  # fmt: skip


def _plan(ask: Ask) -> Plan:
    sent = ask.body
    begin, end = read_instant(sent["begin"]), read_instant(sent["end"])
    terms = terms_in_force(ask.session, ask.contract, on=ask.now.date())
    known = {row["module"] for term in ("I1", "D5") for row in terms.get(term) or ()}
    wrong = [
        Wrong(f"#/modules/{place}", "This module is not one of the contract’s.")
        for place, name in enumerate(sent.get("modules", ()))
        if name not in known
    ]
    if end <= begin:
        wrong.append(Wrong("#/end", "The work ends after it begins."))
    if wrong:
        raise Problem("invalid", errors=wrong)
    return Plan(
        kind=Kind(sent["kind"]), sort=Sort(sent["sort"]), begin=begin, end=end,
        title=sent["title"], description=sent.get("description", ""),
        modules=tuple(sent.get("modules", ())), effect=Effect(sent.get("effect", Effect.DOWN)),
        tests=frozenset(sent.get("tests", ())), backup=sent.get("backup", False),
        rollback=sent.get("rollback", ""), decide_minutes=sent.get("decide_minutes"),
        notes=sent.get("notes", {}), contact=sent.get("contact", ""),
    )  # fmt: skip


@operation(
    "POST", "/contracts/{ref}/changes", scope=WRITE, needs="change:plan", tag=TAG, body=PLAN,
    answers=ref("ChangeInFull"), summary="Plan a change as a private draft of the vendor’s",
)  # fmt: skip
def plan_change(ask: Ask) -> Made:
    """Keep a plan, and answer with its verdict."""
    row = actions.plan_change(*ask.args, _plan(ask), at=ask.now)
    return Made(read_change(ask, row.ref), f"/contracts/{ask.contract.id}/changes/{row.ref}")


@operation(
    "PUT", "/contracts/{ref}/changes/{change}", scope=WRITE, needs="change:plan", tag=TAG,
    body=PLAN, answers=ref("ChangeInFull"), reads="read_change", summary="Rewrite a draft’s plan",
)  # fmt: skip
def replan_change(ask: Ask, change: str) -> dict[str, Any]:
    """Rewrite a draft; an announced plan stands."""
    row = queries.find_change(*ask.args, change)
    actions.replan(*ask.args, row, _plan(ask), at=ask.now)
    return read_change(ask, change)


@operation(
    "POST", "/contracts/{ref}/changes/{change}/announcement", scope=WRITE, needs="change:plan",
    tag=TAG, answers=ref("ChangeInFull"), summary="Announce a change to the customer",
)  # fmt: skip
def announce_change(ask: Ask, change: str) -> dict[str, Any]:
    """Announce; a plan that the contract forbids is refused."""
    actions.announce(*ask.args, queries.find_change(*ask.args, change), at=ask.now)
    return read_change(ask, change)


@operation(
    "POST", "/contracts/{ref}/changes/{change}/start", scope=WRITE, needs="change:plan", tag=TAG,
    answers=ref("ChangeInFull"), summary="Record when the work began", body=body(begun=INSTANT),
)  # fmt: skip
def begin_change(ask: Ask, change: str) -> dict[str, Any]:
    """Record the beginning."""
    row = queries.find_change(*ask.args, change)
    works.start(*ask.args, row, begun=read_instant(ask.body["begun"]), at=ask.now)
    return read_change(ask, change)


@operation(
    "POST", "/contracts/{ref}/changes/{change}/end", scope=WRITE, needs="change:plan", tag=TAG,
    answers=ref("ChangeInFull"), summary="Record how and when the work ended",
    body=body(
        {"note": text(4000, 0)}, outcome=one_of(Stage.COMPLETED, Stage.ROLLED_BACK), over=INSTANT
    ),
)  # fmt: skip
def finish_change(ask: Ask, change: str) -> dict[str, Any]:
    """Record the end."""
    works.finish(
        *ask.args, queries.find_change(*ask.args, change), outcome=Stage(ask.body["outcome"]),
        over=read_instant(ask.body["over"]), note=ask.body.get("note", ""), at=ask.now,
    )  # fmt: skip
    return read_change(ask, change)


@operation(
    "POST", "/contracts/{ref}/changes/{change}/withdrawal", scope=WRITE, needs="change:plan",
    tag=TAG, answers=ref("ChangeInFull"), summary="Withdraw a change that has not begun",
    body=body(reason=text(2000)),
)  # fmt: skip
def withdraw_change(ask: Ask, change: str) -> dict[str, Any]:
    """Take a change back."""
    row = queries.find_change(*ask.args, change)
    actions.withdraw_change(*ask.args, row, reason=ask.body["reason"], at=ask.now)
    return read_change(ask, change)


# Outages


def _outage(row: OutageRow) -> dict[str, Any]:
    one = queries.standing_outage(row)
    return {
        "ref": one.ref, "effect": one.effect, "modules": list(one.modules),
        "reported_by": one.reporter, "by_monitor": one.by_monitor, "begin": one.begin,
        "end": one.end, "standing": one.standing, "cause": one.cause,
        "cause_standing": one.cause_standing, "other_begin": one.other_begin,
        "other_end": one.other_end, "seen": row.content["seen"],
    }  # fmt: skip


@operation(
    "GET", "/contracts/{ref}/outages", scope=READ, needs="contract:see", tag=TAG, paged=True,
    answers=ref("Outage"), summary="List the outages, newest first",
)  # fmt: skip
def list_outages(ask: Ask) -> Page:
    """The outages of a contract."""
    terms_in_force(ask.session, ask.contract, on=ask.now.date())
    rows = queries.outage_rows(ask.session, ask.contract)
    return paged(ask, "list_outages", rows, _outage)


@operation(
    "GET", "/contracts/{ref}/outages/{outage}", scope=READ, needs="contract:see", tag=TAG,
    answers=ref("Outage"), summary="Read one outage with both sides’ times",
)  # fmt: skip
def read_outage(ask: Ask, outage: str) -> dict[str, Any]:
    """One outage."""
    ask.session.expire_all()
    return _outage(queries.find_outage(ask.session, ask.contract, outage))


@operation(
    "POST", "/contracts/{ref}/outages", scope=WRITE, needs="outage:report", tag=TAG,
    answers=ref("Outage"), summary="Record an outage; the other side is asked to confirm it",
    body=body(
        {"modules": many(text(200), 60), "end": INSTANT},
        effect=one_of("down", "degraded"), begin=INSTANT, seen=text(2000),
    ),
)  # fmt: skip
def report_outage(ask: Ask) -> Made:
    """Record an outage."""
    sent = ask.body
    begin, end = read_instant(sent["begin"]), sent.get("end")
    over = read_instant(end) if end else None
    terms = terms_in_force(ask.session, ask.contract, on=ask.now.date())
    known = {row["module"] for term in ("I1", "D5") for row in terms.get(term) or ()}
    wrong = [
        Wrong(f"#/modules/{place}", "This module is not one of the contract’s.")
        for place, name in enumerate(sent.get("modules", ()))
        if name not in known
    ]
    for name, moment in (("begin", begin), ("end", over)):
        if moment is not None and moment > ask.now:
            wrong.append(Wrong(f"#/{name}", "This lies in the future."))
    if over is not None and over <= begin:
        wrong.append(Wrong("#/end", "An outage ends after it began."))
    if wrong:
        raise Problem("invalid", errors=wrong)
    row = actions.report_outage(
        *ask.args, effect=Effect(sent["effect"]), modules=sent.get("modules", ()), begin=begin,
        end=over, seen=sent["seen"], at=ask.now,
    )  # fmt: skip
    return Made(read_outage(ask, row.ref), f"/contracts/{ask.contract.id}/outages/{row.ref}")


@operation(
    "POST", "/contracts/{ref}/outages/{outage}/end", scope=WRITE, needs="outage:report", tag=TAG,
    answers=ref("Outage"), summary="Record when an outage ended", body=body(end=INSTANT),
)  # fmt: skip
def end_outage(ask: Ask, outage: str) -> dict[str, Any]:
    """Record the end."""
    row = queries.find_outage(ask.session, ask.contract, outage)
    actions.end_outage(*ask.args, row, end=read_instant(ask.body["end"]), at=ask.now)
    return read_outage(ask, outage)


@operation(
    "POST", "/contracts/{ref}/outages/{outage}/confirmation", scope=WRITE, needs="outage:report",
    tag=TAG, answers=ref("Outage"), summary="Agree with the other side’s record of an outage",
)  # fmt: skip
def confirm_outage(ask: Ask, outage: str) -> dict[str, Any]:
    """Confirm."""
    row = queries.find_outage(ask.session, ask.contract, outage)
    actions.confirm_outage(*ask.args, row, at=ask.now)
    return read_outage(ask, outage)


@operation(
    "POST", "/contracts/{ref}/outages/{outage}/dispute", scope=WRITE, needs="outage:report",
    tag=TAG, answers=ref("Outage"), summary="Disagree, with your own times or none",
    body=body({"begin": INSTANT, "end": INSTANT}, reason=text(2000)),
)  # fmt: skip
def dispute_outage(ask: Ask, outage: str) -> dict[str, Any]:
    """Dispute."""
    times = {name: ask.body.get(name) for name in ("begin", "end")}
    row = queries.find_outage(ask.session, ask.contract, outage)
    actions.dispute_outage(
        *ask.args, row, reason=ask.body["reason"], at=ask.now,
        begin=read_instant(times["begin"]) if times["begin"] else None,
        end=read_instant(times["end"]) if times["end"] else None,
    )  # fmt: skip
    return read_outage(ask, outage)


@operation(
    "POST", "/contracts/{ref}/outages/{outage}/correction", scope=WRITE, needs="outage:report",
    tag=TAG, answers=ref("Outage"), summary="Take over the other side’s times of your outage",
)  # fmt: skip
def correct_outage(ask: Ask, outage: str) -> dict[str, Any]:
    """Settle a dispute by taking their times."""
    row = queries.find_outage(ask.session, ask.contract, outage)
    actions.correct_outage(*ask.args, row, at=ask.now)
    return read_outage(ask, outage)


@operation(
    "POST", "/contracts/{ref}/outages/{outage}/withdrawal", scope=WRITE, needs="outage:report",
    tag=TAG, answers=ref("Outage"), summary="Take your own record of an outage back",
    body=body(reason=text(2000)),
)  # fmt: skip
def withdraw_outage(ask: Ask, outage: str) -> dict[str, Any]:
    """Withdraw."""
    row = queries.find_outage(ask.session, ask.contract, outage)
    actions.withdraw_outage(*ask.args, row, reason=ask.body["reason"], at=ask.now)
    return read_outage(ask, outage)
