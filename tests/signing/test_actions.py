"""The act of signing on a real database: what it writes, what it refuses, and the deed after it."""

import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor
from portal.audit.queries import lines
from portal.contracts.actions import add_fact
from portal.contracts.models import Contract, Fact
from portal.contracts.queries import current_version, state
from portal.contracts.rules.life import Side, State
from portal.kit import clock
from portal.kit.db import transaction
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.notices.models import RegionMail
from portal.residency.actions import read_document
from portal.residency.databases import Regions
from portal.signing import actions, keys, queries, rules
from portal.signing.jobs import line, run_jobs
from portal.signing.jobs import steps as deed_steps
from portal.signing.models import Consent, Deed, IssuingKey, SealFailure, Signature, SpentCode
from portal.signing.validation import validate
from tests import cast
from tests.conftest import settings_for
from tests.signing import stage


@pytest.fixture
def at() -> datetime:
    return clock.now()


def counts(session: Session) -> dict[str, int]:
    """Count the rows an act may write."""
    session.rollback()
    return {
        table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
        for table in (Consent, Signature, SpentCode, Deed, Fact, RegionMail, SealFailure)
    } | {"entries": len(lines(session, session.query(Contract).one().id))}


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


@pytest.mark.slow
def test_a_frozen_contract_gets_a_deed_and_its_first_signer_a_mail(
    eu: Session, contract: Contract, at: datetime
) -> None:
    assert state(contract, today=at.date()) is State.SIGNING
    assert stage.events(eu, contract) == ["signing:deed:prepared"]
    (mail,) = eu.scalars(select(RegionMail)).all()
    assert mail.recipient == "ada@northwind.example"
    assert f"/contracts/{contract.ref}/sign" in mail.text
    assert contract.title not in mail.subject + mail.text


