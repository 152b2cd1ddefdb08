"""The log against a real database."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.audit import queries
from portal.audit.actions import record
from portal.audit.rules import Actor
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.db import is_postgresql, transaction
from tests.tampering import walls_down

pytestmark = pytest.mark.both_engines

CLEO = Actor("p1", "Cleo Marsh", "o1", "Harbour Retail Inc")


def write(session: Session, chain: str, count: int) -> None:
    for number in range(count):
        with transaction(session):
            record(
                session, chain, "round:sent", actor=CLEO, at=clock.now(), facts={"number": number}
            )


def test_entries_follow_each_other_and_name_the_person(eu: Session, contract: Contract) -> None:
    write(eu, contract.id, 3)
    lines = queries.lines(eu, contract.id)
    assert [line.seq for line in lines] == [1, 2, 3]
    assert lines[0].name == "Cleo Marsh"
    assert queries.check(eu) == (3, [])


def test_the_body_of_an_entry_names_nobody(eu: Session, contract: Contract) -> None:
    write(eu, contract.id, 1)
    body = next(queries.bodies(eu, contract.id))
    assert "Cleo" not in body
    assert "p1" not in body


@pytest.mark.parametrize("statement", ["UPDATE entries SET body = ''", "DELETE FROM entries"])
def test_the_database_refuses_to_change_the_log(
    eu: Session, contract: Contract, statement: str
) -> None:
    write(eu, contract.id, 1)
    with pytest.raises(IntegrityError, match="never"), transaction(eu):
        eu.execute(text(statement))


@pytest.mark.slow
def test_the_database_refuses_to_replace_an_entry(eu: Session, contract: Contract) -> None:
    write(eu, contract.id, 1)
    same = "INSERT INTO entries SELECT * FROM entries WHERE true ON CONFLICT (hash)"
    replaced = [f"{same} DO UPDATE SET body = ''"]
    if not is_postgresql(eu):
        replaced.append("INSERT OR REPLACE INTO entries SELECT * FROM entries")
    for statement in replaced:
        with pytest.raises(IntegrityError), transaction(eu):
            eu.execute(text(statement))


TAMPERINGS = {
    "edit": "UPDATE entries SET body = replace(body, 'sent', 'lost')",
    "delete": "DELETE FROM entries WHERE seq = 2",
    "reorder": "UPDATE entries SET seq = CASE seq WHEN 2 THEN -3 WHEN 3 THEN -2 ELSE seq END",
}


@pytest.mark.parametrize("kind", TAMPERINGS)
@pytest.mark.slow
def test_an_operator_who_drops_the_walls_is_found(
    eu: Session, contract: Contract, kind: str
) -> None:
    write(eu, contract.id, 4)
    with walls_down(eu, tables={"entries", "leaves"}) as connection:
        connection.execute(text("DELETE FROM leaves"))
        connection.execute(text(TAMPERINGS[kind]))
        connection.execute(text("UPDATE entries SET seq = -seq WHERE seq < 0"))
    assert queries.check(eu)[1]


def test_an_inserted_entry_is_found(eu: Session, contract: Contract) -> None:
    write(eu, contract.id, 2)
    with walls_down(eu, tables={"entries"}) as connection:
        connection.execute(
            text(
                "INSERT INTO entries (chain, seq, prev, hash, at, event, body) "
                "SELECT chain, 3, substr(prev, 2) || 'x', 'abc', at, event, body "
                "FROM entries WHERE seq = 2"
            )
        )
    assert queries.check(eu)[1]


def test_a_refused_change_leaves_no_entry(eu: Session, contract: Contract) -> None:
    with pytest.raises(RuntimeError), transaction(eu):
        record(eu, contract.id, "round:sent", actor=CLEO, at=clock.now())
        raise RuntimeError
    assert queries.lines(eu, contract.id) == []
