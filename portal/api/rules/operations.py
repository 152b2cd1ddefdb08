"""An operation, and the OpenAPI 3.1 document made of all of them."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.api.rules.problems import PROBLEM, TITLES
from portal.api.rules.shapes import STRING, Schema, answer, many, maybe, ref
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
PATH_SCHEMAS: Mapping[str, Schema] = {
    "number": {"type": "integer", "minimum": 1, "maximum": 999_999},
}
PATH_WORDS = {"ref": "A contract’s reference, such as eu-7K3QM9XH2D", "number": "Its number"}


def document(
    operations: Iterable[Operation], schemas: Mapping[str, Schema], *, base: str, version: str
) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _described(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Counterpart", "version": version,
            "description": "What the pages show and do, for programs that act for a member. No "
            "scope signs, approves or gives notice.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": f"{base}/api/v1"}],
        "security": [{"oauth2": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(one.tag for one in operations)],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": PROBLEM},
            "securitySchemes": {
                "oauth2": {
                    "type": "oauth2",
                    "flows": {
                        "authorizationCode": {
                            "authorizationUrl": f"{base}/oauth/authorize",
                            "tokenUrl": f"{base}/oauth/token", "scopes": dict(SCOPES),
                        },
                        "clientCredentials": {
                            "tokenUrl": f"{base}/oauth/token", "scopes": dict(SCOPES),
                        },
                    },
                }
            },
        },
    }  # fmt: skip


def page_of(schema: Schema) -> Schema:
    """Return the schema of one page of a list."""
    return answer(items=many(schema), next_cursor=maybe(STRING))


def _described(one: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": one.name, "summary": one.summary, "tags": [one.tag],
        "security": [{"oauth2": [one.scope]}], "x-permission": one.needs,
        "parameters": _parameters(one), "responses": _responses(one),
    }  # fmt: skip
    if one.body is not None:
        told["requestBody"] = {"required": True, "content": {JSON: {"schema": one.body}}}
    return told


def query_of(one: Operation) -> dict[str, Schema]:
    """Return the parameters of the query by name."""
    paging: dict[str, Schema] = {
        "limit": {"type": "integer", "minimum": 1, "maximum": PAGE_MOST, "default": 50},
        "cursor": {"type": "string", "maxLength": 600},
    }
    return {**one.query, **(paging if one.paged else {})}


def _parameters(one: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "name": name, "in": "path", "required": True,
            "schema": PATH_SCHEMAS.get(name, {"type": "string", "minLength": 1, "maxLength": 80}),
            **({"description": PATH_WORDS[name]} if name in PATH_WORDS else {}),
        }
        for name in one.parameters
    ]  # fmt: skip
    found += [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in query_of(one).items()
    ]
    if one.method == "POST":
        key = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"}
        found.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": key})
    if one.guarded:
        found.append({"name": "If-Match", "in": "header", "required": True, "schema": STRING})
    return found


def _responses(one: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done" if one.writes else "Found"}
    if one.answers is not None:
        schema = page_of(one.answers) if one.paged else one.answers
        good["content"] = {one.kind: {"schema": schema}}
    elif one.kind != JSON:
        good["content"] = {one.kind: {}}
    if one.method == "GET" and not one.paged:
        good["headers"] = {"ETag": {"schema": STRING}}
    found = {str(one.status): good}
    for code in sorted(_refusals(one)):
        status, title, _ = TITLES[code]
        said = {PROBLEM_JSON: {"schema": ref("Problem")}}
        told = found.setdefault(str(status), {"description": title, "content": said})
        if title not in told["description"]:
            told["description"] += f"; {title[:1].lower()}{title[1:]}"
    return dict(sorted(found.items()))


def _refusals(one: Operation) -> set[str]:
    usual = {"token_needed", "token_invalid", "scope_missing", "role_missing", "too_many"}
    usual |= {"not_found", "refused"}
    if query_of(one) or one.body is not None:
        usual |= {"invalid"}
    if one.body is not None:
        usual |= {"malformed", "not_json", "too_large"}
    if one.method == "POST":
        usual |= {"key_needed", "key_reused", "malformed"}
    if one.guarded:
        usual |= {"match_needed", "stale"}
    return usual
