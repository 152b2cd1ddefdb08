"""Keys are rotated while others work; a ciphertext opens where it was written, nowhere else."""

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts import actions as accounts
from portal.accounts.actions import address_key
from portal.accounts.actions.forgetting import demand_unused
from portal.accounts.models import Person, UsedAddress
from portal.accounts.pepper import peppers
from portal.audit import queries as log
from portal.contracts.models import Contract
from portal.kit import clock
from portal.kit.db import db, transaction
from portal.kit.errors import Refused
from portal.kit.vault import CannotOpen, Cipher, Ring, Sealed
from portal.notices.models import DirectoryMail
from portal.operations.actions import resealing, rotating
from portal.operations.queries import Subject
from portal.operations.queries.inventory import context_of, inventory, regional_models
from portal.residency.actions import read_document, seal_document_anew, store_document
from portal.residency.databases import RegionDatabase, Regions
from portal.residency.databases import regions as regions_of
from portal.residency.models import DataKey, Document
from portal.signing.keys import portal_keys
from tests import cast
from tests.conftest import make_contract


@pytest.fixture
def subject(context: Flask, regions: Regions) -> Subject:
    """This test's portal, with its keys made."""
    portal_keys(context.config["SETTINGS"], at=clock.now())
    return Subject(context.config["SETTINGS"], regions, clock.now())


def test_every_key_has_its_rotation_or_says_why_not(subject: Subject) -> None:
    """A name that is listed can be rotated by the command that is listed with it."""
    for key in inventory(subject):
        assert key.rotation == f"counterpart keys rotate {key.name}" or (
            not key.rotation and key.note.startswith("Not rotated: ")
        ), key.name


def let_go(regions: Regions) -> None:
    db.session.rollback()
    for _, session in regions.each():
        session.rollback()
        session.expire_all()


def state(subject: Subject, name: str) -> tuple[int | None, int, bool]:
    key = next(key for key in inventory(subject) if key.name == name)
    let_go(subject.regions)
    return key.covers, key.left, key.rotating


def test_every_key_file_is_in_the_inventory_once(subject: Subject) -> None:
    files = [key.file for key in inventory(subject)]
    found = {path.name for path in subject.settings.keys.glob("*.key")}
    assert len(files) == len(set(files)) and found <= set(files)


def test_a_region_key_is_rotated_under_a_process_that_goes_on(
    subject: Subject, eu: Session, contract: Contract
) -> None:
    """`eu` is the session of a process that runs since before; `other` is one that sleeps."""
    regions, ref, title = subject.regions, contract.id, contract.title
    other = RegionDatabase(regions["eu"].region)
    before = regions["eu"].region.key_file.read_bytes()
    assert state(subject, "region-eu") == (1, 0, False)
    heard: list[tuple[int, int]] = []
    let_go(regions)
    rotating.rotate(subject, "region-eu", told=lambda done, of: heard.append((done, of)))
    assert heard[-1] == (1, 1) and state(subject, "region-eu") == (1, 0, True)
    assert regions["eu"].region.key_file.read_bytes() != before
    second = make_contract(eu, regions, "Written after").id
    let_go(regions)
    with other.open_session() as session:
        assert session.get_one(Contract, ref).title == title
        assert session.get_one(Contract, second).title == "Written after"
    let_go(regions)
    rotating.finish(subject, "region-eu")
    assert state(subject, "region-eu") == (2, 0, False)
    with other.open_session() as session:
        assert session.get_one(Contract, ref).title == title


def test_what_was_written_under_the_old_key_meanwhile_keeps_it_until_it_is_wrapped_again(
    subject: Subject, eu: Session, contract: Contract
) -> None:
    ring = subject.regions["eu"].ring
    let_go(subject.regions)
    rotating.rotate(subject, "region-eu")
    row = eu.get_one(DataKey, contract.id)
    context = f"data_keys|wrapped|{row.id}"
    with transaction(eu):
        late = Ring(ring.old_path).seal(ring.open(row.wrapped, context=context), context=context)
        row.wrapped = late
    assert state(subject, "region-eu") == (1, 1, True)
    with pytest.raises(Refused, match="still serves 1"):
        rotating.finish(subject, "region-eu")
    let_go(subject.regions)
    rotating.rotate(subject, "region-eu")
    let_go(subject.regions)
    rotating.finish(subject, "region-eu")
    assert eu.get_one(Contract, contract.id).title == contract.title


