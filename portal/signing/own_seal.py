"""The operator's own key for the seal: a PKCS#12 file, or a token reached by PKCS#11."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asn1crypto import pem, x509
from pyhanko.sign.signers import Signer, SimpleSigner

from portal.kit.token import Token, open_session
from portal.settings.rules import OwnSeal


class BadKeys(Exception):
    """The key files of the home cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Loaded:
    """A key ready to seal with, and its certificates (DER) from the seal's own to the root."""

    signer: Signer
    chain: tuple[bytes, ...]


def load_own_seal(chosen: OwnSeal) -> Loaded:
    """Return the operator's own key; `BadKeys` says in words why it cannot be used."""
    secret = os.environ.get(chosen.secret)
    if secret is None:
        raise BadKeys(f"The seal needs its passphrase or PIN in the variable {chosen.secret}.")
    root = _root(chosen)
    signer = _from_file(chosen, secret) if chosen.pkcs12 else _from_token(chosen, secret)
    certificate = signer.signing_cert
    if certificate is None:
        raise BadKeys("The seal's certificate was not found beside its key.")
    others = [one for one in signer.cert_registry if one.sha256 != certificate.sha256]
    chain = {one.sha256: one for one in (certificate, *others, root)}
    return Loaded(signer, tuple(one.dump() for one in chain.values()))


def _root(chosen: OwnSeal) -> x509.Certificate:
    try:
        return x509.Certificate.load(pem.unarmor(chosen.root.read_bytes())[2])
    except (OSError, ValueError) as damage:
        raise BadKeys(f"{chosen.root.name}: the root of the seal cannot be read.") from damage


def _from_file(chosen: OwnSeal, secret: str) -> Signer:
    found = SimpleSigner.load_pkcs12(str(chosen.pkcs12), passphrase=secret.encode())
    if found is None:
        raise BadKeys("The seal's PKCS#12 file cannot be opened with its passphrase.")
    return found


# One session a process and token. A child after a fork has a process number of its own, and so
# opens its own.
_sessions: dict[tuple[int, str, str], Any] = {}


def _from_token(chosen: OwnSeal, secret: str) -> Signer:
    """Return a signer on the token, over the one session this process holds with it."""
    try:
        from pyhanko.sign.pkcs11 import PKCS11Signer
    except ImportError as missing:
        raise BadKeys("A PKCS#11 seal needs the package python-pkcs11.") from missing
    place = (os.getpid(), str(chosen.module), chosen.token)
    try:
        if place not in _sessions:
            _sessions[place] = open_session(Token(chosen.module or Path(), chosen.token, secret))
        signer = PKCS11Signer(
            _sessions[place], cert_label=chosen.label, key_label=chosen.label,
            use_raw_mechanism=True, other_certs_to_pull=None,
        )  # fmt: skip
        signer.signing_cert  # noqa: B018  asks the token now, so that a wrong label is told here
    except Exception as refused:  # the library raises a class of its own for every return code
        _sessions.pop(place, None)
        name = type(refused.__cause__ or refused).__name__
        raise BadKeys(f"The seal's token cannot be used ({name}).") from refused
    return signer
