"""A region's key on a PKCS#11 token: made there, used there, and moved there and back."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cli import main
from portal.contracts.models import Contract
from portal.kit import clock, token
from portal.kit.db import db
from portal.kit.errors import Refused
from portal.kit.token import Token, TokenAway, TokenKey, make_key
from portal.kit.vault import CannotOpen, Cipher, new_key
from portal.operations.actions import rotating
from portal.operations.queries import Subject, keys
from portal.operations.queries.inventory import inventory
from portal.operations.rules import Level, is_ready
from portal.residency.databases import RegionDatabase, Regions, WrongRegion
from portal.residency.models import DataKey
from portal.residency.queries import facts_of, missing_parts
from portal.settings.rules import BadSetting, KeyToken, Settings, settings_from
from portal.signing.keys import portal_keys
from tests.conftest import make_contract
from tests.softhsm import PIN, new_token

pytestmark = pytest.mark.slow
VARIABLE = "COUNTERPART_PIN_EU"


@pytest.fixture
def chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyToken:
    """A fresh token, as the settings of region eu name it."""
    return KeyToken(new_token(tmp_path, "eu", monkeypatch), "eu", VARIABLE, PIN)


@pytest.fixture
def subject(context: Flask, regions: Regions, chosen: KeyToken) -> Subject:
    """This test's portal, whose region eu may put its key on the token."""
    settings: Settings = context.config["SETTINGS"]
    portal_keys(settings, at=clock.now())
    database = regions["eu"]
    database.region = replace(database.region, token=chosen)
    return Subject(
        replace(settings, regions={**settings.regions, "eu": database.region}), regions, clock.now()
    )


def let_go(regions: Regions) -> None:
    db.session.rollback()
    for _, session in regions.each():
        session.rollback()
        session.expire_all()


def forget_opened(subject: Subject) -> None:
    """As five minutes later."""
    key = subject.regions["eu"].token_key()
    assert key is not None
    key._opened.clear()


def key_of(subject: Subject, name: str = "region-eu") -> tuple[int | None, int, bool, str]:
    key = next(key for key in inventory(subject) if key.name == name)
    let_go(subject.regions)
    return key.covers, key.left, key.rotating, key.note


def test_a_token_opens_what_it_sealed_in_its_place_only_and_gives_no_key_away(chosen: KeyToken):
    import pkcs11

    place = Token(chosen.module, chosen.label, chosen.pin)
    key = TokenKey(place, make_key(place, label="region-eu"))
    other = TokenKey(place, make_key(place, label="region-eu"))
    sealed = key.seal(b"a data key", context="here")
    assert key.open(sealed, context="here") == b"a data key"
    assert len({key.seal(b"a data key", context="here") for _ in range(20)}) == 20
    for cipher, changed, context in (
        (key, sealed, "there"),
        (other, sealed, "here"),
        (key, sealed[:-1] + bytes([sealed[-1] ^ 1]), "here"),
        (key, sealed[:20], "here"),
        (key, Cipher(new_key()).seal(b"x", context="here"), "here"),
    ):
        with pytest.raises(CannotOpen):
            cipher.open(changed, context=context)
    assert "AES-256" in key.check()
    with pytest.raises(pkcs11.AttributeSensitive):
        _ = key._key()[pkcs11.Attribute.VALUE]


def test_a_lost_session_is_opened_again_and_a_token_that_is_gone_is_told(
    chosen: KeyToken, tmp_path: Path
):
    place = Token(chosen.module, chosen.label, chosen.pin)
    key = TokenKey(place, make_key(place, label="region-eu"))
    sealed = key.seal(b"a data key", context="here")
    token.close_all(chosen.module)
    assert key.open(sealed, context="here") == b"a data key"
    shutil.move(tmp_path / "tokens", tmp_path / "pulled")
    (tmp_path / "tokens").mkdir()
    token.close_all(chosen.module)
    assert key.open(sealed, context="here") == b"a data key"  # remembered for a while
    key._opened.clear()
    with pytest.raises(TokenAway, match="token eu cannot be used"):
        key.open(sealed, context="here")
    with pytest.raises(TokenAway):
        key.seal(b"another", context="here")
    shutil.rmtree(tmp_path / "tokens")
    shutil.move(tmp_path / "pulled", tmp_path / "tokens")
    token.close_all(chosen.module)
    assert key.open(sealed, context="here") == b"a data key"


