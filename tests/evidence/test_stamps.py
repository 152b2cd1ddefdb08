"""Checkpoints stamped by an authority on loopback: what is kept, and what is never kept."""

import asyncio
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest
from asn1crypto import cms, tsp

from portal.audit.actions import record
from portal.audit.models import CheckpointStamp
from portal.evidence.actions import keep_log, stamp_checkpoints
from portal.evidence.rules import BadStamp, read_stamp
from portal.evidence.rules.reading import check_bundle
from portal.kit import clock
from portal.kit.db import transaction
from portal.settings import rules as settings_rules
from portal.settings.rules import BadSetting, settings_from
from portal.signing.certificates import create_root, create_time_stamp_unit
from portal.signing.timestamp import LocalTimeStamper
from tests import cast
from tests.evidence.conftest import Scene
from tests.evidence.test_bundle import opened, packed
from tests.signing.authority import Issuer, Server, root_file, serving

NOW = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)
ROOT = create_root("Stamps Ltd", at=NOW)
UNIT = create_time_stamp_unit(ROOT, "Stamps Ltd", at=NOW)
Change = Callable[[tsp.TimeStampReq], object]


def other_imprint(asked: tsp.TimeStampReq) -> None:
    asked["message_imprint"]["hashed_message"] = bytes(32)


def other_nonce(asked: tsp.TimeStampReq) -> None:
    asked["nonce"] = 7


class Authority(BaseHTTPRequestHandler):
    """A time-stamp authority that behaves as its server was told."""

    def do_POST(self) -> None:
        """Answer one request."""
        mood = self.server.mood  # type: ignore[attr-defined]
        query = self.rfile.read(int(self.headers["Content-Length"]))
        if mood == "down":
            self.send_error(503)
            return
        asked = tsp.TimeStampReq.load(query)
        if callable(mood):
            mood(asked)
        stamper = LocalTimeStamper(UNIT, at=NOW)
        answer = asyncio.run(stamper.async_request_tsa_response(asked)).dump()
        if mood == "bogus":
            answer = answer[:-9] + bytes(9)
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.end_headers()
        self.wfile.write(b"nothing of that kind" if mood == "garbage" else answer)

    def log_message(self, *words: object) -> None:
        """Stay silent."""


@pytest.fixture
def authority() -> Iterator[HTTPServer]:
    """A served authority on loopback."""
    server = HTTPServer(("127.0.0.1", 0), Authority)
    server.mood = "good"  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def named(address: str, folder: Path) -> settings_rules.Authority:
    """Return an authority as the settings name it, with its root in a file."""
    root = folder / "authority-root.pem"
    root.write_bytes(ROOT.certificate_pem)
    return settings_rules.Authority(address, root, timedelta(seconds=5))


@pytest.fixture
def covered(drafted: Scene, authority: HTTPServer, tmp_path: Path) -> Scene:
    """A draft with a checkpoint, in a portal that knows the authority."""
    with transaction(drafted.session):
        record(drafted.session, drafted.contract.id, "contract:step:finished",
               actor=cast.actor("ada").log, at=clock.now(), facts={"step": 1})  # fmt: skip
    keep_log(drafted.session, drafted.signer, at=clock.now())
    address = f"http://127.0.0.1:{authority.server_port}/tsr"
    known = (named(address, tmp_path),)
    return replace(drafted, settings=replace(drafted.settings, authorities=known))


def stamps(scene: Scene) -> int:
    found = scene.session.query(CheckpointStamp).count()
    scene.session.rollback()
    return found


