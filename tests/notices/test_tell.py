"""Telling one person: the notice in the portal, and the mail they and their organisation want."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.accounts.models import Membership
from portal.contracts.models import Contract
from portal.contracts.queries import people_to_tell
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.db import db, transaction
from portal.notices.actions import tell
from portal.notices.models import (
    Choice,
    DirectoryMail,
    DirectoryNotice,
    MailRule,
    ReaderRow,
    RegionMail,
    RegionNotice,
)
from portal.notices.rules import EVENTS, Recipient
from tests import cast

CLEO = cast.actor("cleo")
TO = Recipient(CLEO.person_id, CLEO.name, CLEO.email, CLEO.organisation_id)
AT = datetime.fromisoformat("2026-11-25T22:30:00+00:00")
ROUND = {"sender": "Northwind", "number": 3,
         "counted": {"accepted": 1, "countered": 2, "open": 3}}  # fmt: skip


def told(session: Session, contract: Contract, **changes: Any) -> None:
    """Tell Cleo of a round."""
    with transaction(session):
        tell(session, **{
            "event": "negotiation:round:sent", "to": TO, "chain": contract.id, "cause": "r1",
            "link": f"/contracts/{contract.id}/terms", "at": AT, **ROUND, **changes,
        })  # fmt: skip


def wish(*rows: object) -> None:
    """Store what a person or an organisation wishes."""
    db.session.add_all(rows)
    db.session.commit()


def reader() -> ReaderRow:
    """Return Cleo as a reader in New York who is not disturbed from five to seven."""
    return ReaderRow(
        person_id=CLEO.person_id, zone="America/New_York", language="en", quiet_from="17:00",
        quiet_until="07:00", digest_at="08:00", weekly=0,
    )  # fmt: skip


@pytest.mark.slow
def test_a_notice_and_its_mail_are_rows_of_the_callers_transaction(
    eu: Session, contract: Contract
) -> None:
    told(eu, contract, by="PER-ADA")
    notice, mail = eu.scalars(select(RegionNotice)).one(), eu.scalars(select(RegionMail)).one()
    assert (notice.person_id, notice.organisation_id) == (CLEO.person_id, CLEO.organisation_id)
    assert notice.subject == mail.subject == f"Your turn to answer: {contract.id}"
    assert (notice.link, notice.read_at, notice.region) == (
        f"/contracts/{contract.id}/terms", None, "eu")  # fmt: skip
    assert (mail.due_at, mail.caused_by, mail.event) == (AT, "PER-ADA", "negotiation:round:sent")
    assert len(re.findall(r"https?://", mail.text)) == 1
    assert f"/contracts/{contract.id}/terms" in mail.text
    assert db.session.scalar(select(func.count()).select_from(DirectoryNotice)) == 0


def test_a_cause_tells_a_person_once(eu: Session, contract: Contract) -> None:
    told(eu, contract)
    told(eu, contract, at=AT + timedelta(hours=1))
    told(eu, contract, cause="r2")
    told(eu, contract, cause="x" * 200)
    told(eu, contract, cause="x" * 200)
    for table in (RegionNotice, RegionMail):
        assert eu.scalar(select(func.count()).select_from(table)) == 3


def test_what_is_rolled_back_is_not_told(eu: Session, contract: Contract) -> None:
    with pytest.raises(ZeroDivisionError), transaction(eu):
        tell(
            eu, event="negotiation:round:sent", to=TO, chain=contract.id, cause="r1", link="/",
            at=AT, **ROUND,
        )  # fmt: skip
        _ = 1 / 0
    assert eu.scalars(select(RegionNotice)).all() == eu.scalars(select(RegionMail)).all() == []


@pytest.mark.slow
def test_a_mail_waits_for_the_readers_morning_but_a_legal_one_does_not(
    eu: Session, contract: Contract
) -> None:
    wish(reader())
    told(eu, contract)
    told(eu, contract, event="negotiation:version:frozen")
    due = {mail.event: mail.due_at for mail in eu.scalars(select(RegionMail))}
    morning = datetime(2026, 11, 26, 7, tzinfo=ZoneInfo("America/New_York"))
    assert due == {"negotiation:round:sent": morning, "negotiation:version:frozen": AT}
    assert {n.created_at for n in eu.scalars(select(RegionNotice))} == {AT}


@pytest.mark.parametrize(("channel", "digest"), [("digest", True), ("portal", False)])
def test_an_optional_event_goes_where_the_person_chose(
    eu: Session, contract: Contract, channel: str, digest: bool
) -> None:
    wish(
        reader(), Choice(person_id=CLEO.person_id, event="negotiation:round:sent", channel=channel)
    )
    told(eu, contract)
    assert eu.scalars(select(RegionMail)).all() == []
    notice = eu.scalars(select(RegionNotice)).one()
    morning = datetime(2026, 11, 26, 8, tzinfo=ZoneInfo("America/New_York"))
    assert notice.digest_at == (morning if digest else None)


def test_a_legal_event_is_mailed_whatever_was_chosen(eu: Session, contract: Contract) -> None:
    wish(Choice(person_id=CLEO.person_id, event="signing:signer:invited", channel="portal"))
    told(eu, contract, event="signing:signer:invited")
    assert eu.scalars(select(RegionMail)).one().event == "signing:signer:invited"


def test_an_organisation_may_ask_for_thin_mail_but_a_proof_stays_whole(
    eu: Session, contract: Contract
) -> None:
    wish(MailRule(organisation_id=CLEO.organisation_id, thin=1))
    told(eu, contract)
    told(
        eu, contract, event="signing:deed:sealed", sealed_at="now", deed_sha256="d" * 64,
        sha256="a" * 64, head="h" * 64,
    )  # fmt: skip
    mails = {mail.event: mail for mail in eu.scalars(select(RegionMail))}
    thin = mails["negotiation:round:sent"]
    assert thin.subject == f"Something waits for you: {contract.id}"
    assert "Northwind" not in thin.text and "countered" not in thin.text
    assert f"/contracts/{contract.id}/terms" in thin.text
    assert "d" * 64 in mails["signing:deed:sealed"].text


def test_account_notices_stay_in_the_directory(eu: Session) -> None:
    with transaction(db.session) as session:
        tell(
            session, event="person:password:changed", to=TO, chain=CLEO.person_id, cause="1",
            link="/security", at=AT, when=AT,
        )  # fmt: skip
    assert db.session.scalars(select(DirectoryNotice)).one().subject == "Your password was changed"
    assert "/security" in db.session.scalars(select(DirectoryMail)).one().text
    assert eu.scalars(select(RegionNotice)).all() == []


@pytest.mark.parametrize("name", ["Cleo\r\nBcc: all@harbour.example", "Cleo\x00", "Cleo\x7f"])
def test_a_name_cannot_break_into_the_headers(eu: Session, contract: Contract, name: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        told(eu, contract, to=Recipient(CLEO.person_id, name, CLEO.email))
    assert eu.scalars(select(RegionMail)).all() == []


@pytest.mark.slow
def test_who_left_the_organisation_is_told_nothing_more(eu: Session, contract: Contract) -> None:
    assert [p.name for p in people_to_tell(contract, Side.CUSTOMER)] == ["Cleo Marsh"]
    row = db.session.scalars(select(Membership).where(Membership.person_id == CLEO.person_id)).one()
    row.ended_at = clock.now()
    db.session.commit()
    left = people_to_tell(contract, Side.CUSTOMER)
    assert left and "Cleo Marsh" not in {person.name for person in left}


def test_every_event_has_words_a_letter_and_a_name_of_three_parts() -> None:
    folder = Path(__file__).parents[2] / "templates" / "mail"
    for name, event in EVENTS.items():
        assert re.fullmatch(r"[a-z_]+(:[a-z_]+){1,2}", name)
        assert event.words[0].isupper() and not event.words.endswith(".")
        assert (folder / f"{event.letter}.txt").exists(), event.letter
