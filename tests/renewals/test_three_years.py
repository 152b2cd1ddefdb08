"""Three years of renewals with a worker that stops and starts at random: each date exactly once.

The model counts days and months one at a time on the calendar and knows nothing of the rules.
"""

import os
import random
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.contracts.queries import archive_dates, state
from portal.contracts.rules.life import State
from portal.contracts.rules.listing import archived_on
from portal.renewals import actions
from portal.renewals.models import PlannedDate
from portal.renewals.queries.term import due_contracts, ends_among
from portal.residency.databases import Regions
from portal.statements.jobs import issue_among, issue_due
from portal.statements.queries import contracts_owed, statements_of
from tests.renewals import stage
from tests.renewals.stage import SCHEMA, completed, dates, events, length

SEEDS = range(100 if os.environ.get("COUNTERPART_THOROUGH") == "1" else 3)
FIRST, LAST = datetime(2027, 2, 1, 6, 0, tzinfo=UTC), datetime(2030, 2, 1, 6, 0, tzinfo=UTC)
ZONES = ("America/New_York", "Europe/London")
STARTS = ("2027-03-01", "2028-02-29", "2027-08-31", "2027-04-28", "2027-11-07", "2027-05-30")


@dataclass(frozen=True)
class Asked:
    """What one contract says, as the model reads it."""

    start: date
    initial: int
    renewal: int
    most: int | None
    notice: tuple[int, str]
    roll: str
    zone: str
    auto: bool


def asked(rng: random.Random) -> Asked:
    return Asked(
        start=date.fromisoformat(rng.choice(STARTS)),
        initial=rng.choice([6, 12, 13]),
        renewal=rng.choice([6, 12]),
        most=rng.choice([None, None, 1]),
        notice=rng.choice([(60, "d"), (90, "d"), (2, "mo"), (20, "bd")]),
        roll=rng.choice(["earlier", "later", "stays"]),
        zone=rng.choice(ZONES),
        auto=rng.random() < 0.8,
    )


def written(eu: Session, regions: Regions, want: Asked) -> Contract:
    hours = {"tz": want.zone, "days": [{"days": ["mo", "tu", "we", "th", "fr"], "from": "09:00",
                                        "to": "17:00"}]}  # fmt: skip
    changes: dict[str, Any] = {
        "A5": want.start.isoformat(), "B1": hours, "P1": length(want.initial, "mo"),
        "P3": "auto" if want.auto else "expires", "P4": length(want.renewal, "mo"),
        "P5": want.most or "unlimited", "P6": length(*want.notice), "P7_roll": want.roll,
        "P13": [],
    }  # fmt: skip
    return completed(eu, regions, at=FIRST - timedelta(days=2), **changes)


# ---- the model -----------------------------------------------------------------------------------

HOLIDAYS = {date.fromisoformat(row["date"]) for row in SCHEMA.defaults()["B2"]}


def is_open(day: date) -> bool:
    return day.weekday() < 5 and day not in HOLIDAYS


def months_on(day: date, months: int, step: int = 1) -> date:
    year, month = day.year, day.month
    for _ in range(months):
        month += step
        if not 1 <= month <= 12:
            year, month = year + step, 1 if month == 13 else 12
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def notice_date(end: date, want: Asked) -> date:
    n, unit = want.notice
    day = end
    if unit == "mo":
        day = months_on(end, n, -1)
    while unit != "mo" and n:
        day -= timedelta(days=1)
        n -= unit == "d" or is_open(day)
    while want.roll != "stays" and not is_open(day):
        day += timedelta(days=1 if want.roll == "later" else -1)
    return day


def midnight(day: date, want: Asked) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(want.zone)).astimezone(UTC)


def model(want: Asked) -> Iterator[tuple[int, str, datetime]]:
    """Yield every hard date of every term until three years are over."""
    number, end = 0, months_on(want.start, want.initial)
    while midnight(end, want) <= LAST + timedelta(days=400):
        by = notice_date(end, want)
        yield number, "notice_by", midnight(by + timedelta(days=1), want)
        yield number, "ends", midnight(end, want)
        if not want.auto or number == want.most or midnight(end, want) > LAST:
            return
        number += 1
        end = months_on(want.start, want.initial + number * want.renewal)


# ---- the worker ----------------------------------------------------------------------------------


def instants(rng: random.Random) -> Iterator[datetime]:
    """When somebody looks: every few hours for a while, then not for days or for months."""
    at = FIRST
    while at < LAST:
        yield at
        calm = rng.random()
        hours = rng.uniform(1, 30) if calm < 0.6 else rng.uniform(24, 24 * 9)
        at += timedelta(hours=hours if calm < 0.97 else rng.uniform(24 * 20, 24 * 80))
    yield LAST


def look(regions: Regions, rng: random.Random, at: datetime) -> None:
    """One look of a worker that may be stopped after any contract, and of the next one."""
    for may_stop in (True, False):
        with regions["eu"].open_session() as session:
            actions.enrol(session, at=at)
            due = due_contracts(session, at=at)
            session.rollback()
            if may_stop:
                rng.shuffle(due)
                due = due[: rng.randint(0, len(due))]
            for contract_id in due:
                actions.keep_dates(session, contract_id, at=at)
            if not may_stop:
                issue_due(session, at=at, ends=ends_among)
            elif rng.random() < 0.3:
                issue_some(session, rng, at)