def everything(session: Session, ref: str) -> tuple[str, list[str], bytes]:
    """Return what a contract holds, as whoever has its key reads it."""
    row = session.get_one(Contract, ref)
    database = regions_of()["eu"]
    document = session.scalars(select(Document)).one()
    return row.title, [one.name for one in row.slots], read_document(session, database, document)


@pytest.fixture
def filled(eu: Session, regions: Regions, contract: Contract) -> str:
    """A contract with people and a document."""
    document = store_document(
        eu, regions["eu"], contract_id=contract.id, kind="deed", content=b"%PDF-deed",
        at=contract.created_at,
    )  # fmt: skip
    with transaction(eu):
        eu.add(document)
    return contract.id


@pytest.mark.slow
def test_the_keys_of_contracts_are_rotated_under_a_process_that_goes_on(
    subject: Subject, eu: Session, filled: str
) -> None:
    """`eu` has read everything before, and holds the keys it read it with."""
    database = subject.regions["eu"]
    held, wrapped = everything(eu, filled), eu.get_one(DataKey, filled).wrapped
    before = Cipher(database.unwrap(filled, wrapped))
    heard: list[tuple[int, int]] = []
    let_go(subject.regions)
    rotating.rotate(subject, "contracts-eu", told=lambda done, of: heard.append((done, of)))
    assert heard == sorted(heard) and heard[-1][0] == heard[-1][1] > 5
    assert state(subject, "contracts-eu") == (1, 0, True)
    assert everything(eu, filled) == held
    let_go(subject.regions)
    rotating.finish(subject, "contracts-eu")
    assert state(subject, "contracts-eu") == (1, 0, False)
    assert everything(eu, filled) == held
    # The key before opens nothing of it any more, neither in rows nor in the store.
    document = eu.scalars(select(Document)).one()
    assert document.generation == 1 and eu.get_one(DataKey, filled).wrapped_before is None
    assert list(database.store.each_key()) == [f"{filled}/{document.id}.1"]
    for model, columns in regional_models():
        for row in eu.scalars(select(model)):
            for column in columns:
                sealed = getattr(row, column.column)
                with pytest.raises(CannotOpen):
                    before.open(sealed or b"", context=context_of(row, column))
    # The walls stand again.
    with pytest.raises(IntegrityError, match="never changed"), transaction(eu):
        eu.execute(text("UPDATE documents SET kind = 'x'"))


@pytest.mark.slow
def test_a_rotation_of_contracts_that_is_cut_off_anywhere_goes_on_with_the_same_keys(
    subject: Subject, eu: Session, filled: str
) -> None:
    held = everything(eu, filled)
    let_go(subject.regions)

    class CutOff(Exception):
        pass

    for step in range(1, 60):
        heard: list[int] = []

        def told(done: int, of: int, heard: list[int] = heard, step: int = step) -> None:
            heard.append(done)
            if len(heard) == step:
                raise CutOff

        try:
            rotating.rotate(subject, "contracts-eu", told=told)
        except CutOff:
            let_go(subject.regions)
            assert everything(eu, filled) == held
            let_go(subject.regions)
            continue
        break
    assert len(heard) < step and eu.get_one(DataKey, filled).generation == 1
    let_go(subject.regions)
    rotating.finish(subject, "contracts-eu")
    assert everything(eu, filled) == held


@pytest.mark.slow
def test_a_document_stored_anew_whose_row_was_not_told_is_taken_up(
    subject: Subject, eu: Session, filled: str
) -> None:
    database = subject.regions["eu"]
    let_go(subject.regions)
    with database.open_session() as session:
        resealing._begin(session, database, subject.at)
        row = session.scalars(select(Document)).one()
        assert seal_document_anew(session, database, row) == 1
    assert len(list(database.store.each_key())) == 2
    rotating.rotate(subject, "contracts-eu")
    rotating.finish(subject, "contracts-eu")
    assert len(list(database.store.each_key())) == 1
    assert everything(eu, filled)[2] == b"%PDF-deed"


