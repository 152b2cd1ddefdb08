"""A PostgreSQL server that locks, falls, takes no writes or loses a connection while people sign.

Whatever it is: no inside is shown, nothing is signed by half or twice, and the same portal goes on
when the server does, without anybody's hand.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from psycopg import sql
from sqlalchemy import event

from portal.audit.actions import LOG_ORDER
from portal.cli.jobs import JOBS
from portal.cli.working import Worker
from portal.kit import clock
from portal.kit.db import transaction
from portal.notices.actions import write_mail
from tests.cluster import cluster, databases_of
from tests.signing.outage import (
    PATIENCE_SECONDS,
    SigningDesk,
    ready_to_sign,
    shows_no_inside,
    signs_once_afterwards,
)

pytestmark = [pytest.mark.postgres_only, pytest.mark.slow]
GATE = 4242


@pytest.fixture
def desk(app: Flask, home: Path) -> SigningDesk:
    """A contract out for signature; ada consented and looks at the form."""
    return ready_to_sign(app, home)


def wait_until(happened: Callable[[], bool], *, what: str) -> None:
    patience = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < patience, f"never happened: {what}"
        time.sleep(0.02)


WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'
"""


def waiting(desk: SigningDesk) -> int:
    """Count who waits for a lock of the region."""
    row = cluster().admin.execute(WAITING, [desk.database()]).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def gate(desk: SigningDesk) -> Iterator[Callable[[], None]]:
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


def test_a_deadlock_is_answered_as_a_conflict_and_leaves_nothing(desk: SigningDesk) -> None:
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


def test_a_lock_that_is_not_given_is_answered_as_a_conflict(desk: SigningDesk) -> None:
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


def test_a_connection_that_is_lost_in_mid_request_leaves_nothing(desk: SigningDesk) -> None:
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


def test_a_server_that_falls_comes_back_to_the_same_portal(desk: SigningDesk) -> None:
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


def test_a_server_that_takes_no_writes_is_read_on_and_signed_at_later(desk: SigningDesk) -> None:
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


def test_a_region_that_is_away_stops_no_page_of_another(desk: SigningDesk) -> None:
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


def test_a_region_that_is_away_stops_no_work_of_another(desk: SigningDesk) -> None:
    eu, admin = sql.Identifier(desk.database()), cluster().admin
    with desk.app.app_context():
        for place in ("eu", "us"):
            session = desk.app.extensions["regions"].session(place)
            with transaction(session):
                write_mail(
                    session, chain=f"{place}-TEST", dedupe="x", recipient="cleo@harbour.example",
                    name="Cleo Marsh", subject="Your turn", text="Your turn.", at=clock.now(),
                )  # fmt: skip
    admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(eu))
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
        [desk.database()],
    )
    worker = Worker(desk.app)
    worker.look()
    regional = {job.name for job in JOBS if job.regional}
    assert {name for name in regional if worker.outcomes[name].error} == set()
    assert sent(desk) == {"us"}
    admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(eu))
    again = Worker(desk.app)
    again.look()
    assert [one for one in again.outcomes.values() if one.error] == []
    assert sent(desk) == {"eu", "us"}


def sent(desk: SigningDesk) -> set[str]:
    """Return the regions whose mail went out."""
    folders = {place: desk.home / "regions" / place / "mail" for place in ("eu", "us")}
    return {place for place, folder in folders.items() if any(folder.glob("*.eml"))}


def test_a_directory_that_is_away_is_said_and_the_form_kept_for_its_session(
    desk: SigningDesk,
) -> None:
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
