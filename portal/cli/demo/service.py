"""The CRM contract's service: an outage, work done and work planned, and the months settled."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.changes import actions as changes
from portal.changes.rules.agenda import agenda
from portal.changes.rules.plan import Effect, Kind, Plan, Sort, Stage
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, page_of_contracts, terms_in_force
from portal.contracts.rules.life import State
from portal.residency.databases import Regions
from portal.settings.rules import Settings
from portal.statements import actions, jobs, queries
from portal.statements.rules.month import finished

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOTICE = 9 * DAY


def tell_service(
    regions: Regions, settings: Settings, cast: Mapping[str, Actor], *, now: datetime
) -> None:
    """Tell what became of the service: the last month waits for the customer, with a credit."""
    session = regions.session("eu")
    contract = _crm(session, cast["cleo"], now)
    terms = terms_in_force(session, contract, on=now.date())
    months = finished(queries.first_day(contract), now, terms)
    begin, end = months[-1].bounds(terms)
    session.rollback()
    _maintained(session, contract, cast, begin=begin, end=end)
    _went_down(session, contract, cast, at=end - 12 * DAY + 15 * HOUR, hours=7.5, confirmed=True)
    _went_down(session, contract, cast, at=now - 2 * DAY, hours=0.75, confirmed=False)
    _planned(session, contract, cast, now=now)
    for month in months:
        issued = month.bounds(terms)[1] + timedelta(minutes=10)
        row = actions.issue(session, contract, month, at=issued)
        if row is None:
            continue
        last = month == months[-1]
        confirmed = now - DAY if last else issued + DAY
        actions.confirm(
            session, contract, cast["ben"], row, revision=1, objection=None, at=confirmed
        )
        if not last:
            actions.accept(session, contract, cast["cleo"], row, revision=1, at=confirmed + DAY)
            jobs.seal_due(regions["eu"], session, settings, at=confirmed + DAY + HOUR)


def _crm(session: Session, actor: Actor, now: datetime) -> Contract:
    rows, _ = page_of_contracts([session], actor, today=now.date(), after=None, limit=50)
    return find_contract(session, actor, next(r.ref for r in rows if r.state is State.IN_FORCE))


def _went_down(
    session: Session, contract: Contract, cast: Mapping[str, Actor], *, at: datetime, hours: float,
    confirmed: bool,
) -> None:  # fmt: skip
    over = at + timedelta(hours=hours)
    row = changes.report_outage(
        session, contract, cast["dov"], effect=Effect.DOWN, modules=["CRM core"], begin=at,
        end=over, seen="Sales could not save an order; the page answered with an error.",
        at=over + HOUR / 2,
    )  # fmt: skip
    if confirmed:
        changes.confirm_outage(session, contract, cast["ben"], row, at=over + HOUR)
    else:
        changes.dispute_outage(
            session, contract, cast["ben"], row, begin=at + HOUR / 4, end=over,
            reason="Our monitor saw the first failed order a quarter of an hour later.",
            at=over + 2 * HOUR,
        )  # fmt: skip


def _plan(begin: datetime, hours: float, title: str) -> Plan:
    return Plan(
        Kind.MAINTENANCE, Sort.NORMAL, begin, begin + timedelta(hours=hours), title=title,
        description="Moves the order store to the next minor version.", modules=("CRM core",),
        effect=Effect.DOWN, tests=frozenset({"unit", "regression", "integration"}), backup=True,
        rollback="Restore the snapshot taken before; twenty minutes, no data lost.",
        decide_minutes=20, contact="Ben Osei, on the bridge",
    )  # fmt: skip


def _window(
    session: Session, contract: Contract, begin: datetime, end: datetime
) -> datetime | None:
    """Return when the first maintenance window outside every freeze opens."""
    terms = terms_in_force(session, contract, on=begin.date())
    session.rollback()
    stretches = agenda(terms, begin, end)
    frozen = [one for one in stretches if one.kind == "freeze"]
    for one in stretches:
        free = all(f.end <= one.begin or one.end <= f.begin for f in frozen)
        if one.kind == "window" and one.begin >= begin + HOUR and free:
            return one.begin
    return None


def _maintained(
    session: Session, contract: Contract, cast: Mapping[str, Actor], *, begin: datetime,
    end: datetime,
) -> None:  # fmt: skip
    """Work in a window of the month, that ran twenty minutes past its end."""
    opens = _window(session, contract, begin, end)
    if opens is None:
        return
    told = opens - NOTICE - DAY
    row = changes.plan_change(
        session, contract, cast["ben"], _plan(opens, 1, "Database upgrade"), at=told
    )
    changes.announce(session, contract, cast["ben"], row, at=told + HOUR)
    for key in ("ada", "dov"):
        changes.approve(session, contract, cast[key], row, at=told + DAY)
    changes.start(session, contract, cast["ben"], row, begun=opens, at=opens)
    over = opens + timedelta(minutes=80)
    changes.finish(
        session, contract, cast["ben"], row, outcome=Stage.COMPLETED, over=over,
        note="Indexes took longer than in the rehearsal.", at=over,
    )  # fmt: skip


def _planned(
    session: Session, contract: Contract, cast: Mapping[str, Actor], *, now: datetime
) -> None:
    """Work announced for the first free window ahead; it waits for the customer's approval."""
    opens = _window(session, contract, now + NOTICE, now + 150 * DAY)
    if opens is None:
        return
    plan = _plan(opens, 1, "Search index rebuild")
    row = changes.plan_change(session, contract, cast["ben"], plan, at=now - 2 * HOUR)
    changes.announce(session, contract, cast["ben"], row, at=now - HOUR)
    changes.approve(session, contract, cast["ada"], row, at=now - HOUR / 2)
