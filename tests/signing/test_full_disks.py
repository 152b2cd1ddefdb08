"""A PostgreSQL server whose disk is full, at each write of a signature, of a round and of a seal.

The person is told to come again and finds what they typed; nothing is written by half; the log
stays whole; whoever watches sees which database it is; and when there is room, all goes on.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.audit import queries as log
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.db import db, reading
from portal.negotiation import actions as negotiation
from portal.negotiation import rules
from portal.negotiation.models import Round
from portal.operations.queries import Subject, databases
from portal.operations.rules import Level
from portal.residency.databases import Regions
from portal.residency.models import Document
from portal.signing.models import Deed, SealFailure
from tests import cast
from tests.cluster import ADMIN, cluster
from tests.conftest import make_contract
from tests.negotiation import table
from tests.signing import stage
from tests.signing.outage import (
    SigningDesk,
    ready_to_sign,
    shows_no_inside,
    signs_once_afterwards,
)

pytestmark = [pytest.mark.postgres_only, pytest.mark.slow]
MEGABYTES = 96
WRITES = re.compile(r"^(?:INSERT INTO|UPDATE|DELETE FROM) \"?(\w+)")
# With this every new row takes a page of its own: a disk with room for none shows at the first.
A_PAGE_A_ROW = """
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
  LOOP EXECUTE format('ALTER TABLE %I SET (fillfactor = 10)', name); END LOOP;
END $$
"""
SAYS_FULL = """
CREATE FUNCTION says_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'could not extend file "base/16384/2662": No space left on device'
    USING ERRCODE = 'disk_full';
END $$
"""


@pytest.fixture
def desk(app: Flask, home: Path) -> SigningDesk:
    """A contract out for signature; ada consented and looks at the form."""
    return ready_to_sign(app, home)


# What the server says, at each of its writes


def written_by(desk: SigningDesk) -> dict[str, list[str]]:
    """Return which tables one signature writes, by database: it is refused at the very end.

    It is the second: a first one of a person also keeps who they are.
    """
    found: dict[str, list[str]] = {"eu": [], "directory": []}
    with desk.app.app_context():
        engines = {"eu": desk.app.extensions["regions"]["eu"].engine, "directory": db.engine}

    def note(place: str) -> Any:
        def noted(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            wrote = WRITES.match(statement)
            if wrote and wrote[1] not in found[place]:
                found[place].append(wrote[1])

        return noted

    hooks = {place: note(place) for place in engines}
    with full_at(desk, "eu", "entries", at_the_end=True):
        refused(desk, desk.sign())
        for place, engine in engines.items():
            event.listen(engine, "before_cursor_execute", hooks[place])
        refused(desk, desk.sign())
    for place, engine in engines.items():
        event.remove(engine, "before_cursor_execute", hooks[place])
    return found


@contextmanager
def full_at(
    desk: SigningDesk, place: str, name: str, *, at_the_end: bool = False
) -> Iterator[None]:
    """Let the server say that its disk is full when this table is written, or at the commit."""
    kind = (
        "CREATE CONSTRAINT TRIGGER says_full AFTER INSERT ON {} DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW" if at_the_end else
        "CREATE TRIGGER says_full BEFORE INSERT OR UPDATE OR DELETE ON {} FOR EACH STATEMENT"
    )  # fmt: skip
    with cluster_connection(desk, place) as owner:
        owner.execute(SAYS_FULL)
        owner.execute(sql.SQL(kind + " EXECUTE FUNCTION says_full()").format(sql.Identifier(name)))
    yield
    with cluster_connection(desk, place) as owner:
        owner.execute("DROP FUNCTION says_full CASCADE")


@contextmanager
def cluster_connection(desk: SigningDesk, place: str = "eu") -> Iterator[Any]:
    """Be the owner of the server, for one transaction."""
    with psycopg.connect(cluster().address(desk.database(place), ADMIN)) as owner:
        yield owner


def refused(desk: SigningDesk, answer: TestResponse) -> None:
    """Check that the person was told, and that the form is kept for them."""
    assert answer.status_code == 503, answer.text
    assert "The database does not answer" in answer.text and desk.address in answer.text
    shows_no_inside(answer)
    assert "Chief of Everything" in desk.ada.get(desk.address).text, "what was typed is given back"


def test_a_disk_that_is_full_at_any_write_of_a_signature_leaves_nothing(desk: SigningDesk) -> None:
    before = desk.counts()
    points = written_by(desk)
    assert desk.counts() == before
    assert set(points["eu"]) >= {"signatures", "entries", "outbox"} and points["directory"]
    for place, tables in points.items():
        for name in tables:
            with full_at(desk, place, name):
                answer = desk.sign()
            refused(desk, answer)
            assert desk.counts() == before, f"{place}: {name}"
    signs_once_afterwards(desk, before)


# A disk that is full


class Disk:
    """A small disk under the region, with a ballast that takes all its room."""

    def __init__(self, desk: SigningDesk, place: Path) -> None:
        self.desk, self.ballast = desk, place / "ballast"

    @contextmanager
    def full(self) -> Iterator[None]:
        """Leave no room while the block runs."""
        with self.ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                try:
                    while file.write(b"\0" * size):
                        pass
                except OSError as error:
                    assert error.strerror == "No space left on device"
        try:
            yield
        finally:
            self.ballast.unlink()


@pytest.fixture
def disk(desk: SigningDesk) -> Iterator[Disk]:
    """The region of the contract on a small disk of its own."""
    with cluster().disk(MEGABYTES) as place:
        if place is None:
            pytest.skip("this host lets no test mount a disk; what the server says is tried above")
        cluster().move(desk.database(), place.name)
        with cluster_connection(desk) as owner:
            owner.execute(A_PAGE_A_ROW)
        yield Disk(desk, place)
        cluster().move(desk.database(), "pg_default")


def told_by_doctor(desk: SigningDesk) -> dict[str, str]:
    """Return what the doctor finds wrong with the databases, beside the tests' unsafe server."""
    before = reading.set(True)
    with desk.app.app_context():
        subject = Subject(desk.app.config["SETTINGS"], desk.app.extensions["regions"], clock.now())
        found = [one for one in databases.vital(subject) if one.level is Level.ERROR]
    reading.reset(before)
    return {one.name: one.said for one in found}


