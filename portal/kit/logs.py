"""Log lines as JSON, by structlog: what happened and where in the code. No secret, no content.

An exception is told by its type and its place, never by its message: a message may quote what
somebody typed, and the parameters of a statement are what a contract says.
"""

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

Event = MutableMapping[str, Any]
# Fields that are never written, whatever is in them.
SECRET = frozenset(
    {"authorization", "code", "cookie", "key", "password", "pin", "secret", "text", "title",
     "token", "value"}
)  # fmt: skip
STRUCK = "[struck out]"
# What may hide in a sentence: an address of a person, an otpauth link, a bearer token, a long
# random string, a code from a phone.
HIDDEN = re.compile(
    r"[^\s@<>\"']+@[^\s@<>\"']+\.[a-z]{2,}|otpauth:\S+|[Bb]earer\s+\S+"
    r"|\b[A-Za-z0-9_-]{32,}\b|\b\d{6}\b|\b\d{3} \d{3}\b"
)


def strike_out(logger: Any, method: str, event: Event) -> Event:
    """Strike out secrets by the name of their field and by their looks."""
    for name, value in list(event.items()):
        event[name] = STRUCK if name.lower() in SECRET else _plain(value)
    return event


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return HIDDEN.sub(STRUCK, value)
    if isinstance(value, Mapping):
        return {k: STRUCK if str(k).lower() in SECRET else _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else type(value).__name__


def tell_places(logger: Any, method: str, event: Event) -> Event:
    """Put an exception as its type and the lines of code it passed, without its message."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    elif isinstance(found, BaseException):
        found = (type(found), found, found.__traceback__)
    if found and found[0]:
        frames = traceback.extract_tb(found[2])
        event["error"] = found[0].__name__
        event["places"] = [
            f"{frame.filename.rpartition('/portal/')[2]}:{frame.lineno} {frame.name}"
            for frame in frames[-12:]
        ]
    return event


def configure(out: TextIO | None = None) -> None:
    """Write every log line of this process as one JSON object a line."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.stdlib.PositionalArgumentsFormatter(),
        tell_places,
        strike_out,
    ]
    handler = logging.StreamHandler(out or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("counterpart").setLevel(logging.INFO)
