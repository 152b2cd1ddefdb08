"""A contract moves to another region whole, or not at all, whenever the machine stops."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.admin import actions, queries
from portal.app import create_app
from portal.audit import queries as log
from portal.audit.actions import record
from portal.audit.models import RegionEntry
from portal.cli.running import migrate_all
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.db import REGIONAL, db, transaction
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.negotiation.actions.private import private_chain
from portal.notices.actions import write_mail
from portal.notices.models import RegionMail
from portal.operations.actions import resealing, rotating
from portal.operations.queries import Subject
from portal.residency import rules
from portal.residency.actions import make_data_key, read_document, store_document
from portal.residency.actions import moving as moving_file
from portal.residency.databases import Regions, WrongRegion, file_of, read_or_make_key
from portal.residency.models import DataKey, Document, Move
from portal.residency.rules import Step
from tests import cast
from tests.cluster import databases_of
from tests.conftest import close, settings_for

ADA, DOV = cast.actor("ada"), cast.actor("dov")
CONTENT = b"%PDF-the-deed"
# Where the machine stops: after each durable step, and inside the two that do most.
STOPS = ["frozen", "before the copy is committed", "arrived", "left", "while it is emptied"]
CHILD = """
import importlib, os, signal, sys
from pathlib import Path
from portal.kit import clock
from portal.residency.actions import moving
from portal.residency.databases import Regions
from portal.settings.rules import read_settings

for path in Path("portal").glob("*/models.py"):
    importlib.import_module(f"portal.{path.parent.name}.models")
home, group, stop = sys.argv[1:]
die = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
if stop == "before the copy is committed":
    moving._check_keys = die
if stop == "while it is emptied":
    moving._still = die
