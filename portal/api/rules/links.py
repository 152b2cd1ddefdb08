"""Links of the OpenAPI document: from an answer to what can be asked about the thing it tells."""

from collections.abc import Mapping, Sequence
from typing import Any

from portal.api.rules.operations import Operation

_CONTRACT = ("/contracts/{ref}", "ref")
_INCIDENT = ("/contracts/{ref}/incidents/{number}", "number")
_CHANGE = ("/contracts/{ref}/changes/{change}", "ref")
_MONTH = ("/contracts/{ref}/statements/{month}", "month")
THINGS: Mapping[str, tuple[str, str]] = {
    "Contract": _CONTRACT, "ContractInFull": _CONTRACT, "Renewal": _CONTRACT,
    "BroughtContract": ("/contracts/{ref}", "contract/ref"),
    "Incident": _INCIDENT, "IncidentInFull": _INCIDENT, "Change": _CHANGE, "ChangeInFull": _CHANGE,
    "Outage": ("/contracts/{ref}/outages/{outage}", "ref"),
    "Statement": _MONTH, "StatementInFull": _MONTH, "Credit": _MONTH,
    "Round": ("/contracts/{ref}/rounds/{number}", "number"),
    "Comment": ("/contracts/{ref}/comments/{comment}", "id"),
    "Review": ("/contracts/{ref}/reviews/{review}", "id"),
    "Customer": ("/customers/{customer}", "id"), "Template": ("/templates/{template}", "id"),
    "Plan": ("/plans/{plan}", "id"),
}  # fmt: skip
"""What has an address: its schema, the address, and the field that fills the last name there."""

PARTS: Mapping[str, tuple[str, str]] = {
    "Draft": ("term", "words/0/term"), "Review": ("action", "actions/0/id"),
}  # fmt: skip
"""What stands inside a thing and is a name in addresses too: that name, and its field."""


def links_of(one: Operation, every: Sequence[Operation]) -> dict[str, Any]:
    """Return the links of the good answer of one operation, by the operation each leads to.

    A list leads to the first thing in it, a write about a thing to the thing as it is now, and a
    thing that was read or made to all that can be asked about it. What an ETag guards is led to
    from the answer that carries the ETag, and from nowhere else.
    """
    given = _given(one)
    return {
        target.name: {
            "operationId": target.name, "description": target.summary,
            "parameters": {
                **{name: given[name] for name in target.parameters},
                **({"If-Match": "$response.header.ETag"} if target.guarded else {}),
            },
        }
        for target in every
        if set(target.parameters) <= set(given) and _leads(one, target, every)
    }  # fmt: skip


def _given(one: Operation) -> dict[str, str]:
    """Return an expression for each name of an address that a request and its answer tell."""
    answer = "$response.body#/items/0/" if one.paged else "$response.body#/"
    home, field = THINGS.get(_schema(one), ("", ""))
    fields = dict([(_last_name(home), field), PARTS.get(_schema(one), ("", ""))])
    told = {name: answer + field for name, field in fields.items() if name}
    # What the request named is not read from the answer again.
    return {**told, **{name: f"$request.path.{name}" for name in one.parameters}}


def _leads(one: Operation, target: Operation, every: Sequence[Operation]) -> bool:
    if target is one or target.guarded:
        return target.reads == one.name
    part, _ = PARTS.get(_schema(one), ("", ""))
    if part in target.parameters:
        return True
    home, _ = THINGS.get(_schema(one), ("", ""))
    detail = next((o.name for o in every if o.method == "GET" and o.path == home), one.name)
    is_beneath = target.path.startswith(f"{home}/") and len(target.parameters) == home.count("{")
    is_made = one.writes and _last_name(home) not in one.parameters
    is_whole = is_made or one.name == detail
    return bool(home) and (target.name == detail or (is_whole and is_beneath))


def _schema(one: Operation) -> str:
    return str((one.answers or {}).get("$ref", "")).rpartition("/")[2]


def _last_name(address: str) -> str:
    return address.rpartition("{")[2].rstrip("}")
