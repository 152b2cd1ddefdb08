"""The evidence of a contract: what is in it, and that both verifiers judge it alike."""

import ast
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import select

from portal.audit.actions import record
from portal.audit.rules import PORTAL, Receipt
from portal.cli.evidence import examine
from portal.evidence.actions import keep_log
from portal.evidence.rules import (
    beginnings,
    build,
    closed_states,
    named_files,
    read_proof,
    write_proof,
)
from portal.evidence.rules.reading import check_bundle
from portal.kit import clock
from portal.kit.db import transaction
from portal.signing.jobs import renew_deeds
from portal.signing.models import Deed
from tests.conftest import make_contract
from tests.evidence.conftest import VERIFIER, Scene, as_told, later

Files = dict[str, bytes]


def opened(bundle: bytes) -> Files:
    """Return the files of a bundle without its manifest."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {n: archive.read(n) for n in archive.namelist() if n != "MANIFEST.json"}


def packed(files: Files, bundle: bytes) -> bytes:
    """Pack changed files as somebody would who also mends the manifest."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        manifest = json.loads(archive.read("MANIFEST.json"))
    return build(files, contract=manifest["contract"], entries=manifest["entries"])


def judged(
    script: ModuleType, bundle: bytes, receipts: tuple[Receipt, ...] = ()
) -> tuple[set[str], set[str]]:
    """Return the errors of both verifiers; the portal's without the deed's signatures."""
    ours = check_bundle(bundle, receipts=receipts)
    theirs = script.verify(bundle, [as_told(receipt) for receipt in receipts])
    assert ours.ok == theirs.ok, (ours.findings, theirs.findings)
    return (
        {f.code for f in ours.findings if f.level == "error"},
        {f["code"] for f in theirs.findings if f["level"] == "error"},
    )


@pytest.mark.slow
def test_a_finished_contract_holds_for_both_verifiers(told: Scene, script: ModuleType) -> None:
    receipts = tuple(told.receipts())
    assert [r.event for r in receipts].count("signing:signature:signed") == 4
    assert {r.event for r in receipts} >= {"negotiation:round:sent", "signing:deed:sealed"}
    bundle = told.bundle()
    assert judged(script, bundle, receipts) == (set(), set())
    found, report = examine(bundle, receipts=receipts)
    assert found.ok, found.findings
    assert report is not None
    assert {s.name for s in report.signatures if s.kind == "signer"} == {
        "Ada Keane", "Nia Ferrand", "Cleo Marsh", "Lena Hart",
    }  # fmt: skip
    assert found.vouched


@pytest.mark.slow
def test_the_bundle_holds_what_its_entries_name_and_the_words_of_the_terms(
    told_bundle: bytes,
) -> None:
    files = opened(told_bundle)
    entries = [json.loads(line) for line in files["entries.jsonl"].splitlines()]
    named = named_files(entries)
    assert {"deed.pdf", "terms/1.json", "rounds/0001.json", "rounds/0002.json",
            "consents/1.1.toml"} <= set(named) <= set(files)  # fmt: skip
    assert sum(path.startswith("signatures/") for path in named) == 4
    text = files["terms/1.txt"].decode()
    assert "CRM deployment support 2026" in text
    assert named["terms/1.json"] in text
    people = json.loads(files["people.json"])
    assert {one["identity"][1] for one in people} == {
        "Ada Keane", "Nia Ferrand", "Cleo Marsh", "Lena Hart",
    }  # fmt: skip
    assert files["verify.py"] == VERIFIER.read_bytes()


@pytest.mark.slow
def test_news_of_other_contracts_changes_no_byte(told: Scene) -> None:
    before = told.bundle()
    other = make_contract_beside(told)
    for _ in range(3):
        write(told, other, "negotiation:round:sent", number=1)
        keep_log(told.session, told.signer, at=clock.now())
    assert told.bundle() == before


