"""The document store of a region: a folder, or a bucket of an S3-compatible server (obstore)."""

import contextlib
import ssl
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, S3Store

from portal.settings.rules import Bucket, Region

# One more try, and no request beyond these: a person may be waiting for the answer.
CONNECT = timedelta(seconds=3)
RETRIES = 1
SIGNED_FOR = timedelta(minutes=1)
# Under it doctor writes, reads and removes its probe; no document has such a key.
PROBES = "probe"
# Beside the field of a file that cannot be kept now.
LEAVE_OUT = "No file can be kept just now. Leave it out, or send it again in a minute."
GONE = (FileNotFoundError, NotFoundError)
TAKEN = (FileExistsError, AlreadyExistsError)


class StoreAway(OSError):
    """The store does not answer now: full, shut, slow or out of reach. A later try may succeed."""


class CannotStore(StoreAway):
    """It takes no file now."""


class CannotRead(StoreAway):
    """It gives no file now."""


class Store:
    """Write-once objects by key."""

    def __init__(self, region: Region) -> None:
        self.bucket = region.bucket
        self._store: Any
        if self.bucket is not None:
            self._store = _open(self.bucket, prefix=self.bucket.prefix or None)
        else:
            Path(region.store).mkdir(parents=True, exist_ok=True, mode=0o700)
            self._store = LocalStore(region.store)

    def put(self, key: str, content: bytes) -> None:
        """Write an object that must not exist yet; `CannotStore` where none is taken.

        Where the answer to the first try was lost, the same bytes are found there: that is done.
        """
        if not self.put_once(key, content):
            raise CannotStore("The document store holds another file in this place.")

    def put_once(self, key: str, content: bytes) -> bool:
        """Write an object, or find the same one there; False when another lies in its place."""
        try:
            obstore.put(self._store, key, content, mode="create", use_multipart=False)
        except TAKEN:
            return self.get(key) == content
        except (BaseError, OSError) as refused:
            raise CannotStore(f"The document store takes no file: {_why(refused)}") from refused
        return True

    def remove(self, key: str) -> None:
        """Remove an object; one that is gone already is no error."""
        try:
            with contextlib.suppress(*GONE):
                obstore.delete(self._store, key)
        except (BaseError, OSError) as refused:
            raise CannotStore(f"The document store removes no file: {_why(refused)}") from refused

    def each_key(self, under: str | None = None) -> Iterator[str]:
        """Yield the key of every object, or of those in one folder, in no order."""
        try:
            for batch in obstore.list(self._store, prefix=under):
                for found in batch:
                    yield str(found["path"])
        except (BaseError, OSError) as refused:
            raise CannotRead(f"The document store names no file: {_why(refused)}") from refused

    def get(self, key: str) -> bytes:
        """Read an object; `FileNotFoundError` if there is none, `CannotRead` if it cannot say."""
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except NotFoundError as missing:
            raise FileNotFoundError(key) from missing
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as refused:
            raise CannotRead(f"The document store gives no file: {_why(refused)}") from refused

    def answers(self) -> bool:
        """Whether it can be asked now."""
        try:
            with contextlib.suppress(FileNotFoundError):
                self.get(f"{PROBES}/none")
        except StoreAway:
            return False
        return True

    def location(self) -> str | None:
        """Return where the server says the bucket is; None for a folder, or if it does not say.

        `FileNotFoundError` if there is no such bucket, `CannotRead` if the server is out of reach.
        """
        if self.bucket is None:
            return None
        address = obstore.sign(_open(self.bucket, prefix=None), "HEAD", "", SIGNED_FOR)
        try:
            status, said = _head(str(address), self.bucket)
        except (OSError, HTTPException) as refused:
            raise CannotRead(f"The document store does not answer: {refused}") from refused
        if status == 404:
            raise FileNotFoundError(self.bucket.name)
        return said


def _open(bucket: Bucket, *, prefix: str | None) -> S3Store:
    client: dict[str, Any] = {
        "allow_http": bucket.endpoint is not None and bucket.endpoint.startswith("http://"),
        "connect_timeout": min(CONNECT, bucket.timeout), "timeout": bucket.timeout,
    }  # fmt: skip
    if bucket.root is not None:
        client["root_certificate"] = bucket.root.read_bytes()
    return S3Store(
        bucket.name,
        prefix=prefix,
        region=bucket.location,
        virtual_hosted_style_request=not bucket.path_style,
        disable_bulk_delete=True,
        client_options=client,  # type: ignore[arg-type]
        retry_config={"max_retries": RETRIES, "retry_timeout": bucket.timeout},
        **({"endpoint": bucket.endpoint} if bucket.endpoint else {}),
        **_credentials(bucket),
    )


def _credentials(bucket: Bucket) -> dict[str, Any]:
    """Return what the settings name; nothing where the machine has a role of its own."""
    if bucket.key_id:
        return {"access_key_id": bucket.key_id, "secret_access_key": bucket.secret}
    if bucket.credentials is None:
        return {}
    held = tomllib.loads(bucket.credentials.read_text("utf-8"))
    known = ("access_key_id", "secret_access_key", "session_token")
    return {name: str(held[name]) for name in known if name in held}


def _head(address: str, bucket: Bucket) -> tuple[int, str | None]:
    """Ask for the bucket itself. A redirect is not followed: it names the place too."""
    parts = urlsplit(address)
    seconds = bucket.timeout.total_seconds()
    connection = HTTPConnection(parts.netloc, timeout=seconds)
    if parts.scheme == "https":
        trusted = ssl.create_default_context()
        if bucket.root is not None:
            trusted.load_verify_locations(cafile=bucket.root)
        connection = HTTPSConnection(parts.netloc, timeout=seconds, context=trusted)
    with contextlib.closing(connection):
        connection.request("HEAD", f"{parts.path or '/'}?{parts.query}")
        answer = connection.getresponse()
        return answer.status, answer.headers.get("x-amz-bucket-region")


def _why(refused: Exception) -> str:
    """Return the first line of a cause: the rest is the library's own inside."""
    return str(refused).partition("\n")[0][:300] or type(refused).__name__
