"""The pepper of recovery codes: a key file, and the one before it while a rotation waits."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from portal.residency.databases import read_or_make_key
from portal.settings.rules import Settings

FILE = "pepper.key"
MARK_LETTERS = 12


@dataclass(frozen=True)
class Peppers:
    """What recovery codes are hashed with: new ones with `present`, and either is compared."""

    present: bytes
    before: bytes | None = None

    @property
    def each(self) -> tuple[bytes, ...]:
        """The peppers that still count, the present one first."""
        return (self.present,) if self.before is None else (self.present, self.before)

    @property
    def mark(self) -> str:
        """What a row keeps to say which pepper it needs; it tells nothing of the pepper."""
        return hashlib.sha256(self.present).hexdigest()[:MARK_LETTERS]


def peppers(settings: Settings) -> Peppers:
    """Read the peppers; the files are looked at for each use, as a rotation may be under way."""
    path = settings.keys / FILE
    present, old = read_or_make_key(path), old_file(path)
    before = old.read_bytes() if old.exists() else None
    return Peppers(present, before if before != present else None)


def old_file(path: Path) -> Path:
    """Return where the pepper before this one lies until the rotation is finished."""
    return path.with_name(f"{path.name}.old")
