"""schemathesis over the whole document: no 5xx, every answer as described, and no signing act."""

import os
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from portal.api.routes.door import OPERATIONS
from portal.audit.queries import lines
from portal.renewals.models import Notice
from portal.residency.databases import Regions
from portal.signing.models import Consent, Signature
from tests.api.conftest import Caller

THOROUGH = os.environ.get("COUNTERPART_THOROUGH") == "1"
EXAMPLES = 60 if THOROUGH else 2
CHECKS = (
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
)  # fmt: skip
IN_PERSON = ("signing:", "agreement:", "approval", "notice:given", "consent")


@pytest.mark.slow
@pytest.mark.parametrize("person", ["ada", "cleo"])
def test_whatever_is_sent_is_answered_as_described(
    app: Flask, call: Callable[..., Caller], ref: str, person: str, unhurried: None
) -> None:
    ask = call(person)
    known = known_places(ask, ref)
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    seen: dict[str, set[int]] = {}
    for place, result in enumerate(document.get_all_operations()):
        # Each person is given every other operation; both are given all when it is thorough.
        if not THOROUGH and place % 2 == (person == "ada"):
            continue
        operation = result.ok()
        seen[operation.label] = statuses(operation, ask, known)
    assert len(seen) >= len(OPERATIONS) // (1 if THOROUGH else 2)
    assert sum(any(status < 300 for status in found) for found in seen.values()) >= 12
    nothing_was_signed(app, ref)


def statuses(operation: Any, ask: Caller, known: dict[str, str]) -> set[int]:
    """Send what the document allows to one operation, and return the statuses of its answers."""
    found: set[int] = set()

    @seed(7)
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        # Most places lead to something that is there; a made-up one is tried now and then.
        if len(str(case.body)) % 5:
            case.path_parameters = {**(case.path_parameters or {}), **places(case, known)}
        headers = {"Authorization": f"Bearer {ask.token}"}
        answer = case.call_and_validate(headers=headers, checks=list(CHECKS))
        found.add(answer.status_code)

    send()
    return found


def known_places(ask: Caller, ref: str) -> dict[str, str]:
    """Return what the names in the addresses stand for in the stocked home."""

    def first(path: str, key: str) -> str:
        items = ask("GET", path).json["items"]
        return str(items[0][key]) if items else "none"

    here = f"/contracts/{ref}"
    return {
        "ref": ref, "number": "1", "term": "D1", "change": first(f"{here}/changes", "ref"),
        "outage": first(f"{here}/outages", "ref"), "month": first(f"{here}/statements", "month"),
        "review": first(f"{here}/reviews", "id"), "template": first("/templates", "id"),
        "plan": first("/plans", "id"),
    }  # fmt: skip


def places(case: Any, known: dict[str, str]) -> dict[str, Any]:
    """Return the known places of a case's address."""
    found = {name: known[name] for name in case.path_parameters or {} if name in known}
    return {name: int(value) if name == "number" else value for name, value in found.items()}


def nothing_was_signed(app: Flask, ref: str) -> None:
    """See that whatever was sent, nobody signed, approved, consented or gave notice."""
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        for _, session in regions.each():
            for table in (Signature, Consent, Notice):
                assert session.query(table).count() == 0
        events = {line.event for line in lines(regions.session("eu"), ref)}
        assert [event for event in events if any(mark in event for mark in IN_PERSON)] == []
        regions.close()
