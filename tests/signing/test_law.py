"""The law's checklist of electronic signing (trust.md 1.1), each line by its id."""

import hashlib
import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask, g
from flask.testing import FlaskClient
from pdfminer.high_level import extract_text
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.rules import PERMISSIONS
from portal.app import create_app
from portal.audit.queries import bodies, lines
from portal.cli import main
from portal.contracts.actions import add_fact
from portal.contracts.models import Contract
from portal.contracts.queries import archive_dates, current_version, state
from portal.contracts.rules.document import canonical_bytes
from portal.contracts.rules.life import State
from portal.kit import clock
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.notices.actions import deliver_due, note_bounce
from portal.notices.actions.delivery import Carrier
from portal.notices.models import RegionMail, RegionNotice
from portal.notices.smtp import Relay
from portal.residency.actions import read_document
from portal.residency.databases import Regions
from portal.residency.models import Document
from portal.signing import actions, queries, rules
from portal.signing.models import Consent, PaperRequest, Signature
from portal.signing.rules import disclosure as disclosures
from tests import cast
from tests.conftest import close, settings_for
from tests.signing import stage

Clients = Callable[[str], FlaskClient]


@pytest.fixture
def at() -> datetime:
    return clock.now()


@pytest.fixture
def client_as(client_as: Clients, eu: Session) -> Clients:
    """Clients whose requests each find out anew who asks: this test's context outlives them."""

    def make(key: str) -> FlaskClient:
        client = client_as(key)
        plain = client.open

        def opened(*args: Any, **kwargs: Any) -> Any:
            g.pop("_login_user", None)
            return plain(*args, **kwargs)

        client.open = opened  # type: ignore[method-assign]
        return client

    return make


def word_for(app: Flask, key: str, contract: Contract) -> str:
    return rules.sample_word(
        app.config["SECRET_KEY"], person_id=cast.actor(key).person_id, contract_id=contract.id,
        disclosure_sha256=rules.load_disclosure().sha256,
    )  # fmt: skip


def consent_form(app: Flask, key: str, contract: Contract) -> dict[str, str]:
    return {
        "disclosure_sha256": rules.load_disclosure().sha256, "agreed": "y",
        "covers": rules.SIGNING_ONLY, "word": word_for(app, key, contract),
    }  # fmt: skip


def sign_form(contract: Contract, code: str) -> dict[str, str]:
    version = current_version(contract)
    assert version is not None
    return {
        "title": "Director", "authority": "y", "intent": "y", "code": code,
        "version_sha256": version.sha256,
    }  # fmt: skip


def test_L01_paper_withdrawal_and_fees_stand_before_the_consent_and_the_text_is_hashed(
    client_as: Clients, contract: Contract
) -> None:
    page = client_as("ada").get(f"/contracts/{contract.id}/consent").text
    box = page.index('name="agreed"')
    for words in ("right to paper", "no fee", "Withdrawing costs nothing", "your signature and"):
        assert page.index(words) < box
    assert rules.load_disclosure().sha256[:4] in page


def test_L02_what_the_consent_covers_is_told_chosen_and_stored(
    app: Flask, client_as: Clients, eu: Session, contract: Contract
) -> None:
    ada, where = client_as("ada"), f"/contracts/{contract.id}/consent"
    assert "Also incident notices" in ada.get(where).text
    form = consent_form(app, "ada", contract)
    assert ada.post(where, data=form | {"covers": "everything"}).status_code == 422
    assert ada.post(where, data=form | {"covers": rules.ALL_RECORDS}).status_code == 303
    eu.rollback()
    assert eu.scalars(select(Consent)).one().covers == rules.ALL_RECORDS


