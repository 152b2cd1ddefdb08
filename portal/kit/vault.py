"""Encryption at rest: AES-256-GCM whose associated data binds a ciphertext to its place."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import Session, object_session

FORMAT = b"\x01"
NONCE_BYTES = 12
TAG_BYTES = 16
ELSEWHERE = b"pkcs11:"


class CannotOpen(Exception):
    """The ciphertext is damaged, or it was moved from where it was written."""


class Cipher:
    """One 256-bit key. Nonces are 96 random bits: at most 2^32 messages a key.

    `generation` counts the keys its owner had before.
    """

    generation = 0

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt; only the same `context` opens it again."""
        nonce = os.urandom(NONCE_BYTES)
        return FORMAT + nonce + self._aead.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt, or raise `CannotOpen`."""
        if sealed[:1] != FORMAT or len(sealed) < len(FORMAT) + NONCE_BYTES + TAG_BYTES:
            raise CannotOpen(context)
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return self._aead.decrypt(nonce, body, context.encode())
        except InvalidTag as error:
            raise CannotOpen(context) from error


class Pair(Cipher):
    """A key and, while it is being rotated, the one before: it seals with the new one and opens
    with either."""

    def __init__(self, present: bytes, before: bytes | None = None, *, generation: int = 0) -> None:
        self._ciphers = [Cipher(key) for key in (present, before) if key is not None]
        self.generation = generation

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt with the present key."""
        return self._held()[0].seal(plain, context=context)

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt with the present key, or the one before it; or raise `CannotOpen`."""
        for cipher in self._held():
            try:
                return cipher.open(sealed, context=context)
            except CannotOpen:
                continue
        raise CannotOpen(context)

    def is_current(self, sealed: bytes, *, context: str) -> bool:
        """Whether the present key opens this, so that nothing is left to do for it."""
        try:
            self._held()[0].open(sealed, context=context)
        except CannotOpen:
            return False
        return True

    def _held(self) -> list[Cipher]:
        return self._ciphers


class Ring(Pair):
    """The key of a file and, while it is being rotated, the one before it (`<name>.old` beside it).

    The file is looked at for every use, so that a process that runs during a rotation goes on with
    the new key by itself. A file that begins with `pkcs11:` names a key that lies on a token;
    `elsewhere` returns that one.
    """

    def __init__(self, path: Path, *, elsewhere: Callable[[bytes], Cipher] | None = None) -> None:
        self.path = path
        self._elsewhere = elsewhere
        self._seen: tuple[object, ...] = ()
        self._ciphers: list[Cipher] = []

    @property
    def old_path(self) -> Path:
        """Where the key before this one lies until the rotation is finished."""
        return self.path.with_name(f"{self.path.name}.old")

    def _held(self) -> list[Cipher]:
        marks = tuple(_mark(path) for path in (self.path, self.old_path))
        if marks != self._seen:
            found = [path for path in (self.path, self.old_path) if path.exists()]
            self._ciphers, self._seen = [self._cipher(path.read_bytes()) for path in found], marks
        return self._ciphers

    def _cipher(self, held: bytes) -> Cipher:
        if self._elsewhere is not None and is_elsewhere(held):
            return self._elsewhere(held)
        return Cipher(held)


def is_elsewhere(held: bytes) -> bool:
    """Whether a key file holds no key but the name of one on a token."""
    return held.startswith(ELSEWHERE)


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino


def new_key() -> bytes:
    """Return 256 random bits."""
    return AESGCM.generate_key(bit_length=256)


CipherOf = Callable[[str], Cipher]
Row = TypeVar("Row")


def cipher_of(session: Session, owner: str) -> Cipher:
    """Return the cipher this session holds for `owner` (a contract; a person in the directory)."""
    found: CipherOf = session.info["cipher_of"]
    return found(owner)


class Sealed:
    """A JSON value kept encrypted in the column `<name>_enc` of a row with `id` and `owner_key`.

    The row must be in a session that holds the key: add rows with `put`. A value that is `frozen`
    is opened once a row, and whoever reads it leaves it as it is.
    """

    def __init__(self, *, frozen: bool = False) -> None:
        self.frozen = frozen

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.column = f"{name}_enc"

    def _place(self, row: Any) -> tuple[Cipher, str]:
        session = object_session(row)
        if session is None:
            raise RuntimeError(f"{type(row).__name__}.{self.name}: add the row to a session first")
        key = row.owner_key
        return cipher_of(session, key), f"{row.__tablename__}|{self.column}|{row.id}|{key}"

    def __get__(self, row: Any, owner: type | None = None) -> Any:
        if row is None:
            return self
        sealed = getattr(row, self.column)
        if sealed is None:
            return None
        kept = row.__dict__.get(f"_{self.name}_opened")
        if kept is not None and kept[0] == sealed:
            return kept[1]
        cipher, context = self._place(row)
        value = json.loads(cipher.open(sealed, context=context))
        if self.frozen:
            row.__dict__[f"_{self.name}_opened"] = sealed, value
        return value

    def __set__(self, row: Any, value: Any) -> None:
        if value is None:
            setattr(row, self.column, None)
            return
        cipher, context = self._place(row)
        plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        setattr(row, self.column, cipher.seal(plain, context=context))


def put(session: Session, row: Row, **sealed: Any) -> Row:
    """Add a row whose id is set, then write its sealed values."""
    with session.no_autoflush:
        session.add(row)
        for name, value in sealed.items():
            setattr(row, name, value)
    return row
