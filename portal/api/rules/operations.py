"""An operation: one method of one address, and what is sent to it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.api.rules.shapes import Schema
from portal.oauth.rules import IN_PERSON, SCOPES

JSON, PROBLEM_JSON = "application/json", "application/problem+json"
PAGE_MOST = 200


@dataclass(frozen=True)
class Operation:
    """One method of one address.

    `needs` is the row of the permission table its action or page rests on. A `paged` operation
    answers a list with cursors. A guarded one (PUT, PATCH, DELETE) takes the ETag that `reads`
    answers. `kind` is the media type of an answer that is a file.
    """

    method: str
    path: str
    name: str
    scope: str
    needs: str
    summary: str
    tag: str
    run: Callable[..., Any]
    answers: Schema | None = None
    body: Schema | None = None
    query: Mapping[str, Schema] = field(default_factory=dict)
    paged: bool = False
    status: int = 200
    reads: str | None = None
    kind: str = JSON
    most_bytes: int = 1_000_000

    def __post_init__(self) -> None:
        """No operation may be made of what is done in person."""
        if self.needs in IN_PERSON or self.scope not in SCOPES:
            raise ValueError(f"{self.name}: no scope may reach {self.needs}")

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"

    @property
    def guarded(self) -> bool:
        """Whether it takes If-Match."""
        return self.method in {"PUT", "PATCH", "DELETE"}

    @property
    def flask_path(self) -> str:
        """The address as Flask writes it."""
        return re.sub(r"\{(\w+)\}", lambda m: f"<{_CONVERTERS.get(m[1], '')}{m[1]}>", self.path)

    @property
    def parameters(self) -> list[str]:
        """The names in the address."""
        return re.findall(r"\{(\w+)\}", self.path)


_CONVERTERS = {"number": "int:"}


def query_of(one: Operation) -> dict[str, Schema]:
    """Return the parameters of the query by name."""
    paging: dict[str, Schema] = {
        "limit": {"type": "integer", "minimum": 1, "maximum": PAGE_MOST, "default": 50},
        "cursor": {"type": "string", "maxLength": 600},
    }
    return {**one.query, **(paging if one.paged else {})}
