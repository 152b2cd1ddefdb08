"""The only place where the time is read."""

from datetime import UTC, datetime

STAMP_LENGTH = len("2026-11-25T16:35:52.000000Z")


def now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return datetime.now(UTC)


def stamp(at: datetime) -> str:
    """Print an instant as RFC 3339 in UTC with microseconds, so that text order is time order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_stamp(text: str) -> datetime:
    """Read an instant written by `stamp`."""
    if len(text) != STAMP_LENGTH or not text.endswith("Z"):
        raise ValueError(f"This instant was not written by the portal: {text!r}")
    return datetime.fromisoformat(text)
