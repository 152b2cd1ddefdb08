"""The OpenAPI 3.1 document, made of all operations and of the schemas that check and tell."""

from collections.abc import Mapping, Sequence
from typing import Any

from portal.api.rules.links import links_of
from portal.api.rules.operations import JSON, PROBLEM_JSON, Operation, query_of
from portal.api.rules.problems import PROBLEM, TITLES
from portal.api.rules.shapes import STRING, Schema, answer, many, maybe, ref
from portal.oauth.rules import SCOPES

PATH_SCHEMAS: Mapping[str, Schema] = {
    "number": {"type": "integer", "minimum": 1, "maximum": 999_999},
}
PATH_WORDS = {"ref": "A contract’s reference, such as eu-7K3QM9XH2D", "number": "Its number"}


def document(
    operations: Sequence[Operation], schemas: Mapping[str, Schema], *, base: str, version: str
) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _described(one, operations)
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


def _described(one: Operation, every: Sequence[Operation]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": one.name, "summary": one.summary, "tags": [one.tag],
        "security": [{"oauth2": [one.scope]}], "x-permission": one.needs,
        "parameters": _parameters(one), "responses": _responses(one, links_of(one, every)),
    }  # fmt: skip
    if one.body is not None:
        told["requestBody"] = {"required": True, "content": {JSON: {"schema": one.body}}}
    return told


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


def _responses(one: Operation, links: Mapping[str, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done" if one.writes else "Found"}
    if one.answers is not None:
        schema = page_of(one.answers) if one.paged else one.answers
        good["content"] = {one.kind: {"schema": schema}}
    elif one.kind != JSON:
        good["content"] = {one.kind: {}}
    if one.method == "GET" and not one.paged:
        good["headers"] = {"ETag": {"schema": STRING}}
    if links:
        good["links"] = links
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
