"""The document store of a region: a folder, or an S3-compatible bucket (obstore)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import obstore
from obstore.store import LocalStore, from_url


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
        """Write an object that must not exist yet."""
        obstore.put(self._store, key, content, mode="create")

    def each_key(self) -> Iterator[str]:
        """Yield the key of every object, in no order."""
        for batch in obstore.list(self._store):
            for found in batch:
                yield str(found["path"])

    def get(self, key: str) -> bytes:
        """Read an object; `FileNotFoundError` if there is none."""
        return bytes(obstore.get(self._store, key).bytes())
