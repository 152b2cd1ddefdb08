"""Nothing of a contract lands outside its region: planted strings, and a look at every file.

The region the story is told in keeps its documents in a bucket, the other in a folder.
"""

import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.admin import actions as admin
from portal.app import create_app
from portal.audit import queries as log
from portal.audit.signer import signer_of
from portal.cli import main
from portal.cli.working import work_once
from portal.contracts.models import Contract
from portal.kit import clock, logs
from portal.negotiation import actions, rules
from portal.operations import age
from portal.operations.actions import back_up
from portal.residency.actions import read_document
from portal.residency.models import DataKey, Document
from portal.signing.models import Deed
from tests import cast
from tests.cluster import copy_home
from tests.conftest import close, make_contract, sign_in
from tests.door import Door
from tests.negotiation.table import ACROSS, RESPONSE, SCHEMA, at_table, opens, say, settle
from tests.residency import buckets
from tests.signing import stage

pytestmark = pytest.mark.slow
PLANTED = {
    "title": "Zanzibar-Title-7381",
    "value": "Zanzibar-Value-2264",
    "reason": "Zanzibar-Reason-9917",
    "note": "Zanzibar-Note-4402",
    "signer": "Zanzibar-Signer-5530",
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An S3 server with a bucket for the story, and one for what is restored."""
    with buckets.serving() as address:
        for name in ("planted", "restored"):
            buckets.make_bucket(address, name, buckets.LOCATIONS["us"])
        yield address


@pytest.fixture(scope="module")
def told(
    server: str, template_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A home in which a contract of the US was negotiated, signed and sealed, and mail sent."""
    home = copy_home(template_home, tmp_path_factory.mktemp("planted") / "home")
    around = home.parent
    root, temporary = logging.getLogger(), tempfile.tempdir
    before, level = root.handlers[:], root.level
    (around / "temporary").mkdir()
    tempfile.tempdir = str(around / "temporary")
    buckets.write_settings(home, server, region="us", bucket="planted")
    app = create_app(buckets.settings_of(home))
    secret, recipient = age.new_identity()
    (around / "identity").write_text(secret)
    try:
        with (around / "log").open("w") as lines, app.app_context():
            logs.configure(lines)
            ref = _tell(app)
            work_once(app)
            back_up(
                app.config["SETTINGS"], app.extensions["regions"], around / "backup",
                recipients=[recipient], at=clock.now(),
            )  # fmt: skip
    finally:
        root.handlers[:], root.level, tempfile.tempdir = before, level, temporary
    close(app)
    return home, ref


def _tell(app: Flask) -> str:
    regions = app.extensions["regions"]
    session: Session = regions.session("us")
    contract: Contract = make_contract(session, regions, title=PLANTED["title"])
    at = clock.now() - timedelta(hours=3)
    terms = SCHEMA.defaults()
    prose = next(t.id for t in SCHEMA.terms.values() if t.type == "prose")
    terms[prose] = PLANTED["value"]
    actions.set_offers(session, contract, cast.actor("ada"), terms, at=at)
    _send(session, contract, "ada")
    offer = {"n": 15, "unit": "min", "clock": "24x7"}
    say(session, contract, "cleo", RESPONSE, "offer", offer, PLANTED["reason"])
    actions.accept_rest(session, contract, cast.actor("cleo"), at=clock.now())
    _send(session, contract, "cleo")
    stage.freeze(session, contract, at=at)
    stage.work(session, regions, contract, at=at)
    for number, key in enumerate(stage.SIGNERS, 1):
        later = at + timedelta(minutes=number)
        stage.consent(session, contract, key, at=later)
        stage.sign(session, contract, key, at=later, title=PLANTED["signer"])
        stage.work(session, regions, contract, at=later)
    return contract.id


def _send(session: Session, contract: Contract, key: str) -> None:
    words = at_table(session, contract, key).words
    actions.send_round(
        session, contract, cast.actor(key), seen_draft_sha256=rules.words_sha256(words),
        note=PLANTED["note"], at=clock.now(),
    )  # fmt: skip
    settle(session)
    opens(session, contract, ACROSS[key])


def _holding(home: Path, text: str) -> set[str]:
    """Return the top folders of a home whose files hold a text, whatever their kind."""
    found = set()
    for path in home.rglob("*"):
        if path.is_file() and text.encode() in path.read_bytes():
            found.add("/".join(path.relative_to(home).parts[:2]))
    return found


def test_nothing_of_a_contract_lands_outside_its_region(told: tuple[Path, str]) -> None:
    home, ref = told
    outside = {name for name in _holding(home, ref) if not name.startswith("regions/us")}
    assert outside == set()
    # The reference does lie in the region, so the look would have found it elsewhere too.
    assert "regions/us" in _holding(home, ref)


@pytest.mark.parametrize("kind", PLANTED)
def test_no_word_of_a_contract_lies_open_on_any_disk(told: tuple[Path, str], kind: str) -> None:
    home, _ = told
    assert _holding(home, PLANTED[kind]) == set()


def test_no_word_of_a_contract_lies_open_in_the_bucket(told: tuple[Path, str], server: str) -> None:
    held = buckets.objects(server, "planted")
    # Six revisions of the deed and the last list of its authority, and nothing beside them.
    assert len(held) == 7 and all(key.startswith(f"documents/{told[1]}/") for key in held)
    assert not list((told[0] / "regions" / "us").glob("documents/*"))
    for key, content in held.items():
        assert [word for word in (*PLANTED.values(), "%PDF") if word.encode() in content] == [], key


def test_a_party_downloads_the_sealed_deed_out_of_the_bucket(told: tuple[Path, str]) -> None:
    home, ref = told
    app = create_app(buckets.settings_of(home))
    with app.app_context():
        session = app.extensions["regions"].session("us")
        sealed = session.scalars(select(Deed).order_by(Deed.revision.desc())).first()
        kind, digest = sealed.kind, sealed.sha256
    cookie = sign_in(app, "cleo")
    answer = app.test_client()
    answer.set_cookie("sid", cookie)
    content = answer.get(f"/contracts/{ref}/deed.pdf").data
    assert kind == "sealed" and hashlib.sha256(content).hexdigest() == digest
    close(app)


def test_a_backup_is_put_back_into_another_bucket_even_when_it_was_away(
    told: tuple[Path, str], server: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(told[0] / "keys", home / "keys")
    door = Door(server)
    buckets.write_settings(home, door.address, region="us", bucket="restored")
    around = told[0].parent
    words = ["restore", str(around / "backup"), "--identity", str(around / "identity"), "--verify"]
    run = CliRunner(env={"COUNTERPART_HOME": str(home)})
    door.set("giving")
    said = run.invoke(main, words)
    assert said.exit_code == 1 and "the same call goes on" in said.output
    assert not (home / "directory.db").exists() and not (home / "regions/us/region.db").exists()
    door.set("open")
    said = run.invoke(main, [*words, "--json"])
    door.close()
    assert json.loads(said.output)["findings"] == []
    assert buckets.objects(server, "restored") == buckets.objects(server, "planted")


def test_the_words_are_there_for_who_holds_the_key(told: tuple[Path, str]) -> None:
    home, ref = told
    app = create_app(buckets.settings_of(home))
    with app.app_context():
        contract = app.extensions["regions"].session("us").get_one(Contract, ref)
        assert contract.title == PLANTED["title"]
    close(app)


@pytest.mark.parametrize("where", ["log", "temporary", "backup"])
def test_no_word_of_a_contract_lies_in_log_lines_temporary_files_or_backups(
    told: tuple[Path, str], where: str
) -> None:
    around = told[0].parent
    assert (around / "backup" / "us.tar.age").stat().st_size > 10_000
    for path in [around / where, *(around / where).rglob("*")]:
        held = path.read_bytes() if path.is_file() else b""
        assert [kind for kind, word in PLANTED.items() if word.encode() in held] == [], path


def test_a_signed_contract_moves_whole_and_leaves_its_log(
    told: tuple[Path, str], tmp_path: Path
) -> None:
    """The deed opens, every chain and tree holds, and the address answers, from the new region."""
    home, ref = copy_home(told[0], tmp_path / "home"), told[1]
    before = _findings(home, ref, tmp_path / "before")
    app = create_app(buckets.settings_of(home))
    with app.app_context():
        regions = app.extensions["regions"]
        us, eu = regions.session("us"), regions.session("eu")
        contract = us.get_one(Contract, ref)
        admin.ask_to_move(us, cast.actor("ada"), contract, to="eu", regions=regions, at=clock.now())
        admin.agree_to_move(us, cast.actor("dov"), contract, at=clock.now())
    with app.app_context():
        work_once(app)
        work_once(app)
    with app.app_context():
        regions = app.extensions["regions"]
        us, eu = regions.session("us"), regions.session("eu")
        assert us.get(Contract, ref) is None and us.get(DataKey, ref) is None
        assert regions.home(ref).region.name == "eu"
        moved = eu.get_one(Contract, ref)
        assert (moved.title, moved.region) == (PLANTED["title"], "eu")
        deeds = eu.scalars(select(Document).where(Document.contract_id == ref)).all()
        assert deeds
        for row in deeds:
            content = read_document(eu, regions["eu"], row)
            assert hashlib.sha256(content).hexdigest() == row.sha256
        settings = app.config["SETTINGS"]
        for name, session in (("us", us), ("eu", eu)):
            assert log.check(session)[1] == []
            assert log.check_tree(session, signer_of(settings, settings.regions[name])) == []
        assert [key for key in regions["us"].store.each_key() if key.startswith(ref)] == []
    close(app)
    assert _findings(home, ref, tmp_path / "after") == before
    said = CliRunner(env={"COUNTERPART_HOME": str(home)}).invoke(
        main, ["residency", "report", "--csv"]
    )
    assert "eu,1," in said.output and "us,0," in said.output and ref not in said.output


def _findings(home: Path, ref: str, out: Path) -> list[tuple[str, str]]:
    """Export the evidence, check it as anybody would, and return what the check says is wrong."""
    run = CliRunner(env={"COUNTERPART_HOME": str(home)})
    assert run.invoke(main, ["export", ref, "--out", str(out)]).exit_code == 0
    said = json.loads(run.invoke(main, ["verify", str(out / "evidence.zip"), "--json"]).output)
    assert said["contract"] == ref and len(said["signers"]) == 4
    return [(one["code"], one["message"]) for one in said["findings"] if one["level"] == "error"]