@pytest.mark.slow
def test_a_new_entry_joins_with_the_checkpoint_that_covers_it(
    told: Scene, script: ModuleType
) -> None:
    before, held = told.bundle(), told.receipts()
    write(told, told.contract.id, "contract:step:finished", step=1)
    assert told.bundle() == before
    keep_log(told.session, told.signer, at=clock.now(), now=True)
    after = told.bundle()
    assert after != before
    assert judged(script, after, tuple(held)) == (set(), set())


@pytest.mark.slow
def test_the_newest_revision_of_the_deed_is_in_the_bundle(told: Scene, script: ModuleType) -> None:
    before = opened(told.bundle())
    sealed = before["deed.pdf"]
    deed = told.session.scalars(select(Deed).where(Deed.kind == "sealed")).one()
    assert deed.renew_by is not None
    near = deed.renew_by - timedelta(days=80)
    told.session.rollback()
    assert renew_deeds(told.regions, told.settings, at=near) == 1
    keep_log(told.session, told.signer, at=near, now=True)
    bundle = told.bundle()
    files = opened(bundle)
    entries = [json.loads(line) for line in files["entries.jsonl"].splitlines()]
    assert entries[-1]["event"] == "signing:deed:renewed"
    assert f"proofs/{len(entries)}.tlog-proof" in files
    assert files["deed.pdf"].startswith(sealed) and len(files["deed.pdf"]) > len(sealed)
    assert len(closed_states(entries)) == 2
    assert set(closed_states(entries)) <= beginnings(files["deed.pdf"])
    assert judged(script, bundle) == (set(), set())
    # The deed as it was sealed, which the log named before, is no longer the newest.
    assert judged(script, packed({**files, "deed.pdf": sealed}, bundle))[0] >= {"file-differs"}
    # A newest state that does not go on from the sealed one is found even where the log names it.
    other = files["deed.pdf"].replace(b"%PDF-1.7", b"%PDF-1.6", 1)
    assert not set(closed_states(entries)) <= beginnings(other)


def test_a_proof_is_a_tlog_proof_that_others_can_read(told_bundle: bytes) -> None:
    files = opened(told_bundle)
    paths = [path for path in files if path.startswith("proofs/")]
    events = {
        json.loads(line)["seq"]: json.loads(line)["event"]
        for line in files["entries.jsonl"].splitlines()
    }
    proven = {events[int(path[7:].split(".")[0])] for path in paths}
    assert proven >= {"negotiation:version:frozen", "signing:signature:signed",
                      "signing:deed:sealed"}  # fmt: skip
    for path in paths:
        index, steps, note = read_proof(files[path])
        size = int(note.split("\n")[1])
        assert note.encode() == files[f"checkpoints/{size}.txt"]
        assert write_proof(index, steps, note) == files[path]
    for broken in (b"", b"index 1\n\n", files[paths[0]].replace(b"index", b"place"), b"\xff"):
        with pytest.raises(ValueError):
            read_proof(broken)


def make_contract_beside(scene: Scene) -> str:
    from tests import cast

    ada = cast.actor("ada")
    assert ada.organisation_id
    return make_contract(scene.session, scene.regions).id


def write(scene: Scene, chain: str, event: str, **facts: int) -> None:
    with transaction(scene.session):
        record(scene.session, chain, event, actor=PORTAL, at=clock.now(), facts=facts)


# Whoever changes a file mends the manifest too.


def flip(path: str, place: int = -20) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        data = bytearray(files[path])
        data[place] ^= 1
        files[path] = bytes(data)

    return change


def drop(path: str) -> Callable[[Files], None]:
    return lambda files: files.pop(path) and None


def put(path: str, content: bytes) -> Callable[[Files], None]:
    return lambda files: files.update({path: content})


def swap(path: str, old: bytes, new: bytes) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        assert old in files[path]
        files[path] = files[path].replace(old, new, 1)

    return change


def without_last_entry(files: Files) -> None:
    lines = files["entries.jsonl"].splitlines(keepends=True)
    files["entries.jsonl"] = b"".join(lines[:-1])