found = Regions(read_settings({"COUNTERPART_HOME": home}))
moving.carry_out(
    found["eu"], found["us"], group, now=clock.now,
    told=lambda step: die() if step == stop else None,
)
"""


@pytest.fixture
def us_in_a_file(home: Path) -> None:
    """The region "us" of this home lies in a file, whatever the others lie on."""
    names = databases_of(home)
    path = home / "counterpart.toml"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(line for line in lines if f"@/{names['us']}?" not in line))
    app = create_app(settings_for(home))
    migrate_all(app)
    close(app)


@pytest.fixture
def full(eu: Session, regions: Regions, contract: Contract) -> Contract:
    """A contract with a document, a private chain, and a mail that was sent."""
    at = contract.created_at
    chain = private_chain(contract, Side.VENDOR)
    with transaction(eu):
        document = store_document(
            eu, regions["eu"], contract_id=contract.id, kind="deed", content=CONTENT, at=at
        )
        eu.add(document)
        make_data_key(eu, regions["eu"], contract_id=chain, at=at)
        record(eu, contract.id, "contract:started", actor=ADA.log, at=at)
        record(eu, chain, "negotiation:note:written", actor=ADA.log, at=at)
        write_mail(
            eu, chain=contract.id, dedupe="one", recipient="a@x.example", name="A", subject="S",
            text="T", at=at,
        )  # fmt: skip
        eu.query(RegionMail).update({"sent_at": at})
    mail = eu.scalar(select(RegionMail.id))
    folder = regions["eu"].region.mail_folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{mail}.eml").write_text("sent")
    return contract


def agreed(eu: Session, contract: Contract, regions: Regions) -> None:
    actions.ask_to_move(eu, ADA, contract, to="us", regions=regions, at=clock.now())
    actions.agree_to_move(eu, DOV, contract, at=clock.now())


def rows_left(session: Session, ref: str) -> dict[str, int]:
    """Return how many rows a region holds of a contract, by table, the log apart."""
    found = {}
    for table in db.metadatas[REGIONAL].sorted_tables:
        column = rules.column_of(table.name, table.columns.keys())
        if column is None or table.name in rules.LOG:
            continue
        belongs = moving_file._belongs(table, column, [ref])
        count = session.scalar(select(func.count()).select_from(table).where(belongs))
        if count:
            found[table.name] = count
    return found


def carry_out(regions: Regions) -> list[Step]:
    """Carry out what was agreed, as the worker does: beside no open session of this test."""
    let_go(regions)
    return actions.carry_out_moves(regions, now=clock.now)


def let_go(regions: Regions) -> None:
    """Let go of every lock that reading took."""
    db.session.rollback()
    for _, session in regions.each():
        session.rollback()
        session.expire_all()


def sound(regions: Regions) -> None:
    for _, session in regions.each():
        assert log.check(session)[1] == []
        assert log._tree_of_bodies(session)[1] == []
        session.rollback()


def test_every_table_of_a_region_says_whether_it_moves() -> None:
    for table in db.metadatas[REGIONAL].sorted_tables:
        rules.column_of(table.name, table.columns.keys())


@pytest.mark.slow
@pytest.mark.both_engines
def test_a_moved_contract_lives_whole_in_the_new_region_and_nowhere_else(
    eu: Session, regions: Regions, full: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    ref, before = full.id, rows_left(eu, full.id)
    sealed = eu.execute(text("SELECT title_enc FROM contracts")).scalar()
    wrapped = eu.get_one(DataKey, ref).wrapped
    agreed(eu, full, regions)
    eu.query(RegionMail).update({"sent_at": clock.now()})
    eu.commit()
    assert carry_out(regions) == [Step.DONE]
    us = regions.session("us")
    assert set(rows_left(us, ref)) == set(before) | {"inbox"}
    assert rows_left(eu, ref) == {}
    assert regions.home(ref).region.name == "us"
    there = us.get_one(Contract, ref)
    assert (there.region, there.title) == ("us", "CRM support 2027")
    row = us.scalar(select(Document).where(Document.contract_id == ref))
    assert row is not None and read_document(us, regions["us"], row) == CONTENT
    assert list(regions["eu"].store.each_key()) == []
    assert list(regions["eu"].region.mail_folder.glob("*.eml")) == []
    for path in Path(regions["eu"].region.database[10:]).parent.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            assert sealed not in held and wrapped not in held, path.name
    events = [line.event for line in log.lines(us, ref)]
    assert events[-2:] == ["contract:move:started", "contract:move:arrived"]
    left = eu.scalar(select(RegionEntry.event).where(RegionEntry.chain == "region:eu"))
    assert left == "region:contract:left"
    move, gone = us.scalar(select(Move)), eu.scalar(select(Move))
    assert move is not None and gone is not None and move.digest == gone.digest
    sound(regions)
    let_go(regions)
    assert client_as("cleo").get(f"/contracts/{ref}").status_code == 200
    assert client_as("mal").get(f"/contracts/{ref}").status_code == 404


@pytest.mark.slow
@pytest.mark.both_engines
def test_a_contract_comes_back_to_where_it_began(
    eu: Session, regions: Regions, full: Contract
) -> None:
    there_and_back(eu, regions, full)


@pytest.mark.slow
@pytest.mark.postgres_only
def test_a_contract_moves_from_a_server_to_a_file_and_back(
    us_in_a_file: None, eu: Session, regions: Regions, full: Contract
) -> None:
    assert file_of(regions["us"].region) is not None and file_of(regions["eu"].region) is None
    there_and_back(eu, regions, full)


def there_and_back(eu: Session, regions: Regions, full: Contract) -> None:
    """Move a contract to the other region and back, each time whole and with a log that holds."""
    ref, us = full.id, regions.session("us")
    for session, to in ((eu, "us"), (us, "eu")):
        contract = session.get_one(Contract, ref)
        actions.ask_to_move(session, ADA, contract, to=to, regions=regions, at=clock.now())
        actions.agree_to_move(session, DOV, contract, at=clock.now())
        session.query(RegionMail).update({"sent_at": clock.now()})
        session.commit()
        assert carry_out(regions) == [Step.DONE]
    assert regions.home(ref).region.name == "eu" and rows_left(us, ref) == {}
    assert eu.get_one(Contract, ref).title == "CRM support 2027"
    record(eu, ref, "contract:started", actor=ADA.log, at=clock.now())
    eu.commit()
    sound(regions)


def test_what_is_frozen_is_read_and_not_written(
    eu: Session, regions: Regions, full: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    agreed(eu, full, regions)
    group = eu.scalar(select(Move.group_id))
    moving_file._freeze(eu, group, clock.now())
    with pytest.raises(IntegrityError, match="being moved"), transaction(eu):
        record(eu, full.id, "contract:started", actor=ADA.log, at=clock.now())
    with pytest.raises(IntegrityError, match="being moved"), transaction(eu):
        chain = private_chain(full, Side.VENDOR)
        record(eu, chain, "negotiation:note:written", actor=ADA.log, at=clock.now())
    ref = full.id
    let_go(regions)
    client = client_as("ada")
    assert client.get(f"/contracts/{ref}").status_code == 200
    answer = client.post(f"/contracts/{ref}/withdrawal")
    assert answer.status_code == 409 and "being moved" in answer.text


@pytest.mark.slow
def test_a_move_waits_for_mail_that_is_on_its_way(
    eu: Session, regions: Regions, full: Contract
) -> None:
    agreed(eu, full, regions)
    assert carry_out(regions) == [Step.AGREED]
    assert eu.scalar(select(Move.frozen_at)) is None


@pytest.mark.slow
@pytest.mark.both_engines
def test_a_copy_that_differs_is_not_committed_and_the_source_stays(
    eu: Session, regions: Regions, full: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreed(eu, full, regions)
    eu.query(RegionMail).update({"sent_at": clock.now()})
    eu.commit()
    honest = moving_file._here

    def broken(row: dict[str, Any], table: Any, *more: Any) -> dict[str, Any]:
        copy = honest(row, table, *more)
        return {**copy, "vendor_name": "Elsewhere"} if table.name == "contracts" else copy

    with monkeypatch.context() as patch:
        patch.setattr(moving_file, "_here", broken)
        with pytest.raises(moving_file.CopyDiffers, match="contracts"):
            carry_out(regions)
    assert rows_left(regions.session("us"), full.id) == {}
    assert regions.home(full.id).region.name == "eu"
    assert carry_out(regions) == [Step.DONE]


@pytest.mark.slow
def test_a_contract_whose_keys_are_being_rotated_moves_with_both(
    eu: Session, regions: Regions, full: Contract, context: Flask
) -> None:
    ref, title = full.id, full.title
    agreed(eu, full, regions)
    eu.query(RegionMail).update({"sent_at": clock.now()})
    # Half of it is sealed with the new key by now: the title is, the document is not.
    eu.commit()
    with regions["eu"].open_session() as session:
        resealing._begin(session, regions["eu"], clock.now())
    with regions["eu"].open_session() as session, transaction(session):
        session.get_one(Contract, ref).title = title
    let_go(regions)
    assert carry_out(regions) == [Step.DONE]
    us = regions.session("us")
    assert us.get_one(Contract, ref).title == title
    document = us.scalars(select(Document)).one()
    assert document.generation == 0 and read_document(us, regions["us"], document) == CONTENT
    let_go(regions)
    subject = Subject(context.config["SETTINGS"], regions, clock.now())
    rotating.rotate(subject, "contracts-us")
    rotating.finish(subject, "contracts-us")
    us.expire_all()
    document = us.scalars(select(Document)).one()
    assert document.generation == 1 and read_document(us, regions["us"], document) == CONTENT
    assert list(regions["us"].store.each_key()) == [f"{ref}/{document.id}.1"]


def test_both_sides_must_want_it_and_both_must_allow_the_region(
    eu: Session, regions: Regions, full: Contract
) -> None:
    entries = select(func.count()).select_from(RegionEntry)
    before = eu.scalar(entries)

    def ask(actor: Any = ADA, to: str = "us") -> None:
        actions.ask_to_move(eu, actor, full, to=to, regions=regions, at=clock.now())

    with pytest.raises(NotAllowed):
        ask(cast.actor("cleo"))
    for to in ("eu", "moon"):
        with pytest.raises(Refused, match="allow that region"):
            ask(to=to)
    with pytest.raises(Refused, match="No move"):
        actions.agree_to_move(eu, DOV, full, at=clock.now())
    assert eu.scalar(entries) == before
    ask()
    with pytest.raises(Refused, match="waits already"):
        ask()
    with pytest.raises(Refused, match="other side"):
        actions.agree_to_move(eu, ADA, full, at=clock.now())
    assert carry_out(regions) == []
    actions.withdraw_move(eu, DOV, full, at=clock.now())
    assert queries.open_move(eu, full.id) is None and eu.scalar(entries) == before + 2
    actions.ask_for_regions(DOV, ["eu"], configured=["eu", "us"], at=clock.now())
    with pytest.raises(Refused, match="allow that region"):
        ask()


def test_a_taken_step_of_a_move_stays_in_the_database(
    eu: Session, regions: Regions, full: Contract
) -> None:
    agreed(eu, full, regions)
    for change in ("agreed_at = NULL", "to_region = 'ap'", "contract_id = 'eu-X'"):
        with pytest.raises(IntegrityError, match="stays"), transaction(eu):
            eu.execute(text(f"UPDATE moves SET {change}"))
    with pytest.raises(IntegrityError, match="kept"), transaction(eu):
        eu.execute(text("DELETE FROM moves"))


@pytest.mark.slow
def test_a_move_that_is_killed_at_every_step_ends_well(
    eu: Session, regions: Regions, full: Contract, home: Path
) -> None:
    ref = full.id
    agreed(eu, full, regions)
    eu.query(RegionMail).update({"sent_at": clock.now()})
    eu.commit()
    group = eu.scalar(select(Move.group_id))
    homes = []
    for stop in [*STOPS, "done"]:
        let_go(regions)
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(home), str(group), stop], check=False,
            capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()},
        )  # fmt: skip
        assert child.returncode == -signal.SIGKILL, (stop, child.stderr)
        homes.append(regions.home(ref).region.name)
        assert regions.session(homes[-1]).get_one(Contract, ref).title == "CRM support 2027", stop
        sound(regions)
    assert homes == ["eu", "eu", "us", "us", "us", "us"]
    assert rows_left(eu, ref) == {}
    assert carry_out(regions) == []


@pytest.mark.both_engines
def test_a_missing_key_is_never_made_anew_where_there_is_data(home: Path, tmp_path: Path) -> None:
    (home / "keys" / "region-eu.key").unlink()
    with pytest.raises(WrongRegion, match="put the key file back"):
        create_app(settings_for(home))
    assert not (home / "keys" / "region-eu.key").exists()
    assert len(read_or_make_key(tmp_path / "new.key")) == 32


def test_a_contract_of_no_region_here_is_not_found(regions: Regions) -> None:
    with pytest.raises(NotFound):
        regions.session_of("ap-2222222222")
