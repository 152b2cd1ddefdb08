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
from typing import Any
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
        """The public key that signs now, in the one line that verifiers take."""
        return self.keys.newest

    @property
    def keys(self) -> rules.LogKeys:
        """Every public key this log ever had."""
        stored = self._stored()
        known = [one["vkey"] for one in stored["before"]] + [_public(stored)]
        return rules.read_keys("\n".join(known), self.transitions)

    @property
    def transitions(self) -> list[str]:
        """The notes by which each key handed over to the next, oldest first."""
        return [one["transition"] for one in self._stored()["before"]]

    def remembered(self) -> rules.Checkpoint | None:
        """Return the last checkpoint this signer signed, from its own memory."""
        if not self.memory.exists():
            return None
        return self.keys.open(self.memory.read_text("utf-8"))

    def sign(self, tree: rules.Tree, *, stored: str | None) -> str:
        """Sign a tree that extends the last one, and remember it before handing it out.

        The last one is what the memory says, and the newest checkpoint the database has `stored`.
        Raises `Forked` for any other tree. Call it inside `alone`.
        """
        for before in (self.remembered(), self.keys.open(stored) if stored else None):
            if before is not None:
                demand_extends(tree, before)
        stored_key = self._stored()
        checkpoint = rules.Checkpoint(stored_key["origin"], tree.size, tree.root())
        note = rules.sign_note(checkpoint, _private(stored_key))
        replace(self.memory, note.encode())
        return note

    def change_key(self, *, stored: str | None) -> None:
        """Hand over to a new key after the last checkpoint; the old private key is gone with it.

        `stored` is the newest checkpoint of the database: what was signed must be there. Raises
        `Forked` where it is not, or nothing was signed by the present key. Call it inside `alone`.
        """
        last, keys = self.remembered(), self.keys
        if last is None or stored is None or keys.open(stored) != last:
            raise Forked("The last checkpoint that was signed is not in the log yet.")
        if keys.ends and keys.ends[-1] >= last.size:
            raise Forked("Nothing was signed since the key was handed over.")
        present, new = self._stored(), Ed25519PrivateKey.generate()
        name = present["origin"]
        note = rules.hand_over(name, last.size, _private(present), new)
        before = [*present["before"], {"vkey": keys.newest, "transition": note}]
        replace(self.key_file, _written(name, new, before))

    def _stored(self) -> dict[str, Any]:
        stored = json.loads(read_or_make(self.key_file, self._made))
        if stored["format"] != FORMAT:
            raise ValueError(f"{self.key_file.name} is not a log key")
        return {"before": [], **stored}

    def _made(self) -> bytes:
        return _written(self.name, Ed25519PrivateKey.generate(), [])


def _written(name: str, key: Ed25519PrivateKey, before: list[dict[str, str]]) -> bytes:
    secret = base64.b64encode(key.private_bytes_raw()).decode()
    stored = {"format": FORMAT, "origin": name, "key": secret, "before": before}
    return json.dumps(stored, indent=1).encode()


def _private(stored: dict[str, Any]) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(stored["key"]))


def _public(stored: dict[str, Any]) -> str:
    return rules.vkey(stored["origin"], _private(stored).public_key().public_bytes_raw())


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
