"""Break-glass: both parties are told first, all is marked, it ends by itself and cannot sign."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts import actions as accounts
from portal.accounts.gate import current_actor
from portal.accounts.models import EmergencyAccess, Person
from portal.accounts.rules import (
    EMERGENCY_ACTS,
    EMERGENCY_LIFE,
    PERMISSIONS,
    Emergency,
    Role,
    demand,
    may,
)
from portal.admin import actions
from portal.audit.actions import record
from portal.audit.queries import lines
from portal.contracts.models import Contract, SignerSlot
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.db import db
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.kit.vault import put
from portal.notices.models import RegionMail
from portal.profiles.queries import views_of
from portal.residency.databases import Regions
from tests import cast
from tests.conftest import make_contract
from tests.profiles.test_signed_acts import regulate

WHY = "Support line down, incident 7 cannot wait"
OP = next(member.email for member in cast.MEMBERS if member.key == "op")


def open_access(session: Session, contract: Contract, **changes: object) -> EmergencyAccess:
    usual = {"email": OP, "side": Side.VENDOR, "reason": WHY, "at": clock.now()}
    return actions.break_glass(session, contract.id, **(usual | changes))  # type: ignore[arg-type]


def events(session: Session, contract: Contract) -> list[str]:
    session.expire_all()
    found = [line.event for line in lines(session, contract.id)]
    session.rollback()
    return found


def test_in_an_emergency_only_the_short_list_may_be_done() -> None:
    access = Emergency("0" * 26, "eu-7K3QM9XH2E", clock.now())
    person = replace(cast.actor("ada"), roles=frozenset(Role), emergency=access)
    for action in PERMISSIONS:
        assert may(person, action) == (action in EMERGENCY_ACTS)
        if action not in EMERGENCY_ACTS:
            with pytest.raises(NotAllowed, match="Emergency"):
                demand(person, action)
    for binding in (
        "signature:sign", "agreement:approve", "approval:give", "notice:give", "notice:confirm",
        "version:freeze", "round:send", "statement:settle", "interim_change:decide",
        "change:approve", "profile:edit", "member:edit",
    ):  # fmt: skip
        assert binding not in EMERGENCY_ACTS


def test_the_administrators_of_both_parties_are_told_before_anybody_gets_in(
    eu: Session, contract: Contract
) -> None:
    open_access(eu, contract)
    mails = eu.execute(select(RegionMail.recipient, RegionMail.text)).all()
    assert {row[0].partition("@")[0] for row in mails} == {"ada", "dov"}
    assert all(WHY not in row[1] and "/emergencies" in row[1] for row in mails)
    assert events(eu, contract) == ["emergency:access:opened"]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"email": cast.actor("ada").email}, "belongs to no organisation"),
        ({"email": "nobody@x.example"}, "Nobody here"),
        ({"reason": "why"}, "Say why"),
    ],
)
def test_it_takes_a_portal_administrator_and_a_reason(
    eu: Session, contract: Contract, changes: dict[str, object], refusal: str
) -> None:
    with pytest.raises(Refused, match=refusal):
        open_access(eu, contract, **changes)
    db.session.rollback()
    assert events(eu, contract) == [] and db.session.scalar(select(EmergencyAccess)) is None


def test_without_a_factor_nobody_gets_in(eu: Session, contract: Contract) -> None:
    person = db.session.scalar(select(Person).where(Person.email == OP))
    assert person is not None
    person.totp_confirmed_at = None
    db.session.commit()
    with pytest.raises(Refused, match="codes first"):
        open_access(eu, contract)


def test_it_reaches_one_contract_for_four_hours_under_a_banner_and_no_other_page(
    context: Flask, regions: Regions, eu: Session, contract: Contract,
    client_as: Callable[[str], FlaskClient],
) -> None:  # fmt: skip
    other, op = make_contract(eu, regions, "Another contract"), client_as("op")
    here = f"/contracts/{contract.id}"
    assert op.get(here).status_code == 404
    row = open_access(eu, contract)
    shown = op.get(here)
    assert shown.status_code == 200 and "Emergency access" in shown.text
    assert op.get("/").headers["Location"] == here
    for closed in (f"/contracts/{other.id}", "/contracts", "/organisation/members", "/renewals",
                   "/plans", "/organisation/data", "/playbook"):  # fmt: skip
        assert op.get(closed).status_code == 404, closed
    kept = db.session.get_one(EmergencyAccess, row.id)
    assert kept.expires_at - kept.opened_at == EMERGENCY_LIFE == timedelta(hours=4)
    kept.expires_at = clock.now() - timedelta(seconds=1)
    db.session.commit()
    assert op.get(here).status_code == 404


def test_it_cannot_sign_even_where_a_place_to_sign_is_the_persons_own(
    context: Flask, eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    person = db.session.scalar(select(Person).where(Person.email == OP))
    assert person is not None
    slot = eu.scalar(select(SignerSlot).where(SignerSlot.position == 1))
    assert slot is not None
    put(eu, slot, name=person.name)
    slot.person_id = person.id
    eu.commit()
    open_access(eu, contract)
    op, before = client_as("op"), events(eu, contract)
    here = f"/contracts/{contract.id}"
    for address in ("signature", "approval", "consent", "declination", "freeze", "rounds",
                    "withdrawal", "voiding", "profiles", "holds", "deletion", "move"):  # fmt: skip
        answer = op.post(f"{here}/{address}", data={"code": cast.code("op", clock.now())})
        assert answer.status_code in {403, 404}, (address, answer.status_code)
    assert events(eu, contract) == before


def test_it_is_asked_for_no_signature_of_a_regulated_contract(
    context: Flask, eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    """What it may follow it may do, but for what binds: that it is refused, and not led to sign."""
    regulate(eu, contract)
    open_access(eu, contract)
    op, before = client_as("op"), events(eu, contract)

    def accept(ref: str, number: int) -> None:
        who, session = current_actor(), context.extensions["regions"].session_of(ref)
        record(session, ref, "incident:root_cause:accepted", actor=who.log, at=clock.now())

    accept.needs = "incident:follow"  # type: ignore[attr-defined]
    context.view_functions["incidents.review"] = accept
    answer = op.post(
        f"/contracts/{contract.id}/incidents/1/root-cause/review", data={"signed_code": "123456"}
    )
    assert answer.status_code == 403 and "answers incidents" in answer.text
    assert events(eu, contract) == before


def test_every_look_is_marked_and_both_parties_read_the_report(
    context: Flask, eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    open_access(eu, contract)
    op = client_as("op")
    assert op.get(f"/contracts/{contract.id}/people").status_code == 200
    eu.rollback()  # what this session read before the look was entered is over
    looks = views_of(eu, contract.id)
    eu.rollback()
    assert [one.record for one in looks] == ["people"]
    assert looks[0].name.endswith("(break-glass)")
    for reader in ("ada", "cleo"):
        report = client_as(reader).get(f"/contracts/{contract.id}/emergencies").text
        assert WHY in report and "looked at people" in report and "Open now" in report
    assert client_as("mal").get(f"/contracts/{contract.id}/emergencies").status_code == 404


def test_it_is_ended_early_by_command(
    context: Flask, eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    open_access(eu, contract)
    assert actions.end_emergencies(eu, contract.id, at=clock.now()) == 1
    assert actions.end_emergencies(eu, contract.id, at=clock.now()) == 0
    assert client_as("op").get(f"/contracts/{contract.id}").status_code == 404
    assert events(eu, contract) == ["emergency:access:opened", "emergency:access:ended"]


def test_an_unknown_contract_opens_nothing(context: Flask, eu: Session) -> None:
    with pytest.raises(NotFound):
        actions.break_glass(
            eu, "eu-0000000000", email=OP, side=Side.VENDOR, reason=WHY, at=clock.now()
        )
    assert db.session.scalar(select(EmergencyAccess)) is None


def test_the_address_of_an_erased_person_is_given_to_nobody_else(context: Flask) -> None:
    at = clock.now()
    zoe = accounts.create_person("zoe@northwind.example", "Zoe", cast.PASSWORD, at)
    before = zoe.id
    accounts.forget_person(db.session(), zoe.id, name="Erased", at=at)
    db.session.commit()
    with pytest.raises(Refused, match="given to nobody else"):
        accounts.create_person("Zoe@northwind.example", "Another", cast.PASSWORD, at)
    kept = db.session.get_one(Person, before)
    assert kept.name == "Erased" and kept.deactivated_at is not None
