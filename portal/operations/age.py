"""Encryption of backups by age, through pyrage: to a public key whose secret lies elsewhere."""

from pathlib import Path

import pyrage
from pyrage import x25519

from portal.kit.errors import Refused


def encrypt(plain: Path, sealed: Path, recipients: list[str]) -> None:
    """Encrypt a file to every recipient (`age1...`); `Refused` for what is not one."""
    try:
        keys = [x25519.Recipient.from_str(text) for text in recipients]
    except pyrage.RecipientError as error:
        raise Refused("A recipient is a public age key: age1...") from error
    pyrage.encrypt_file(str(plain), str(sealed), keys)


def decrypt(sealed: Path, plain: Path, identity: str) -> None:
    """Decrypt a file with a secret key (`AGE-SECRET-KEY-1...`), or say that it does not open."""
    try:
        key = x25519.Identity.from_str(identity.strip())
    except pyrage.IdentityError as error:
        raise Refused("An identity is a secret age key: AGE-SECRET-KEY-1...") from error
    try:
        pyrage.decrypt_file(str(sealed), str(plain), [key])
    except pyrage.DecryptError as error:
        raise Refused(f"{sealed.name} does not open with this key, or is damaged.") from error


def new_identity() -> tuple[str, str]:
    """Return a new (secret, public) pair."""
    identity = x25519.Identity.generate()
    return str(identity), str(identity.to_public())
