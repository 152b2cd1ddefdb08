"""Keys on a PKCS#11 token: made there, used there, and never read out.

A token is a card, a box on the network or a cloud's module; its maker's library is named in the
settings. Needs the package `python-pkcs11`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from portal.kit.vault import FORMAT, NONCE_BYTES, TAG_BYTES, CannotOpen, Cipher

# What a token sealed begins with another byte than what a key file sealed: neither tries the
# other's while a rotation holds both.
ON_TOKEN = b"\x02"
HELD = 4096  # opened data keys a process remembers, at most
HELD_SECONDS = 300.0
Answer = TypeVar("Answer")


class TokenAway(OSError):
    """The token cannot be used now: not plugged in, not reached, shut, or without its key."""


@dataclass(frozen=True)
class Token:
    """Where a token is: its maker's library, its label, and the PIN (None: it was not given)."""

    module: Path
    label: str
    pin: str | None = field(repr=False)


def open_session(token: Token, *, write: bool = False) -> Any:
    """Return a session of its own with the token, logged in; `TokenAway` says why there is none.

    A login holds for the whole process: whoever comes second finds it done.
    """
    if token.pin is None:
        raise TokenAway(f"no PIN is given for the token {token.label}")
    try:
        import pkcs11
    except ImportError as missing:
        raise TokenAway("a token needs the package python-pkcs11") from missing
    try:
        found = pkcs11.lib(str(token.module)).get_token(token_label=token.label)
        try:
            return found.open(rw=write, user_pin=token.pin)
        except pkcs11.UserAlreadyLoggedIn:
            return found.open(rw=write)
    except (pkcs11.PKCS11Error, OSError) as refused:
        raise TokenAway(_said(token, refused)) from refused


def close_all(module: Path) -> None:
    """Let go of a token's library, so that the processes started after each open it themselves."""
    try:
        import pkcs11
    except ImportError:
        return
    with contextlib.suppress(pkcs11.PKCS11Error, OSError):
        pkcs11.lib(str(module)).finalize()


def _said(token: Token, refused: Exception) -> str:
    return f"the token {token.label} cannot be used ({type(refused).__name__})"


def make_key(token: Token, *, label: str) -> str:
    """Make an AES-256 key on the token that never leaves it; return its own label.

    `TokenAway` where the token does not offer AES-GCM.
    """
    import_error = "a token needs the package python-pkcs11"
    try:
        from pkcs11 import Attribute, KeyType, Mechanism, PKCS11Error
    except ImportError as missing:
        raise TokenAway(import_error) from missing
    made = f"{label}-{secrets.token_hex(4)}"
    session = open_session(token, write=True)
    try:
        if Mechanism.AES_GCM not in session.token.slot.get_mechanisms():
            raise TokenAway(f"the token {token.label} does not offer AES-GCM")
        only = {
            Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False,
            Attribute.ENCRYPT: True, Attribute.DECRYPT: True,
            Attribute.WRAP: False, Attribute.UNWRAP: False,
            Attribute.SIGN: False, Attribute.VERIFY: False,
        }  # fmt: skip
        session.generate_key(
            KeyType.AES, 256, label=made, id=made.encode(), store=True, template=only
        )
    except PKCS11Error as refused:
        raise TokenAway(_said(token, refused)) from refused
    finally:
        session.close()
    return made


class TokenKey(Cipher):
    """One AES-256 key on a token, as a cipher: each use is asked of the token.

    What it opened is remembered for five minutes at most, so that a list of a hundred contracts
    does not ask a hundred times; a token that is taken away shuts everything after that.
    """

    def __init__(self, token: Token, label: str) -> None:
        self.token, self.label = token, label
        self._lock = threading.Lock()
        self._session: tuple[int, Any, Any] | None = None
        self._opened: OrderedDict[tuple[bytes, str], tuple[float, bytes]] = OrderedDict()

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt on the token; only the same `context` opens it again."""
        nonce = os.urandom(NONCE_BYTES)
        with self._lock:
            return ON_TOKEN + nonce + self._asked("encrypt", plain, nonce, context)

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt on the token, or raise `CannotOpen`; `TokenAway` where it cannot be asked."""
        if sealed[:1] != ON_TOKEN or len(sealed) < len(FORMAT) + NONCE_BYTES + TAG_BYTES:
            raise CannotOpen(context)
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        with self._lock:
            known = self._remembered(sealed, context)
            if known is None:
                known = self._asked("decrypt", body, nonce, context)
                self._opened[sealed, context] = (time.monotonic() + HELD_SECONDS, known)
                if len(self._opened) > HELD:
                    self._opened.popitem(last=False)
            return known

    def check(self) -> str:
        """Return what the key is, in words; `TokenAway` where it cannot be used or could leave."""
        from pkcs11 import Attribute

        with self._lock:
            self._probe()
            key = self._key()
            leaves = key[Attribute.EXTRACTABLE] or not key[Attribute.SENSITIVE]
            size = 8 * int(key[Attribute.VALUE_LEN])
        if leaves:
            raise TokenAway(f"the key {self.label} could be read out of its token")
        return f"AES-{size} on the token {self.token.label}, never read out"

    def _remembered(self, sealed: bytes, context: str) -> bytes | None:
        until, plain = self._opened.get((sealed, context), (0.0, b""))
        if until > time.monotonic():
            return plain
        self._opened.pop((sealed, context), None)
        return None

    def _asked(self, verb: str, body: bytes, nonce: bytes, context: str) -> bytes:
        """Ask the token; a session that was lost (pulled, restarted, forked) is opened once more.

        Tokens answer a wrong tag and a broken line alike: whether the key still works tells which.
        """
        from pkcs11 import PKCS11Error

        for _ in range(2):
            key = self._key()
            try:
                return _worked(key, verb, body, nonce, context)
            except PKCS11Error as refused:
                if verb == "decrypt" and self._works(key):
                    raise CannotOpen(context) from refused
                self._session, why = None, refused
        raise TokenAway(_said(self.token, why)) from why

    def _probe(self) -> None:
        nonce = os.urandom(NONCE_BYTES)
        body = self._asked("encrypt", b"probe", nonce, "probe")
        self._asked("decrypt", body, nonce, "probe")

    @staticmethod
    def _works(key: Any) -> bool:
        from pkcs11 import PKCS11Error

        nonce = os.urandom(NONCE_BYTES)
        try:
            body = _worked(key, "encrypt", b"probe", nonce, "probe")
            return _worked(key, "decrypt", body, nonce, "probe") == b"probe"
        except PKCS11Error:
            return False

    def _key(self) -> Any:
        """Return the key by this process's own session; a child after a fork opens its own."""
        from pkcs11 import ObjectClass, PKCS11Error

        if self._session is None or self._session[0] != os.getpid():
            session = open_session(self.token)
            try:
                key = session.get_key(ObjectClass.SECRET_KEY, label=self.label)
            except PKCS11Error as refused:
                session.close()
                why = f"the token {self.token.label} does not hold the key {self.label}"
                raise TokenAway(why) from refused
            self._session = (os.getpid(), session, key)
        return self._session[2]


def _worked(key: Any, verb: str, body: bytes, nonce: bytes, context: str) -> bytes:
    from pkcs11 import Mechanism
    from pkcs11.mechanisms import GCMParams

    how = GCMParams(nonce, context.encode(), 8 * TAG_BYTES)
    done = getattr(key, verb)(body, mechanism=Mechanism.AES_GCM, mechanism_param=how)
    return bytes(done)
