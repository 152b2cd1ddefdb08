"""Delivery against a real SMTP server: nothing lost, nothing sent twice, failures visible."""

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.kit.db import transaction
from portal.kit.errors import NotFound
from portal.notices.actions import deliver_due, note_bounce, try_again, write_mail
from portal.notices.actions.delivery import FAILED, Carrier
from portal.notices.models import RegionMail, RegionNotice
from portal.notices.queries import lag_of, waits_since
from portal.notices.rules.mail import BACKOFF, STRETCH
from portal.notices.smtp import Relay
from portal.residency.databases import Regions
from portal.settings.rules import Settings
from tests import cast
from tests.conftest import settings_for
from tests.notices.office import DROP, HOST, SLOW, TAKE_AND_DROP, Hand, Office, dripping, opened

ADA = cast.actor("ada").person_id
START = datetime(2026, 11, 25, 9, tzinfo=UTC)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """A mail server whose certificate this process trusts."""
    with opened(tmp_path) as found:
        monkeypatch.setenv("SSL_CERT_FILE", str(found.certificate))
        yield found


@pytest.fixture
def clock() -> Hand:
    return Hand(START)


def settings(app: Flask, port: int, **changes: Any) -> Settings:
    """Return settings that send by SMTP to a port of loopback."""
    plain = settings_for(app.config["SETTINGS"].home)
    changes = {"smtp_starttls": True, "mail_lease": timedelta(minutes=2), **changes}
    return replace(plain, smtp_host=HOST, smtp_port=port, **changes)


def carrier(relay: Relay) -> Carrier:
    return Carrier(
        "Counterpart <portal@counterpart.example>", relay.send, relay.settings.mail_lease,
        lambda person, event: f"https://portal.example/unsubscribe/{person}-{event}",
    )  # fmt: skip


def written(session: Session, count: int = 1, **changes: Any) -> list[str]:
    """Put mails into the outbox and return their keys, oldest first."""
    with transaction(session):
        for number in range(count):
            write_mail(session, **{
                "chain": "eu-TEST", "dedupe": f"mail.{number}", "recipient": "cleo@harbour.example",
                "name": "Cleo Marsh", "subject": f"Mail {number}", "text": "Hello.\n",
                "at": START + timedelta(milliseconds=number), "caused_by": ADA, "due_at": START,
                **changes,
            })  # fmt: skip
    keys = list(session.scalars(select(RegionMail.id).order_by(RegionMail.created_at)))
    session.rollback()
    return keys


def run(session: Session, app: Flask, office: Office, clock: Hand, **changes: Any) -> int:
    """Let one worker look once."""
    with Relay(settings(app, office.port, **changes), Path("unused")) as relay:
        return deliver_due(session, carrier(relay), now=clock.now)


def row(session: Session, key: str) -> RegionMail:
    session.rollback()
    session.expire_all()
    return session.get_one(RegionMail, key)


@pytest.mark.both_engines
def test_a_mail_goes_out_once_encrypted_and_says_what_it_is(
    eu: Session, context: Flask, office: Office, clock: Hand
) -> None:
    (key,) = written(eu, text="Grüße: “hello”.\n", person_id=ADA, event="negotiation:round:sent")
    assert run(eu, context, office, clock) == 1
    assert run(eu, context, office, clock) == 0
    (mail,) = office.taken
    assert office.plain == 0
    assert mail["Message-ID"] == f"<{key}@counterpart.example>"
    assert mail["To"] == "Cleo Marsh <cleo@harbour.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().strip() == "Grüße: “hello”."  # type: ignore[attr-defined]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith("<https://portal.example/unsubscribe/")
    stored = row(eu, key)
    assert (stored.sent_at, stored.attempts, stored.leased_by) == (START, 1, None)
    # What the server said when it took the mail is kept with it (trust.md L-19).
    assert stored.answer == "250 OK"


@pytest.mark.parametrize("event", [None, "signing:signer:invited", "person:password:changed"])
@pytest.mark.slow
def test_a_mail_that_cannot_be_refused_offers_no_unsubscribing(
    eu: Session, context: Flask, office: Office, clock: Hand, event: str | None
) -> None:
    written(eu, person_id=ADA, event=event)
    run(eu, context, office, clock)
    assert office.taken[0]["List-Unsubscribe"] is None