@pytest.mark.slow
def test_the_keys_before_stay_while_a_slow_process_still_seals_with_them(
    subject: Subject, eu: Session, filled: str
) -> None:
    database = subject.regions["eu"]
    before = Cipher(database.unwrap(filled, eu.get_one(DataKey, filled).wrapped))
    let_go(subject.regions)
    rotating.rotate(subject, "contracts-eu")
    row = eu.get_one(Contract, filled)
    place = f"contracts|title_enc|{filled}|{filled}"
    with transaction(eu):
        row.title_enc = before.seal(b'"Written late"', context=place)
    assert state(subject, "contracts-eu") == (1, 1, True)
    with pytest.raises(Refused, match="still open 1"):
        rotating.finish(subject, "contracts-eu")
    let_go(subject.regions)
    assert eu.get_one(Contract, filled).title == "Written late"
    let_go(subject.regions)
    rotating.rotate(subject, "contracts-eu")
    rotating.finish(subject, "contracts-eu")
    assert eu.get_one(Contract, filled).title == "Written late"
    let_go(subject.regions)
    with pytest.raises(Refused, match="No rotation"):
        rotating.finish(subject, "contracts-eu")


@pytest.mark.slow
def test_a_regions_key_is_rotated_while_the_keys_of_contracts_are(
    subject: Subject, eu: Session, filled: str
) -> None:
    held = everything(eu, filled)
    let_go(subject.regions)
    rotating.rotate(subject, "contracts-eu")
    rotating.rotate(subject, "region-eu")
    assert state(subject, "region-eu") == (1, 0, True)
    rotating.finish(subject, "region-eu")
    assert everything(eu, filled) == held
    let_go(subject.regions)
    rotating.finish(subject, "contracts-eu")
    assert everything(eu, filled) == held


def test_the_directorys_key_is_rotated_and_every_factor_still_opens(subject: Subject) -> None:
    covers, left, _ = state(subject, "directory")
    assert covers and left == 0
    rotating.rotate(subject, "directory")
    assert state(subject, "directory") == (covers, 0, True)
    rotating.finish(subject, "directory")
    db.session.expire_all()
    secrets = {one.totp_secret for one in db.session.scalars(select(Person))}
    assert secrets == set(cast.SECRETS.values())


def test_the_key_of_root_and_seal_is_rotated_and_the_seal_renewed_under_the_same_root(
    subject: Subject,
) -> None:
    before = portal_keys(subject.settings, at=subject.at)
    rotating.rotate(subject, "signing")
    rotating.finish(subject, "signing")
    same = portal_keys(subject.settings, at=subject.at)
    rotating.renew_seal(subject)
    after = portal_keys(subject.settings, at=subject.at)
    pems = [keys.root.certificate_pem for keys in (before, same, after)]
    assert len(set(pems)) == 1
    seals = [keys.unit.certificate.serial_number for keys in (before, same, after)]
    assert seals[0] == seals[1] != seals[2]


