"""A PostgreSQL server that locks, falls, takes no writes or loses a connection while people sign.

Whatever it is: no inside is shown, nothing is signed by half or twice, and the same portal goes on
when the server does, without anybody's hand.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from psycopg import sql
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.audit import queries as log
from portal.audit.actions import LOG_ORDER
from portal.contracts.models import Contract, Fact
from portal.contracts.queries import current_version
from portal.kit import clock
from portal.notices.models import RegionMail
from portal.signing.models import Signature
from tests import cast
from tests.cluster import ADMIN, cluster, databases_of
from tests.conftest import sign_in
from tests.signing import stage

pytestmark = [pytest.mark.postgres_only, pytest.mark.slow]
GATE = 4242
PATIENCE_SECONDS = 120
INSIDE = ("psycopg", "sqlalchemy", "Traceback", "SELECT", "counterpart_owner", "connection to")


@dataclass
class Desk:
    """A contract that ada is about to sign at its page, and the server it lies on."""

    app: Flask
    home: Path
    ada: FlaskClient
    ref: str = ""
    form: dict[str, str] = field(default_factory=dict)
    tries: Iterator[int] = field(default_factory=itertools.count)

    @property
    def address(self) -> str:
        """The page where ada signs."""
        return f"/contracts/{self.ref}/signature"

    def database(self, place: str = "eu") -> str:
        """Return the name of a database of this home on the server."""
        return databases_of(self.home)[place]

    def sign(self) -> TestResponse:
        """Send the form, each time with the code of another half minute."""
        with time_machine.travel(clock.now() + timedelta(seconds=31 * next(self.tries))):
            form = self.form | {"code": cast.code("ada", clock.now())}
            return self.ada.post(self.address, data=form)

    def signing(self) -> Callable[[], TestResponse]:
        """Send the form beside the test; return what waits for the answer."""
        answers: list[TestResponse] = []
        thread = threading.Thread(target=lambda: answers.append(self.sign()))
        thread.start()

        def answer() -> TestResponse:
            thread.join(PATIENCE_SECONDS)
            return answers[0]

        return answer

    def counts(self) -> tuple[int | None, ...]:
        """Return how many signatures, facts, entries and mails the region has."""
        with self.app.app_context():
            session: Session = self.app.extensions["regions"].session("eu")
            tables = (Signature, Fact, RegionMail)
            rows = [session.scalar(select(func.count()).select_from(one)) for one in tables]
            assert log.check(session)[1] == []
            return (*rows, len(log.lines(session, self.ref)))

    def failing(self) -> list[str]:
        """Return what a load balancer is told that fails."""
        # Asked when the clock has caught up with the half minutes of the codes.
        with time_machine.travel(clock.now() + timedelta(minutes=5)):
            answer = self.app.test_client().get("/readyz")
        assert answer.status_code == (503 if answer.json["failing"] else 200)
        return list(answer.json["failing"])

    @contextmanager
    def beside(self) -> Iterator["psycopg.Connection[Any]"]:
        """Open a transaction of somebody else, who never gives way."""
        address = cluster().address(self.database(), ADMIN)
        with psycopg.connect(address) as other:
            other.execute("SET deadlock_timeout = '1h'")
            other.execute("SET counterpart.acting = '*'")
            yield other


@pytest.fixture
def desk(app: Flask, home: Path) -> Desk:
    """A contract out for signature; ada consented and looks at the form."""
    app.config.update(PROPAGATE_EXCEPTIONS=False)
    ada = app.test_client()
    ada.set_cookie("sid", sign_in(app, "ada"))
    desk = Desk(app, home, ada)
    with app.app_context():
        session = app.extensions["regions"].session("eu")
        contract = session.query(Contract).one()
        desk.ref = contract.id
        stage.consent(session, contract, "ada", at=clock.now())
        version = current_version(contract)
        assert version is not None
        desk.form = {
            "title": "Chief of Everything", "authority": "y", "intent": "y",
            "version_sha256": version.sha256,
        }  # fmt: skip
    assert desk.ada.get(desk.address).status_code == 200
    return desk


def wait_until(happened: Callable[[], bool], *, what: str) -> None:
    patience = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < patience, f"never happened: {what}"
        time.sleep(0.02)


WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'
"""


def waiting(desk: Desk) -> int:
    """Count who waits for a lock of the region."""
    row = cluster().admin.execute(WAITING, [desk.database()]).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def gate(desk: Desk) -> Iterator[Callable[[], None]]:
    """Let whoever signs stand still at the signature until the gate is opened."""
    with desk.beside() as keeper:
        keeper.execute(
            "CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"PERFORM pg_advisory_xact_lock({GATE}); RETURN NEW; END $$"
        )
        keeper.execute(
            "CREATE TRIGGER gate BEFORE INSERT ON signatures FOR EACH ROW EXECUTE FUNCTION gate()"
        )
        keeper.commit()
        keeper.execute("SELECT pg_advisory_xact_lock(%s)", [GATE])
        yield keeper.commit
        keeper.commit()


def shows_no_inside(answer: TestResponse) -> None:
    assert [word for word in INSIDE if word in answer.text] == []
    assert "Retry-After" in answer.headers


