"""Signatures of a contract under 21 CFR Part 11: both factors, a meaning, and every failed try."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.models import Person
from portal.audit.queries import lines
from portal.contracts.models import Contract
from portal.contracts.queries import current_version
from portal.kit import clock
from portal.kit.db import db
from portal.kit.errors import Refused
from portal.notices.models import RegionMail
from portal.profiles.models import ProfileTurn
from portal.profiles.rules import MEANING_WORDS, Meaning
from portal.residency.actions import read_document
from portal.residency.databases import Regions
from portal.signing import actions
from portal.signing.actions import Shown
from portal.signing.models import Signature
from portal.signing.queries import document_of, latest_deed, signatures_of, slot_of
from portal.signing.rules import BOTH_FACTORS
from tests import cast
from tests.signing import stage

pytestmark = pytest.mark.slow
ADA = cast.actor("ada")


@pytest.fixture
def regulated(eu: Session, contract: Contract) -> Contract:
    """The contract out for signature, under the profile since yesterday."""
    at = clock.now() - timedelta(days=1)
    eu.add(
        ProfileTurn(
            id="0" * 26, region="eu", contract_id=contract.id, profile="regulated", turn="on",
            asked_by=ADA.person_id, asked_side="vendor", asked_at=at, agreed_at=at,
            agreed_by=cast.actor("dov").person_id, holds_from=at,
        )
    )  # fmt: skip
    eu.commit()
    return contract


def sign(session: Session, contract: Contract, *, meaning: str, factor: str) -> Signature:
    at, version = clock.now(), current_version(contract)
    slot = slot_of(contract, ADA.person_id)
    assert version is not None and slot is not None
    return actions.sign(
        session, ADA, contract, slot_id=slot.id, step=int(at.timestamp()) // 30, at=at,
        shown=Shown(version.sha256, "Director", "yes", "yes", meaning=meaning),
        identification=replace(stage.identification(at), factor=factor),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("meaning", "factor"),
    [("", BOTH_FACTORS), ("witness", BOTH_FACTORS), (Meaning.APPROVAL, "totp"), ("", "totp")],
)
def test_the_act_itself_refuses_half_a_signature(
    eu: Session, regulated: Contract, meaning: str, factor: str
) -> None:
    stage.consent(eu, regulated, "ada", at=clock.now())
    before = stage.events(eu, regulated)
    with pytest.raises(Refused):
        sign(eu, regulated, meaning=meaning, factor=factor)
    assert stage.events(eu, regulated) == before and eu.scalar(select(Signature.id)) is None


def test_the_meaning_stands_on_the_page_in_the_record_and_in_the_deed(
    eu: Session, regions: Regions, regulated: Contract
) -> None:
    stage.consent(eu, regulated, "ada", at=clock.now())
    row = sign(eu, regulated, meaning=Meaning.RESPONSIBILITY, factor=BOTH_FACTORS)
    assert row.identification["meaning"] == "responsibility"
    version = current_version(regulated)
    assert version is not None
    line = next(one for one in signatures_of(eu, version) if one.is_signed)
    words = MEANING_WORDS[Meaning.RESPONSIBILITY]
    assert line.meaning == words and ("Meaning", words) in line.identified
    assert any("Password and one-time code" in text for _, text in line.identified)
    stage.work(eu, regions, regulated, at=clock.now(), up_to_seal=True)
    deed = latest_deed(eu, version)
    assert deed is not None
    content = read_document(eu, regions["eu"], document_of(eu, deed))
    printed = subprocess.run(
        ["pdftotext", "-", "-"], input=content, capture_output=True, check=True
    )
    assert f"Meaning: {words}" in printed.stdout.decode()


def typed(contract: Contract, at: datetime, **changes: str) -> dict[str, str]:
    version = current_version(contract)
    assert version is not None
    return {
        "title": "Director", "authority": "y", "intent": "y", "version_sha256": version.sha256,
        "meaning": "approval", "password": cast.PASSWORD, "code": cast.code("ada", at),
    } | changes  # fmt: skip


def attempts(session: Session, contract: Contract) -> list[str]:
    session.expire_all()
    found = [
        str(line.facts["factor"])
        for line in lines(session, contract.id)
        if line.event == "signing:attempt:failed"
    ]
    session.rollback()
    return found


def test_the_page_takes_both_factors_and_reports_each_wrong_one(
    context: Flask, eu: Session, regulated: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    stage.consent(eu, regulated, "ada", at=clock.now())
    page, ada = f"/contracts/{regulated.id}/signature", client_as("ada")
    shown = ada.get(page).text
    assert 'name="password"' in shown and "What your signature means" in shown
    at = clock.now()
    step = db.session.get_one(Person, ADA.person_id).totp_step
    db.session.rollback()
    no_meaning = ada.post(page, data=typed(regulated, at, meaning=""))
    assert no_meaning.status_code == 422 and "Choose what your signature means" in no_meaning.text
    wrong = ada.post(page, data=typed(regulated, at, password="not the password"))
    assert wrong.status_code == 422 and "not your password" in wrong.text
    assert "not the password" not in wrong.text
    db.session.expire_all()
    assert db.session.get_one(Person, ADA.person_id).totp_step == step, "the code was not spent"
    db.session.rollback()
    code = cast.code("ada", at)
    other = str((int(code) + 1) % 1_000_000).zfill(6)
    assert ada.post(page, data=typed(regulated, at, code=other)).status_code == 422
    assert attempts(eu, regulated) == ["password", "code"]
    told = set(
        eu.scalars(select(RegionMail.recipient).where(RegionMail.event == "signing:attempt:failed"))
    )
    kept = " ".join(eu.scalars(select(RegionMail.text)))
    eu.rollback()
    assert told == {ADA.email} and other not in kept and "not the password" not in kept
    assert ada.post(page, data=typed(regulated, clock.now())).status_code == 303
    row = eu.scalar(select(Signature))
    assert row is not None and row.identification["factor"] == BOTH_FACTORS
    assert cast.PASSWORD not in json.dumps(row.identification)


def test_a_contract_of_no_profile_signs_as_before(
    context: Flask, eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    stage.consent(eu, contract, "ada", at=clock.now())
    page, ada = f"/contracts/{contract.id}/signature", client_as("ada")
    assert 'name="password"' not in ada.get(page).text
    wrong = ada.post(page, data=typed(contract, clock.now(), code="000000"))
    assert wrong.status_code == 422 and attempts(eu, contract) == []
