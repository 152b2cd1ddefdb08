"""A page where somebody is about to sign, on a server that a test lets fail."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.audit import queries as log
from portal.contracts.models import Contract, Fact
from portal.contracts.queries import current_version
from portal.kit import clock
from portal.notices.models import RegionMail
from portal.signing.models import Signature
from tests import cast
from tests.cluster import ADMIN, cluster, databases_of
from tests.conftest import sign_in
from tests.signing import stage

PATIENCE_SECONDS = 120
INSIDE = ("psycopg", "sqlalchemy", "Traceback", "SELECT", "counterpart_owner", "connection to")


@dataclass
class SigningDesk:
    """A contract that ada is about to sign at its page, and the server it lies on."""

    app: Flask
    home: Path
    ada: FlaskClient
    ref: str = ""
    form: dict[str, str] = field(default_factory=dict)
    tries: int = 0

    @property
    def address(self) -> str:
        """The page where ada signs."""
        return f"/contracts/{self.ref}/signature"

    @property
    def now(self) -> datetime:
        """The time at this desk, half a minute later with each try."""
        return clock.now() + timedelta(seconds=31 * self.tries)

    def database(self, place: str = "eu") -> str:
        """Return the name of a database of this home on the server."""
        return databases_of(self.home)[place]

    def sign(self) -> TestResponse:
        """Send the form, each time with the code of another half minute."""
        with time_machine.travel(self.now):
            self.tries += 1
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
        with time_machine.travel(self.now):
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


def ready_to_sign(app: Flask, home: Path) -> SigningDesk:
    """A contract out for signature; ada consented and looks at the form."""
    app.config.update(PROPAGATE_EXCEPTIONS=False)
    ada = app.test_client()
    ada.set_cookie("sid", sign_in(app, "ada"))
    desk = SigningDesk(app, home, ada)
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


def shows_no_inside(answer: TestResponse) -> None:
    assert [word for word in INSIDE if word in answer.text] == []
    assert "Retry-After" in answer.headers


def signs_once_afterwards(desk: SigningDesk, before: tuple[int | None, ...]) -> None:
    """The same form, sent again as often as one likes, signs exactly once."""
    assert desk.counts() == before
    assert desk.ada.get(desk.address).status_code == 200
    for _ in range(2):
        answer = desk.sign()
        assert answer.status_code == 303, answer.text
        assert answer.headers["Location"].endswith("/done")
    after = desk.counts()
    assert (after[0], desk.failing()) == ((before[0] or 0) + 1, [])
