"""The unit of work, rows that are written once, and reading beside a writer."""

import time

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.models import Person
from portal.kit import clock
from portal.kit.db import db, directory_reader, insert_once, reading, transaction
from portal.kit.refs import new_id
from portal.notices.models import JobRun

pytestmark = pytest.mark.both_engines


def row(name: str) -> dict[str, object]:
    return {"name": name, "ran_at": clock.now(), "took_ms": 1, "error": None}


def count() -> int:
    with directory_reader() as directory:
        return directory.scalar(select(func.count()).select_from(JobRun)) or 0


def test_a_key_is_written_once_and_says_so(context: Flask) -> None:
    with transaction(db.session) as session:
        assert insert_once(session, JobRun, row("a"), key="name")
        assert not insert_once(session, JobRun, row("a"), key="name")
        assert insert_once(session, JobRun, row("b"), key="name")
    assert count() == 2


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_interrupts_a_transaction_leaves_nothing(
    context: Flask, error: type[BaseException]
) -> None:
    with pytest.raises(error), transaction(db.session) as session:
        insert_once(session, JobRun, row("a"), key="name")
        raise error
    assert count() == 0


def test_a_reader_does_not_wait_for_a_writer_and_sees_no_half_of_it(context: Flask) -> None:
    before = reading.get()
    with transaction(db.session) as session:
        session.add(JobRun(**row("a")))
        session.flush()
        began = time.monotonic()
        assert count() == 0
        assert time.monotonic() - began < 1
        assert reading.get() == before
    assert count() == 1


def test_a_reader_cannot_leave_a_change_behind(context: Flask) -> None:
    with directory_reader() as directory:
        directory.get_one(Person, "PER" + "1".zfill(23)).name = "Somebody else"
    with directory_reader() as directory:
        assert directory.get_one(Person, "PER" + "1".zfill(23)).name == "Ada Keane"


@pytest.mark.slow
def test_keys_of_one_millisecond_differ(context: Flask) -> None:
    at = clock.now()
    assert new_id(at) != new_id(at)
