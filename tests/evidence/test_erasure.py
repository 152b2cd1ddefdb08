"""A person's data is erased, and nothing that was proven before is any less proven."""

from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from portal.accounts.models import Membership, Person, SignIn
from portal.audit import queries as log
from portal.audit.actions import record
from portal.cli import main
from portal.contracts.models import Contract, SignerSlot, Stakeholder
from portal.evidence.actions import erase_person, keep_log
from portal.evidence.rules.reading import check_bundle
from portal.kit import clock
from portal.kit.db import db, transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.residency.databases import Regions
from tests import cast
from tests.evidence.conftest import Scene, as_told

DOV = cast.actor("dov")


@pytest.fixture
def at() -> datetime:
    """The instant of the test."""
    return clock.now()


@pytest.fixture
def acted(drafted: Scene, at: datetime) -> Scene:
    """A draft in which dov has a place, acted twice, and was told."""
    session, ref = drafted.session, drafted.contract.id
    with transaction(session):
        put(
            session,
            Stakeholder(id=new_id(at), region="eu", contract_id=ref, side="customer",
                        person_id=DOV.person_id, function="it"),
            name=DOV.name, email=DOV.email,
        )  # fmt: skip
        for who in ("dov", "ada", "dov"):
            record(session, ref, "negotiation:round:sent", actor=cast.actor(who).log, at=at,
                   facts={"number": 1, "sha256": "0" * 64})  # fmt: skip
    session.expire_all()
    keep_log(session, drafted.signer, at=at)
    return drafted


def everything(session: Session) -> str:
    """Return every readable byte of a database, and every sealed value opened."""
    names = inspect(session.connection()).get_table_names()
    rows = [row for name in names for row in session.execute(text(f'SELECT * FROM "{name}"'))]
    told = "\n".join(str(row) for row in rows)
    for chain in {row[0] for row in session.execute(text("SELECT DISTINCT chain FROM entries"))}:
        told += "\n".join(str(line) for line in log.lines(session, chain))
    session.commit()
    return told


@pytest.mark.both_engines
def test_after_an_erasure_no_name_is_left_and_every_proof_holds(
    acted: Scene, script: ModuleType, at: datetime
) -> None:
    session, ref = acted.session, acted.contract.id
    before, held = acted.bundle(), acted.receipts()
    assert DOV.name in everything(session)
    done = erase_person(acted.regions, DOV.email, at=at)
    session.expire_all()
    assert (done.contracts, done.signed) == ([ref], [])
    left = everything(session) + everything(db.session())
    assert DOV.name not in left
    assert DOV.email not in left
    assert log.check(session)[1] == log.check(db.session())[1] == []
    assert log.check_tree(session, acted.signer, held) == []
    lines = log.lines(session, ref)
    assert [line.name for line in lines] == [
        "Someone (erased)", "Ada Keane", "Someone (erased)", "The portal",
    ]  # fmt: skip
    assert lines[-1].event == "contract:person:erased"
    assert len(lines[-1].facts["commitments"]) == 1
    keep_log(session, acted.signer, at=at)
    after = acted.bundle()
    assert DOV.name.encode() in before
    assert DOV.name.encode() not in after
    for bundle in (before, after):
        found = check_bundle(bundle, receipts=held)
        # The rounds of this test say nothing, so their files are missing: nothing else is wrong.
        assert {f.code for f in found.findings if f.level == "error"} <= {"file-missing"}
        codes = {f["code"] for f in script.verify(bundle, [as_told(r) for r in held]).findings}
        assert codes - {"file-missing"} == {f.code for f in found.findings} - {"file-missing"}
    assert "erased" in {f.code for f in check_bundle(after).findings}


def test_the_erased_person_is_locked_out_and_may_be_nobody_again(
    acted: Scene, at: datetime
) -> None:
    erase_person(acted.regions, DOV.email.upper(), at=at)
    person = db.session.get_one(Person, DOV.person_id)
    assert (person.name, person.deactivated_at) == ("Erased person", at)
    assert person.totp_secret_enc is None
    rows = db.session.query(Membership).filter_by(person_id=DOV.person_id)
    assert all(row.ended_at is not None for row in rows)
    assert db.session.query(SignIn).filter_by(person_id=DOV.person_id).count() == 0
    with pytest.raises(NotFound):
        erase_person(acted.regions, DOV.email, at=at)


@pytest.mark.parametrize("who", ["ada", "nia"])
def test_whom_a_contract_still_needs_is_not_erased(acted: Scene, at: datetime, who: str) -> None:
    person = cast.actor(who)
    before = acted.session.scalar(text("SELECT count(*) FROM entries"))
    acted.session.commit()
    with pytest.raises(Refused, match=acted.contract.id):
        erase_person(acted.regions, person.email, at=at)
    assert acted.session.scalar(text("SELECT count(*) FROM entries")) == before
    assert db.session.get_one(Person, person.person_id).name == person.name


@pytest.mark.slow
def test_what_somebody_signed_stays_whole(told: Scene, script: ModuleType) -> None:
    before, at = told.receipts(), clock.now()
    slot = next(s for s in told.contract.slots if s.name == "Lena Hart")
    email, slot_id = slot.email, slot.id
    told.session.commit()
    done = erase_person(told.regions, email, at=at)
    assert done.signed == [told.contract.id]
    told.session.expire_all()
    row = told.session.get_one(SignerSlot, slot_id)
    assert (row.name, row.email) == ("Lena Hart", "")
    told.session.commit()
    keep_log(told.session, told.signer, at=at)
    bundle = told.bundle()
    assert check_bundle(bundle, receipts=before).ok
    check = script.verify(bundle, [as_told(receipt) for receipt in before])
    assert check.ok, check.findings
    assert [one[0] for one in check.signers if one[0].startswith("Lena")] == ["Lena Hart"]


def test_an_interrupted_erasure_is_finished_by_asking_again(
    acted: Scene, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.evidence.actions import erasing

    def stop(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(erasing, "forget_person", stop)
        erase_person(acted.regions, DOV.email, at=at)
    count = "SELECT count(*) FROM entries WHERE event = 'contract:person:erased'"
    assert acted.session.scalar(text(count)) == 1
    acted.session.commit()
    assert erase_person(acted.regions, DOV.email, at=at).contracts == []
    assert acted.session.scalar(text(count)) == 1
    assert db.session.get_one(Person, DOV.person_id).name == "Erased person"


@pytest.mark.slow
def test_the_command_erases_and_says_what_stays(
    acted: Scene, home: Path, regions: Regions, contract: Contract
) -> None:
    acted.session.commit()
    db.session.rollback()

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, words, env={"COUNTERPART_HOME": str(home)})

    assert "still needed" in str(run("erase", "ada@northwind.example", "--yes").exception)
    assert "every proof still holds" in run("erase", DOV.email, "--yes").output
    assert run("erase", DOV.email, "--yes").exit_code == 1
    assert run("audit", "verify").exit_code == 0
