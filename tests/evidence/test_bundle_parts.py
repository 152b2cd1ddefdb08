"""Parts beside the deed: pinned texts, attached files, and keys that followed others."""

import hashlib
import json
from dataclasses import replace
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.audit import queries as log
from portal.audit.rules import hand_over, vkey
from portal.audit.signer import Forked
from portal.contracts.actions.onboarding import attach_file
from portal.evidence.actions import keep_log
from portal.evidence.rules.reading import check_bundle
from portal.kit import clock
from portal.kit.errors import Refused
from portal.operations.actions import rotating
from portal.operations.queries import Subject
from tests import cast
from tests.evidence.conftest import Scene, as_told, later
from tests.evidence.test_attacks import MAJOR, grow
from tests.evidence.test_bundle import judged, opened, packed

RUNBOOK = b"%PDF-1.7 how to restart order entry"
RUNBOOK_SHA256 = hashlib.sha256(RUNBOOK).hexdigest()


@pytest.mark.slow
def test_the_texts_that_the_terms_stand_on_are_in_the_bundle(
    told_bundle: bytes, script: ModuleType
) -> None:
    files = opened(told_bundle)
    pins = json.loads(files["terms/1.json"])["pins"]
    held = {path: content for path, content in files.items() if path.startswith("template/")}
    assert set(held) == {f"template/{pin['sha256']}.json" for pin in pins.values()}
    for path, content in held.items():
        assert path == f"template/{hashlib.sha256(content).hexdigest()}.json"
    standard = json.loads(held[f"template/{pins['standard']['sha256']}.json"])
    assert standard["title"] == "Standard Support Terms"
    # One may be absent, as an organisation's own template is; none may be another.
    path = f"template/{pins['template']['sha256']}.json"
    without = {name: content for name, content in files.items() if name != path}
    assert judged(script, packed(without, told_bundle)) == (set(), set())
    other = {**files, path: files[path].replace(b"[", b"[ ", 1)}
    assert judged(script, packed(other, told_bundle)) == ({"file-differs"}, {"file-differs"})
    foreign = {**files, f"template/{'0' * 64}.json": b"{}"}
    assert judged(script, packed(foreign, told_bundle)) == ({"file-foreign"}, {"file-foreign"})


@pytest.mark.slow
def test_attached_files_are_in_the_bundle_by_their_hash(told: Scene, script: ModuleType) -> None:
    who = cast_of(told)
    attach_file(
        told.session, told.regions["eu"], told.contract, who, "runbooks", name="restart.pdf",
        content=RUNBOOK, at=clock.now(),
    )  # fmt: skip
    keep_log(told.session, told.signer, at=clock.now(), now=True)
    bundle, path = told.bundle(), f"attachments/{RUNBOOK_SHA256}"
    files = opened(bundle)
    assert files[path] == RUNBOOK
    assert judged(script, bundle) == (set(), set())
    absent = {name: content for name, content in files.items() if name != path}
    assert judged(script, packed(absent, bundle)) == (set(), set())
    other = {**files, path: RUNBOOK + b" and checkout"}
    assert judged(script, packed(other, bundle)) == ({"file-differs"}, {"file-differs"})
    foreign = {**files, f"attachments/{'0' * 64}": b"x"}
    assert judged(script, packed(foreign, bundle)) == ({"file-foreign"}, {"file-foreign"})


def cast_of(told: Scene) -> cast.Actor:
    owner = next(one for one in told.contract.stakeholders if one.function == "owner")
    side = told.contract.vendor_id if owner.side == "vendor" else told.contract.customer_id
    return replace(cast.actor("ada"), person_id=owner.person_id, organisation_id=side)


def test_a_log_goes_on_under_a_new_key_and_every_receipt_stays_good(
    rotated: Scene, script: ModuleType
) -> None:
    scene, held = rotated, rotated.receipts()
    bundle = scene.bundle()
    files = opened(bundle)
    names = files["keys/log.txt"].decode().split()
    assert len(names) == len(set(names)) == 3 and len(held) == 3
    assert {"keys/transition-1.txt", "keys/transition-2.txt"} <= set(files)
    assert judged(script, bundle, tuple(held)) == (set(), set())
    # Whoever pinned a key of the log, however old, goes on trusting it; a stranger's is told.
    stranger = vkey(names[0].split("+")[0], Ed25519PrivateKey.generate().public_key()
                    .public_bytes_raw())  # fmt: skip
    for key in names:
        assert check_bundle(bundle, log_key=key).ok and script.verify(bundle, key=key).ok
    assert not check_bundle(bundle, log_key=stranger).ok
    assert not script.verify(bundle, key=stranger).ok
    assert log.check_tree(scene.session, scene.signer, held) == []
    assert log.check(scene.session)[1] == []


def test_an_old_key_signs_nothing_after_its_hand_over(rotated: Scene, script: ModuleType) -> None:
    """Whoever stole the first key can neither hand over again nor sign a later checkpoint."""
    scene, held = rotated, rotated.receipts()
    bundle = scene.bundle()
    files = opened(bundle)
    names = files["keys/log.txt"].decode().split()
    name, thief = names[0].split("+")[0], Ed25519PrivateKey.generate()
    mine = vkey(name, thief.public_key().public_bytes_raw())
    for note in (hand_over(name, 1, thief, thief), files["keys/transition-1.txt"].decode()):
        forged = {
            **files, "keys/log.txt": "\n".join([names[0], mine, names[2], ""]).encode(),
            "keys/transition-1.txt": note.encode(),
        }  # fmt: skip
        assert judged(script, packed(forged, bundle)) == ({"key-broken"}, {"key-broken"})
    # Only the first key, as if it had never been followed: what came later is not signed by it.
    alone = {p: c for p, c in files.items() if not p.startswith("keys/transition-")}
    alone["keys/log.txt"] = f"{names[0]}\n".encode()
    ours, theirs = judged(script, packed(alone, bundle))
    assert "checkpoint-broken" in ours & theirs
    missing = {p: c for p, c in files.items() if p != "keys/transition-2.txt"}
    assert judged(script, packed(missing, bundle)) == ({"file-missing"}, {"file-missing"})
    wrong = later(held[-1], note=(held[-1].note or "").replace(name, "other/log"))
    assert "receipt-forked" in {f.code for f in check_bundle(bundle, receipts=[wrong]).findings}
    assert not script.verify(bundle, [as_told(wrong)]).ok


def test_no_key_is_handed_over_twice_for_nothing(drafted: Scene) -> None:
    subject = Subject(drafted.settings, drafted.regions, clock.now())
    with pytest.raises(Refused, match="not in the log yet"):
        rotating.rotate(subject, "log-eu")
    grow(drafted, drafted.contract.id, MAJOR, 1)
    rotating.rotate(subject, "log-eu")
    signer = drafted.signer
    before = signer.vkey
    with signer.alone(), pytest.raises(Forked, match="not in the log yet"):
        signer.change_key(stored=None)
    assert signer.vkey == before
