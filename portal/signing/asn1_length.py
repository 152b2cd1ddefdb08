"""Mends a stall of asn1crypto 1.5.1.

It takes a definite length whose last octet is 0x80 for an indefinite one. `dump()` then encodes the
whole tree below anew, once a level, and one signature in twenty costs seconds. A value that was
read with a definite length has no trailer, so its cached header is dropped and rebuilt from the
contents it has. Take this file out when the library compares the length octets and not the last
octet of the header.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from asn1crypto import core

AFFECTED = (core.Asn1Value, core.Choice, core.Primitive, core.Sequence, core.SequenceOf)
MARK = "_mends_definite_length"


def mend() -> None:
    """Replace the affected `dump` methods; a second call changes nothing."""
    for kind in AFFECTED:
        if not hasattr(kind.dump, MARK):
            kind.dump = _mended(kind.dump)


def _mended(dump: Callable[..., bytes]) -> Callable[..., bytes]:
    @wraps(dump)
    def without_stall(value: Any, force: bool = False) -> bytes:
        header = value._header
        if header is not None and header[-1:] == b"\x80" and value._trailer == b"":
            value._header = None
        return dump(value, force=force)

    setattr(without_stall, MARK, True)
    return without_stall
