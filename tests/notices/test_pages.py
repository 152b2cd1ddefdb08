"""The inbox, its number in the header, preferences, mail that failed, and the way out of mail."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from portal.accounts.models import Membership
from portal.audit.queries import lines
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.db import db, transaction
from portal.notices.actions import tell, write_mail
from portal.notices.actions.silence import silence_address
from portal.notices.forms import field_of
from portal.notices.models import Choice, DirectoryNotice, ReaderRow, RegionMail, RegionNotice
from portal.notices.rules import DIGEST, EVENTS, Recipient
from tests import cast

ClientAs = Callable[[str], FlaskClient]
CLEO, ADA = cast.actor("cleo"), cast.actor("ada")
ROUND = "negotiation:round:sent"
WORDS: dict[str, Any] = {"sender": "Northwind", "number": 1,
                         "counted": {"accepted": 0, "countered": 0, "open": 3}}  # fmt: skip


def tell_cleo(session: Session, contract: Contract, count: int = 1, **changes: Any) -> None:
    """Tell Cleo of rounds, each a second after the one before."""
    start = clock.now() - timedelta(hours=1)
    to = Recipient(CLEO.person_id, CLEO.name, CLEO.email, CLEO.organisation_id)
    with transaction(session):
        for number in range(count):
            tell(session, **{
                "event": ROUND, "to": to, "chain": contract.id, "cause": str(number),
                "link": f"/contracts/{contract.id}/terms", "by": ADA.person_id,
                "at": start + timedelta(seconds=number), **WORDS, **changes,
            })  # fmt: skip


def count_in_header(page: str) -> int:
    """Return the number beside "Notices" in the header."""
    link = re.search(r'<a id="inbox-count".*?</a>', page, re.S)
    assert link is not None
    number = re.search(r"tag--yours\">(\d+)", link[0])
    return int(number[1]) if number else 0


def test_the_header_counts_what_is_unread_over_all_databases(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    cleo = client_as("cleo")
    assert count_in_header(cleo.get("/contracts").text) == 0
    tell_cleo(eu, contract, 3)
    with transaction(db.session) as session:
        tell_cleo(session, contract, event="person:password:changed", when=clock.now())
    assert count_in_header(cleo.get("/contracts").text) == 4
    assert count_in_header(client_as("dov").get("/contracts").text) == 0
    fragment = cleo.get("/notices/count").text
    assert count_in_header(fragment) == 4 and "<html" not in fragment


def test_opening_a_notice_marks_it_read_and_leads_there(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    tell_cleo(eu, contract)
    cleo, notice = client_as("cleo"), eu.scalars(select(RegionNotice)).one()
    eu.rollback()
    page = cleo.get("/notices").text
    assert f"Your turn to answer: {contract.id}" in page and "New" in page
    where = f"/notices/eu/{notice.id}/reading"
    assert client_as("ada").post(where).status_code == 404
    assert client_as("dov").post(where).status_code == 404
    answer = cleo.post(where)
    assert (answer.status_code, answer.location) == (303, f"/contracts/{contract.id}/terms")
    eu.rollback()
    assert count_in_header(cleo.get("/notices").text) == 0
    assert cleo.post(f"/notices/mars/{notice.id}/reading").status_code == 404


def test_reading_a_page_of_notices_changes_nothing(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    tell_cleo(eu, contract)
    cleo = client_as("cleo")
    for path in ("/notices", "/notices?show=unread", "/notices/count", "/notices/mail"):
        assert cleo.get(path).status_code == 200
    assert count_in_header(cleo.get("/notices").text) == 1


@pytest.mark.slow
def test_many_notices_come_in_pages_newest_first_and_are_read_at_once(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    tell_cleo(eu, contract, 120)
    cleo, seen, path = client_as("cleo"), [], "/notices"
    for size in (50, 50, 20):
        page = cleo.get(path).text
        found = re.findall(r"/notices/eu/(\w{26})/reading", page)
        assert len(found) == size
        seen += found
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert path == "" and seen == sorted(seen, reverse=True) and len(set(seen)) == 120
    assert cleo.post("/notices/reading", data={"until": seen[10]}).status_code == 303
    assert count_in_header(cleo.get("/notices").text) == 10
    assert len(re.findall(r"/reading\"", cleo.get("/notices?show=unread").text)) == 11


def test_who_left_an_organisation_reads_its_notices_no_more(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    tell_cleo(eu, contract)
    row = db.session.scalars(select(Membership).where(Membership.person_id == CLEO.person_id)).one()
    row.organisation_id = cast.actor("mal").organisation_id
    db.session.commit()
    page = client_as("cleo").get("/notices").text
    assert contract.id not in page and "No notices yet" in page


def test_an_inbox_takes_the_same_queries_for_one_notice_and_for_fifty(
    client_as: ClientAs, eu: Session, contract: Contract, app: Flask
) -> None:
    asked: list[str] = []
    engine = app.extensions["regions"]["eu"].engine
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    cleo, counts = client_as("cleo"), []
    for count in (1, 50):
        tell_cleo(eu, contract, count)
        asked.clear()
        cleo.get("/notices")
        counts.append(len(asked))
    assert counts[0] == counts[1]


def wishes(**changes: str) -> dict[str, str]:
    """Return the form as it is sent."""
    return {
        "zone": "Europe/Berlin", "language": "", "quiet": "y", "quiet_from": "22:00",
        "quiet_until": "6:30",
        "digest_at": "0730", "weekly": "1", "event-negotiation-round-sent": "digest",
        "event-notices-mail-failed": "portal", **others(), **changes,
    }  # fmt: skip


def others() -> dict[str, str]:
    """Return every optional event of other rooms, as mail."""
    return {
        field_of(event.name): "mail"
        for event in EVENTS.values()
        if event.optional and event.name not in (ROUND, "notices:mail:failed")
    }


def test_wishes_are_kept_and_times_are_shown_in_the_readers_zone(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    cleo = client_as("cleo")
    assert "UTC" in cleo.get("/notices/preferences").text
    assert cleo.post("/notices/preferences", data=wishes()).status_code == 303
    row = db.session.get_one(ReaderRow, CLEO.person_id)
    assert (row.zone, row.quiet_from, row.quiet_until, row.digest_at, row.weekly) == (
        "Europe/Berlin", "22:00", "06:30", "07:30", 1)  # fmt: skip
    assert db.session.get_one(Choice, (CLEO.person_id, ROUND)).channel == "digest"
    entry = lines(db.session(), CLEO.person_id)[-1]
    assert entry.event == "person:notice_wishes:changed"
    db.session.rollback()
    tell_cleo(eu, contract)
    assert re.search(r"\d\d:\d\d CES?T", cleo.get("/notices").text)
    assert eu.scalars(select(RegionMail)).all() == []
    page = cleo.get("/notices/preferences").text
    assert 'value="22:00"' in page and 'value="06:30"' in page and "Europe/Berlin" in page
    assert re.search(r'<option selected value="digest">', page)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("zone", "Mars/Olympus", "Type a time zone such as Europe/Berlin."),
        ("quiet_from", "25:00", "Type a time such as 22:00."),
        ("quiet_until", "", "Type when the quiet begins and when it ends."),
        ("quiet_until", "22:00", "The quiet must end at another time than it begins."),
        ("digest_at", "", "Type a time such as 08:00."),
        ("event-negotiation-round-sent", "never", "Not a valid choice."),
    ],
)
@pytest.mark.slow
def test_a_mistake_is_told_beside_its_field_and_nothing_is_lost(
    client_as: ClientAs, context: Flask, field: str, value: str, error: str
) -> None:
    answer = client_as("cleo").post("/notices/preferences", data=wishes(**{field: value}))
    assert answer.status_code == 422 and error in answer.text
    assert "Error: How you want to be told" in answer.text
    if field != "zone":
        assert 'value="Europe/Berlin"' in answer.text
    assert db.session.get(ReaderRow, CLEO.person_id) is None


def test_legal_notices_are_listed_but_cannot_be_turned_off(
    client_as: ClientAs, context: Flask
) -> None:
    cleo = client_as("cleo")
    page = cleo.get("/notices/preferences").text
    assert "It is your turn to sign" in page and "event-signing-signer-invited" not in page
    chosen = {"event-signing-signer-invited": "portal"}
    assert cleo.post("/notices/preferences", data=wishes(**chosen)).status_code == 303
    assert db.session.get(Choice, (CLEO.person_id, "signing:signer:invited")) is None


@pytest.mark.slow
def test_mail_that_failed_is_shown_to_who_caused_it_and_can_be_sent_again(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    tell_cleo(eu, contract)
    row = eu.scalars(select(RegionMail)).one()
    row.dead_at, row.last_error = clock.now(), "550 no such person"
    eu.commit()
    ada, where = client_as("ada"), f"/notices/mail/eu/{row.id}/try"
    page = ada.get("/notices/mail").text
    assert "550 no such person" in page and "Failed" in page and "cleo@harbour.example" in page
    assert "550" not in client_as("nia").get("/notices/mail").text
    assert client_as("nia").post(where).status_code == 404
    assert ada.post(where).status_code == 303
    assert "Waiting" in ada.get("/notices/mail").text
    eu.rollback()
    assert lines(eu, contract.id)[-1].event == "notices:mail:retried"
    row.sent_at, row.answer = clock.now(), "250 2.0.0 Ok: queued as 4F2A"
    eu.commit()
    assert "The mail server said: 250 2.0.0 Ok: queued as 4F2A" in ada.get("/notices/mail").text


@pytest.mark.parametrize("event", [ROUND, DIGEST])
def test_one_press_without_signing_in_turns_one_event_off(
    app: Flask, context: Flask, event: str
) -> None:
    db.session.add(Choice(person_id=CLEO.person_id, event=ROUND, channel="digest"))
    db.session.commit()
    address = silence_address(CLEO.person_id, event)
    path = address.removeprefix(app.config["SETTINGS"].base_url)
    app.config["WTF_CSRF_ENABLED"] = True
    stranger = app.test_client()
    assert "Turn off this mail?" in stranger.get(path).text
    assert db.session.get_one(Choice, (CLEO.person_id, ROUND)).channel == "digest"
    db.session.rollback()
    one_click = {"List-Unsubscribe": "One-Click"}
    for _ in range(2):
        answer = stranger.post(path, data=one_click)
        assert answer.status_code == 200 and "Mail turned off" in answer.text
    db.session.expire_all()
    assert db.session.get_one(Choice, (CLEO.person_id, ROUND)).channel == "portal"
    events = [line.event for line in lines(db.session(), CLEO.person_id)]
    assert events.count("person:notice:silenced") == 1


@pytest.mark.parametrize(
    "token", ["x", "x" * 43, "WyJhIiwiYiJd.c2ln", "..", "%00", "eyJhIjoxfQ.aaaaaaaaaaaaaaaaaaa"]
)
@pytest.mark.slow
def test_an_address_this_portal_did_not_write_is_not_found(app: Flask, token: str) -> None:
    for method in ("get", "post"):
        assert getattr(app.test_client(), method)(f"/unsubscribe/{token}").status_code == 404


def test_an_address_for_a_legal_notice_does_not_exist(app: Flask, context: Flask) -> None:
    address = silence_address(CLEO.person_id, "signing:signer:invited")
    path = address.removeprefix(app.config["SETTINGS"].base_url)
    assert app.test_client().post(path).status_code == 404


def test_a_notice_links_to_a_page_of_the_portal(eu: Session, contract: Contract) -> None:
    write_mail(
        eu, chain=contract.id, dedupe="x", recipient="a@b.example", name="A", subject="S",
        text="T", at=datetime.now().astimezone(),
    )  # fmt: skip
    tell_cleo(eu, contract)
    assert {n.link for n in eu.scalars(select(RegionNotice))} == {f"/contracts/{contract.id}/terms"}
    assert db.session.scalars(select(DirectoryNotice)).all() == []


def test_an_administrator_asks_for_thin_mail_and_nobody_else_may(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    assert client_as("cleo").get("/organisation/mail").status_code == 403
    assert client_as("cleo").post("/organisation/mail", data={"thin": "y"}).status_code == 403
    dov = client_as("dov")
    assert "checked" not in dov.get("/organisation/mail").text
    for _ in range(2):
        assert dov.post("/organisation/mail", data={"thin": "y"}).status_code == 303
    assert "checked" in dov.get("/organisation/mail").text
    events = [line.event for line in lines(db.session(), CLEO.organisation_id)]
    assert events == ["organisation:mail_rule:changed"]
    db.session.rollback()
    tell_cleo(eu, contract)
    mail = eu.scalars(select(RegionMail)).one()
    assert mail.subject == f"Something waits for you: {contract.id}"
    assert "Northwind" not in mail.text


def test_marking_all_read_leaves_what_one_reads_for_another_organisation(
    client_as: ClientAs, eu: Session, contract: Contract
) -> None:
    elsewhere = Recipient(CLEO.person_id, CLEO.name, CLEO.email, "ORG-ELSEWHERE")
    tell_cleo(eu, contract)
    tell_cleo(eu, contract, to=elsewhere, event="contract:withdrawn", organisation="x")
    cleo = client_as("cleo")
    assert cleo.post("/notices/reading", data={"until": "Z" * 26}).status_code == 303
    eu.rollback()
    unread = eu.scalars(select(RegionNotice).where(RegionNotice.read_at.is_(None))).all()
    assert [notice.organisation_id for notice in unread] == ["ORG-ELSEWHERE"]
