"""The portal's keys: who issues what, for how long, and for which use."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portal.signing import certificates
from tests.signing.deed_sample import OPERATOR, START, keys


def _signer(**changes: str) -> certificates.KeyPair:
    facts = {
        "name": "Ada Whitfield",
        "title": "Chief Operating Officer",
        "organisation": "Northwind Systems Ltd",
        "person_id": "prs-1",
        "email": "ada@example.com",
    }
    return certificates.signer_certificate(keys().contract_ca, **(facts | changes), at=START)


def _subject(pair: certificates.KeyPair, kind: x509.ObjectIdentifier) -> str:
    return str(pair.certificate.subject.get_attributes_for_oid(kind)[0].value)


def test_the_root_is_p384_and_lasts_thirty_years() -> None:
    root = keys().root
    assert root.private_key.curve.name == "secp384r1"
    life = root.certificate.not_valid_after_utc - START
    assert timedelta(days=10_956) < life < timedelta(days=10_959)
    root.certificate.verify_directly_issued_by(root.certificate)


@pytest.mark.parametrize("name", ["contract_ca", "seal", "tsu"])
def test_everything_of_the_portal_is_issued_by_the_root(name: str) -> None:
    pair = getattr(keys(), name)
    pair.certificate.verify_directly_issued_by(keys().root.certificate)
    assert isinstance(pair.private_key.curve, ec.SECP256R1)


def test_a_signer_certificate_lasts_ten_minutes_and_names_the_person() -> None:
    pair = _signer()
    certificate = pair.certificate
    certificate.verify_directly_issued_by(keys().contract_ca.certificate)
    assert certificate.not_valid_after_utc == START + timedelta(minutes=10)
    assert certificate.not_valid_before_utc == START - timedelta(minutes=1)
    assert _subject(pair, NameOID.COMMON_NAME) == "Ada Whitfield"
    assert _subject(pair, NameOID.TITLE) == "Chief Operating Officer"
    assert _subject(pair, NameOID.ORGANIZATION_NAME) == "Northwind Systems Ltd"
    assert _subject(pair, NameOID.SERIAL_NUMBER) == "prs-1"
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.RFC822Name) == ["ada@example.com"]


def test_a_signer_certificate_is_for_documents_and_says_that_a_code_was_entered() -> None:
    extensions = _signer().certificate.extensions
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and usage.content_commitment and not usage.key_cert_sign
    uses = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [use.dotted_string for use in uses] == ["1.3.6.1.5.5.7.3.36"]
    policies = extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert [p.policy_identifier.dotted_string for p in policies] == [certificates.TOTP_POLICY]
    assert certificates.TOTP_POLICY.startswith("2.25.")


def test_every_act_has_a_key_of_its_own() -> None:
    assert _signer().private_key.private_numbers() != _signer().private_key.private_numbers()


def test_long_and_foreign_names_are_cut_and_kept() -> None:
    pair = _signer(name="Ελένη " * 30, title="", email="ελένη@example.com")
    assert _subject(pair, NameOID.COMMON_NAME) == "Ελένη Ελένη Ελένη Ελένη Ελένη Ελέν"
    assert not pair.certificate.subject.get_attributes_for_oid(NameOID.TITLE)
    with pytest.raises(x509.ExtensionNotFound):
        pair.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)


def test_the_contract_authority_cannot_make_another_authority() -> None:
    extension = keys().contract_ca.certificate.extensions
    limits = extension.get_extension_for_class(x509.BasicConstraints).value
    assert limits.ca and limits.path_length == 0


def test_the_time_stamp_unit_has_one_use_only() -> None:
    extension = keys().tsu.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert extension.critical
    assert [use.dotted_string for use in extension.value] == ["1.3.6.1.5.5.7.3.8"]


def test_a_key_pair_comes_back_from_storage() -> None:
    pem, key = certificates.to_stored(keys().contract_ca)
    back = certificates.from_stored(pem, key)
    assert back.certificate == keys().contract_ca.certificate
    assert back.private_key.private_numbers() == keys().contract_ca.private_key.private_numbers()


def test_a_certificate_with_another_key_is_refused() -> None:
    pem, _ = certificates.to_stored(keys().contract_ca)
    _, other = certificates.to_stored(keys().seal)
    with pytest.raises(ValueError, match="does not belong"):
        certificates.from_stored(pem, other)


def test_the_final_list_revokes_nothing_for_ten_years() -> None:
    crl = x509.load_der_x509_crl(certificates.final_crl(keys().contract_ca, at=START))
    assert len(crl) == 0
    assert crl.last_update_utc == START
    assert crl.next_update_utc is not None
    assert crl.next_update_utc - START == timedelta(days=3652.5)
    assert crl.is_signature_valid(keys().contract_ca.private_key.public_key())
    covers = crl.extensions.get_extension_for_oid(certificates.EXPIRED_ON_LIST)
    assert covers.value.public_bytes() == b"\x18\x0f20261123095900Z"


def test_nothing_outlives_its_issuer() -> None:
    late = START + timedelta(days=365 * 25)
    unit = certificates.create_time_stamp_unit(keys().root, OPERATOR, at=late)
    assert unit.certificate.not_valid_after_utc <= keys().root.certificate.not_valid_after_utc