def signs_once_afterwards(desk: Desk, before: tuple[int | None, ...]) -> None:
    """The same form, sent again as often as one likes, signs exactly once."""
    assert desk.counts() == before
    assert desk.ada.get(desk.address).status_code == 200
    for _ in range(2):
        answer = desk.sign()
        assert answer.status_code == 303, answer.text
        assert answer.headers["Location"].endswith("/done")
    after = desk.counts()
    assert (after[0], desk.failing()) == ((before[0] or 0) + 1, [])


def test_a_deadlock_is_answered_as_a_conflict_and_leaves_nothing(desk: Desk) -> None:
    before = desk.counts()
    with gate(desk) as open_gate, desk.beside() as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [LOG_ORDER])
        answer = desk.signing()
        wait_until(lambda: waiting(desk) == 1, what="ada holds the contract, at the gate")
        asking = threading.Thread(
            target=lambda: other.execute(
                "SELECT id FROM contracts WHERE id = %s FOR UPDATE", [desk.ref]
            )
        )
        asking.start()
        wait_until(lambda: waiting(desk) == 2, what="the other asks for the contract")
        open_gate()  # ada asks for the log, which the other holds: a circle
        found = answer()
        asking.join(PATIENCE_SECONDS)
    assert found.status_code == 409
    assert "Someone else was changing this" in found.text
    shows_no_inside(found)
    signs_once_afterwards(desk, before)


def test_a_lock_that_is_not_given_is_answered_as_a_conflict(desk: Desk) -> None:
    before, engine = desk.counts(), desk.app.extensions["regions"]["eu"].engine

    def be_impatient(connection: Any, record: Any) -> None:
        connection.execute("SET lock_timeout = '100ms'")
        connection.commit()

    event.listen(engine, "connect", be_impatient)
    engine.dispose()
    with desk.beside() as other:
        other.execute("SELECT id FROM contracts FOR UPDATE")
        answer = desk.sign()
    event.remove(engine, "connect", be_impatient)
    engine.dispose()
    assert answer.status_code == 409
    shows_no_inside(answer)
    page = desk.ada.get(desk.address)
    assert "Chief of Everything" in page.text, "what was typed is given back"
    signs_once_afterwards(desk, before)


def test_a_connection_that_is_lost_in_mid_request_leaves_nothing(desk: Desk) -> None:
    before = desk.counts()
    with gate(desk):
        answer = desk.signing()
        wait_until(lambda: waiting(desk) == 1, what="ada stands at the gate")
        cluster().admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = %s AND wait_event_type = 'Lock'", [desk.database()],
        )  # fmt: skip
        found = answer()
    assert found.status_code == 503
    assert "The database does not answer" in found.text and desk.address in found.text
    shows_no_inside(found)
    signs_once_afterwards(desk, before)


def test_a_server_that_falls_comes_back_to_the_same_portal(desk: Desk) -> None:
    before = desk.counts()
    cluster().halt()
    try:
        signing, reading = desk.sign(), desk.ada.get(f"/contracts/{desk.ref}")
        failing = desk.failing()
        alive = desk.ada.get("/livez").status_code
    finally:
        cluster().start()
    assert (signing.status_code, reading.status_code, alive) == (503, 503, 200)
    shows_no_inside(signing)
    shows_no_inside(reading)
    assert {"database opens (directory)", "database opens (region eu)"} <= set(failing)
    page = desk.ada.get(desk.address)
    assert "Chief of Everything" in page.text, "what was typed is given back"
    signs_once_afterwards(desk, before)


def test_a_server_that_takes_no_writes_is_read_on_and_signed_at_later(desk: Desk) -> None:
    before, admin, names = desk.counts(), cluster().admin, databases_of(desk.home)

    def tell(words: str) -> None:
        for name in names.values():
            admin.execute(
                sql.SQL("ALTER DATABASE {} " + words).format(sql.Identifier(name))  # type: ignore[arg-type]
            )
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )

    tell("SET default_transaction_read_only = on")
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        # Later than the portal remembers that ada was here: it would, and cannot.
        assert desk.ada.get(f"/contracts/{desk.ref}").status_code == 200
        assert desk.ada.get(desk.address).status_code == 200
    answer = desk.sign()
    assert answer.status_code == 503
    shows_no_inside(answer)
    assert "database takes writes (region eu)" in desk.failing()
    # The portal's own connections go on living, as behind a server that was told otherwise.
    for name in names.values():
        admin.execute(
            sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(
                sql.Identifier(name)
            )
        )
    signs_once_afterwards(desk, before)


def test_a_region_that_is_away_stops_no_page_of_another(desk: Desk) -> None:
    us = sql.Identifier(desk.database("us"))
    admin = cluster().admin
    admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(us))
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
        [desk.database("us")],
    )
    assert desk.failing() == ["database opens (region us)"]
    assert desk.ada.get(f"/contracts/{desk.ref}").status_code == 200
    assert desk.sign().status_code == 303
    admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(us))
    assert desk.failing() == []


def test_a_directory_that_is_away_is_said_and_the_form_kept_for_its_session(desk: Desk) -> None:
    before, admin = desk.counts(), cluster().admin
    name = desk.database("directory")
    admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
    )
    answer = desk.sign()
    admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
    assert answer.status_code == 503
    shows_no_inside(answer)
    kept = answer.headers["Set-Cookie"]
    assert "Chief" not in kept
    assert "Chief of Everything" in desk.ada.get(desk.address).text
    signs_once_afterwards(desk, before)
