"""A contract comes under a profile by two yeses, one of each party, and every look is entered."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts.models import Organisation
from portal.accounts.rules import Actor
from portal.audit.queries import lines
from portal.audit.rules import check_chain
from portal.cli import main
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.db import db
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.notices.models import RegionMail
from portal.profiles import actions, queries
from portal.profiles.models import ProfileTurn
from portal.profiles.rules import Profile
from portal.residency.databases import Regions
from portal.residency.databases import regions as regions_of
from portal.residency.rules import new_public_ref
from tests import cast
from tests.conftest import make_contract
from tests.profiles.test_signed_acts import with_signature

ADA, CLEO, DOV, MAL = (cast.actor(key) for key in ("ada", "cleo", "dov", "mal"))
DAY = timedelta(hours=24)
NOW = clock.now()
BAA = {"reference": "BAA 2026-07", "signed_on": NOW.date()}


def ask(
    session: Session, contract: Contract, *, on: bool = True, by: Actor = ADA,
    profile: Profile = Profile.HIPAA, **named: object,
) -> ProfileTurn:  # fmt: skip
    given = named or (BAA if on and profile is Profile.HIPAA else {})
    return actions.ask_for_turn(
        session, by, contract, profile, on=on, hindrances=[], at=clock.now(), **given
    )  # type: ignore[arg-type]


def put_under(session: Session, contract: Contract, profile: Profile) -> None:
    row = ask(session, contract, profile=profile)
    actions.agree_to_turn(session, DOV, contract, row.id, hindrances=[], at=clock.now())
    db.session.rollback()  # whom to tell was asked of the directory: its lock is let go


def under(session: Session, contract: Contract) -> frozenset[Profile]:
    return queries.profiles_of(session, contract, at=clock.now())


def events(session: Session, contract: Contract) -> list[str]:
    return [line.event for line in lines(session, contract.id)]


def test_one_party_alone_puts_nothing_on(eu: Session, contract: Contract) -> None:
    row = ask(eu, contract)
    for other in (ADA, cast.as_admin("nia")):
        with pytest.raises(Refused, match="Your side asked"):
            actions.agree_to_turn(eu, other, contract, row.id, hindrances=[], at=clock.now())
    with pytest.raises(NotAllowed):
        actions.agree_to_turn(eu, CLEO, contract, row.id, hindrances=[], at=clock.now())
    assert under(eu, contract) == frozenset() and events(eu, contract) == ["profile:turn:asked"]


def test_both_parties_put_it_on_and_both_are_told(eu: Session, contract: Contract) -> None:
    put_under(eu, contract, Profile.HIPAA)
    assert under(eu, contract) == {Profile.HIPAA}
    assert events(eu, contract) == ["profile:turn:asked", "profile:turn:agreed"]
    for event in ("profile:turn:asked", "profile:turn:agreed"):
        told = set(eu.scalars(select(RegionMail.recipient).where(RegionMail.event == event)))
        assert {one.partition("@")[0] for one in told} >= {"ada", "cleo", "dov"}
    mail = " ".join(eu.scalars(select(RegionMail.text + RegionMail.subject)))
    assert "BAA 2026-07" not in mail


def test_hipaa_without_its_agreement_is_refused_by_the_action_and_by_the_database(
    eu: Session, contract: Contract
) -> None:
    with pytest.raises(Refused, match="business associate agreement"):
        ask(eu, contract, reference="", signed_on=None)
    assert events(eu, contract) == []
    eu.add(
        ProfileTurn(
            id="0" * 26, region="eu", contract_id=contract.id, profile="hipaa", turn="on",
            asked_by=ADA.person_id, asked_side="vendor", asked_at=NOW,
        )
    )  # fmt: skip
    with pytest.raises(IntegrityError):
        eu.flush()
    eu.rollback()


def test_what_was_agreed_is_never_changed(eu: Session, contract: Contract) -> None:
    put_under(eu, contract, Profile.HIPAA)
    for values in ({"turn": "off"}, {"holds_from": NOW + DAY}, {"agreement_enc": b"x"}):
        with pytest.raises(IntegrityError):
            eu.execute(update(ProfileTurn).values(**values))
        eu.rollback()
    with pytest.raises(IntegrityError):
        eu.execute(text("DELETE FROM profile_turns"))
    eu.rollback()


def test_it_is_left_by_both_and_a_day_later(eu: Session, contract: Contract) -> None:
    put_under(eu, contract, Profile.REGULATED)
    row = with_signature(
        eu, "dov", lambda: ask(eu, contract, on=False, by=DOV, profile=Profile.REGULATED)
    )
    agreed = clock.now()
    with_signature(
        eu, "ada",
        lambda: actions.agree_to_turn(eu, ADA, contract, row.id, hindrances=[], at=agreed),
    )  # fmt: skip
    before, after = (
        queries.profiles_of(eu, contract, at=agreed + DAY + timedelta(seconds=s)) for s in (-1, 0)
    )
    assert before == {Profile.REGULATED} and after == frozenset()


def test_a_second_wish_and_a_second_answer_are_refused(eu: Session, contract: Contract) -> None:
    row = ask(eu, contract)
    with pytest.raises(Refused, match="asked already"):
        ask(eu, contract, by=DOV)
    actions.withdraw_turn(eu, DOV, contract, row.id, at=NOW)
    with pytest.raises(Refused, match="answered already"):
        actions.agree_to_turn(eu, DOV, contract, row.id, hindrances=[], at=NOW)
    with pytest.raises(NotFound):
        actions.withdraw_turn(eu, MAL, contract, row.id, at=NOW)
    assert events(eu, contract) == ["profile:turn:asked", "profile:turn:withdrawn"]


def _organisations(on: bool) -> None:
    since = NOW if on else None
    db.session.execute(update(Organisation).values(hipaa_since=since))
    db.session.commit()


def test_the_page_says_what_is_missing_and_then_leads_both_parties_through(
    context: Flask, eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    page = f"/contracts/{contract.id}/profiles"
    ada = client_as("ada")
    sent = {"profile": "hipaa", "on": "yes", "reference": "BAA 2026-07",
            "signed_on": NOW.date().isoformat()}  # fmt: skip
    refused = ada.post(page, data=sent)
    assert refused.status_code == 422 and f"{DOV.organisation_name} is not under" in refused.text
    _organisations(on=True)
    assert ada.post(page, data=sent | {"reference": ""}).status_code == 422
    assert ada.post(page, data=sent).status_code == 303
    dov = client_as("dov")
    assert "BAA 2026-07" in dov.get(page).text
    turn = eu.scalar(select(ProfileTurn.id))
    eu.rollback()
    assert dov.post(f"{page}/{turn}/agreement").status_code == 303
    assert "HIPAA" in ada.get("/organisation/hipaa").text
    refused = ada.post("/organisation/hipaa", data={"on": "no"})
    assert refused.status_code == 409 and contract.id in refused.text


def test_every_look_is_entered_before_it_is_shown_and_read_by_record(
    context: Flask, eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    here = f"/contracts/{contract.id}"
    cleo, dov = client_as("cleo"), client_as("dov")
    cleo.get(here)
    assert queries.views_of(eu, contract.id) == [], "before the profile nothing is entered"
    _organisations(on=True)
    put_under(eu, contract, Profile.HIPAA)
    for address in (here, f"{here}/terms", f"{here}/people?x=1", f"{here}/log"):
        assert cleo.get(address).status_code == 200
    assert cleo.get(f"{here}/nothing").status_code == 404
    eu.expire_all()
    found = [(one.name, one.record) for one in queries.views_of(eu, contract.id)]
    eu.rollback()
    assert found == [(CLEO.name, one) for one in ("log", "people", "terms", "")]
    report = dov.get(f"{here}/views").text
    assert "The contract’s overview" in report and "terms" in report
    one = dov.get(f"{here}/views?record=terms").text
    assert CLEO.name in one and "1 look at terms" in one
    assert f"{CLEO.name},{CLEO.organisation_name},people" in dov.get(f"{here}/views.csv").text
    assert client_as("cleo").get(f"{here}/views").status_code == 403
    assert client_as("mal").get(f"{here}/views").status_code == 404


def test_an_export_and_a_list_that_is_handed_out_are_looks_too(
    context: Flask, eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient],
    tmp_path: Path,
) -> None:  # fmt: skip
    """`counterpart export` by the operator, and lists of a program or a spreadsheet."""
    _organisations(on=True)
    put_under(eu, contract, Profile.HIPAA)
    other = make_contract(eu, regions_of(), "Not under it").id
    refs, places = [contract.id, other, "eu-NOBODY"], regions_of().each()
    actions.note_listed(places, CLEO.log, refs, what="list of contracts", at=clock.now())
    assert queries.views_of(eu, other) == []
    eu.rollback()
    runner = CliRunner(env={"COUNTERPART_HOME": str(context.config["SETTINGS"].home)})
    for ref in refs[:2]:
        done = runner.invoke(main, ["export", ref, "--out", str(tmp_path / ref)])
        assert done.exit_code == 0, done.output
    eu.expire_all()
    found = [(one.name, one.record) for one in queries.views_of(eu, contract.id)]
    assert found[1] == (CLEO.name, "list of contracts") and found[0][1] == "export"
    assert len(found) == 2 and queries.views_of(eu, other) == []


def test_looks_are_a_sound_chain_that_outsiders_to_the_contract_do_not_lengthen(
    context: Flask, eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    _organisations(on=True)
    put_under(eu, contract, Profile.HIPAA)
    for key in ("cleo", "mal", "op"):
        client_as(key).get(f"/contracts/{contract.id}")
    chain = queries.chain_of(contract.id)
    rows = eu.execute(
        text("SELECT seq, hash, body FROM entries WHERE chain = :chain ORDER BY seq"),
        {"chain": chain},
    ).all()
    assert len(rows) == 1 and check_chain(chain, [tuple(row) for row in rows]) == []


def test_what_cannot_be_entered_is_not_shown(
    context: Flask, eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    _organisations(on=True)
    put_under(eu, contract, Profile.HIPAA)
    eu.execute(
        text("CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'full'); END")
    )
    eu.commit()
    client = client_as("cleo")
    for address in ("", "/terms", "/agreement.csv"):
        answer = client.get(f"/contracts/{contract.id}{address}")
        if address == "/agreement.csv":
            assert answer.status_code in {404, 409, 503}
            continue
        assert answer.status_code == 503 and contract.title not in answer.text


def test_an_amendment_is_under_the_profiles_of_what_it_amends(
    context: Flask, regions: Regions, eu: Session, contract: Contract
) -> None:
    put_under(eu, contract, Profile.HIPAA)
    columns = {one.name: getattr(contract, one.name) for one in Contract.__table__.columns}
    ref = new_public_ref("eu")
    eu.execute(insert(Contract).values(**columns | {"id": ref, "amends_id": contract.id}))
    eu.commit()
    child = eu.get_one(Contract, ref)
    assert under(eu, child) == {Profile.HIPAA}
    assert queries.profiles_of_ref(eu, child.id, at=clock.now()) == {Profile.HIPAA}
    assert queries.refs_under(eu, Profile.HIPAA, at=clock.now()) == {contract.id, child.id}
    with pytest.raises(Refused, match="amends"):
        ask(eu, child)
