"""Every operation × every person × with and without its scope, against the one table."""

from collections.abc import Callable

import pytest
from flask import Flask

from portal.accounts.rules import PERMISSIONS, may
from portal.api.routes.door import OPERATIONS
from portal.api.rules.operations import Operation
from portal.oauth.rules import IN_PERSON, SCOPES
from tests import cast
from tests.api.conftest import Caller

MEMBERS = ("ada", "ben", "nia", "cleo", "dov", "lena")


def address(one: Operation, ref: str) -> str:
    """Return an address of an operation that leads to something, where it names a contract."""
    path = one.path.replace("{ref}", ref).replace("{number}", "1").replace("{term}", "D1")
    for name in one.parameters:
        path = path.replace(f"{{{name}}}", "0" * 26)
    return path


def test_every_operation_names_a_row_and_a_scope_and_none_is_done_in_person(app: Flask) -> None:
    assert len({(one.method, one.path) for one in OPERATIONS}) == len(OPERATIONS)
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)
    for one in OPERATIONS:
        assert one.needs in PERMISSIONS and one.scope in SCOPES
        assert one.needs not in IN_PERSON
    rules = {(r.endpoint, m) for r in app.url_map.iter_rules() for m in r.methods or ()}
    assert {(f"api.{one.name}", one.method) for one in OPERATIONS} <= rules
    assert {one.scope for one in OPERATIONS} == set(SCOPES)


@pytest.mark.slow
@pytest.mark.parametrize("person", MEMBERS)
def test_a_scope_and_a_role_open_an_operation_together(
    call: Callable[..., Caller], ref: str, person: str
) -> None:
    actor, wrong = cast.actor(person), []
    for scope in dict.fromkeys(one.scope for one in OPERATIONS):
        only = call(person, scope)
        for one in (one for one in OPERATIONS if one.scope == scope):
            answer = only(one.method, address(one, ref))
            said = (answer.json or {}).get("code") if answer.status_code >= 400 else None
            if (said == "role_missing") == may(actor, one.needs):
                wrong.append((one.name, said))
            if answer.status_code >= 500 or said == "scope_missing":
                wrong.append((one.name, answer.status_code, said))
    assert wrong == []


@pytest.mark.slow
def test_all_other_scopes_together_do_not_open_an_operation(
    call: Callable[..., Caller], ref: str
) -> None:
    wrong = []
    for scope in dict.fromkeys(one.scope for one in OPERATIONS):
        all_but = call("dov", *(set(SCOPES) - {scope}))
        for one in (one for one in OPERATIONS if one.scope == scope):
            if all_but(one.method, address(one, ref)).json["code"] != "scope_missing":
                wrong.append(one.name)
    assert wrong == []


@pytest.mark.slow
def test_a_stranger_finds_nothing_of_a_contract_whatever_the_scopes(
    call: Callable[..., Caller], ref: str, unhurried: None
) -> None:
    mal, found = call("mal"), []
    for one in OPERATIONS:
        if "ref" in one.parameters:
            answer = mal(one.method, address(one, ref))
            if answer.status_code != 404 or answer.json["code"] != "not_found":
                found.append((one.name, answer.status_code))
    assert found == []


@pytest.mark.slow
def test_without_a_token_nothing_opens(app: Flask, ref: str) -> None:
    client = app.test_client()
    for one in OPERATIONS:
        for headers in ({}, {"Authorization": "Bearer cpa_wrong"}, {"Authorization": "Basic eA=="}):
            answer = client.open(f"/api/v1{address(one, ref)}", method=one.method, headers=headers)
            assert answer.status_code == 401, one.name
            assert "oauth-protected-resource" in answer.headers["WWW-Authenticate"]


@pytest.mark.slow
def test_a_cookie_opens_nothing(app: Flask, ref: str, client_as: Callable[[str], object]) -> None:
    client = client_as("cleo")
    assert client.get(f"/api/v1/contracts/{ref}").status_code == 401  # type: ignore[attr-defined]