def test_a_signature_is_one_row_one_entry_and_one_mail_to_the_next(
    eu: Session, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    before = counts(eu)
    row = stage.sign(eu, contract, "ada", at=at)
    # The invitation goes to the next signer; the receipts come with the checkpoint.
    assert grown(before, counts(eu)) == {
        "signatures": 1, "spent_codes": 1, "facts": 1, "outbox": 1, "entries": 1,
    }  # fmt: skip
    entry = lines(eu, contract.id)[-1]
    assert entry.event == "signing:signature:signed"
    assert (entry.facts["sha256"], entry.facts["remaining"]) == (row.version_sha256, 3)
    recipients = Counter(mail.recipient for mail in eu.scalars(select(RegionMail)))
    assert recipients["nia@northwind.example"] == 1


def test_how_a_person_was_identified_is_told_in_words(
    eu: Session, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    stage.sign(eu, contract, "ada", at=at, title="  Chief  Operating Officer ")
    version = current_version(contract)
    assert version is not None
    told = dict(queries.signatures_of(eu, version)[0].identified)
    assert told["Signed as"] == "Ada Keane, Chief Operating Officer"
    assert told["Account"].startswith("ada@northwind.example")
    assert "TOTP" in told["Second factor"]
    assert told["Network address"] == "192.0.2.7"
    assert version.sha256 in told["Agreement"]
    assert told["Intent"].startswith("I intend to sign this agreement on behalf of Northwind")


Refusal = Callable[[Session, Contract, datetime], object]


def _without_consent(eu: Session, contract: Contract, at: datetime) -> object:
    actions.withdraw_consent(eu, cast.actor("ada"), contract, at=at)
    return stage.sign(eu, contract, "ada", at=at)


def _after_voiding(eu: Session, contract: Contract, at: datetime) -> object:
    version = current_version(contract)
    assert version is not None
    with transaction(eu):
        version.voided_at = at
    return stage.sign(eu, contract, "ada", at=at, sha256=version.sha256)


def _after_withdrawing(eu: Session, contract: Contract, at: datetime) -> object:
    with transaction(eu):
        add_fact(
            eu, contract, "withdrawn", person_id="x", side=Side.VENDOR, at=at, reason="No need"
        )
    return stage.sign(eu, contract, "ada", at=at)


REFUSALS: dict[str, tuple[type[Exception], str, Refusal]] = {
    "stale version": (
        Refused, "changed", lambda s, c, at: stage.sign(s, c, "ada", at=at, sha256="0" * 64)
    ),
    "out of order": (
        Refused, "Ada Keane signs next", lambda s, c, at: stage.sign(s, c, "cleo", at=at)
    ),
    "no intent": (Refused, "intend", lambda s, c, at: stage.sign(s, c, "ada", at=at, intent="")),
    "no authority": (
        Refused, "authority", lambda s, c, at: stage.sign(s, c, "ada", at=at, authority="no")
    ),
    "no title": (Refused, "title", lambda s, c, at: stage.sign(s, c, "ada", at=at, title=" ")),
    "no consent": (Refused, "Consent", _without_consent),
    "not a signatory": (NotAllowed, "role", lambda s, c, at: stage.sign(s, c, "ben", at=at)),
    "a stranger": (NotFound, "", lambda s, c, at: stage.sign(s, c, "mal", at=at)),
    "a voided version": (Refused, "not frozen", _after_voiding),
    "a withdrawn contract": (Refused, "no longer open", _after_withdrawing),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.slow
def test_a_refusal_leaves_nothing(eu: Session, contract: Contract, at: datetime, name: str) -> None:
    error, word, act = REFUSALS[name]
    for key in ("ada", "cleo"):
        stage.consent(eu, contract, key, at=at)
    before = counts(eu)
    with pytest.raises(error) as told:
        act(eu, contract, at)
    assert word in str(told.value)
    after = counts(eu)
    assert after["signatures"] == after["spent_codes"] == 0
    if name not in {"no consent", "a withdrawn contract"}:
        assert after == before


def test_a_second_press_changes_nothing(eu: Session, contract: Contract, at: datetime) -> None:
    stage.consent(eu, contract, "ada", at=at)
    stage.sign(eu, contract, "ada", at=at)
    before = counts(eu)
    with pytest.raises(actions.AlreadySigned):
        stage.sign(eu, contract, "ada", at=at, step=int(at.timestamp()) // 30 + 1)
    assert counts(eu) == before


@pytest.mark.both_engines
def test_a_step_signs_once_in_a_region_even_out_of_order(
    eu: Session, contract: Contract, at: datetime
) -> None:
    step = int(at.timestamp()) // 30
    stage.consent(eu, contract, "ada", at=at)
    with transaction(eu):
        eu.add(SpentCode(person_id=cast.actor("ada").person_id, region="eu", step=step))
    for used in (step, step - 1):
        with pytest.raises(Refused, match="already used"):
            stage.sign(eu, contract, "ada", at=at, step=used)
    assert eu.scalar(select(func.count()).select_from(Signature)) == 0
    stage.sign(eu, contract, "ada", at=at, step=step + 1)
    assert eu.scalars(select(SpentCode)).one().step == step + 1


def test_consent_is_stored_once_with_the_text_shown(
    eu: Session, contract: Contract, at: datetime
) -> None:
    before = counts(eu)
    for _ in range(2):
        stage.consent(eu, contract, "ada", at=at)
    assert grown(before, counts(eu)) == {"consents": 1, "entries": 1}
    with pytest.raises(Refused, match="changed"):
        actions.give_consent(
            eu, cast.actor("nia"), contract, shown_sha256="0" * 64, covers=rules.SIGNING_ONLY,
            demonstrated=True, at=at,
        )  # fmt: skip
    with pytest.raises(NotAllowed):
        stage.consent(eu, contract, "ben", at=at)


def test_a_withdrawn_consent_can_be_given_again_and_leaves_a_signature_as_it_is(
    eu: Session, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    stage.sign(eu, contract, "ada", at=at)
    actions.withdraw_consent(eu, cast.actor("ada"), contract, at=at)
    version = current_version(contract)
    assert version is not None
    assert queries.signatures_of(eu, version)[0].is_signed
    assert stage.events(eu, contract)[-1] == "signing:consent:withdrawn"
    assert "Ada Keane" not in {person.name for person in actions.everyone(eu, contract)}
    with pytest.raises(Refused, match="no consent"):
        actions.withdraw_consent(eu, cast.actor("ada"), contract, at=at)
    stage.consent(eu, contract, "ada", at=at)
    assert "Ada Keane" in {person.name for person in actions.everyone(eu, contract)}


def test_a_signer_may_decline_with_a_reason_and_nobody_signs_after(
    eu: Session, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    before = counts(eu)
    lena: Actor = cast.actor("lena")
    with pytest.raises(Refused, match="reason"):
        actions.decline(eu, lena, contract, reason="  ", at=at)
    assert counts(eu) == before
    actions.decline(eu, lena, contract, reason="We sign on paper", at=at)
    assert grown(before, counts(eu)) == {"facts": 1, "entries": 1, "outbox": 4}
    assert state(contract, today=at.date()) is State.DECLINED
    assert "paper" not in str(lines(eu, contract.id)[-1].facts)
    with pytest.raises(Refused, match="no longer open"):
        stage.sign(eu, contract, "ada", at=at)


@pytest.mark.slow
def test_the_pdf_follows_the_act_slot_by_slot(
    eu: Session, regions: Regions, contract: Contract, at: datetime
) -> None:
    for number, key in enumerate(("ada", "nia"), 1):
        stage.consent(eu, contract, key, at=at)
        stage.sign(eu, contract, key, at=at)
        assert stage.work(eu, regions, contract, at=at) == 1
        version = current_version(contract)
        assert version is not None
        deed = queries.latest_deed(eu, version)
        assert deed is not None
        assert (deed.revision, deed.kind) == (number, "signed")
        assert lines(eu, contract.id)[-1].facts["deed_sha256"] == deed.sha256
    assert stage.work(eu, regions, contract, at=at) == 0


@pytest.mark.slow
@pytest.mark.both_engines
def test_two_workers_at_one_step_file_one_revision(
    eu: Session, regions: Regions, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    stage.sign(eu, contract, "ada", at=at)
    settings, ref = settings_for(regions["eu"].region.key_file.parents[1]), contract.id
    bench = line._bench(regions["eu"], eu, settings, ref, at=at)
    assert bench is not None
    before = queries.latest_deed(eu, bench.version)
    mine = deed_steps.apply_signature(bench, before)
    # Whoever signs holds no lock meanwhile: another worker gets on.
    assert not eu.in_transaction()
    with regions["eu"].open_session() as other:
        assert line.advance(regions["eu"], other, settings, ref, at=at) == 1
    entries = stage.events(eu, contract)
    line._file(bench, before, mine)
    assert stage.events(eu, contract) == entries
    assert [d.revision for d in eu.scalars(select(Deed).order_by(Deed.revision))] == [0, 1]


@pytest.mark.slow
def test_a_failure_is_told_to_both_sides_waits_and_is_then_mended(
    eu: Session, regions: Regions, contract: Contract, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    stage.sign(eu, contract, "ada", at=at)
    folder = regions["eu"].region.key_file.parent
    hidden = folder / "elsewhere.json"
    (folder / keys.PAIRS_FILE).rename(hidden)
    (folder / keys.PAIRS_FILE).write_text("{}")
    assert stage.work(eu, regions, contract, at=at) == 0
    told = queries.sealing_state(eu, contract)
    assert told is not None
    assert told.failed_at == at
    assert stage.events(eu, contract)[-1] == "signing:deed:failed"
    hidden.replace(folder / keys.PAIRS_FILE)
    assert stage.work(eu, regions, contract, at=at + timedelta(seconds=59)) == 0
    assert stage.work(eu, regions, contract, at=at + timedelta(seconds=60)) == 1
    told = queries.sealing_state(eu, contract)
    assert told is not None
    assert told.failed_at is None


def test_a_deed_is_not_set_from_other_texts_than_the_pinned_ones(
    eu: Session, contract: Contract
) -> None:
    version = current_version(contract)
    assert version is not None
    document = version.canonical
    document["pins"]["standard"]["sha256"] = "0" * 64

    class Forged:
        canonical = document
        sha256 = version.sha256

    with pytest.raises(deed_steps.CannotSeal, match="standard"):
        deed_steps.deed_of(
            Forged(), operator="x", region_label="x", entry_head=None,  # type: ignore[arg-type]
        )  # fmt: skip


@pytest.mark.home("sealed_home")
@pytest.mark.slow
@pytest.mark.both_engines
def test_four_signers_give_one_sealed_deed_that_holds(
    eu: Session, regions: Regions, contract: Contract, at: datetime, tmp_path: Path
) -> None:
    assert state(contract, today=at.date()) in {State.COMPLETED, State.IN_FORCE}
    deeds = list(eu.scalars(select(Deed).order_by(Deed.revision)))
    assert [d.kind for d in deeds] == ["prepared", *["signed"] * 4, "sealed"]
    events = Counter(stage.events(eu, contract))
    assert events["signing:signature:signed"] == 4
    assert events["signing:deed:sealed"] == 1
    last = lines(eu, contract.id)[-1]
    assert (last.event, last.facts["deed_sha256"]) == ("signing:deed:sealed", deeds[-1].sha256)
    issuing = eu.scalars(select(IssuingKey)).one()
    assert (issuing.key_enc, issuing.destroyed_at is not None) == (None, True)
    pdf = read_document(eu, regions["eu"], queries.document_of(eu, deeds[-1]))
    root = keys.root_pem(settings_for(regions["eu"].region.key_file.parents[1]))
    report = validate(pdf, root_pem=root, known_sha256=deeds[-1].sha256)
    assert report.ok, report.errors()
    signers = [one for one in report.signatures if one.kind == "signer"]
    assert [one.name for one in signers] == ["Ada Keane", "Nia Ferrand", "Cleo Marsh", "Lena Hart"]
    version = current_version(contract)
    assert version is not None
    assert report.terms_sha256 == version.sha256
    file = tmp_path / "deed.pdf"
    file.write_bytes(pdf)
    shown = subprocess.run(["pdfsig", "-nocert", file], capture_output=True, text=True).stdout
    assert shown.count("Signature is Valid") >= 6


@pytest.mark.home("sealed_home")
def test_both_sides_have_the_hashes_of_the_sealed_deed_by_mail(
    eu: Session, contract: Contract
) -> None:
    version = current_version(contract)
    assert version is not None
    deed = queries.latest_deed(eu, version)
    assert deed is not None
    mails = eu.scalars(select(RegionMail).where(RegionMail.subject.contains("sealed"))).all()
    assert {mail.recipient.split("@")[0] for mail in mails} == set(stage.SIGNERS)
    assert all(deed.sha256 in mail.text and version.sha256 in mail.text for mail in mails)


@pytest.mark.home("sealed_home")
def test_a_sealed_contract_needs_no_more_work(
    eu: Session, regions: Regions, contract: Contract, at: datetime
) -> None:
    before = counts(eu)
    eu.rollback()
    settings = settings_for(regions["eu"].region.key_file.parents[1])
    assert run_jobs(regions, settings, at=at) == 0
    assert counts(eu) == before
    version = current_version(contract)
    assert version is not None
    sealed = queries.latest_deed(eu, version)
    assert sealed is not None
    again = Deed(
        id="X" * 26, region="eu", contract_id=contract.id, version_id=version.id,
        revision=sealed.revision, kind="sealed", document_id=sealed.document_id,
        sha256=sealed.sha256, made_at=at,
    )  # fmt: skip
    with pytest.raises(IntegrityError), transaction(eu):
        eu.add(again)
        eu.flush()
