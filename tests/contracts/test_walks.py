"""A job that looks at every contract: what changed first, then some of the others in turn."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.contracts.actions import COMPLETED, add_fact, walk
from portal.contracts.models import Contract, Walk
from portal.kit import clock
from portal.kit.db import transaction
from portal.residency.databases import Regions
from tests.conftest import make_contract

pytestmark = pytest.mark.both_engines


@pytest.fixture
def completed(eu: Session, regions: Regions) -> list[str]:
    """Five completed contracts, in the order of their references."""
    rows = [make_contract(eu, regions) for _ in range(5)]
    with transaction(eu):
        for row in rows:
            add_fact(eu, row, "completed", person_id="", side=None, at=clock.now())
    make_contract(eu, regions)
    return sorted(row.id for row in rows)


def look(session: Session, most: int) -> list[str]:
    with walk(session, "test", COMPLETED, most=most) as some:
        return some


def write(session: Session, chain: str) -> None:
    with transaction(session):
        record(session, chain, "contract:step:finished", actor=PORTAL, at=clock.now())


def test_few_contracts_are_looked_at_whole_each_time(eu: Session, completed: list[str]) -> None:
    assert [sorted(look(eu, 6)) for _ in range(3)] == [completed] * 3


def test_many_are_looked_at_in_turn_and_none_is_left_out(eu: Session, completed: list[str]) -> None:
    seen = [look(eu, 2) for _ in range(5)]
    assert [len(some) for some in seen] == [2] * 5
    assert [ref for some in seen for ref in some] == completed * 2


def test_what_changed_is_looked_at_first_and_once(eu: Session, completed: list[str]) -> None:
    look(eu, 1)
    write(eu, completed[4])
    write(eu, f"{completed[3]}/vendor")
    assert set(look(eu, 1)) == {completed[3], completed[4], completed[1]}
    assert look(eu, 1) == [completed[2]]


def test_only_contracts_among_those_asked_for_are_given(eu: Session, completed: list[str]) -> None:
    look(eu, 5)
    draft = eu.scalars(select(Contract.id).where(Contract.id.not_in(completed))).one()
    write(eu, draft)
    assert sorted(look(eu, 5)) == completed


def test_a_look_that_fails_is_taken_again(eu: Session, completed: list[str]) -> None:
    look(eu, 1)
    before = eu.get_one(Walk, "test").last
    write(eu, completed[4])
    for _ in range(2):
        with pytest.raises(RuntimeError), walk(eu, "test", COMPLETED, most=1) as some:
            assert set(some) == {completed[4], completed[1]}
            raise RuntimeError
    assert eu.get_one(Walk, "test", populate_existing=True).last == before