def test_a_full_disk_refuses_a_signature_a_round_and_a_seal_and_all_go_on(
    desk: SigningDesk, disk: Disk
) -> None:
    app, regions = desk.app, desk.app.extensions["regions"]
    with app.app_context():
        session: Session = regions.session("eu")
        offered = make_contract(session, regions, "On the table")
        negotiation.set_offers(
            session, offered, cast.actor("ada"), table.SCHEMA.defaults(), at=clock.now()
        )
        ref = offered.id
        words = table.at_table(session, offered, "ada").words
    note = {"seen_draft": rules.words_sha256(words), "note": "As we discussed."}
    before = desk.counts()
    with disk.full():
        answer, sent = desk.sign(), desk.ada.post(f"/contracts/{ref}/rounds", data=note)
        failing, told = desk.failing(), told_by_doctor(desk)
        refused(desk, answer)
        assert desk.ada.get(f"/contracts/{ref}/rounds/draft").status_code == 200
    assert failing == ["database takes writes (region eu)"]
    assert told == {"database takes writes (region eu)": "no: its disk is full"}
    assert sent.status_code == 503
    shows_no_inside(sent)
    signs_once_afterwards(desk, before)
    assert desk.ada.post(f"/contracts/{ref}/rounds", data=note).status_code == 303
    with app.app_context():
        session = regions.session("eu")
        rounds = session.scalars(select(Round).where(Round.contract_id == ref)).all()
        assert [(one.number, one.sent_at is not None) for one in rounds] == [(1, True)]
        session.rollback()
        seals_once_there_is_room(session, regions, session.get_one(Contract, desk.ref), disk)
        assert log.check(session)[1] == []
        regions.close()
    assert desk.failing() == []


def seals_once_there_is_room(
    session: Session, regions: Regions, contract: Contract, disk: Disk
) -> None:
    """Let the others sign, and a worker try to seal before and after there is room."""
    at = disk.desk.now
    for key in stage.SIGNERS[1:]:
        stage.consent(session, contract, key, at=at)
        stage.sign(session, contract, key, at=at)
    stage.work(session, regions, contract, at=at, up_to_seal=True)
    session.rollback()
    with disk.full():
        for _ in range(2):
            assert stage.work(session, regions, contract, at=at) == 0
            session.rollback()
    session.expire_all()
    kinds = list(session.scalars(select(Deed.kind).order_by(Deed.revision)))
    assert kinds == ["prepared", *["signed"] * 4]
    kept = session.scalars(select(Document.contract_id + "/" + Document.id)).all()
    assert sorted(regions["eu"].store.each_key()) == sorted(kept), "no file is left behind"
    assert session.scalars(select(SealFailure.id)).all() == []
    session.rollback()
    assert stage.work(session, regions, contract, at=at) == 1
    assert stage.work(session, regions, contract, at=at) == 0
    session.rollback()
    kinds = list(session.scalars(select(Deed.kind).order_by(Deed.revision)))
    assert kinds == ["prepared", *["signed"] * 4, "sealed"]
