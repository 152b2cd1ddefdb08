"""The self-test of signing at start: a deed that is made, signed, sealed, checked, thrown away."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from flask import Flask

from portal.contracts.rules.document import canonical_bytes, slot_field
from portal.kit import clock
from portal.settings.rules import Settings
from portal.signing.certificates import create_contract_ca, final_crl
from portal.signing.jobs.steps import demand_sound
from portal.signing.keys import PortalKeys, portal_keys
from portal.signing.pades import SignerFacts, archive, certify, seal, sign_slot
from portal.signing.pdf import render_deed
from portal.signing.validation import Report, validate


class SelfTestFailed(Exception):
    """This installation cannot make a deed that its own check accepts."""


def self_test(app: Flask) -> timedelta:
    """Make, sign, seal and check a small deed that is thrown away; `SelfTestFailed` says why not.

    It uses the portal's own keys and fonts, so that a host that cannot sign never takes a contract.
    """
    started = clock.now()
    settings: Settings = app.config["SETTINGS"]
    try:
        report = _rehearse(portal_keys(settings, at=started), settings.operator, at=started)
        demand_sound(report, version_sha256=report.terms_sha256 or "")
    except Exception as failure:  # every cause is told in the same loud way
        raise SelfTestFailed(
            f"The self-test of signing failed ({type(failure).__name__}): {failure}"
        ) from failure
    return clock.now() - started


def altered_deeds_found(app: Flask, count: int) -> tuple[int, int]:
    """Alter one byte of a made deed in `count` places; return how many are found, of how many.

    It is checked as a deed whose hash is known, as the portal knows that of each.
    """
    at, settings = clock.now(), app.config["SETTINGS"]
    keys = portal_keys(settings, at=at)
    pdf = _made(keys, settings.operator, at=at)
    known, found = hashlib.sha256(pdf).hexdigest(), 0
    for number in range(count):
        altered = bytearray(pdf)
        altered[(number * len(pdf) + len(pdf) // 2) // count] ^= 1
        report = validate(
            bytes(altered), root_pem=keys.root.certificate_pem, known_sha256=known, at=at
        )
        found += not report.ok
    return found, count


def _rehearse(keys: PortalKeys, operator: str, *, at: datetime) -> Report:
    return validate(_made(keys, operator, at=at), root_pem=keys.root.certificate_pem, at=at)


def _made(keys: PortalKeys, operator: str, *, at: datetime) -> bytes:
    deed, canonical = _rehearsal(operator, at=at)
    authority = create_contract_ca(keys.root, "self-test", at=at)
    signer = SignerFacts(
        name="Test Signer", title="Signatory", organisation="Vendor", person_id="self-test",
        email="", authority="None: a self-test.", consent_sha256="00" * 32,
    )  # fmt: skip
    pdf = certify(render_deed(deed, canonical), keys.seal, at=at, tsu=keys.unit)
    pdf = sign_slot(
        pdf, slot_field("vendor", 1), signer, contract_ca=authority, root=keys.root,
        tsu=keys.unit, at=at,
    )  # fmt: skip
    pdf = seal(pdf, keys.seal, keys.unit, at=at)
    return archive(pdf, keys.root, authority, [final_crl(keys.root, at=at)], keys.unit, at=at)


def _rehearsal(operator: str, *, at: datetime) -> tuple[dict[str, Any], bytes]:
    canonical = canonical_bytes({"format": "self-test"})
    slot = {"side": "vendor", "position": 1, "name": "Test Signer", "title": "Signatory"}
    parties = {side: {"name": side.title(), "details": "None"} for side in ("vendor", "customer")}
    deed = {
        "title": "Self-test of signing",
        "ref": "self-test",
        "version": 1,
        "sha256": hashlib.sha256(canonical).hexdigest(),
        "frozen_at": at.isoformat(timespec="seconds"),
        "region_label": "none",
        "operator": operator,
        "parties": parties,
        "groups": [],
        "special_terms": [],
        "standard": {"version": "none", "sha256": "00" * 32, "title": "None", "sections": []},
        "slots": [{**slot, "field": slot_field("vendor", 1), "organisation": "Vendor"}],
        "entry_head": None,
    }
    return deed, canonical