def issue_some(session: Session, rng: random.Random, at: datetime) -> None:
    """Issue what is owed to some contracts only, as a worker that is stopped."""
    owed = contracts_owed(session, at=at)
    session.rollback()
    for ref in rng.sample(owed, rng.randint(0, len(owed))):
        issue_among(session, [ref], at=at, ends=ends_among)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.slow
def test_every_date_is_done_exactly_once_and_late_ones_are_marked(
    eu: Session, regions: Regions, seed: int
) -> None:
    rng = random.Random(seed)
    contracts = [(written(eu, regions, want), want) for want in (asked(rng) for _ in range(4))]
    eu.commit()
    looked = list(instants(rng))
    for at in looked:
        look(regions, rng, at)
    for contract, want in contracts:
        check(eu, contract, want, looked)


def first_look(looked: list[datetime], due: datetime) -> datetime | None:
    return next((at for at in looked if at >= due), None)


def check(eu: Session, contract: Contract, want: Asked, looked: list[datetime]) -> None:
    found, log = dates(eu, contract), events(eu, contract)
    expected = {(number, kind): at for number, kind, at in model(want)}
    hard = {key: one for key, one in found.items() if key[1] in ("notice_by", "ends")}
    assert {key: one.due_at for key, one in hard.items()} == expected
    done = [one for one in found.values() if one.done_at]
    for one in done:
        assert one.done_at == first_look(looked, one.due_at), one.kind
        assert bool(one.late) == (one.done_at - one.due_at > timedelta(hours=1))
    for one in found.values():
        owed = one.due_at <= looked[-1] and not one.cancelled_at
        assert bool(one.done_at) == owed
    check_log(log, done, contract, want)
    check_ladder(found, want)
    check_statements(eu, contract, want, looked)


def check_log(log: list[str], done: list[PlannedDate], contract: Contract, want: Asked) -> None:
    closed = sum(one.kind == "notice_by" for one in done)
    ended = sum(one.kind == "ends" for one in done)
    renewed = log.count("renewal:term:renewed")
    assert log.count("renewal:notice:closed") == closed
    assert renewed + log.count("renewal:term:ended") == ended
    assert len(contract.versions) == 1 + renewed
    over = ended > renewed
    assert (state(contract, today=LAST.date()) is State.ENDED) == over
    if over and want.auto:
        assert renewed == want.most


def check_statements(eu: Session, contract: Contract, want: Asked, looked: list[datetime]) -> None:
    """Each month of service has one statement, issued at the first look after it, and cut where
    the last term ended; a year after it was signed and not before that end, it is in the archive.
    """
    ends = [when for _, kind, when in model(want) if kind == "ends" and when <= LAST]
    over = state(contract, today=LAST.date()) is State.ENDED
    last_day = ends[-1].astimezone(ZoneInfo(want.zone)).date() if over else None
    rows = {row.month: row for row in statements_of(eu, contract)}
    expected, month = {}, want.start.replace(day=1)
    while (following := months_on(month, 1)) <= LAST.date() + timedelta(days=1):
        if last_day is None or month < last_day:
            expected[f"{month:%Y-%m}"] = first_look(looked, statement_due(following))
        month = following
    assert {name: row.issued_at for name, row in rows.items()} == {
        name: at for name, at in expected.items() if at is not None
    }
    log = events(eu, contract)
    assert log.count("statements:statement:issued") == len(rows)
    if last_day is not None:
        last = rows[max(rows)].revisions[0].figures
        assert datetime.fromisoformat(last["end"]) == statement_due(last_day)
    moved = archived_on(completed=(FIRST - timedelta(days=2)).date(), ended=last_day)
    shown = archive_dates([contract], today=LAST.date())
    assert shown == ({contract.ref: moved} if over else {})


def statement_due(day: date) -> datetime:
    """When a day begins where months are counted (M4)."""
    zone = ZoneInfo(SCHEMA.defaults()["M4"])
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def check_ladder(found: dict[tuple[int, str], PlannedDate], want: Asked) -> None:
    """Each rung lies its days before the notice date, at nine in the morning on the spot."""
    for (number, kind), one in found.items():
        if not kind.startswith("remind_"):
            continue
        by = date.fromisoformat(found[number, "notice_by"].due_on)
        on = by - timedelta(days=int(kind.removeprefix("remind_")))
        local = one.due_at.astimezone(ZoneInfo(want.zone))
        assert (local.date(), local.hour, local.minute) == (on, 9, 0)


def test_two_workers_at_once_do_each_date_once(eu: Session, regions: Regions) -> None:
    from threading import Barrier, Thread

    contract = completed(eu, regions)
    stage.work(eu, stage.SIGNED)
    at, barrier = datetime(2027, 12, 10, 12, 0, tzinfo=UTC), Barrier(4)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            with regions["eu"].open_session() as session:
                barrier.wait()
                actions.keep_dates(session, ref, at=at)
        except BaseException as error:
            failures.append(error)

    ref, app = contract.id, _app()
    stage.settle(eu)
    threads = [Thread(target=lambda: _inside(app, run)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    log = events(eu, contract)
    assert log.count("renewal:reminder:passed") + log.count("renewal:reminder:sent") == 1
    assert log.count("renewal:notice:closed") == log.count("renewal:price:closed") == 1


def _app() -> Any:
    from flask import current_app

    return current_app._get_current_object()  # type: ignore[attr-defined]


def _inside(app: Any, run: Any) -> None:
    with app.app_context():
        run()
