"""A hold keeps everything; a deletion takes two parties and leaves a log that still proves."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts.models import Membership, Organisation
from portal.admin import actions as administration
from portal.audit import queries as log
from portal.contracts.actions import add_fact
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.kit import clock, walls
from portal.kit.db import db
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.notices.models import RegionMail
from portal.residency.actions import store_document
from portal.residency.databases import Regions
from portal.residency.models import DataKey, Document
from portal.retention import actions, queries
from portal.retention.models import Deletion, LegalHold
from tests import cast

ADA, BEN, CLEO, DOV, LENA, NIA = (
    cast.actor(key) for key in ("ada", "ben", "cleo", "dov", "lena", "nia")
)
YEAR = timedelta(days=366)
NOW = clock.now()
DUE = NOW + 7 * YEAR
PLANTED = "Planted reason of a hold"


@pytest.fixture
def over(eu: Session, contract: Contract) -> Contract:
    """The contract, withdrawn today: its time is over in seven years."""
    add_fact(eu, contract, "withdrawn", person_id=ADA.person_id, side=Side.VENDOR, at=NOW)
    eu.commit()
    return contract


def events(session: Session, ref: str) -> list[str]:
    return [line.event for line in log.lines(session, ref)]


def agree(session: Session, contract: Contract) -> None:
    actions.ask_to_delete(session, ADA, contract, at=DUE)
    actions.agree_to_delete(session, DOV, contract, at=DUE)


def send_mail(session: Session) -> None:
    session.execute(update(RegionMail).values(sent_at=DUE))
    session.commit()


def test_a_hold_is_set_by_one_lifted_by_two_and_told_without_its_reason(
    eu: Session, contract: Contract
) -> None:
    hold = actions.set_hold(eu, NIA, contract, reason=PLANTED, at=NOW)
    with pytest.raises(Refused, match="Ask first"):
        actions.lift(eu, ADA, contract, hold.id, at=NOW)
    actions.ask_to_lift(eu, NIA, contract, hold.id, at=NOW)
    with pytest.raises(Refused, match="Another member"):
        actions.lift(eu, NIA, contract, hold.id, at=NOW)
    for other in (DOV, LENA):
        with pytest.raises(NotFound):
            actions.lift(eu, other, contract, hold.id, at=NOW)
    with pytest.raises(NotAllowed):
        actions.lift(eu, CLEO, contract, hold.id, at=NOW)
    actions.lift(eu, ADA, contract, hold.id, at=NOW)
    assert queries.standing_holds(eu, contract) == 0
    assert events(eu, contract.id) == [
        "retention:hold:set", "retention:hold:lift_asked", "retention:hold:lifted"
    ]  # fmt: skip
    told = eu.execute(select(RegionMail.recipient, RegionMail.text)).all()
    assert {row[0].partition("@")[0] for row in told} >= {"ada", "cleo", "dov"}
    assert all(PLANTED not in row[1] for row in told)


@pytest.mark.parametrize("early", [NOW, NOW + 6 * YEAR - timedelta(days=9)])
def test_nothing_is_asked_before_its_time(eu: Session, over: Contract, early: object) -> None:
    with pytest.raises(Refused, match="kept until"):
        actions.ask_to_delete(eu, ADA, over, at=early)  # type: ignore[arg-type]
    assert events(eu, over.id) == []


def test_what_runs_or_is_held_is_not_deleted(eu: Session, contract: Contract) -> None:
    with pytest.raises(Refused, match="not over"):
        actions.ask_to_delete(eu, ADA, contract, at=DUE)
    add_fact(eu, contract, "withdrawn", person_id=ADA.person_id, side=Side.VENDOR, at=NOW)
    eu.commit()
    actions.set_hold(eu, LENA, contract, reason=PLANTED, at=NOW)
    with pytest.raises(Refused, match="hold stands"):
        actions.ask_to_delete(eu, ADA, contract, at=DUE)


def test_one_party_alone_deletes_nothing(eu: Session, regions: Regions, over: Contract) -> None:
    actions.ask_to_delete(eu, ADA, over, at=DUE)
    for other in (ADA, cast.as_admin("ben")):
        with pytest.raises(Refused, match="Your side asked"):
            actions.agree_to_delete(eu, other, over, at=DUE)
    with pytest.raises(NotAllowed):
        actions.agree_to_delete(eu, LENA, over, at=DUE)
    send_mail(eu)
    assert actions.carry_out_deletions(eu, regions["eu"], at=DUE) == 0
    assert eu.get(Contract, over.id) is not None


@pytest.mark.both_engines
def test_the_content_and_its_key_go_and_the_log_stays_and_proves(
    eu: Session, regions: Regions, over: Contract
) -> None:
    ref, database = over.id, regions["eu"]
    with database.open_session() as session:
        row = store_document(
            session, database, contract_id=ref, kind="file", content=b"Planted content", at=NOW
        )
        session.add(row)
        session.commit()
    before = len(list(database.store.each_key(ref)))
    agree(eu, over)
    assert actions.carry_out_deletions(eu, database, at=DUE) == 0, "its mail is not sent yet"
    send_mail(eu)
    assert actions.carry_out_deletions(eu, database, at=DUE) == 1
    eu.expire_all()
    assert before == 1 and list(database.store.each_key(ref)) == []
    for table, column in (
        (Contract, Contract.id), (DataKey, DataKey.id), (Document, Document.contract_id),
        (RegionMail, RegionMail.chain),
    ):  # fmt: skip
        assert eu.scalar(select(table).where(column == ref)) is None
    assert events(eu, ref) == [
        "retention:deletion:asked", "retention:deletion:agreed", "retention:content:deleted"
    ]  # fmt: skip
    assert {line.name for line in log.lines(eu, ref)} <= {"Someone (erased)", "The portal"}
    count, findings = log.check(eu)
    assert count >= 3 and findings == []
    done = eu.scalar(select(Deletion))
    assert done is not None and done.head == log.head(eu, ref) and done.documents == 1
    assert done.rows and done.rows > 5
    assert actions.carry_out_deletions(eu, database, at=DUE) == 0
    names = {name.partition(" ")[0] for name, _ in walls.standing(eu.connection())}
    assert "contracts_kept" in names, "the walls stand again"


def test_a_hold_that_comes_after_both_agreed_stops_it(
    eu: Session, regions: Regions, over: Contract
) -> None:
    agree(eu, over)
    send_mail(eu)
    actions.set_hold(eu, LENA, over, reason=PLANTED, at=DUE)
    send_mail(eu)
    assert actions.carry_out_deletions(eu, regions["eu"], at=DUE) == 0
    eu.expire_all()
    assert eu.get(Contract, over.id) is not None
    assert events(eu, over.id)[-1] == "retention:deletion:stopped"


def test_the_database_itself_refuses_while_a_hold_stands(eu: Session, over: Contract) -> None:
    agree(eu, over)
    actions.set_hold(eu, NIA, over, reason=PLANTED, at=DUE)
    for statement in (
        update(Deletion).values(deleted_at=DUE), update(LegalHold).values(reason_enc=b"x"),
        text("DELETE FROM legal_holds"), text("DELETE FROM deletions"),
    ):  # fmt: skip
        with pytest.raises(IntegrityError):
            eu.execute(statement)
        eu.rollback()


def test_either_side_keeps_it_until_it_is_gone(eu: Session, over: Contract) -> None:
    agree(eu, over)
    actions.withdraw_deletion(eu, DOV, over, at=DUE)
    assert queries.open_deletion(eu, over.id) is None
    actions.ask_to_delete(eu, DOV, over, at=DUE)
    assert events(eu, over.id)[-2:] == ["retention:deletion:withdrawn", "retention:deletion:asked"]


def test_longer_holds_at_once_and_shorter_takes_two_and_a_day(context: Flask) -> None:
    row = db.session.scalar(select(Membership).where(Membership.person_id == BEN.person_id))
    assert row is not None
    ben = cast.as_admin("ben")
    row.roles = ",".join(ben.roles)
    db.session.commit()

    def years() -> int:
        db.session.expire_all()
        return db.session.get_one(Organisation, ADA.organisation_id).retention_years

    administration.ask_for_years(ADA, 10, at=NOW)
    assert years() == 10
    change = administration.ask_for_years(ADA, 2, at=NOW)
    assert change is not None and years() == 10
    administration.confirm_change(ben, change.id, partners=[], at=NOW)
    assert administration.apply_due(at=NOW + timedelta(hours=24)) == 1 and years() == 2
    db.session.get_one(Organisation, ADA.organisation_id).hipaa_since = NOW
    db.session.commit()
    administration.ask_for_years(ADA, 7, at=NOW)
    with pytest.raises(Refused, match="6 years or longer"):
        administration.ask_for_years(ADA, 5, at=NOW)


def test_the_pages_say_what_is_due_and_show_a_reason_to_its_own_side_only(
    context: Flask, eu: Session, over: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    page = f"/contracts/{over.id}/retention"
    nia, dov = client_as("nia"), client_as("dov")
    assert nia.post(f"/contracts/{over.id}/holds", data={"reason": "x"}).status_code == 422
    assert nia.post(f"/contracts/{over.id}/holds", data={"reason": PLANTED}).status_code == 303
    assert PLANTED in nia.get(page).text
    other = dov.get(page).text
    assert PLANTED not in other and "A legal hold stands" in other and NIA.name not in other
    listed = dov.get("/organisation/retention").text
    assert over.id in listed and "Held" in listed and PLANTED not in listed
    assert client_as("mal").get(page).status_code == 404
    assert dov.post("/organisation/retention", data={"years": "0"}).status_code == 422
    assert dov.post("/organisation/retention", data={"years": "8"}).status_code == 303
    assert "keeps records for 8 years" in dov.get("/organisation/retention").text