def test_L03_consent_is_withdrawn_two_clicks_from_any_page_and_mail_stops_at_once(
    client_as: Clients, eu: Session, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    eu.rollback()
    ada = client_as("ada")
    for path in ("/contracts", f"/contracts/{contract.id}", "/members"):
        assert 'href="/consents"' in ada.get(path).text
    assert 'action="/consent/withdraw"' in ada.get("/consents").text
    assert ada.post("/consent/withdraw", data={"ref": contract.id}).status_code == 303
    assert client_as("mal").post("/consent/withdraw", data={"ref": contract.id}).status_code == 404
    eu.expire_all()
    eu.rollback()
    assert stage.events(eu, contract)[-1] == "signing:consent:withdrawn"
    told = {m.recipient for m in eu.scalars(select(RegionMail)) if "consent" in m.subject}
    assert told == {"cleo@harbour.example"}
    before = {m.id for m in eu.scalars(select(RegionMail))}
    actions.void(eu, cast.actor("cleo"), contract, reason="No longer needed", at=clock.now())
    fresh = {m.recipient for m in eu.scalars(select(RegionMail)) if m.id not in before}
    assert fresh
    assert "ada@northwind.example" not in fresh


@pytest.mark.slow
def test_L04_a_paper_copy_is_a_task_with_a_due_day_and_no_fee(
    client_as: Clients, eu: Session, contract: Contract
) -> None:
    cleo, where = client_as("cleo"), f"/contracts/{contract.id}"
    assert "Ask for a paper copy" in cleo.get("/consents").text
    for _ in range(2):
        assert cleo.post(f"{where}/paper").status_code == 303
    eu.rollback()
    row = eu.scalars(select(PaperRequest)).one()
    assert row.due_at - row.asked_at == timedelta(days=10)
    assert client_as("ada").post(f"{where}/paper/{row.id}/sent").status_code == 404
    assert cleo.post(f"{where}/paper/{row.id}/sent").status_code == 303
    assert "@media print" in Path("static/portal.css").read_text()


def test_L05_the_needs_are_the_browsers_the_tests_run() -> None:
    told = " ".join(p for _, ps in rules.load_disclosure().sections for p in ps)
    for words in ("Chrome", "Edge", "Safari", "phone", "PDF files", "e-mail", "printer"):
        assert words in told
    journeys = Path("tests/journeys/conftest.py").read_text()
    assert all(
        f"playwright.{engine}.launch" in journeys for engine in disclosures.tested_browsers()
    )


@pytest.mark.slow
def test_L06_the_sample_is_a_pdf_like_a_deed_and_holds_the_word(
    app: Flask, client_as: Clients, contract: Contract
) -> None:
    answer = client_as("ada").get(f"/contracts/{contract.id}/consent/sample.pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert word_for(app, "ada", contract) in extract_text(BytesIO(answer.data))


def test_L06_consent_needs_the_word_of_the_sample_and_says_so_in_the_log(
    app: Flask, client_as: Clients, eu: Session, contract: Contract
) -> None:
    ada, where = client_as("ada"), f"/contracts/{contract.id}/consent"
    form = consent_form(app, "ada", contract)
    for wrong in ("", "ABCDEF", word_for(app, "cleo", contract)):
        answer = ada.post(where, data=form | {"word": wrong})
        assert (answer.status_code, "sample" in answer.text) == (422, True)
    typed = form["word"].lower()
    assert ada.post(where, data=form | {"word": f" {typed[:3]} {typed[3:]} "}).status_code == 303
    eu.rollback()
    entry = lines(eu, contract.id)[-1]
    assert (entry.event, entry.facts["demonstrated"]) == ("signing:consent:given", True)
    assert eu.scalars(select(Consent)).one().demonstrated == 1


def test_L07_a_change_of_the_needs_asks_again_and_leaves_old_consents_valid(
    eu: Session, contract: Contract, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    person = cast.actor("ada").person_id
    assert queries.standing_consent(eu, contract, person) is not None
    data = Path("portal/signing/data")
    shown = (data / "disclosure-1.1.toml").read_bytes()
    needs = (data / "needs-1.toml").read_bytes()
    newer = disclosures.read_disclosure(shown, lambda number: needs.replace(b"= 2", b"= 1"))
    assert newer.sha256 != rules.load_disclosure().sha256
    monkeypatch.setattr(rules, "load_disclosure", lambda *version: newer)
    assert queries.standing_consent(eu, contract, person) is None
    assert [row.withdrawn_at for row in queries.consents_of(eu, contract, person)] == [None]


@pytest.mark.home("sealed_home")
def test_L08_withdrawing_never_alters_a_completed_contract(
    eu: Session, contract: Contract, at: datetime
) -> None:
    version = current_version(contract)
    assert version is not None
    deed = queries.latest_deed(eu, version)
    actions.withdraw_consent(eu, cast.actor("cleo"), contract, at=at)
    assert state(contract, today=at.date()) in {State.COMPLETED, State.IN_FORCE}
    assert queries.latest_deed(eu, version) == deed
    assert all(line.is_signed for line in queries.signatures_of(eu, version))


def test_L09_there_is_no_oral_consent(app: Flask) -> None:
    doors = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "consent" in rule.endpoint and not rule.endpoint.startswith("oauth.")
    }
    assert doors == {
        "signing.consent",
        "signing.give_consent",
        "signing.consents",
        "signing.withdraw_consent",
    }


def test_L10_nobody_is_forced_and_declining_is_as_near_as_saving_for_later(
    client_as: Clients, eu: Session, contract: Contract
) -> None:
    ada, where = client_as("ada"), f"/contracts/{contract.id}"
    page = ada.get(f"{where}/sign").text
    later, decline = page.index("Save for later"), page.index("Decline to sign electronically")
    assert "</p>" not in page[min(later, decline) : max(later, decline)]
    answer = ada.post(f"{where}/declination", data={"reason": "We sign on paper"})
    assert answer.status_code == 303
    eu.rollback()
    assert stage.events(eu, contract)[-1] == "signing:signature:declined"


def test_L11_intent_is_a_box_that_starts_empty_and_the_button_says_what_it_does(
    client_as: Clients, eu: Session, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    eu.rollback()
    ada, where = client_as("ada"), f"/contracts/{contract.id}/signature"
    page = ada.get(where).text
    box = page[page.rindex("<", 0, page.index('name="intent"')) : page.index('name="intent"') + 99]
    assert "checked" not in box.split(">")[0]
    assert "Sign agreement" in page
    assert "I intend to sign this agreement on behalf of Northwind Systems Ltd." in page
    form = sign_form(contract, cast.code("ada", at))
    eu.rollback()
    for missing in ("intent", "authority"):
        left = {name: value for name, value in form.items() if name != missing}
        assert ada.post(where, data=left).status_code == 422
    assert eu.scalars(select(Signature)).all() == []


def test_L12_title_and_authority_are_confirmed_and_kept(
    eu: Session, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    row = stage.sign(eu, contract, "ada", at=at, title="Managing Director")
    assert row.identification["title"] == "Managing Director"
    assert "authority to bind Northwind" in row.identification["authority"]


def test_L13_how_a_person_was_identified_is_kept_and_told(
    eu: Session, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    known = stage.sign(eu, contract, "ada", at=at).identification
    for fact in ("person", "email", "organisation", "roles", "factor", "step", "factor_enrolled_at",
                 "session_started_at", "address", "agent", "signed_at", "version_sha256",
                 "disclosure"):  # fmt: skip
        assert known[fact], fact
    assert all(text for _, text in rules.identified_words(known))


def test_L14_no_door_sets_or_shows_somebody_elses_seed(app: Flask) -> None:
    admin = [rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("admin.")]
    assert not [rule for rule in admin if any(w in rule for w in ("secret", "seed", "password"))]
    assert "code:set" not in PERMISSIONS


def test_L15_page_row_deed_and_log_name_one_hash(
    client_as: Clients, eu: Session, regions: Regions, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    row = stage.sign(eu, contract, "ada", at=at)
    sha256 = row.version_sha256
    assert lines(eu, contract.id)[-1].facts["sha256"] == sha256
    version = current_version(contract)
    assert version is not None
    deed = queries.latest_deed(eu, version)
    assert deed is not None
    pdf = read_document(eu, regions["eu"], queries.document_of(eu, deed))
    assert f"terms {sha256}".encode() in pdf
    eu.rollback()
    page = client_as("ada").get(f"/contracts/{contract.id}/signature/done").text
    assert sha256 in page.replace("</span><span>", "")
    assert all(word in page for word in rules.hash_words(sha256))


@pytest.mark.slow
def test_L16_signing_takes_a_review_before_the_form(
    client_as: Clients, eu: Session, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    eu.rollback()
    ada = client_as("ada")
    assert "/signature" not in ada.get("/contracts").text
    assert "Review again" in ada.get(f"/contracts/{contract.id}/signature").text


def kept(session: Session, regions: Regions) -> dict[str, str]:
    """Return the SHA-256 of everything a contract's record is made of, by name."""
    found = {
        f"{row.kind}/{row.id}": hashlib.sha256(
            read_document(session, regions["eu"], row)
        ).hexdigest()
        for row in session.scalars(select(Document))
    }
    for contract in session.scalars(select(Contract)):
        texts = "\n".join(bodies(session, contract.id))
        found[f"log/{contract.id}"] = hashlib.sha256(texts.encode()).hexdigest()
        for version in contract.versions:
            canonical = canonical_bytes(version.canonical)
            found[f"terms/{version.id}"] = hashlib.sha256(canonical).hexdigest()
            assert found[f"terms/{version.id}"] == version.sha256
    return found


@pytest.mark.home("sealed_home")
@pytest.mark.slow
def test_L17_records_stay_the_same_bytes_after_the_archive_and_after_a_restore(
    eu: Session, regions: Regions, contract: Contract, home: Path, tmp_path: Path
) -> None:
    before = kept(eu, regions)
    assert {name.split("/")[0] for name in before} == {"deed", "final_crl", "log", "terms"}
    with transaction(eu):
        add_fact(eu, contract, "ended", person_id="portal", side=None, at=clock.now())
    day = clock.now().date() + timedelta(days=365)
    assert archive_dates([contract], today=day) == {contract.id: day}
    assert kept(eu, regions) == before
    eu.rollback()
    secret = tmp_path / "secret.key"
    recipient = command(home, "backup-key", "--out", secret).strip()
    command(home, "backup", "--out", tmp_path / "b", "--to", recipient, "--with-keys")
    again = tmp_path / "again"
    command(again, "restore", tmp_path / "b", "--identity", secret)
    app = create_app(settings_for(again))
    with app.app_context():
        restored: Regions = app.extensions["regions"]
        found = kept(restored.session("eu"), restored)
        assert {name: found[name] for name in before if not name.startswith("log/")} == {
            name: sha256 for name, sha256 in before.items() if not name.startswith("log/")
        }
        texts = list(bodies(restored.session("eu"), contract.id))
    close(app)
    assert texts[: len(lines(eu, contract.id))] == list(bodies(eu, contract.id))


def command(home: Path, *words: object) -> str:
    """Run a command over a home and return what it said."""
    done = CliRunner().invoke(
        main, [str(word) for word in words], env={**os.environ, "COUNTERPART_HOME": str(home)}
    )
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.home("sealed_home")
def test_L18_each_side_stores_and_prints_the_deed(client_as: Clients, contract: Contract) -> None:
    for key in ("ben", "dov"):
        answer = client_as(key).get(f"/contracts/{contract.id}/deed.pdf?download=1")
        assert answer.status_code == 200
        assert answer.data.startswith(b"%PDF-")
        assert b"/Encrypt" not in answer.data


def test_L19_when_it_was_sent_and_received_is_recorded_and_a_bounce_is_not_received(
    app: Flask, client_as: Clients, eu: Session, contract: Contract, tmp_path: Path
) -> None:
    mail = eu.scalars(select(RegionMail).where(RegionMail.subject.contains("sign"))).one()
    key = mail.id
    assert (mail.created_at is not None, mail.sent_at) == (True, None)
    eu.rollback()
    with Relay(app.config["SETTINGS"], tmp_path / "mail") as relay:
        carrier = Carrier("Counterpart <p@portal.example>", relay.send, timedelta(minutes=2),
                          lambda person, event: "")  # fmt: skip
        deliver_due(eu, carrier, now=clock.now)
    eu.expire_all()
    assert eu.get_one(RegionMail, key).sent_at is not None
    sent = (tmp_path / "mail" / f"{key}.eml").read_text()
    assert f"Message-ID: <{key}@" in sent
    # Received: the first time the person opens it signed in, and never again.
    notice = eu.scalars(
        select(RegionNotice).where(RegionNotice.person_id == cast.actor("ada").person_id)
    ).one()
    number, unread = notice.id, notice.read_at
    assert unread is None
    eu.rollback()
    assert client_as("ada").post(f"/notices/eu/{number}/reading").status_code == 303
    eu.expire_all()
    assert eu.get_one(RegionNotice, number).read_at is not None
    eu.rollback()
    assert note_bounce(eu, key, "550 no such person", at=clock.now())
    eu.expire_all()
    assert eu.get_one(RegionMail, key).dead_at is not None
    assert "550" in (eu.get_one(RegionMail, key).last_error or "")


def test_every_line_of_the_checklist_has_a_test_of_its_name() -> None:
    named = {
        found[0]
        for path in Path("tests").rglob("test_*.py")
        for found in re.findall(r"def test_(L(\d\d))_", path.read_text("utf-8"))
    }
    assert named == {f"L{number:02}" for number in range(1, 23)}


def test_L21_the_order_is_kept_by_the_server(
    client_as: Clients, eu: Session, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "cleo", at=at)
    form = sign_form(contract, cast.code("cleo", at))
    eu.rollback()
    cleo, where = client_as("cleo"), f"/contracts/{contract.id}/signature"
    assert cleo.get(where).status_code == 409
    assert cleo.post(where, data=form).status_code == 409
    assert eu.scalars(select(Signature)).all() == []


def test_L22_a_version_with_a_signature_has_no_way_to_be_edited(
    eu: Session, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    stage.sign(eu, contract, "ada", at=at)
    from portal.contracts.actions import name_people

    with pytest.raises(Refused, match="frozen"):
        name_people(
            eu, contract, cast.actor("ada"), functions={"owner": cast.actor("ada").person_id},
            signers=[], at=at,
        )  # fmt: skip


def test_a_form_sent_after_the_session_ended_comes_back_after_sign_in(
    app: Flask, client_as: Clients, eu: Session, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    form = sign_form(contract, "123456") | {"title": "Chief of Everything"}
    eu.rollback()
    ada, where = client_as("ada"), f"/contracts/{contract.id}/signature"
    from sqlalchemy import update

    from portal.accounts.models import SignIn
    from portal.kit.db import db

    db.session.execute(update(SignIn).values(ended_at=at))
    db.session.commit()
    answer = ada.post(where, data=form)
    assert answer.status_code == 303
    assert "/sign-in" in answer.headers["Location"]
    assert "signature" in answer.headers["Location"]
    kept = answer.headers["Set-Cookie"]
    assert "Chief" not in kept
    assert "HttpOnly" in kept
    db.session.execute(update(SignIn).values(ended_at=None))
    db.session.commit()
    page = ada.get(where).text
    assert "Chief of Everything" in page
    assert "Nothing was signed" in page
    assert "123456" not in page
    cleo = client_as("cleo")
    cleo.set_cookie("parked", kept.split("parked=")[1].split(";")[0], path=where)
    assert "Chief" not in cleo.get(where).text
    assert eu.scalars(select(Signature)).all() == []
