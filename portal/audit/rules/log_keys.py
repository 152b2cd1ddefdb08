"""The keys of one log, oldest first, each handed over by the one before it.

A hand-over is a signed note (C2SP signed-note) of four lines: `counterpart-log-key-transition/1`,
the log's name, the size of the last checkpoint that the old key signs, and the new public key.
Both keys sign it, so that whoever trusts either may trust the other.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.audit.rules.notes import (
    BadNote,
    Checkpoint,
    demand_signed,
    open_note,
    read_note,
    signature_line,
    split_note,
    vkey,
)

TRANSITION = "counterpart-log-key-transition/1"
SIZE = re.compile(r"0|[1-9][0-9]{0,15}")


@dataclass(frozen=True)
class LogKeys:
    """Public keys in the one-line form, and the size up to which each but the last signed."""

    keys: tuple[str, ...]
    ends: tuple[int, ...] = ()

    @property
    def newest(self) -> str:
        """The key that signs now."""
        return self.keys[-1]

    @property
    def text(self) -> str:
        """Every key, one a line, oldest first."""
        return "".join(f"{key}\n" for key in self.keys)

    def open(self, note: str) -> Checkpoint:
        """Return what a checkpoint says if the key of its time signed it; or raise `BadNote`."""
        size = read_note(note)[0].size
        passed = sum(end < size for end in self.ends)
        return open_note(note, self.keys[passed])


def hand_over(name: str, size: int, old: Ed25519PrivateKey, new: Ed25519PrivateKey) -> str:
    """Return the note by which a log's key is followed by another after a checkpoint's size."""
    key = vkey(name, new.public_key().public_bytes_raw())
    text = f"{TRANSITION}\n{name}\n{size}\n{key}\n"
    return "\n".join([text, *(signature_line(name, text, one) for one in (old, new)), ""])


def read_keys(text: str, transitions: Sequence[str]) -> LogKeys:
    """Return the keys of a log, one a line in `text`, if each was handed over; or `BadNote`."""
    keys, ends = tuple(text.split()), list[int]()
    if len(keys) != len(transitions) + 1:
        raise BadNote("The keys of the log and their transitions do not fit.")
    for (old, new), note in zip(pairwise(keys), transitions, strict=True):
        lines, signed, signatures = split_note(note)
        if len(lines) != 4 or not SIZE.fullmatch(lines[2]):
            raise BadNote("This is not a transition of a log's key.")
        expected = [TRANSITION, old.partition("+")[0], lines[2], new]
        if lines != expected or (ends and ends[-1] >= int(lines[2])):
            raise BadNote("A key of the log was not handed over by the one before it.")
        for key in (old, new):
            demand_signed(key, signed, signatures)
        ends.append(int(lines[2]))
    return LogKeys(keys, tuple(ends))