def test_a_checkpoint_is_stamped_once_and_both_verifiers_say_by_whom(
    covered: Scene, script: ModuleType, tmp_path: Path
) -> None:
    assert stamp_checkpoints(covered.regions, covered.settings) == 1
    assert stamp_checkpoints(covered.regions, covered.settings) == 0
    bundle = covered.bundle()
    ours, theirs = check_bundle(bundle), script.verify(bundle)
    told = [f.message for f in ours.findings if f.code == "stamped"]
    also = [f["message"] for f in theirs.findings if f["code"] == "stamped"]
    assert ours.ok
    assert theirs.ok
    assert "2026-11-25T14:00:00" in told[0]
    assert "20261125140000Z" in also[0]
    assert "Stamps Ltd" in told[0]
    assert "Stamps Ltd" in also[0]
    files = opened(bundle)
    for name, content in (("s.tst", files["stamps/1-1.tst"]), ("n", files["checkpoints/1.txt"]),
                          ("root.pem", ROOT.certificate_pem)):  # fmt: skip
        (tmp_path / name).write_bytes(content)
    command = "openssl ts -verify -token_in -in s.tst -data n -CAfile root.pem"
    by_hand = subprocess.run(
        [*command.split(), "-attime", str(int(NOW.timestamp()) + 60)], cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Verification: OK" in by_hand.stdout, by_hand.stderr


@pytest.mark.parametrize("mood", ["down", "garbage", "bogus", other_imprint, other_nonce])
@pytest.mark.slow
def test_a_token_that_does_not_hold_is_never_kept_and_is_asked_for_again(
    covered: Scene, authority: HTTPServer, mood: str | Change
) -> None:
    authority.mood = mood  # type: ignore[attr-defined]
    assert stamp_checkpoints(covered.regions, covered.settings) == 0
    assert stamps(covered) == 0
    authority.mood = "good"  # type: ignore[attr-defined]
    assert stamp_checkpoints(covered.regions, covered.settings) == 1


def test_one_dead_authority_does_not_keep_another_from_stamping(
    covered: Scene, tmp_path: Path
) -> None:
    (good,) = covered.settings.authorities
    both = replace(covered.settings, authorities=(named("http://127.0.0.1:9/tsr", tmp_path), good))
    assert stamp_checkpoints(covered.regions, both) == 1


def stamped_hash(token: bytes) -> bytes:
    """Return the hash a token is over."""
    signed = cms.ContentInfo.load(token)["content"]
    info: tsp.TSTInfo = signed["encap_content_info"]["content"].parsed
    found: bytes = info["message_imprint"]["hashed_message"].native
    return found


def test_a_stamp_over_something_else_is_found_by_both(covered: Scene, script: ModuleType) -> None:
    stamp_checkpoints(covered.regions, covered.settings)
    bundle = covered.bundle()
    files = opened(bundle)
    token = files["stamps/1-1.tst"]
    # In the signature, and in the hash it is over; the certificate between is not signed by it.
    imprint = token.index(stamped_hash(token))
    for place in (len(token) - 3, imprint, imprint + 31):
        changed = token[:place] + bytes([token[place] ^ 1]) + token[place + 1 :]
        again = packed({**files, "stamps/1-1.tst": changed}, bundle)
        ours, theirs = check_bundle(again), script.verify(again)
        assert not ours.ok
        assert not theirs.ok
    with pytest.raises(BadStamp):
        read_stamp(token, over=b"something else")


@pytest.fixture
def listed(covered: Scene, tmp_path: Path) -> Iterator[tuple[Scene, Server]]:
    """A draft with a checkpoint, and an authority whose certificates name a revocation list."""
    with serving() as server:
        known = settings_rules.Authority(
            server.url, root_file(server, tmp_path), timedelta(seconds=5)
        )
        yield replace(covered, settings=replace(covered.settings, authorities=(known,))), server


def codes(script: ModuleType, bundle: bytes) -> tuple[set[str], set[str]]:
    """Return the errors of both verifiers."""
    return (
        {f.code for f in check_bundle(bundle).findings if f.level == "error"},
        {f["code"] for f in script.verify(bundle).findings if f["level"] == "error"},
    )


def test_the_revocation_list_of_then_lies_beside_the_stamp(
    listed: tuple[Scene, Server], script: ModuleType
) -> None:
    scene, server = listed
    assert stamp_checkpoints(scene.regions, scene.settings) == 1
    bundle = scene.bundle()
    files = opened(bundle)
    assert codes(script, bundle) == (set(), set())
    token, path = files["stamps/1-1.tst"], "stamps/1-1-1.crl"
    serial = read_stamp(token, over=files["checkpoints/1.txt"]).certificates[0].serial_number
    wrong = {
        "revoked": (path, server.issuer.revocation_list(serial), "stamp-revoked"),
        "a list of somebody else": (
            path, Issuer("Somebody else", NOW).revocation_list(), "stamp-broken"
        ),
        "another's list under the same name": (
            path, Issuer(server.issuer.name, NOW).revocation_list(), "stamp-broken"
        ),
        "no list": (path, b"\x30\x00", "stamp-broken"),
        "a list beside nothing": ("stamps/1-2-1.crl", files[path], "stamp-broken"),
    }  # fmt: skip
    for name, (place, content, code) in wrong.items():
        again = packed({**files, place: content}, bundle)
        assert codes(script, again) == ({code}, {code}), name


def test_an_authority_whose_list_cannot_be_had_is_asked_again(
    listed: tuple[Scene, Server],
) -> None:
    scene, server = listed
    server.fault = "list gone"
    assert stamp_checkpoints(scene.regions, scene.settings) == 0
    assert stamps(scene) == 0
    server.fault = ""
    assert stamp_checkpoints(scene.regions, scene.settings) == 1


def test_an_address_of_another_kind_is_a_bad_setting(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="authority"):
        settings_from(tmp_path, {"time_stamp": [{"url": "ftp://x", "root": "x.pem"}]}, {})
