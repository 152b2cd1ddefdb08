"""Which files may stand beside an incident, and how they are named when they leave."""

import re

from portal.kit.words import say

LARGEST_FILE = 20 * 1024 * 1024
MOST_FILES = 5
# What each kind must begin with; text kinds must be readable as text instead.
_SIGNATURES: dict[str, bytes] = {
    "pdf": b"%PDF-",
    "png": b"\x89PNG\r\n\x1a\n",
    "jpg": b"\xff\xd8\xff",
    "jpeg": b"\xff\xd8\xff",
    "zip": b"PK",
}
_TEXT = frozenset({"txt", "csv", "log"})
MEDIA_TYPES: dict[str, str] = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "txt": "text/plain",
    "csv": "text/csv",
    "log": "text/plain",
    "zip": "application/zip",
}
ACCEPTED = ",".join(f".{ending}" for ending in MEDIA_TYPES)


def ending_of(name: str) -> str:
    """Return the last ending of a file's name, in lower case."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def file_problem(name: str, content: bytes) -> str | None:
    """Say why a file is not taken, or None: its ending, its size, and that it is what it says."""
    ending, shown = ending_of(name), name[:60]
    if ending not in MEDIA_TYPES:
        return say(
            "“%(shown)s” is not taken. Choose a pdf, png, jpg, txt, csv, log or zip file.",
            shown=shown,
        )
    if not content:
        return say("“%(shown)s” is empty.", shown=shown)
    if len(content) > LARGEST_FILE:
        return say("“%(shown)s” is larger than 20 MB.", shown=shown)
    if ending in _TEXT and not _is_text(content):
        return say("“%(shown)s” is not a text file.", shown=shown)
    if ending in _SIGNATURES and not content.startswith(_SIGNATURES[ending]):
        return say(
            "“%(shown)s” is not a %(ending)s file, whatever its name says.",
            shown=shown,
            ending=ending,
        )
    return None


def _is_text(content: bytes) -> bool:
    if b"\x00" in content:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        # Logs of older systems are in a single-byte code; control codes give a binary away.
        return not re.search(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]", content)
    return True


def kept_name(name: str) -> str:
    """Return a name without folders and hidden characters, as both sides see it."""
    last = re.split(r"[\\/]", name)[-1]
    plain = "".join(c for c in last if c.isprintable()).strip()
    return plain[-100:] or "file"


def header_name(name: str) -> str:
    """Return a name that is safe in a response header: plain letters, digits and . - _ only."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "file"
