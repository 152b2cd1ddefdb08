"""A worker that is killed at random moments still issues each month once, and seals it once.

COUNTERPART_THOROUGH=1 kills it fifty times instead of four.
"""

import os
import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.kit import clock
from portal.statements import actions, queries
from portal.statements.rules.month import Month, finished, until
from tests import cast
from tests.changes import works
from tests.command import beside
from tests.incidents import desk

KILLS = 50 if os.environ.get("COUNTERPART_THOROUGH") else 4
MONTHS = 3


def worker(home: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        beside(Path(sys.executable).with_name("counterpart"), "work", "--every", "0.1"),
        env={**os.environ, "COUNTERPART_HOME": str(home)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.slow
def test_a_worker_killed_at_random_issues_and_seals_each_month_once(
    eu: Session, contract: Contract, home: Path
) -> None:
    now, dice = clock.now(), random.Random(5)
    first = Month.of(now, works.TERMS).plus(-MONTHS)
    start = first.bounds(works.TERMS)[0]
    terms = works.terms_with({"A5": start.date().isoformat()})
    desk.put_in_force(eu, contract, terms, at=start - timedelta(days=3))
    desk.settle(eu)
    for kill in range(KILLS):
        process = worker(home)
        # The first lives are long enough to reach the work, the others end anywhere in it.
        time.sleep(dice.uniform(1.5, 4.0) if kill % 2 else dice.uniform(0.2, 3.0))
        process.kill()
        process.wait(20)
    done = subprocess.run(
        [Path(sys.executable).with_name("counterpart"), "work", "--once"],
        env={**os.environ, "COUNTERPART_HOME": str(home)}, check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    months = [str(month) for month in until(first, Month.of(now, works.TERMS).plus(-1))]
    assert months == [str(month) for month in finished(start.date(), now, terms)]
    eu.expire_all()
    rows = queries.statements_of(eu, contract)
    assert sorted(row.month for row in rows) == months
    assert desk.events(eu, contract).count("statements:statement:issued") == MONTHS
    for row in rows:
        for act in (actions.confirm, actions.accept):
            key = "ben" if act is actions.confirm else "cleo"
            more = {"objection": None} if act is actions.confirm else {}
            number = row.revisions[-1].number
            act(eu, contract, cast.actor(key), row, revision=number, at=clock.now(), **more)  # type: ignore[operator]
    desk.settle(eu)
    process = worker(home)
    time.sleep(4)
    process.kill()
    process.wait(20)
    for _ in range(2):
        subprocess.run(
            [Path(sys.executable).with_name("counterpart"), "work", "--once"],
            env={**os.environ, "COUNTERPART_HOME": str(home)}, check=True, capture_output=True,
        )  # fmt: skip
    eu.expire_all()
    sealed = [e for e in desk.events(eu, contract) if e == "statements:statement:sealed"]
    assert len(sealed) == MONTHS
