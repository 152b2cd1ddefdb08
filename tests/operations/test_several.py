"""Several web processes and workers at once on one PostgreSQL, one worker killed while people act.

People negotiate, report incidents and sign, each form sent twice at the same moment. At the end
every signature is there once, every contract has one seal, every mail went out, and the log holds.
"""

import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from portal.audit import queries as log
from portal.audit.signer import signer_of
from portal.incidents.models import Incident
from portal.kit import clock
from portal.negotiation.models import Answer
from portal.notices.models import RegionMail
from portal.signing.models import Deed, Signature
from tests import cast
from tests.cluster import cluster
from tests.command import beside
from tests.conftest import close, make_contract, sign_in
from tests.incidents import desk
from tests.journeys.conftest import environment, free_port, wait_for
from tests.negotiation.table import offer_all
from tests.notices.office import HOST, Office, opened
from tests.signing import stage

PATIENCE_SECONDS = 240
CONTRACTS, INCIDENTS, ANSWERS = 2, 3, 3
TERM = ("P1", "P3", "P4", "P5", "P6", "P7")  # without them the worker knows no dates
OF_DATABASES = {one.__name__ for one in (IntegrityError, StaleDataError)}
COUNTERPART = Path(sys.executable).with_name("counterpart")
pytestmark = [pytest.mark.postgres_only, pytest.mark.slow]


def wait_until(happened: Callable[[], bool], *, what: str) -> None:
    patience = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < patience, f"never happened: {what}"
        time.sleep(0.3)