def test_a_mail_to_come_is_not_sent_before_its_time(
    eu: Session, context: Flask, office: Office, clock: Hand
) -> None:
    written(eu, due_at=START + timedelta(hours=8))
    assert run(eu, context, office, clock) == 0
    clock.on(hours=8)
    assert run(eu, context, office, clock) == 1 and len(office.taken) == 1


def test_a_server_without_starttls_gets_nothing(
    eu: Session, context: Flask, clock: Hand, tmp_path: Path
) -> None:
    (key,) = written(eu)
    with opened(tmp_path, tls=False) as plain:
        run(eu, context, plain, clock)
        assert plain.taken == [] and "STARTTLS" in (row(eu, key).last_error or "")
        clock.on(minutes=2)
        run(eu, context, plain, clock, smtp_starttls=False)
        assert len(plain.taken) == 1


def test_a_certificate_of_somebody_else_gets_nothing(
    eu: Session, context: Flask, office: Office, clock: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    (key,) = written(eu)
    run(eu, context, office, clock)
    assert office.taken == [] and "CERTIFICATE_VERIFY_FAILED" in (row(eu, key).last_error or "")


@pytest.mark.parametrize("answer", ["451 later", "421 closing", "452 full", DROP])
@pytest.mark.slow
def test_a_passing_failure_is_tried_again_with_the_same_message_id(
    eu: Session, context: Flask, office: Office, clock: Hand, answer: str
) -> None:
    (key,) = written(eu)
    office.script = [answer, answer]
    run(eu, context, office, clock)
    stored = row(eu, key)
    assert stored.sent_at is None and stored.last_error and stored.leased_until
    assert BACKOFF[0] <= stored.leased_until - START <= BACKOFF[0] * (1 + STRETCH)
    assert stored.due_at == START, "when it was due is not forgotten"
    assert run(eu, context, office, clock) == 0, "not before its time"
    clock.at = stored.leased_until
    run(eu, context, office, clock)
    clock.on(minutes=7)
    run(eu, context, office, clock)
    assert row(eu, key).sent_at == clock.at and row(eu, key).attempts == 3
    assert office.ids == {f"<{key}@counterpart.example>": 1}


def test_a_mail_taken_but_not_confirmed_comes_again_under_the_same_message_id(
    eu: Session, context: Flask, office: Office, clock: Hand
) -> None:
    (key,) = written(eu)
    office.script = [TAKE_AND_DROP]
    run(eu, context, office, clock)
    assert row(eu, key).sent_at is None
    clock.on(minutes=2)
    run(eu, context, office, clock)
    assert office.ids == {f"<{key}@counterpart.example>": 2}
    assert len({mail.as_bytes() for mail in office.taken}) == 1, "the same mail, byte for byte"


@pytest.mark.parametrize("where", ["recipient", "content"])
@pytest.mark.slow
def test_a_final_refusal_is_given_up_at_once_and_shown_to_who_caused_it(
    eu: Session, context: Flask, office: Office, clock: Hand, where: str
) -> None:
    (key,) = written(eu)
    if where == "recipient":
        office.rcpt["cleo@harbour.example"] = "550 5.1.1 no such person"
    else:
        office.script = ["554 5.7.1 looks like spam"]
    run(eu, context, office, clock)
    stored = row(eu, key)
    assert stored.dead_at == START and (stored.last_error or "").startswith("55")
    notice = eu.scalars(select(RegionNotice)).one()
    assert (notice.person_id, notice.event) == (ADA, FAILED)
    assert notice.subject == "A mail about eu-TEST could not be delivered"
    clock.on(days=9)
    assert run(eu, context, office, clock) == 0 and office.taken == []


def test_a_mail_given_up_can_be_sent_again_by_who_caused_it_alone(
    eu: Session, context: Flask, office: Office, clock: Hand, contract: Contract
) -> None:
    (key,) = written(eu, chain=contract.id)
    office.script = ["554 no"]
    run(eu, context, office, clock)
    with pytest.raises(NotFound):
        try_again(eu, cast.actor("ben").log, key, at=clock.at)
    try_again(eu, cast.actor("ada").log, key, at=clock.at)
    with pytest.raises(NotFound):
        try_again(eu, cast.actor("ada").log, key, at=clock.at)
    run(eu, context, office, clock)
    assert row(eu, key).sent_at == clock.at and len(office.taken) == 1


def test_a_mail_refused_for_five_days_is_given_up(
    eu: Session, context: Flask, office: Office, clock: Hand
) -> None:
    (key,) = written(eu)
    tries = len(BACKOFF) + 1
    office.script = ["451 not now"] * tries
    for _ in range(tries):
        assert lag_of(eu, at=clock.at).given_up == 0
        assert run(eu, context, office, clock) == 1
        clock.at = row(eu, key).leased_until or clock.at
    stored = row(eu, key)
    assert (stored.attempts, stored.last_error) == (tries, "451 not now")
    assert stored.dead_at and timedelta(days=5) < stored.dead_at - START < timedelta(days=6.1)
    assert eu.scalar(select(func.count()).select_from(RegionNotice)) == 1
    assert lag_of(eu, at=clock.at).given_up == 1


@pytest.mark.both_engines
def test_an_unreachable_server_loses_nothing(eu: Session, context: Flask, clock: Hand) -> None:
    keys = written(eu, 3)
    nobody = Office(port=1, certificate=Path("none"))
    for _ in range(60):
        assert run(eu, context, nobody, clock) == 1, "who is not there is asked once a look"
        clock.on(hours=2)
    assert [(row(eu, key).sent_at, row(eu, key).attempts) for key in keys] == [(None, 0)] * 3
    assert row(eu, keys[0]).last_error == "[Errno 111] Connection refused"
    lag = lag_of(eu, at=clock.at)
    assert (lag.waiting, lag.given_up, lag.behind) == (3, 0, timedelta(days=5))


def test_a_full_mailbox_makes_no_other_mail_late(
    eu: Session, context: Flask, office: Office, clock: Hand
) -> None:
    (key,) = written(eu)
    office.rcpt["cleo@harbour.example"] = "452 4.2.2 full"
    for _ in range(8):
        run(eu, context, office, clock)
        clock.at = (row(eu, key).leased_until or clock.at) - timedelta(seconds=1)
        lag = lag_of(eu, at=clock.at)
        assert (lag.waiting, lag.behind) == (1, timedelta(0))
        assert waits_since(eu, at=clock.at, refused=True) == START
        clock.on(seconds=1)
    office.rcpt.clear()
    run(eu, context, office, clock)
    assert row(eu, key).is_late and len(office.taken) == 1


def test_a_folder_that_takes_no_mail_uses_up_no_try(
    eu: Session, context: Flask, clock: Hand
) -> None:
    (key,) = written(eu)
    plain = settings_for(context.config["SETTINGS"].home)
    with Relay(plain, Path("/dev/full/mail")) as relay:
        assert deliver_due(eu, carrier(relay), now=clock.now) == 1
    assert (row(eu, key).attempts, row(eu, key).last_error) == (0, "Not a directory")


@pytest.mark.parametrize("kind", ["slow", "drip"])
def test_a_server_that_dawdles_is_cut_within_half_a_lease(
    eu: Session, context: Flask, office: Office, clock: Hand, kind: str
) -> None:
    (key,) = written(eu)
    office.script, office.slow = [SLOW], 3
    began = datetime.now(UTC)
    if kind == "slow":
        run(eu, context, office, clock, mail_lease=timedelta(seconds=2))
    else:
        with dripping() as port:
            quick = Office(port, office.certificate)
            run(eu, context, quick, clock, mail_lease=timedelta(seconds=2))
    assert datetime.now(UTC) - began < timedelta(seconds=2.5)
    assert row(eu, key).sent_at is None and row(eu, key).last_error


@pytest.mark.both_engines
def test_a_try_that_lost_its_lease_changes_nothing(
    eu: Session, regions: Regions, context: Flask, office: Office, clock: Hand
) -> None:
    (key,) = written(eu)
    other = regions["eu"].open_session()

    def overtaken(mail: Any) -> None:
        clock.on(minutes=3)
        assert run(other, context, office, clock) == 1
        raise OSError("the first worker woke up too late")

    slow = Carrier("a@b.example", overtaken, timedelta(minutes=2))
    deliver_due(eu, slow, now=clock.now, most=1)
    other.close()
    stored = row(eu, key)
    assert stored.sent_at == clock.at and stored.last_error is None and stored.attempts == 2


@pytest.mark.slow
@pytest.mark.both_engines
def test_a_mail_held_by_another_worker_is_left_alone_until_the_lease_ends(
    eu: Session, context: Flask, office: Office, clock: Hand
) -> None:
    (key,) = written(eu)
    eu.execute(update(RegionMail).values(leased_until=START + timedelta(minutes=1), leased_by="x"))
    eu.commit()
    assert run(eu, context, office, clock) == 0
    clock.on(minutes=2)
    assert run(eu, context, office, clock) == 1 and row(eu, key).sent_at == clock.at


def test_a_mail_that_cannot_be_written_stops_no_other(
    eu: Session, context: Flask, office: Office, clock: Hand
) -> None:
    written(eu, recipient="not an address")
    written(eu, dedupe="another")
    run(eu, context, office, clock)
    dead = eu.scalars(select(RegionMail).where(RegionMail.dead_at.is_not(None))).one()
    assert "cannot be written" in (dead.last_error or "") and len(office.taken) == 1


@pytest.mark.slow
def test_one_connection_carries_many_mails_and_outlives_a_refusal(
    eu: Session, context: Flask, office: Office, clock: Hand
) -> None:
    written(eu, 20)
    office.script = ["250 OK", "554 no", DROP, "451 later"]
    assert run(eu, context, office, clock) == 20
    assert len(office.taken) == 17


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_server_answers_nothing_is_lost_and_nothing_doubled(
    eu: Session, regions: Regions, context: Flask, office: Office, clock: Hand, seed: int
) -> None:
    dice, count = random.Random(seed), 60
    written(eu, count)
    said = ["250 OK", "250 OK", "451 later", "421 bye", DROP, TAKE_AND_DROP, "554 no"]
    office.script = dice.choices(said, k=120)
    unsure = office.script.count(TAKE_AND_DROP)
    for _ in range(12):
        three_workers(regions, context, office, clock)
        clock.on(hours=25)
    eu.rollback()
    rows = eu.scalars(select(RegionMail)).all()
    assert all(mail.sent_at or mail.dead_at for mail in rows)
    given_up = {f"<{mail.id}@counterpart.example>" for mail in rows if mail.dead_at}
    known = {f"<{mail.id}@counterpart.example>" for mail in rows if mail.sent_at}
    assert known <= set(office.ids) <= known | given_up
    assert sum(office.ids.values()) - len(office.ids) <= unsure


def three_workers(regions: Regions, app: Flask, office: Office, clock: Hand) -> None:
    """Let three workers deliver at once until nothing is due."""
    errors: list[BaseException] = []

    def deliver() -> None:
        session = regions["eu"].open_session()
        try:
            with app.app_context():
                while run(session, app, office, clock):
                    pass
        except BaseException as error:
            errors.append(error)
        finally:
            session.close()

    threads = [threading.Thread(target=deliver) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.slow
@pytest.mark.both_engines
def test_three_workers_at_once_deliver_each_mail_once(
    eu: Session, regions: Regions, context: Flask, office: Office, clock: Hand
) -> None:
    keys = written(eu, 100)
    three_workers(regions, context, office, clock)
    assert office.ids == {f"<{key}@counterpart.example>": 1 for key in keys}
    eu.rollback()
    assert {mail.attempts for mail in eu.scalars(select(RegionMail))} == {1}


REPORT = """\
From: MAILER-DAEMON@mail.example
To: portal@counterpart.example
Content-Type: multipart/report; report-type=delivery-status; boundary="B"
Message-ID: <report@mail.example>

--B
Content-Type: text/plain

Your message could not be delivered.
--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example

Final-Recipient: rfc822; cleo@harbour.example
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1
 no such mailbox
--B
Content-Type: {kind}

From: Counterpart <portal@counterpart.example>
Message-ID: <{key}@counterpart.example>
Subject: Mail 0

--B--
"""


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/rfc822"])
def test_a_mail_that_comes_back_is_shown_as_failed(
    eu: Session, context: Flask, office: Office, clock: Hand, kind: str
) -> None:
    from portal.notices.rules import bounced

    (key,) = written(eu)
    run(eu, context, office, clock)
    found = bounced(REPORT.format(action="failed", key=key, kind=kind).encode())
    assert found == (key, "smtp; 550 5.1.1 no such mailbox")
    assert note_bounce(eu, *found, at=clock.at) and note_bounce(eu, *found, at=clock.at)
    assert row(eu, key).dead_at == clock.at
    assert eu.scalars(select(RegionNotice)).one().person_id == ADA
    assert not note_bounce(eu, "somebody-elses", "x", at=clock.at)
    assert bounced(REPORT.format(action="delayed", key=key, kind=kind).encode()) is None
    assert bounced(b"Subject: Re: Mail 0\n\nThank you!\n") is None
