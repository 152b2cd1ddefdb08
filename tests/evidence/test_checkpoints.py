"""Signing the log of a region: when, over what, and when the signer refuses."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.audit import queries as log
from portal.audit import rules
from portal.audit.actions import record
from portal.audit.models import Branch, Leaf
from portal.audit.rules import Actor, Tree, open_note, read_receipt, tree
from portal.audit.signer import Forked, Signer, signer_of
from portal.contracts.models import Contract
from portal.evidence.actions import keep_log, keep_logs
from portal.kit import clock
from portal.kit.db import transaction
from portal.notices.models import RegionMail
from portal.residency.databases import Regions
from portal.signing.rules import hash_words
from tests.conftest import make_contract, settings_for
from tests.tampering import walls_down

pytestmark = pytest.mark.both_engines

CLEO = Actor("p1", "Cleo Marsh", "o1", "Harbour Retail Inc")
MINOR, MAJOR = "contract:step:finished", "negotiation:round:sent"
HOUR = timedelta(hours=1)


@pytest.fixture
def signer(regions: Regions) -> Signer:
    """The signer of the region "eu"."""
    region = regions["eu"].region
    return signer_of(settings_for(region.key_file.parents[1]), region)


@pytest.fixture
def at() -> datetime:
    """The instant of the test."""
    return clock.now()


def write(session: Session, chain: str, *events: str) -> None:
    for event in events:
        with transaction(session):
            record(session, chain, event, actor=CLEO, at=clock.now(), facts={"number": 1})


def unwalled(session: Session, *statements: str) -> None:
    """Do what an operator with all rights over the database can do."""
    with walls_down(session) as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_the_order_of_a_region_is_dense_over_all_contracts(
    eu: Session, regions: Regions, contract: Contract
) -> None:
    other = make_contract(eu, regions)
    for chain in (contract.id, other.id, contract.id, other.id, other.id):
        write(eu, chain, MINOR)
    rows = [(e.place, e.chain, e.seq) for e in log.placed_since(eu, 0)]
    one, two = contract.id, other.id
    assert rows == [(0, one, 1), (1, two, 1), (2, one, 2), (3, two, 2), (4, two, 3)]
    assert log.size_of(eu) == 5


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE leaves SET hash = 'x'", "DELETE FROM leaves", "DELETE FROM checkpoints",
        "UPDATE checkpoints SET note = 'x'",
        "INSERT INTO leaves SELECT place + 7, region, chain, seq + 9, hash FROM leaves LIMIT 1",
        "INSERT INTO checkpoints VALUES (9, 'us', 'note', 'at')",
        "INSERT INTO branches VALUES (8, 0, 'us', 'x')",
    ],
)  # fmt: skip
@pytest.mark.slow
def test_the_database_refuses_to_change_order_and_checkpoints(
    eu: Session, contract: Contract, signer: Signer, at: datetime, statement: str
) -> None:
    write(eu, contract.id, MAJOR)
    keep_log(eu, signer, at=at)
    with pytest.raises(IntegrityError), transaction(eu):
        eu.execute(text(statement))


def test_a_checkpoint_is_signed_at_once_for_a_round_and_hourly_for_the_rest(
    eu: Session, contract: Contract, signer: Signer, at: datetime
) -> None:
    def sizes() -> list[int]:
        return list(log.checkpoint_sizes(eu))

    assert keep_log(eu, signer, at=at) is None
    write(eu, contract.id, MINOR)
    keep_log(eu, signer, at=at)
    assert sizes() == [1]
    write(eu, contract.id, MINOR)
    assert keep_log(eu, signer, at=at + HOUR / 2) is None
    assert keep_log(eu, signer, at=at + HOUR) is not None
    assert keep_log(eu, signer, at=at + 5 * HOUR) is None
    write(eu, contract.id, MINOR, MAJOR)
    keep_log(eu, signer, at=at + 5 * HOUR)
    assert sizes() == [1, 2, 4]
    note = log.last_checkpoint(eu).note  # type: ignore[union-attr]
    assert open_note(note, signer.vkey).root == log.tree_of(eu).root()
    assert signer.remembered() == open_note(note, signer.vkey)
    assert log.check_tree(eu, signer) == []


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Branches over four, so that a short log has some."""
    monkeypatch.setattr(rules, "STEP", 2)
    monkeypatch.setattr(tree, "STEP", 2)


def branches(session: Session) -> list[tuple[int, int]]:
    order = (Branch.level, Branch.number)
    return [(row[0], row[1]) for row in session.execute(select(*order).order_by(*order))]


def test_a_checkpoint_keeps_the_branches_that_are_full_and_reads_them_later(
    eu: Session, contract: Contract, signer: Signer, at: datetime, narrow: None
) -> None:
    write(eu, contract.id, *[MINOR] * 6)
    keep_log(eu, signer, at=at, now=True)
    assert branches(eu) == [(2, 0)]
    write(eu, contract.id, *[MINOR] * 11)
    keep_log(eu, signer, at=at, now=True)
    assert branches(eu) == [(2, 0), (2, 1), (2, 2), (2, 3), (4, 0)]
    hashes = [bytes.fromhex(one) for one in eu.scalars(select(Leaf.hash).order_by(Leaf.place))]
    for size in range(1, 18):
        assert log.tree_of(eu).root(size) == Tree(hashes).root(size)
    assert log.check_tree(eu, signer) == []
    # What is kept is what is read, and the daily check holds it against the entries.
    unwalled(eu, f"UPDATE branches SET hash = '{'0' * 64}' WHERE level = 4")
    assert log.tree_of(eu).root() != Tree(hashes).root()
    (said,) = log.check_tree(eu, signer)
    assert said == "branch 0 of level 4 is not the one its entries make"
    write(eu, contract.id, MINOR)
    with pytest.raises(Forked):
        keep_log(eu, signer, at=at, now=True)