class Codes:
    """What the phones show: each half minute once, as the portal takes them."""

    def __init__(self) -> None:
        self._spent: dict[str, int] = {}
        self._alone = threading.Lock()

    def next(self, key: str) -> str:
        """Return a code of this half minute or the one before that was not used yet."""
        with self._alone:
            step = max(self._spent.get(key, 0) + 1, int(time.time()) // 30 - 1)
            self._spent[key] = step
        while int(time.time()) // 30 < step:
            time.sleep(0.2)
        return cast.code(key, datetime.fromtimestamp(step * 30, UTC))


@dataclass
class Person:
    """A browser of a member of the cast; it notes how each of its requests was answered."""

    key: str
    url: str
    cookies: dict[str, str]
    answers: "Counter[tuple[str, int]]" = field(default_factory=Counter)

    def get(self, path: str) -> requests.Response:
        """Open a page."""
        answer = self._ask("GET", path)
        self.cookies |= answer.cookies.get_dict()
        return answer

    def post(self, path: str, page: str, data: dict[str, Any], *, times: int = 1) -> list[int]:
        """Send a form of a page, so many times at the same moment; return the answers."""
        form = data | {"csrf_token": hidden(page, "csrf_token")}
        with ThreadPoolExecutor(times) as hands:
            sent = [hands.submit(self._ask, "POST", path, data=form) for _ in range(times)]
            return [one.result().status_code for one in sent]

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        answer = requests.request(
            method, self.url + path, allow_redirects=False, timeout=PATIENCE_SECONDS,
            cookies=self.cookies, **more,
        )  # fmt: skip
        self.answers[f"{method} {path}", answer.status_code] += 1
        return answer


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', page)
    assert found is not None, f"no hidden {name}"
    return found[1]


def until_done(
    person: Person, path: str, page_at: str, form_of: Callable[[str], dict[str, Any]], *,
    times: int = 1,
) -> None:  # fmt: skip
    """Send a form; where somebody else was first, look again and send it again, as people do."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while True:
        page = person.get(page_at).text
        if 303 in person.post(path, page, form_of(page), times=times):
            return
        assert time.monotonic() < patience, person.answers
        time.sleep(0.5)


@dataclass
class Town:
    """What the people are at: contracts to sign, one in force, one being negotiated."""

    home: Path
    url: str
    codes: Codes = field(default_factory=Codes)
    to_sign: list[str] = field(default_factory=list)
    live: str = ""
    offered: str = ""
    people: list[Person] = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)

    def person(self, key: str) -> Person:
        """Return another browser of a member."""
        self.people.append(Person(key, self.url, {"sid": self.cookies[key]}))
        return self.people[-1]

    def signs_all(self, key: str) -> None:
        """Sign every contract as soon as it is one's turn, each time twice at once."""
        person, left = self.person(key), list(self.to_sign)
        patience = time.monotonic() + PATIENCE_SECONDS
        while left:
            assert time.monotonic() < patience, f"{key} has no turn: {person.answers}"
            left = [ref for ref in left if not self._signs(person, ref)]
            time.sleep(0.5)

    def _signs(self, person: Person, ref: str) -> bool:
        path = f"/contracts/{ref}/signature"
        page = person.get(path)
        if page.status_code == 200 and 'name="code"' in page.text:
            form = {"title": "Director", "authority": "y", "intent": "y",
                    "version_sha256": hidden(page.text, "version_sha256"),
                    "code": self.codes.next(person.key)}  # fmt: skip
            person.post(path, page.text, form, times=2)
            page = person.get(path)
        return page.status_code == 303 and page.headers["Location"].endswith("/done")

    def reports(self, key: str) -> None:
        """Report incidents, one after the other."""
        person, path = self.person(key), f"/contracts/{self.live}/incidents"
        for number in range(INCIDENTS):
            form = {
                "title": f"Orders are not saved ({key} {number})", "severity": "S2",
                "module": "Order entry", "environment": "production", "function": "Saving",
                "impact": "40 orders wait", "start": "This morning",
            }  # fmt: skip
            until_done(person, path, f"{path}/new", lambda page, form=form: form)

    def answers(self, key: str) -> None:
        """Accept the same offers as a colleague who does so at the same time."""
        person = self.person(key)
        for term in ("C4.S1.first_response", "C4.S2.first_response", "D1")[:ANSWERS]:
            path = f"/contracts/{self.offered}/terms/{term}"
            until_done(
                person, f"{path}/answer", path,
                lambda page: {"kind": "accept", "seen_sha256": hidden(page, "seen_sha256")},
                times=2,
            )  # fmt: skip


@dataclass
class Crew:
    """Two workers and the web server, as processes of their own."""

    home: Path
    office: Office
    port: int
    hands: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start one command; all write into one log."""
        with (self.home.parent / "crew.log").open("ab") as said:
            more = {"SSL_CERT_FILE": str(self.office.certificate)}
            hand = subprocess.Popen(
                beside(COUNTERPART, *words),
                env=environment(self.home) | more,
                stdout=said,
                stderr=said,
            )
        self.hands.append(hand)
        return hand

    def errors(self) -> list[dict[str, Any]]:
        """Return what the processes told of rows that two wrote at once, which none should.

        A deed of a few terms promises too little for the service jobs, which say so otherwise.
        """
        lines = (self.home.parent / "crew.log").read_text().splitlines()
        rows = [json.loads(line) for line in lines if line.startswith("{")]
        return [row for row in rows if row.get("error") in OF_DATABASES]

    def stop(self) -> None:
        """End what is left, by its number."""
        for hand in self.hands:
            hand.terminate()
        for hand in self.hands:
            hand.wait(60)


@pytest.fixture
def town(app: Flask, home: Path) -> Town:
    """Contracts out for signature, one in force, one with an offer of the vendor."""
    town = Town(home, "")
    with app.app_context():
        regions = app.extensions["regions"]
        session: Session = regions.session("eu")
        for number in range(CONTRACTS):
            contract = make_contract(session, regions, f"Support {number}")
            town.to_sign.append(contract.id)
            for slot in contract.slots:
                slot.together = 1
            session.commit()
            stage.freeze(session, contract, more=TERM)
            for key in stage.SIGNERS:
                stage.consent(session, contract, key, at=clock.now())
        served = make_contract(session, regions, "In force")
        desk.put_in_force(session, served, desk.terms_with(), at=clock.now() - timedelta(days=30))
        town.live = served.id
        town.offered = make_contract(session, regions, "On the table").id
        offer_all(session, session.get_one(type(served), town.offered))
        desk.settle(session)
    town.cookies = {key: sign_in(app, key) for key in (*stage.SIGNERS, "dov", "ben")}
    close(app)
    return town


@pytest.fixture
def crew(town: Town, tmp_path: Path) -> Iterator[Crew]:
    """The portal served by several processes, and two workers; mail goes out by SMTP."""
    with opened(tmp_path) as office:
        with (town.home / "counterpart.toml").open("a") as file:
            file.write(f'\n[mail]\nhost = "{HOST}"\nport = {office.port}\nlease_seconds = 4\n')
        crew = Crew(town.home, office, free_port())
        town.url = f"http://127.0.0.1:{crew.port}"
        try:
            server = crew.start("serve", "--port", str(crew.port))
            for _ in range(2):
                crew.start("work", "--every", "4")
            wait_for(town.url, server)
            yield crew
        finally:
            crew.stop()


def deadlocks() -> int:
    """Count the circles that the server had to break."""
    return (cluster().folder / "log").read_text(errors="replace").count("deadlock detected")


def test_many_processes_do_everything_once(town: Town, crew: Crew, app: Flask) -> None:
    before = deadlocks()
    with ThreadPoolExecutor(8) as people:
        acts = [people.submit(town.signs_all, key) for key in stage.SIGNERS]
        acts += [people.submit(town.answers, key) for key in ("cleo", "lena")]
        acts += [people.submit(town.reports, key) for key in ("dov",)]
        killed = crew.hands[random.Random(7).choice([1, 2])]
        wait_until(lambda: len(crew.office.taken) > 0, what="a first mail")
        killed.send_signal(signal.SIGKILL)
        killed.wait(60)
        crew.start("work", "--every", "4")
        for act in acts:
            act.result()
    statuses = Counter(status for one in town.people for _, status in one.answers.elements())
    print(f"answers: {dict(statuses)}")
    with app.app_context():
        session: Session = app.extensions["regions"].session("eu")

        def is_done() -> bool:
            session.rollback()
            left = session.scalar(
                select(func.count()).select_from(RegionMail).where(RegionMail.sent_at.is_(None))
            )
            sealed = session.scalars(select(Deed.id).where(Deed.kind == "sealed")).all()
            return len(sealed) >= CONTRACTS and not left

        wait_until(is_done, what="all sealed, all mail out")
        crew.stop()
        check(town, crew, session)
        assert (
            log.check_tree(
                session,
                signer_of(app.config["SETTINGS"], app.extensions["regions"]["eu"].region),
                [],
            )
            == []
        )
    assert max(statuses) < 500
    assert crew.errors() == []
    assert deadlocks() == before, "who waits for each other waits in one order"


def check(town: Town, crew: Crew, session: Session) -> None:
    """Look at everything that should be there once."""
    session.rollback()
    signed = Counter(session.scalars(select(Signature.contract_id)))
    assert signed == {ref: len(stage.SIGNERS) for ref in town.to_sign}
    people = session.execute(select(Signature.contract_id, Signature.person_id)).all()
    assert len(set(people)) == len(people)
    kinds = Counter(session.execute(select(Deed.contract_id, Deed.kind)).all())
    assert {ref: kinds[ref, "sealed"] for ref in town.to_sign} == dict.fromkeys(town.to_sign, 1)
    assert {ref: kinds[ref, "signed"] for ref in town.to_sign} == dict.fromkeys(town.to_sign, 4)
    assert len(session.scalars(select(Incident.id)).all()) == INCIDENTS
    both = [cast.actor(key).person_id for key in ("cleo", "lena")]
    theirs = (Answer.contract_id == town.offered, Answer.author.in_(both))
    terms = Counter(session.scalars(select(Answer.term).where(*theirs)))
    assert sorted(terms.values()) == [1] * ANSWERS and log.check(session)[1] == []
    mails = {f"<{key}@counterpart.example>" for key in session.scalars(select(RegionMail.id))}
    arrived = crew.office.ids
    assert set(arrived) == mails
    # Only a mail the killed worker had in its hand may come again, under the same Message-ID.
    assert sum(arrived.values()) - len(mails) <= 1
    print(f"{len(people)} signatures, {len(mails)} mails")