def a_proof(files: Files) -> str:
    return next(path for path in sorted(files) if path.startswith("proofs/"))


def a_signature(files: Files) -> str:
    return next(path for path in sorted(files) if path.startswith("signatures/"))


CHANGES: dict[str, tuple[Callable[[Files], None], str]] = {
    "the deed": (flip("deed.pdf"), "file-differs"),
    "the terms": (swap("terms/1.json", b'"version":1', b'"version":2'), "file-differs"),
    "a round": (flip("rounds/0001.json"), "file-differs"),
    "the values of a round": (swap("rounds/0001.values.json", b"true", b"false"), "value-differs"),
    "the text of consent": (flip("consents/1.1.toml"), "file-differs"),
    "a signature": (lambda f: flip(a_signature(f))(f), "file-differs"),
    "a missing signature": (lambda f: drop(a_signature(f))(f), "file-missing"),
    "a missing deed": (drop("deed.pdf"), "file-missing"),
    "an entry": (swap("entries.jsonl", b'"remaining":3', b'"remaining":2'), "chain-broken"),
    "the last entry": (without_last_entry, "not-in-tree"),
    "an entry that is cut": (flip("entries.jsonl", -1), "chain-broken"),
    "an entry in another form": (swap("entries.jsonl", b'{"actor"', b'{ "actor"'), "not-canonical"),
    "a key twice": (swap("entries.jsonl", b'"event":', b'"event":"a:b","event":'), "not-canonical"),
    "a name": (swap("people.json", b"Cleo Marsh", b"Mal Marsh"), "person-differs"),
    "a checkpoint": (lambda f: flip(a_checkpoint(f), 30)(f), "checkpoint-broken"),
    "no checkpoints": (
        lambda f: [f.pop(path) for path in list(f) if path.startswith("checkpoints/")] and None,
        "not-in-tree",
    ),
    "the key of the log": (
        put("keys/log.txt", b"127.0.0.1:8000/log/eu+e5d3d1c6+AQ" + b"A" * 42),
        "checkpoint-broken",
    ),
    "a proof": (lambda f: swap(a_proof(f), b"index ", b"index 1")(f), "not-in-tree"),
    "a proof of another kind": (lambda f: swap(a_proof(f), b"@v1", b"@v2")(f), "not-in-tree"),
    "a proof under another checkpoint": (lambda f: swap(a_proof(f), b"/log/", b"/lag/")(f),
                                         "not-in-tree"),
    "no proofs": (
        lambda f: [f.pop(path) for path in list(f) if path.startswith("proofs/")] and None,
        "not-in-tree",
    ),
    "no proof of extension": (put("consistency.json", b"[]"), "checkpoint-forked"),
    "proofs of extension that are none": (put("consistency.json", b"7"), "damaged"),
    "an erased person too many": (put("redactions.json", b'["00"]'), "person-differs"),
    "a foreign file": (put("terms/9.json", b"{}"), "file-foreign"),
    "a foreign name": (put("setup.exe", b"MZ"), "file-foreign"),
    "a time stamp of nobody": (put("stamps/3-1.tst", b"0\x03\x02\x01\x00"), "stamp-broken"),
}  # fmt: skip


def a_checkpoint(files: Files) -> str:
    return next(path for path in sorted(files) if path.startswith("checkpoints/"))


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_part_is_found_by_both(
    told_bundle: bytes, script: ModuleType, change: str
) -> None:
    files = opened(told_bundle)
    CHANGES[change][0](files)
    ours, theirs = judged(script, packed(files, told_bundle))
    expected = CHANGES[change][1]
    assert expected in ours
    assert expected in theirs