def test_a_log_that_kept_no_branches_finds_them_at_its_next_checkpoint(
    eu: Session, contract: Contract, signer: Signer, at: datetime, narrow: None
) -> None:
    write(eu, contract.id, *[MINOR] * 9)
    keep_log(eu, signer, at=at, now=True)
    unwalled(eu, "DELETE FROM branches")
    write(eu, contract.id, *[MINOR] * 8)
    keep_log(eu, signer, at=at, now=True)
    assert branches(eu) == [(2, 0), (2, 1), (2, 2), (2, 3), (4, 0)]
    assert log.check_tree(eu, signer) == []


def test_both_sides_get_one_receipt_that_fixes_the_log(
    eu: Session, contract: Contract, signer: Signer, at: datetime
) -> None:
    write(eu, contract.id, MINOR, MAJOR)
    for _ in range(2):
        keep_log(eu, signer, at=at)
    mails = eu.scalars(select(RegionMail)).all()
    who = {mail.recipient.split("@")[0] for mail in mails}
    assert (len(mails), who) == (4, {"ada", "nia", "cleo", "lena"})
    receipt = read_receipt(mails[0].text.encode())
    assert (receipt.chain, receipt.seq, receipt.event) == (contract.id, 2, MAJOR)
    assert receipt.head == log.head(eu, contract.id)
    held = open_note(receipt.note or "", signer.vkey)
    assert held.size == 2
    assert all(" ".join(hash_words(held.root.hex())) in mail.text for mail in mails)
    assert "Harbour Retail Inc sent round 1" in mails[0].text
    assert "Cleo Marsh sent" not in mails[0].text
    assert log.check_tree(eu, signer, [receipt]) == []


@pytest.mark.slow
def test_the_signer_refuses_a_database_put_back_and_grown_again(
    eu: Session, contract: Contract, signer: Signer, at: datetime
) -> None:
    write(eu, contract.id, MINOR, MINOR, MAJOR)
    keep_log(eu, signer, at=at)
    held = read_receipt(eu.scalars(select(RegionMail.text)).first().encode())  # type: ignore[union-attr]
    unwalled(eu, "DELETE FROM checkpoints", "DELETE FROM leaves WHERE place > 0",
             "DELETE FROM entries WHERE seq > 1", "DELETE FROM outbox")  # fmt: skip
    write(eu, contract.id, MINOR)
    with pytest.raises(Forked, match="missing"):
        keep_log(eu, signer, at=at, now=True)
    write(eu, contract.id, MINOR, MAJOR, MAJOR)
    with pytest.raises(Forked, match="not those"):
        keep_log(eu, signer, at=at)
    assert list(log.checkpoint_sizes(eu)) == []
    assert len(log.check_tree(eu, signer)) == 1
    assert len(log.check_tree(eu, signer, [held])) == 3


def test_a_refused_checkpoint_is_told_to_both_sides(
    eu: Session, regions: Regions, contract: Contract, signer: Signer, at: datetime
) -> None:
    write(eu, contract.id, MINOR, MINOR)
    keep_log(eu, signer, at=at)
    unwalled(eu, "DELETE FROM checkpoints", "DELETE FROM leaves", "DELETE FROM entries")
    write(eu, contract.id, MAJOR)
    settings = settings_for(regions["eu"].region.key_file.parents[1])
    for _ in range(2):
        assert keep_logs(regions, settings, at=at) == 0
    mails = eu.scalars(select(RegionMail.text)).all()
    assert len(mails) == 4
    assert all("could NOT sign a checkpoint" in mail for mail in mails)
    assert read_receipt(mails[0].encode()).note is None


@pytest.mark.slow
def test_without_its_memory_the_signer_still_follows_the_stored_checkpoint(
    eu: Session, contract: Contract, signer: Signer, at: datetime
) -> None:
    write(eu, contract.id, MAJOR)
    keep_log(eu, signer, at=at)
    signer.memory.unlink()
    assert log.check_tree(eu, signer) == ["the memory of the signer is missing"]
    write(eu, contract.id, MAJOR)
    assert keep_log(eu, signer, at=at) is not None
    signer.memory.unlink()
    unwalled(eu, "UPDATE leaves SET hash = replace(hash, '0', '1')")
    write(eu, contract.id, MAJOR)
    with pytest.raises(Forked):
        keep_log(eu, signer, at=at)


def test_a_rolled_back_change_takes_its_place_back(eu: Session, contract: Contract) -> None:
    write(eu, contract.id, MINOR)
    with pytest.raises(RuntimeError), transaction(eu):
        record(eu, contract.id, MINOR, actor=CLEO, at=clock.now())
        raise RuntimeError
    write(eu, contract.id, MINOR)
    assert [row.place for row in eu.scalars(select(Leaf).order_by(Leaf.place))] == [0, 1]


def test_the_checkpoint_and_its_key_are_public(
    context: Flask, eu: Session, contract: Contract, signer: Signer, at: datetime
) -> None:
    stranger = context.test_client()
    assert stranger.get("/log/checkpoint").status_code == 404
    write(eu, contract.id, MAJOR)
    keep_log(eu, signer, at=at)
    eu.rollback()
    note = stranger.get("/log/checkpoint?region=eu")
    key = stranger.get("/log/key?region=eu")
    assert note.mimetype == "text/plain"
    assert open_note(note.text, key.text).size == 1
    assert stranger.get("/log/checkpoint?region=us").status_code == 404
    assert stranger.get("/log/checkpoint?region=xx").status_code == 404
