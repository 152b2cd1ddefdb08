"""Values on the wire: UTC instants, ISO 8601 durations, decimal strings; and their cursors."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any


def plain(value: Any) -> Any:
    """Return a value as JSON holds it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, Decimal):
        return decimal(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(one) for key, one in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(one) for one in value)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def instant(at: datetime) -> str:
    """Return an instant as RFC 3339 in UTC, with parts of a second only where there are any."""
    text = at.astimezone(UTC).isoformat()
    return text.removesuffix("+00:00") + "Z"


def decimal(value: Decimal) -> str:
    """Return a decimal without an exponent."""
    return f"{value:f}"


def duration(span: timedelta) -> str:
    """Return a span as an ISO 8601 duration; a negative one is led by a minus sign."""
    seconds = span // timedelta(seconds=1)
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    days, left = divmod(seconds, 86_400)
    hours, minutes, rest = left // 3600, left % 3600 // 60, left % 60
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if n)
    if not days and not clock:
        return "PT0S"
    return f"{sign}P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}"


def etag_of(body: Any) -> str:
    """Return the entity tag of a body: it changes exactly when the body does."""
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


@dataclass(frozen=True)
class Cursors:
    """Cursors of one list of one organisation: opaque to the client, and bound to both."""

    key: bytes
    audience: str

    def write(self, place: list[Any]) -> str:
        """Return the cursor of a place in the list."""
        text = json.dumps(place, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(text) + text).rstrip(b"=").decode()

    def read(self, cursor: str) -> list[Any]:
        """Return the place of a cursor; `ValueError` for one that was not written here."""
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        mac, text = raw[:16], raw[16:]
        if not hmac.compare_digest(mac, self._mac(text)):
            raise ValueError("not a cursor of this list")
        place: list[Any] = json.loads(text)
        return place

    def _mac(self, text: bytes) -> bytes:
        return hmac.new(self.key, self.audience.encode() + b"\0" + text, "sha256").digest()[:16]