@pytest.mark.parametrize("name", ["entries.jsonl", "deed.pdf", "README.html", "verify.py"])
def test_a_file_that_is_not_as_the_manifest_says_is_found(
    told_bundle: bytes, script: ModuleType, name: str
) -> None:
    files = opened(told_bundle)
    place = told_bundle.index(files[name][:200])
    changed = told_bundle[: place + 5] + b"\x00" + told_bundle[place + 6 :]
    ours, theirs = judged(script, changed)
    assert ours & {"not-a-bundle", "manifest-differs"}
    assert theirs & {"not-a-bundle", "manifest-differs"}


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"%PDF-1.7", bytes(1000)]
)
def test_what_is_no_bundle_gets_a_report(script: ModuleType, content: bytes) -> None:
    assert judged(script, content) == ({"not-a-bundle"}, {"not-a-bundle"})


def test_compressed_and_climbing_members_are_refused(
    told_bundle: bytes, script: ModuleType
) -> None:
    for name, kind in (("../../evil", zipfile.ZIP_STORED), ("fine.txt", zipfile.ZIP_DEFLATED)):
        packed_again = io.BytesIO(told_bundle)
        with zipfile.ZipFile(packed_again, "a", kind) as archive:
            archive.writestr(name, bytes(100))
        assert judged(script, packed_again.getvalue())[0] == {"not-a-bundle"}


# Receipts.


@pytest.mark.slow
def test_a_receipt_finds_what_no_file_shows(told: Scene, script: ModuleType) -> None:
    held, bundle = told.receipts()[-1], told.bundle()
    wrong = {
        "receipt-differs": later(held, head="0" * 64),
        "receipt-cut": later(held, seq=len(told.receipts()) + 99),
        "receipt-foreign": later(held, chain="eu-2222222222"),
        "receipt-forked": later(held, note=(held.note or "").replace("\n\n", "\nx\n\n", 0)
                                .replace(held.note.split("\n")[1], "999", 1)),  # type: ignore[union-attr]
    }  # fmt: skip
    for code, receipt in wrong.items():
        ours, theirs = judged(script, bundle, (receipt,))
        assert ours == theirs == {code}
    bare = later(held, note=None)
    assert judged(script, bundle, (bare,)) == (set(), set())


@pytest.mark.slow
def test_pinned_keys_must_be_those_of_the_bundle(told: Scene, script: ModuleType) -> None:
    bundle = told.bundle()
    assert examine(bundle, log_key=told.signer.vkey)[0].ok
    other = "x/log+e5d3d1c6+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    assert "key-differs" in {f.code for f in check_bundle(bundle, log_key=other).findings}
    assert not script.verify(bundle, key=other).ok
    pem = opened(bundle)["keys/root.pem"].replace(b"M", b"N", 1)
    assert not script.verify(bundle, root=pem).ok
    assert script.verify(bundle, key=told.signer.vkey, root=opened(bundle)["keys/root.pem"]).ok


# The verifier as a program.


def test_the_script_is_short_and_stands_alone() -> None:
    source = VERIFIER.read_text("utf-8")
    assert len(source.splitlines()) < 500
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


@pytest.mark.slow
def test_the_script_says_what_it_checked_and_with_which_limits(
    told: Scene, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("by-hand")
    (folder / "evidence.zip").write_bytes(told.bundle())
    files = opened(told.bundle())
    (folder / "verify.py").write_bytes(files["verify.py"])
    from portal.audit.rules import receipt_text

    (folder / "mail.txt").write_text(receipt_text(told.receipts()[0]), "utf-8")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", "verify.py", "evidence.zip", *words], cwd=folder,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    shown = run("--receipt", "mail.txt")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "checked by verify.py" in shown.stdout
    assert "Cleo Marsh, VP Sales Operations" in shown.stdout
    assert "limit" in shown.stdout
    report = json.loads(run("--json").stdout)
    assert report["ok"] is True
    assert {"own-keys"} == {finding["code"] for finding in report["findings"]}
    (folder / "evidence.zip").write_bytes(told.bundle()[:-400])
    assert run().returncode == 1
    assert run("--receipt", "verify.py").returncode == 2
