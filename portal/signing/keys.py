"""The portal's own keys, as files of its home: made on first need, the same for every process.

The root, the seal and the time-stamp unit stand in one file, so that two processes that start at
once agree on all three. Private keys are sealed by AES-256-GCM under a key file beside it.
"""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pyhanko.sign.signers import Signer

from portal.kit import clock
from portal.kit.files import read_or_make, replace
from portal.kit.vault import Cipher, Ring, new_key
from portal.settings.rules import Settings
from portal.signing.certificates import (
    KeyPair,
    create_root,
    create_seal,
    create_time_stamp_unit,
    from_stored,
    to_stored,
)
from portal.signing.own_seal import BadKeys, load_own_seal

FORMAT = "counterpart-keys/1"
KEY_FILE = "signing.key"
PAIRS_FILE = "signing.json"
ROOT_FILE = "root.pem"


@dataclass(frozen=True)
class PortalKeys:
    """The root, the seal (the portal's or the operator's own) and the portal's time-stamp unit.

    `seal_chain` holds the certificates (DER) of an operator's own seal, up to its root.
    """

    root: KeyPair
    seal: KeyPair | Signer
    unit: KeyPair
    seal_chain: tuple[bytes, ...] = ()


def portal_keys(settings: Settings, *, at: datetime) -> PortalKeys:
    """Return the portal's keys, made now if this home has none."""
    folder = settings.keys
    _sealing_key(folder / KEY_FILE)
    cipher = Ring(folder / KEY_FILE)
    stored = read_or_make(folder / PAIRS_FILE, lambda: _made(settings.operator, cipher, at=at))
    try:
        pairs = json.loads(stored)
        root, seal, unit = (_opened(pairs, name, cipher) for name in ("root", "seal", "unit"))
    except (ValueError, KeyError) as damage:
        raise BadKeys(f"{PAIRS_FILE} in the keys folder is damaged.") from damage
    read_or_make(folder / ROOT_FILE, lambda: root.certificate_pem)
    if settings.own_seal is None:
        return PortalKeys(root, seal, unit)
    own = load_own_seal(settings.own_seal)
    return PortalKeys(root, own.signer, unit, own.chain)


def renew_seal(settings: Settings, *, at: datetime) -> None:
    """Make a new seal and time-stamp unit under the same root; deeds sealed before stay valid.

    Every process reads the file at each use, so the next deed is sealed by the new one.
    """
    cipher = Ring(settings.keys / KEY_FILE)
    root = portal_keys(settings, at=at).root
    pairs = {
        "root": root,
        "seal": create_seal(root, settings.operator, at=at),
        "unit": create_time_stamp_unit(root, settings.operator, at=at),
    }
    _replace(settings, pairs, cipher)


def seal_anew(settings: Settings) -> None:
    """Seal the stored private keys with the present key of the ring."""
    path, cipher = settings.keys / PAIRS_FILE, Ring(settings.keys / KEY_FILE)
    pairs = json.loads(path.read_bytes())
    _replace(settings, {n: _opened(pairs, n, cipher) for n in ("root", "seal", "unit")}, cipher)


def is_sealed_by_present(settings: Settings) -> bool:
    """Whether the present key of the ring opens every stored private key."""
    ring = Ring(settings.keys / KEY_FILE)
    pairs = json.loads((settings.keys / PAIRS_FILE).read_bytes())
    return all(
        ring.is_current(base64.b64decode(pairs[name]["key"]), context=_context(name))
        for name in ("root", "seal", "unit")
    )


def _replace(settings: Settings, pairs: dict[str, KeyPair], cipher: Cipher) -> None:
    stored = {name: _sealed(name, pair, cipher) for name, pair in pairs.items()}
    content = json.dumps({"format": FORMAT, **stored}, indent=1).encode()
    replace(settings.keys / PAIRS_FILE, content)


def root_pem(settings: Settings) -> bytes:
    """Return what a deed is checked with, fit to hand to anybody: the portal's root comes first.

    After it stand the roots of the operator's own seal and of the time-stamp authorities; a check
    trusts those for seals and time stamps only, never for a person's signature.
    """
    path = settings.keys / ROOT_FILE
    own = path.read_bytes() if path.exists() else _root(settings)
    others = [settings.own_seal.root] if settings.own_seal else []
    others += [authority.root for authority in settings.authorities]
    try:
        found = dict.fromkeys([own, *(other.read_bytes() for other in others)])
    except OSError as missing:
        raise BadKeys(f"{missing.filename}: this root certificate cannot be read.") from missing
    return b"".join(one if one.endswith(b"\n") else one + b"\n" for one in found)


def _root(settings: Settings) -> bytes:
    return portal_keys(settings, at=clock.now()).root.certificate_pem


def _made(operator: str, cipher: Cipher, *, at: datetime) -> bytes:
    root = create_root(operator, at=at)
    pairs = {
        "root": root,
        "seal": create_seal(root, operator, at=at),
        "unit": create_time_stamp_unit(root, operator, at=at),
    }
    stored = {name: _sealed(name, pair, cipher) for name, pair in pairs.items()}
    return json.dumps({"format": FORMAT, **stored}, indent=1).encode()


def _sealed(name: str, pair: KeyPair, cipher: Cipher) -> dict[str, str]:
    certificate, key = to_stored(pair)
    sealed = cipher.seal(key, context=_context(name))
    return {"certificate": certificate.decode(), "key": base64.b64encode(sealed).decode()}


def _opened(pairs: dict[str, dict[str, str]], name: str, cipher: Cipher) -> KeyPair:
    sealed = base64.b64decode(pairs[name]["key"])
    key = cipher.open(sealed, context=_context(name))
    return from_stored(pairs[name]["certificate"].encode(), key)


def _context(name: str) -> str:
    return f"portal_keys|key|{name}"


def _sealing_key(path: Path) -> bytes:
    key = read_or_make(path, new_key)
    if len(key) != 32:
        raise BadKeys(f"{path.name} in the keys folder must hold exactly 32 bytes.")
    return key
