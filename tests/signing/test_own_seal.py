"""The operator's own key for the seal: a PKCS#12 file, or a token by PKCS#11 (SoftHSM)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.kit import clock
from portal.residency.actions import read_document
from portal.residency.databases import Regions
from portal.settings.rules import OwnSeal, Settings
from portal.signing import keys, queries
from portal.signing.jobs import run_jobs
from portal.signing.keys import BadKeys, portal_keys
from portal.signing.validation import validate
from tests.conftest import settings_for
from tests.signing import stage
from tests.signing.authority import Server, root_file, serving
from tests.softhsm import MODULE, PIN, new_token

DOCUMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
SECRET = "COUNTERPART_TEST_SEAL"


def issued(server: Server) -> tuple[x509.Certificate, object]:
    return server.issuer.issue(
        "Seal of the operator", crl=server.crl_url, ends=clock.now() + timedelta(days=3000),
        purpose=DOCUMENTS,
    )  # fmt: skip


def in_a_file(server: Server, folder: Path) -> OwnSeal:
    """Put a key with its certificate into a PKCS#12 file."""
    certificate, key = issued(server)
    path = folder / "seal.p12"
    locked = serialization.BestAvailableEncryption(b"a long passphrase")
    path.write_bytes(pkcs12.serialize_key_and_certificates(
        b"seal", key, certificate, None, locked))  # type: ignore[arg-type]  # fmt: skip
    return OwnSeal(root=root_file(server, folder), secret=SECRET, pkcs12=path)


def in_a_token(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> OwnSeal:
    """Put a key with its certificate into a fresh SoftHSM token."""
    import pkcs11
    from asn1crypto import keys as asn1_keys
    from pkcs11.util.ec import decode_ec_private_key
    from pkcs11.util.x509 import decode_x509_certificate

    new_token(folder, "seal", monkeypatch)
    certificate, key = issued(server)
    plain = key.private_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    token = pkcs11.lib(str(MODULE)).get_token(token_label="seal")
    with token.open(rw=True, user_pin=PIN) as session:
        info = asn1_keys.PrivateKeyInfo.load(plain)
        params = info["private_key_algorithm"]["parameters"]
        inner = info["private_key"].parsed
        inner["parameters"] = params
        made = decode_ec_private_key(inner.dump())
        made.update({pkcs11.Attribute.LABEL: "seal", pkcs11.Attribute.TOKEN: True,
                     pkcs11.Attribute.ID: b"1"})  # fmt: skip
        session.create_object(made)
        held = decode_x509_certificate(certificate.public_bytes(serialization.Encoding.DER))
        held.update({pkcs11.Attribute.LABEL: "seal", pkcs11.Attribute.TOKEN: True,
                     pkcs11.Attribute.ID: b"1"})  # fmt: skip
        session.create_object(held)
    return OwnSeal(
        root=root_file(server, folder), secret=SECRET, module=MODULE, token="seal", label="seal"
    )


@pytest.mark.parametrize("kind", ["file", "token"])
@pytest.mark.slow
def test_an_operators_own_key_seals_and_the_deed_holds(
    eu: Session, regions: Regions, contract: Contract, tmp_path: Path, kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    plain = settings_for(regions["eu"].region.key_file.parents[1])
    at = clock.now()
    with serving() as issuer:
        if kind == "file":
            own, secret = in_a_file(issuer, tmp_path), "a long passphrase"
        else:
            own, secret = in_a_token(issuer, tmp_path, monkeypatch), PIN
        monkeypatch.setenv(SECRET, secret)
        settings: Settings = replace(plain, own_seal=own)
        for number, key in enumerate(stage.SIGNERS):
            moment = at + timedelta(seconds=40 * number)
            stage.consent(eu, contract, key, at=moment)
            stage.sign(eu, contract, key, at=moment)
        eu.rollback()
        assert run_jobs(regions, settings, at=at + timedelta(seconds=200)) == 5
    eu.expire_all()
    version = contract.versions[0]
    deed = queries.latest_deed(eu, version)
    assert deed is not None
    assert deed.kind == "sealed"
    assert deed.renew_by is not None
    assert deed.renew_by < at + timedelta(days=3001)
    pdf = read_document(eu, regions["eu"], queries.document_of(eu, deed))
    later = at + timedelta(days=400)
    report = validate(pdf, root_pem=keys.root_pem(settings), known_sha256=deed.sha256, at=later)
    assert report.ok, report.errors()
    seal = next(one for one in report.signatures if one.kind == "seal")
    assert seal.issuer == "Root of a time-stamp authority"
    assert not validate(pdf, root_pem=keys.root_pem(plain), at=later).ok


def test_what_cannot_be_opened_is_told_in_words(
    regions: Regions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = settings_for(regions["eu"].region.key_file.parents[1])
    with serving() as issuer:
        own = in_a_file(issuer, tmp_path)
    settings = replace(plain, own_seal=own)
    monkeypatch.delenv(SECRET, raising=False)
    with pytest.raises(BadKeys, match=SECRET):
        portal_keys(settings, at=clock.now())
    monkeypatch.setenv(SECRET, "wrong")
    with pytest.raises(BadKeys, match="cannot be opened"):
        portal_keys(settings, at=clock.now())
    monkeypatch.setenv(SECRET, "271828")
    missing = replace(own, pkcs12=None, module=tmp_path / "none.so", token="x", label="x")
    with pytest.raises(BadKeys, match="token cannot be used"):
        portal_keys(replace(plain, own_seal=missing), at=clock.now())
