"""Faults while signing: a full disk, a locked or shut database, a clock set back. Nothing is signed
by half, nothing is signed twice, and the same signer signs once the fault is over."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from portal.audit import queries as log
from portal.contracts.models import Contract, Fact
from portal.contracts.queries import current_version
from portal.kit import clock
from portal.kit.db import reading
from portal.kit.errors import Refused
from portal.notices.models import RegionMail
from portal.residency.databases import Regions
from portal.signing import actions
from portal.signing.actions import Shown
from portal.signing.models import Signature
from portal.signing.queries import slot_of
from tests import cast
from tests.signing import stage

pytestmark = pytest.mark.slow
ADA = cast.actor("ada")


@contextmanager
def full_disk(session: Session) -> Iterator[None]:
    """The database may not grow by a single page."""
    pages = session.scalar(text("PRAGMA page_count"))
    free = session.scalar(text("PRAGMA freelist_count"))
    assert pages and free is not None
    session.execute(text(f"PRAGMA max_page_count = {pages}"))
    session.commit()
    yield
    session.execute(text("PRAGMA max_page_count = 1073741823"))
    session.commit()


@contextmanager
def shut(session: Session) -> Iterator[None]:
    """The database is read-only, as after a fail-over."""
    session.execute(text("PRAGMA query_only = ON"))
    session.rollback()
    yield
    session.rollback()
    before = reading.set(True)  # a plain BEGIN: the database takes no other now
    session.execute(text("PRAGMA query_only = OFF"))
    session.commit()
    reading.reset(before)


@contextmanager
def locked(session: Session) -> Iterator[None]:
    """Another process holds the write lock for longer than anybody waits."""
    session.rollback()
    other = session.get_bind().connect()
    other.exec_driver_sql("UPDATE region_identity SET region = region WHERE 0")
    wait(session, milliseconds=40)
    yield
    session.rollback()
    other.rollback()
    other.close()
    wait(session, milliseconds=15_000)


def wait(session: Session, *, milliseconds: int) -> None:
    """Set how long the session's connection waits for a lock, without asking for one."""
    before = reading.set(True)
    session.execute(text(f"PRAGMA busy_timeout = {milliseconds}"))
    session.commit()
    reading.reset(before)


def counts(session: Session, contract: Contract) -> tuple[int, int, int, int]:
    session.rollback()
    session.expire_all()
    found = (
        len(session.scalars(select(Signature.id)).all()),
        len(session.scalars(select(Fact.id)).all()),
        len(log.lines(session, contract.id)),
        len(session.scalars(select(RegionMail.id)).all()),
    )
    session.rollback()
    return found


def sign_at_length(session: Session, contract: Contract) -> Signature:
    """Let ada sign with a record that does not fit into what the database has free."""
    at, version = clock.now(), current_version(contract)
    slot = slot_of(contract, ADA.person_id)
    assert version is not None and slot is not None
    free = session.scalar(text("PRAGMA freelist_count")) or 0
    known = replace(stage.identification(at), agent="x" * (free + 50) * 4096)
    return actions.sign(
        session, ADA, contract, slot_id=slot.id, identification=known, at=at,
        shown=Shown(version.sha256, "Director", "yes", "yes"), step=int(at.timestamp()) // 30,
    )  # fmt: skip


@pytest.mark.sqlite_only("how it is made so; test_outages.py does it on PostgreSQL")
@pytest.mark.parametrize("fault", [full_disk, shut, locked], ids=lambda one: one.__name__)
def test_a_fault_of_the_database_signs_nothing_and_the_next_try_signs_once(
    eu: Session, contract: Contract, fault: Callable[..., AbstractContextManager[None]]
) -> None:
    stage.consent(eu, contract, "ada", at=clock.now())
    before = counts(eu, contract)
    with fault(eu):
        with pytest.raises(OperationalError):
            sign_at_length(eu, contract)
        eu.rollback()
    assert counts(eu, contract) == before
    stage.sign(eu, contract, "ada", at=clock.now() + timedelta(seconds=30))
    assert counts(eu, contract)[0] == before[0] + 1
    assert log.check(eu)[1] == []


@pytest.mark.both_engines
def test_a_clock_set_back_breaks_no_order_and_lets_no_code_count_again(
    eu: Session, regions: Regions, contract: Contract
) -> None:
    at = clock.now()
    stage.consent(eu, contract, "ada", at=at)
    stage.sign(eu, contract, "ada", at=at)
    for back in (timedelta(hours=1), timedelta(days=1)):
        with pytest.raises(Refused):
            stage.sign(eu, contract, "ada", at=at - back)
    earlier = at - timedelta(minutes=1)
    stage.consent(eu, contract, "nia", at=earlier)
    stage.sign(eu, contract, "nia", at=earlier)
    entries = log.lines(eu, contract.id)
    assert [line.seq for line in entries] == list(range(1, len(entries) + 1))
    assert log.check(eu)[1] == [] and entries[-1].at < entries[-3].at


@pytest.mark.sqlite_only("how it is locked; test_outages.py does it on PostgreSQL")
def test_a_page_of_a_locked_region_signs_nothing_and_shows_no_inside(
    context: Flask, eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    stage.consent(eu, contract, "ada", at=clock.now())
    version = current_version(contract)
    assert version is not None
    before, ada = counts(eu, contract), client_as("ada")
    context.config.update(PROPAGATE_EXCEPTIONS=False)
    sent = {
        "title": "Director", "authority": "y", "intent": "y", "version_sha256": version.sha256,
        "code": cast.code("ada", clock.now()),
    }  # fmt: skip
    address = f"/contracts/{contract.id}/signature"
    eu.rollback()
    with locked(eu):
        answer = ada.post(address, data=sent)
    assert answer.status_code == 409 and "Someone else was changing this" in answer.text
    for inside in ("sqlite", "locked", "Traceback", "OperationalError"):
        assert inside not in answer.text
    assert counts(eu, contract) == before