def test_the_pepper_is_rotated_and_old_recovery_codes_count_until_they_are_made_anew(
    subject: Subject,
) -> None:
    """Ada and Ben hold ten codes each; both peppers count, and none goes while a code needs it."""
    settings = subject.settings
    people = {one.name.split()[0].lower(): one.id for one in db.session.scalars(select(Person))}
    old = {
        one: accounts.make_recovery_codes(people[one], peppers=peppers(settings), at=subject.at)
        for one in ("ada", "ben")
    }
    address_key(settings)
    assert state(subject, "pepper") == (20, 0, False)
    rotating.rotate(subject, "pepper")
    assert state(subject, "pepper") == (20, 20, True)

    def use(one: str, code: str) -> bool:
        known = peppers(settings)
        return accounts.spend_recovery_code(
            people[one], code, peppers=known, at=subject.at
        ).accepted

    assert use("ada", old["ada"][0]) and not use("ada", old["ada"][0])
    assert not use("ada", old["ben"][0])
    fresh = accounts.make_recovery_codes(people["ada"], peppers=peppers(settings), at=subject.at)
    assert not use("ada", old["ada"][1]) and use("ada", fresh[0])
    with pytest.raises(Refused, match=r"serves 10\..*--reset"):
        rotating.finish(subject, "pepper")
    let_go(subject.regions)
    with pytest.raises(Refused, match="without --reset"):
        rotating.finish(subject, "directory", reset=True)
    count_of_mails = select(func.count()).select_from(DirectoryMail)
    mails = db.session.scalar(count_of_mails) or 0
    rotating.finish(subject, "pepper", reset=True)
    assert state(subject, "pepper") == (9, 0, False)
    assert db.session.scalar(count_of_mails) == mails + 1
    [last] = log.last_lines(db.session(), people["ben"], most=1)
    assert last.event == "person:recovery_codes:ended" and last.facts == {"count": 10}
    assert not use("ben", old["ben"][0]) and use("ada", fresh[1])


def test_a_pepper_whose_codes_are_all_gone_is_retired_without_a_word(subject: Subject) -> None:
    rotating.rotate(subject, "pepper")
    rotating.finish(subject, "pepper")
    assert state(subject, "pepper") == (0, 0, False)


def test_an_erased_persons_address_stays_taken_when_the_pepper_is_rotated(
    subject: Subject,
) -> None:
    """Also one that was hashed with the pepper itself, before it had a key of its own."""
    pepper = peppers(subject.settings).present
    first = hmac.new(pepper, b"address|old@x.example", hashlib.sha256).hexdigest()
    with transaction(db.session) as session:
        session.add(UsedAddress(id=first, person_id="PER", at=subject.at))
    rotating.rotate(subject, "pepper")
    rotating.finish(subject, "pepper")
    with pytest.raises(Refused, match="given to nobody else"):
        demand_unused(db.session(), "old@x.example")
    demand_unused(db.session(), "new@x.example")


def test_a_rotation_that_was_cut_off_goes_on_with_the_same_command(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    path.write_bytes(b"1" * 32)
    path.with_name("a.key.old").write_bytes(b"1" * 32)
    rotating.begin(path)
    made = path.read_bytes()
    assert made != b"1" * 32 and Ring(path).old_path.read_bytes() == b"1" * 32
    rotating.begin(path)
    assert path.read_bytes() == made


@pytest.mark.parametrize(
    "name", ["addresses", "log-moon", "region-moon", "contracts-moon", "nothing"]
)
@pytest.mark.slow
def test_a_key_that_must_stay_is_not_rotated(subject: Subject, name: str) -> None:
    with pytest.raises(Refused, match="is not a key"):
        rotating.rotate(subject, name)
    with pytest.raises(Refused):
        rotating.finish(subject, name)


def test_only_the_portal_administrator_sees_the_keys(
    client_as: Callable[[str], FlaskClient],
) -> None:
    page = client_as("op").get("/portal/keys")
    assert page.status_code == 200 and "counterpart keys rotate region-eu" in page.text
    for person in ("ada", "mal"):
        assert client_as(person).get("/portal/keys").status_code == 404


def test_no_ciphertext_opens_in_another_row_column_or_contract(
    eu: Session, regions: Regions, contract: Contract
) -> None:
    """Every sealed value of two contracts, written into every other's place."""
    other = make_contract(eu, regions, "Another title")
    places = []
    for one in (contract, other):
        for row in (one, *one.stakeholders, *one.slots):
            for kind in type(row).__mro__:
                places += [(row, d) for d in vars(kind).values() if isinstance(d, Sealed)]
    assert len(places) > 30
    opened = 0
    for row, column in places:
        own = getattr(row, column.column)
        for source, other_column in places:
            if (source, other_column) == (row, column):
                continue
            setattr(row, column.column, getattr(source, other_column.column))
            with pytest.raises(CannotOpen):
                column.__get__(row)
            setattr(row, column.column, own)
            opened += 1
        assert column.__get__(row)
    assert opened == len(places) * (len(places) - 1)
    eu.rollback()
