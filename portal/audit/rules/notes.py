"""Checkpoints as signed notes: C2SP tlog-checkpoint over C2SP signed-note, by Ed25519.

A note is a text of whole lines, an empty line, and signature lines of an em dash, the key's name
and base64 over four bytes of the key's id and the signature. The text of a checkpoint is three
lines: the log's name, the number of entries, and the root in base64.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
SIGNATURE = re.compile(r"^— (\S+) (\S+)$")


class BadNote(Exception):
    """The text is no checkpoint, or not one of this log; the message says why."""


@dataclass(frozen=True)
class Checkpoint:
    """How many entries a log held, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The signed lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def key_id(name: str, public: bytes) -> bytes:
    """Return the four bytes by which a signature names its key."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def vkey(name: str, public: bytes) -> str:
    """Return a public key in the one-line form that verifiers take."""
    key = base64.b64encode(ED25519 + public).decode()
    return f"{name}+{key_id(name, public).hex()}+{key}"


def sign_note(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Return the note; the same checkpoint and key always give the same bytes."""
    return f"{checkpoint.text}\n{signature_line(checkpoint.origin, checkpoint.text, key)}\n"


def signature_line(name: str, text: str, key: Ed25519PrivateKey) -> str:
    """Return the line by which a key signs a text of whole lines."""
    signed = key_id(name, key.public_key().public_bytes_raw()) + key.sign(text.encode())
    return f"— {name} {base64.b64encode(signed).decode()}"


Signatures = list[tuple[str, bytes]]


def split_note(note: str) -> tuple[list[str], str, Signatures]:
    """Return a note's lines, its signed text, and its signatures as (key name, id and signature).

    Nothing is checked.
    """
    text, gap, below = note.partition("\n\n")
    if not gap:
        raise BadNote("This is not a signed note.")
    try:
        signatures = [
            (found[1], base64.b64decode(found[2], validate=True))
            for line in below.splitlines()
            if (found := SIGNATURE.match(line))
        ]
    except ValueError as error:
        raise BadNote("The signatures of the note are damaged.") from error
    return text.split("\n"), f"{text}\n", signatures


def read_note(note: str) -> tuple[Checkpoint, Signatures]:
    """Return what a checkpoint says and its signatures, unchecked."""
    lines, _, signatures = split_note(note)
    if len(lines) != 3 or not re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[1]):
        raise BadNote("This is not a checkpoint.")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except ValueError as error:
        raise BadNote("The checkpoint is damaged.") from error
    if len(root) != 32:
        raise BadNote("The checkpoint is damaged.")
    return Checkpoint(lines[0], int(lines[1]), root), signatures


def open_note(note: str, key: str) -> Checkpoint:
    """Return what a note says if the key of this `vkey` signed it; raise `BadNote` if not."""
    checkpoint, signatures = read_note(note)
    name, _ = _read_vkey(key)
    if checkpoint.origin != name:
        raise BadNote(f"The checkpoint is of another log: {checkpoint.origin}.")
    demand_signed(key, checkpoint.text, signatures)
    return checkpoint


def demand_signed(key: str, text: str, signatures: Signatures) -> None:
    """Raise `BadNote` unless one of the signatures is of this `vkey` over the text."""
    name, public = _read_vkey(key)
    for signer, signed in signatures:
        if signer == name and signed[:4] == key_id(name, public):
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(signed[4:], text.encode())
            except InvalidSignature as error:
                raise BadNote("The signature of the checkpoint does not hold.") from error
            return
    raise BadNote("The checkpoint is not signed by the key of this log.")


def _read_vkey(key: str) -> tuple[str, bytes]:
    try:
        name, mark, encoded = key.strip().split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise BadNote("The public key of the log is damaged.") from error
    if raw[:1] != ED25519 or len(raw) != 33 or key_id(name, raw[1:]).hex() != mark:
        raise BadNote("The public key of the log is damaged.")
    return name, raw[1:]
