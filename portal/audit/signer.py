"""The signer of a log: its key, and its memory of the last checkpoint, both outside the database.

A database put back to an older state, or rebuilt with other entries, no longer extends what the
signer remembers, and is not signed.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.audit import rules
from portal.kit.files import alone, read_or_make, replace
from portal.settings.rules import Region, Settings

FORMAT = "counterpart-log-key/1"


class Forked(Exception):
    """The log does not extend the one that was signed before; the message says how it differs."""


@dataclass(frozen=True)
class Signer:
    """Signs the checkpoints of one region's log, each an extension of the last."""

    key_file: Path
    memory: Path
    name: str

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other process sign until this one has read the log, signed and stored."""
        with alone(self.memory.with_suffix(".lock")):
            yield

    @property
    def vkey(self) -> str:
        """The public key, in the one line that verifiers take."""
        origin, key = self._key()
        return rules.vkey(origin, key.public_key().public_bytes_raw())

    def remembered(self) -> rules.Checkpoint | None:
        """Return the last checkpoint this signer signed, from its own memory."""
        if not self.memory.exists():
            return None
        return rules.open_note(self.memory.read_text("utf-8"), self.vkey)

    def sign(self, tree: rules.Tree, *, stored: str | None) -> str:
        """Sign a tree that extends the last one, and remember it before handing it out.

        The last one is what the memory says, and the newest checkpoint the database has `stored`.
        Raises `Forked` for any other tree. Call it inside `alone`.
        """
        for before in (self.remembered(), rules.open_note(stored, self.vkey) if stored else None):
            if before is not None:
                demand_extends(tree, before)
        origin, key = self._key()
        note = rules.sign_note(rules.Checkpoint(origin, tree.size, tree.root()), key)
        replace(self.memory, note.encode())
        return note

    def _key(self) -> tuple[str, Ed25519PrivateKey]:
        stored = json.loads(read_or_make(self.key_file, self._made))
        if stored["format"] != FORMAT:
            raise ValueError(f"{self.key_file.name} is not a log key")
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(stored["key"]))
        return stored["origin"], key

    def _made(self) -> bytes:
        key = Ed25519PrivateKey.generate().private_bytes_raw()
        stored = {"format": FORMAT, "origin": self.name, "key": base64.b64encode(key).decode()}
        return json.dumps(stored, indent=1).encode()


def demand_extends(tree: rules.Tree, before: rules.Checkpoint) -> None:
    """Raise `Forked` unless the tree begins with the one of the checkpoint."""
    if tree.size < before.size:
        raise Forked(
            f"The log holds {tree.size} entries, and a checkpoint was signed over {before.size}: "
            "entries are missing."
        )
    if tree.root(before.size) != before.root:
        raise Forked(
            f"The first {before.size} entries of the log are not those that were signed before."
        )


def signer_of(settings: Settings, region: Region) -> Signer:
    """Return the signer of a region's log; its key is made on first need.

    The name of the log is kept with the key, so that a portal may move to another address.
    """
    name = f"{urlsplit(settings.base_url).netloc}/log/{region.name}"
    return Signer(
        key_file=settings.keys / f"log-{region.name}.json",
        memory=settings.log_memory / f"{region.name}.checkpoint",
        name=name,
    )
