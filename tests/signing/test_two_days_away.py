"""Two days without mail server and time-stamp authority, while people go on working.

People negotiate, sign and report; a deed is sealed, a month ends, a term renews, a webhook is told,
and a worker that is started anew at each look does what is due. Both services come back at an hour
of their own: then every mail goes out once, the deed gets its one time stamp, and nobody's hand was
needed. The clock is moved; nothing waits.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.app import create_app
from portal.audit import queries as log
from portal.cli import watching
from portal.cli.working import Worker
from portal.contracts.models import Contract
from portal.contracts.queries import current_version
from portal.kit import clock
from portal.kit.db import db, reading
from portal.notices.models import DirectoryMail, RegionMail
from portal.operations.queries import Subject, work
from portal.operations.rules import Level
from portal.renewals.models import PlannedDate
from portal.residency.databases import Regions
from portal.settings.rules import Authority
from portal.signing.models import Deed, Signature
from portal.webhooks import actions as webhooks
from portal.webhooks.models import WebhookDelivery
from tests import cast
from tests.changes import works
from tests.conftest import Browser, close, make_contract, settings_for, sign_in
from tests.incidents import desk
from tests.negotiation.table import offer_all
from tests.notices.office import HOST, Office, opened
from tests.renewals.stage import length
from tests.signing import stage
from tests.signing.authority import Server, root_file, serving
from tests.webhooks.receiver import Receiver, receiving

pytestmark = [pytest.mark.slow, pytest.mark.home("template_home")]
THOROUGH = os.environ.get("COUNTERPART_THOROUGH") == "1"
MAIL, STAMPS = "mail on its way (region eu)", "time stamps (region eu)"
SIGNS_AT = {"ada": 1, "nia": 9, "cleo": 20, "lena": 30}
# What the worker reads of a contract that is in force; without it there is nothing to keep.
KEPT = tuple(id for id in works.TERMS if id[0] in "BGP" or id.startswith(("C1", "C2", "C4")))
LOOKS = (0, 1, 2, 5, 9, 13, 18, 20, 24, 30, 32, 36, 40, 44, 48, 50, 60)


def start_of_the_test() -> datetime:
    """Half a day before the next month begins, so that one ends while nothing answers."""
    day = (clock.now().replace(day=28) + timedelta(days=4)).replace(day=1)
    return datetime(day.year, day.month, 1, tzinfo=UTC) - timedelta(hours=12)


@dataclass
class Town:
    """The portal, who is there besides, and the contracts people are at."""

    app: Flask
    clock: Any
    start: datetime
    office: Office
    authority: Server
    receiver: Receiver
    to_sign: str = ""
    live: str = ""
    offered: str = ""
    looked: list[datetime] = field(default_factory=list)

    @property
    def regions(self) -> Regions:
        """The regions of the portal."""
        found: Regions = self.app.extensions["regions"]
        return found

    def at(self, hours: float) -> datetime:
        """Let it be so many hours later than the start."""
        now = self.start + timedelta(hours=hours)
        self.clock.move_to(now)
        return now

    def look(self) -> None:
        """A worker does what is due; it lives for one look, and the next one knows nothing."""
        worker = Worker(self.app)
        worker.look()
        worker.beat()
        failed = {name: one.error for name, one in worker.outcomes.items() if one.error}
        assert failed == {}, "whoever is away, no job fails"
        self.looked.append(clock.now())

    def person(self, key: str) -> Any:
        """Return the browser of somebody who signed in just now."""
        client = self.app.test_client()
        client.set_cookie("sid", sign_in(self.app, key))
        return client

    def signs(self, key: str) -> None:
        """Let somebody sign at the page; sent once more, the same signs nothing."""
        path, person = f"/contracts/{self.to_sign}/signature", self.person(key)
        with self.app.app_context():
            version = current_version(self.regions.session("eu").get_one(Contract, self.to_sign))
            sha256 = version.sha256 if version else ""
        form = {"title": "Director", "authority": "y", "intent": "y", "version_sha256": sha256,
                "code": cast.code(key, clock.now())}  # fmt: skip
        for _ in range(2):
            answer = person.post(path, data=form)
            assert answer.status_code == 303 and answer.headers["Location"].endswith("/done")

    def reports(self) -> None:
        """Let the customer report an incident of the contract that is in force."""
        path = f"/contracts/{self.live}/incidents"
        form = {"title": "Orders are not saved", "severity": "S2", "module": "Order entry",
                "environment": "production", "function": "Saving", "impact": "40 orders wait",
                "start": "This morning"}  # fmt: skip
        assert self.person("dov").post(path, data=form).status_code == 303

    def offers(self) -> None:
        """Let the vendor send a round of the contract that is on the table."""
        with self.app.app_context():
            session = self.regions.session("eu")
            offer_all(session, session.get_one(Contract, self.offered))

    def late(self) -> list[str]:
        """Return what a monitor is told that is late, while a load balancer is told nothing is."""
        people = self.app.test_client()
        assert people.get("/readyz").json == {"ok": True, "failing": []}
        answer = people.get("/readyz?with=work")
        assert answer.status_code == (503 if answer.json["failing"] else 200)
        return list(answer.json["failing"])

    def doctor(self) -> dict[str, str]:
        """Return what the doctor calls an error of the work beside the pages, and what it says."""
        before = reading.set(True)
        with self.app.app_context():
            subject = Subject(self.app.config["SETTINGS"], self.regions, clock.now())
            checks = list(work.checks(subject))
        reading.reset(before)
        return {check.name: check.said for check in checks if check.level is Level.ERROR}

    def figure(self, name: str, of: str = "eu") -> float:
        """Return one of the figures that Prometheus reads."""
        return next(one.value for one in watching.ask(self.app) if (one.name, one.of) == (name, of))


@pytest.fixture
def town(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """A portal half a day before the month ends, whose mail server and authority are away."""
    with ExitStack() as stack:
        office = stack.enter_context(opened(tmp_path, away=True))
        authority = stack.enter_context(serving(away=True))
        receiver = stack.enter_context(receiving())
        monkeypatch.setenv("SSL_CERT_FILE", str(office.certificate))
        trusted = Authority(authority.url, root_file(authority, tmp_path), timedelta(seconds=20))
        app = create_app(
            replace(
                settings_for(home), smtp_host=HOST, smtp_port=office.port, smtp_starttls=True,
                authorities=(trusted,), webhook_hosts=frozenset({receiver.host}),
            )
        )  # fmt: skip
        app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
        app.test_client_class = Browser
        start = start_of_the_test()
        hand = stack.enter_context(time_machine.travel(start, tick=False))
        town = Town(app, hand, start, office, authority, receiver)
        with app.app_context():
            settle_in(town)
        yield town
        close(app)


def settle_in(town: Town) -> None:
    """Write a contract out for signature, one in force whose term ends, and one on the table."""
    regions, start = town.regions, town.start
    session = regions.session("eu")
    signed = make_contract(session, regions, "To be signed")
    stage.freeze(session, signed, at=start - timedelta(hours=1), more=KEPT)
    assert stage.work(session, regions, signed, at=start) == 1
    for key in stage.SIGNERS:
        stage.consent(session, signed, key, at=start)
    live = make_contract(session, regions, "In force")
    terms = works.terms_with({"A5": start.date().replace(day=1).isoformat(), "K16": "no"})
    terms |= {"P1": length(1, "mo"), "P3": "auto", "P4": length(1, "mo"), "P6": length(5, "d")}
    desk.put_in_force(session, live, terms, at=start - timedelta(days=40))
    town.to_sign, town.live = signed.id, live.id
    town.offered = make_contract(session, regions, "On the table").id
    webhooks.add_endpoint(
        session, regions["eu"], cast.as_admin("dov"), address=town.receiver.address,
        subjects=(), inside={town.receiver.host}, at=start,
    )  # fmt: skip
    desk.settle(session)
    regions.close()


@pytest.mark.postgres_only
def test_two_days_without_mail_and_stamps_lose_nothing_and_need_no_hand(town: Town) -> None:
    go_through(town, mail_back=48, stamps_back=48)


# When the mail server answers again, and when the authority does.
APART = [(36, 48), *([(48, 36), (18, 44), (2, 48), (48, 2)] if THOROUGH else [])]


@pytest.mark.parametrize(("mail_back", "stamps_back"), APART)
def test_each_comes_back_at_an_hour_of_its_own(
    town: Town, mail_back: int, stamps_back: int
) -> None:
    go_through(town, mail_back=mail_back, stamps_back=stamps_back)


def go_through(town: Town, *, mail_back: int, stamps_back: int) -> None:
    """Let people work for two days and more, and both services come back at their hours."""
    acts: dict[int, Callable[[], None]] = {2: town.reports, 5: town.offers}
    acts |= {hour: partial(town.signs, key) for key, hour in SIGNS_AT.items()}
    assert town.late() == []
    for hour in LOOKS:
        town.at(hour)
        if hour in acts:
            acts[hour]()
        if hour == mail_back:
            town.office.come_back()
        if hour == stamps_back:
            town.authority.come_back()
        town.look()
        waits = {MAIL: hour < mail_back, STAMPS: SIGNS_AT["lena"] <= hour < stamps_back}
        # At the look itself nothing is late yet; it is, should nobody look again for an hour.
        town.at(hour + 1.1)
        assert town.late() == [name for name, late in waits.items() if late], hour
        if hour == SIGNS_AT["lena"]:
            says_what_is_late(town, waits)
    assert town.doctor() == {}
    assert (town.figure("outbox_behind_seconds"), town.figure("stamp_queue_seconds")) == (0, 0)
    with town.app.app_context():
        session = town.regions.session("eu")
        check_deed(town, session)
        check_mail(town, session, back=town.start + timedelta(hours=mail_back))
        check_dates(town, session)
        check_webhooks(town, session)
        for one in (session, db.session()):
            assert log.check(one)[1] == []
        town.regions.close()


def says_what_is_late(town: Town, waits: dict[str, bool]) -> None:
    """Everybody who may ask is told, in their words: operator, monitor, signer and sender."""
    found = town.doctor()
    assert set(found) == {name for name, late in waits.items() if late} | (
        {"mail server"} if waits[MAIL] else set()
    )
    assert town.figure("stamp_queue_seconds") == timedelta(hours=1.1).total_seconds()
    ada = town.person("ada")
    page = ada.get(f"/contracts/{town.to_sign}/signing").text
    assert "Signed and sealed, time stamp pending" in page
    if waits[MAIL]:
        assert found["mail server"] == "[Errno 111] Connection refused"
        assert town.figure("outbox_behind_seconds") >= timedelta(hours=29).total_seconds()
        assert "Trying again" in ada.get("/notices/mail").text
        told = ada.get("/notices").text
        assert "signed and sealed" in told.lower(), "in the portal it is told at once"


def check_deed(town: Town, session: Session) -> None:
    """Every signature is there once, and the deed has one seal and one time stamp over it."""
    mine = Signature.contract_id == town.to_sign
    signed = session.scalars(select(Signature.person_id).where(mine).order_by(Signature.signed_at))
    assert list(signed) == [cast.actor(key).person_id for key in SIGNS_AT]
    deeds = session.scalars(
        select(Deed).where(Deed.contract_id == town.to_sign).order_by(Deed.revision)
    ).all()
    assert [one.kind for one in deeds] == ["prepared", *["signed"] * 4, "sealed", "stamped"]
    desk.settle(session)
    report = town.person("cleo").get(f"/contracts/{town.to_sign}/signing").text
    assert "Signed and sealed" in report and "pending" not in report


def check_mail(town: Town, session: Session, *, back: datetime) -> None:
    """Every mail arrived once, the oldest first, with its date, and is marked if late."""
    mails = {
        f"<{row.id}@counterpart.example>": row
        for one, table in ((session, RegionMail), (db.session(), DirectoryMail))
        for row in one.scalars(select(table))
    }
    assert town.office.ids == dict.fromkeys(mails, 1)
    arrived = [mails[str(mail["Message-ID"])] for mail in town.office.taken]
    assert [row.due_at for row in arrived] == sorted(row.due_at for row in arrived)
    for row, mail in zip(arrived, town.office.taken, strict=True):
        ready = max(row.due_at, back)
        assert row.sent_at == next(at for at in town.looked if at >= ready)
        assert (row.attempts, row.dead_at, row.last_error) == (1, None, None)
        assert row.is_late == (row.sent_at - row.due_at > timedelta(hours=1))
        assert parsedate_to_datetime(mail["Date"]) == row.created_at.replace(microsecond=0)
    assert sum(row.is_late for row in arrived) > 20
    told = {row.event for row in arrived}
    assert told >= {"signing:signer:invited", "signing:deed:sealed", "signing:deed:stamped",
                    "statements:statement:issued"}, told  # fmt: skip
    desk.settle(session)
    assert "Sent late" in town.person("ada").get("/notices/mail").text


def check_dates(town: Town, session: Session) -> None:
    """The month was issued and the term renewed, each once and in time, whoever was away."""
    happened = Counter(desk.events(session, session.get_one(Contract, town.live)))
    assert happened["statements:statement:issued"] == 1, happened
    dates = session.scalars(select(PlannedDate).where(PlannedDate.contract_id == town.live)).all()
    # Those of the term that was known from the start; of the next one some are over by then.
    due = [one for one in dates if one.number == 0 and not one.cancelled_at]
    assert {one.kind for one in due} >= {"notice_by", "ends"}
    for one in due:
        assert one.done_at == next(at for at in town.looked if at >= one.due_at), one.kind
        assert bool(one.late) == (one.done_at - one.due_at > timedelta(hours=1)), one.kind


def check_webhooks(town: Town, session: Session) -> None:
    """Who asked to be told by a program was, once, at the next look: mail is not in its way."""
    rows = session.scalars(select(WebhookDelivery)).all()
    assert Counter(heads["webhook-id"] for heads, _ in town.receiver.got) == {
        f"msg_{row.id}": 1 for row in rows
    }
    assert {row.done_at for row in rows} <= set(town.looked) and len(rows) > 15
