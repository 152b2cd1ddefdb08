"""The document store of a region: a folder, or an S3-compatible bucket (obstore)."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, from_url


class CannotStore(OSError):
    """The store takes no file now: full, shut, or out of reach. A later try may succeed."""


class Store:
    """Write-once objects by key."""

    def __init__(self, address: str) -> None:
        self._store: Any
        if "://" in address:
            self._store = from_url(address)
        else:
            Path(address).mkdir(parents=True, exist_ok=True, mode=0o700)
            self._store = LocalStore(address)

    def put(self, key: str, content: bytes) -> None:
        """Write an object that must not exist yet; `CannotStore` where none is taken."""
        try:
            obstore.put(self._store, key, content, mode="create")
        except (BaseError, OSError) as refused:
            raise CannotStore(f"The document store takes no file: {refused}") from refused

    def put_once(self, key: str, content: bytes) -> bool:
        """Write an object, or find the same one there; False when another lies in its place."""
        try:
            obstore.put(self._store, key, content, mode="create")
        except (FileExistsError, AlreadyExistsError):
            return self.get(key) == content
        return True

    def remove(self, key: str) -> None:
        """Remove an object; one that is gone already is no error."""
        with contextlib.suppress(FileNotFoundError, NotFoundError):
            obstore.delete(self._store, key)

    def each_key(self) -> Iterator[str]:
        """Yield the key of every object, in no order."""
        for batch in obstore.list(self._store):
            for found in batch:
                yield str(found["path"])

    def get(self, key: str) -> bytes:
        """Read an object; `FileNotFoundError` if there is none."""
        return bytes(obstore.get(self._store, key).bytes())