def test_a_regions_key_goes_to_the_token_and_back_under_a_process_that_goes_on(
    subject: Subject, eu: Session, contract: Contract
):
    regions, ref, title = subject.regions, contract.id, contract.title
    file = regions["eu"].region.key_file
    other = RegionDatabase(regions["eu"].region)  # a process that sleeps meanwhile
    assert "Lies in a file. To the token" in key_of(subject)[3]
    rotating.rotate(subject, "region-eu", to="token")
    assert file.read_bytes().startswith(b"pkcs11:object=region-eu-")
    covers, left, waits, note = key_of(subject)
    assert (covers, left, waits) == (1, 0, True) and "Lies on the token eu" in note
    second = make_contract(eu, regions, "Written after").id
    let_go(regions)
    with other.open_session() as session:
        assert session.get_one(Contract, ref).title == title
        assert session.get_one(Contract, second).title == "Written after"
    with pytest.raises(Refused, match="finish region-eu"):
        rotating.rotate(subject, "region-eu", to="file")
    let_go(regions)
    rotating.finish(subject, "region-eu")
    let_go(subject.regions)
    wrapped = [row.wrapped[:1] for row in eu.scalars(select(DataKey))]
    assert wrapped == [b"\x02", b"\x02"] and key_of(subject)[:3] == (2, 0, False)
    # A rotation on the token stays on it, and makes another key.
    first = file.read_bytes()
    rotating.rotate(subject, "region-eu")
    let_go(regions)
    assert file.read_bytes().startswith(b"pkcs11:") and file.read_bytes() != first
    rotating.finish(subject, "region-eu")
    let_go(regions)
    rotating.rotate(subject, "region-eu", to="file")
    let_go(regions)
    assert len(file.read_bytes()) == 32
    rotating.finish(subject, "region-eu")
    let_go(subject.regions)
    with other.open_session() as session:
        assert session.get_one(Contract, ref).title == title
        assert session.get_one(DataKey, second).wrapped[:1] == b"\x01"
    with pytest.raises(TokenAway, match=r"regions\.us\.pkcs11"):
        rotating.rotate(subject, "region-us", to="token")
    with pytest.raises(Refused, match="Only the key of a region"):
        rotating.rotate(subject, "directory", to="token")


def test_doctor_readiness_and_the_start_say_in_a_line_what_a_token_lacks(
    subject: Subject, contract: Contract, tmp_path: Path
):
    let_go(subject.regions)

    def said(level: Level) -> list[str]:
        found = [c.line for c in keys.checks(subject) if "token" in c.name and c.level is level]
        let_go(subject.regions)
        return found

    assert "still in its file" in said(Level.WARNING)[0]
    rotating.rotate(subject, "region-eu", to="token")
    rotating.finish(subject, "region-eu")
    let_go(subject.regions)
    assert "never read out" in said(Level.GOOD)[0] and not said(Level.WARNING)
    mine = subject.settings.regions["eu"]
    of_key = lambda settings: [one for one in missing_parts(settings) if "key" in one]  # noqa: E731
    assert of_key(subject.settings) == [] and facts_of(subject.settings, mine).on_token
    for pin, expected in ((None, VARIABLE), ("1111", "PinIncorrect")):
        broken = replace(mine, token=replace(mine.token, pin=pin))  # type: ignore[type-var]
        token.close_all(mine.token.module)  # type: ignore[union-attr]
        [line] = of_key(replace(subject.settings, regions={"eu": broken}))
        assert expected in line and "\n" not in line
    [line] = of_key(replace(subject.settings, regions={"eu": replace(mine, token=None)}))
    assert "regions.eu.pkcs11" in line
    with pytest.raises(WrongRegion, match=r"regions\.eu\.pkcs11"):
        RegionDatabase(replace(mine, token=None))
    shutil.rmtree(tmp_path / "tokens")
    (tmp_path / "tokens").mkdir()
    token.close_all(mine.token.module)  # type: ignore[union-attr]
    forget_opened(subject)
    assert "bring the token back" in said(Level.ERROR)[0]
    assert not is_ready(keys.vital(subject))


def test_a_page_whose_token_is_away_says_so_and_answers_503(
    subject: Subject, contract: Contract, client_as: Callable[[str], object], tmp_path: Path
):
    ref = contract.id
    let_go(subject.regions)
    rotating.rotate(subject, "region-eu", to="token")
    rotating.finish(subject, "region-eu")
    let_go(subject.regions)
    client = client_as("cleo")
    assert client.get(f"/contracts/{ref}").status_code == 200  # type: ignore[attr-defined]
    shutil.rmtree(tmp_path / "tokens")
    (tmp_path / "tokens").mkdir()
    token.close_all(subject.settings.regions["eu"].token.module)  # type: ignore[union-attr]
    forget_opened(subject)
    Regions.close()  # its sessions hold what they opened
    page = client.get(f"/contracts/{ref}")  # type: ignore[attr-defined]
    assert page.status_code == 503 and "hardware token" in page.text


def test_a_new_region_makes_its_key_on_the_token_the_settings_name(
    chosen: KeyToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "home"
    home.mkdir()
    (home / "counterpart.toml").write_text(
        f'[regions.eu]\nlabel = "EU"\n[regions.eu.pkcs11]\nmodule = "{chosen.module}"\n'
        f'token = "eu"\n'
    )
    monkeypatch.setenv("COUNTERPART_HOME", str(home))
    monkeypatch.setenv(VARIABLE, PIN)
    run = lambda *args: CliRunner().invoke(main, [*args], catch_exceptions=False)  # noqa: E731
    assert run("migrate").exit_code == 0
    assert (home / "keys" / "region-eu.key").read_bytes().startswith(b"pkcs11:")
    listed = {key["name"]: key for key in json.loads(run("keys", "list", "--json").output)}
    assert "Lies on the token eu" in listed["region-eu"]["note"]


def test_settings_ask_for_both_the_library_and_the_token(tmp_path: Path):
    with pytest.raises(BadSetting, match=r"pkcs11\.module"):
        settings_from(tmp_path, {"regions": {"eu": {"pkcs11": {"token": "eu"}}}}, {})
