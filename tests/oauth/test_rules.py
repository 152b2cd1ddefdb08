"""Scopes, and the addresses a program may be returned to."""

import pytest

from portal.accounts.rules import PERMISSIONS
from portal.kit.errors import Refused
from portal.oauth import rules


def test_what_is_done_in_person_is_all_of_the_table() -> None:
    assert rules.IN_PERSON - set(PERMISSIONS) <= {"webhook:edit"}


def test_a_request_for_more_than_the_client_has_is_not_narrowed() -> None:
    has = ["contracts:read", "log:read"]
    assert rules.allowed_scopes(has, "contracts:read contracts:write") is None
    assert rules.allowed_scopes(has, "log:read contracts:read") == "contracts:read log:read"
    assert rules.allowed_scopes(has, None) == "contracts:read log:read"


@pytest.mark.parametrize(
    "address",
    [
        "https://crm.example/back", "https://crm.example:8443/back?x=1", "http://127.0.0.1:8400/cb",
        "http://[::1]:8400/cb", "http://localhost/cb",
    ],
)  # fmt: skip
def test_an_address_that_may_be_returned_to(address: str) -> None:
    assert rules.address_problem(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://crm.example/back", "https://crm.example/back#x", "https://crm.example/#",
        "https://user@crm.example/", "https://crm.example\\@evil.example/", "https:///back",
        "javascript:alert(1)", "data:text/html,x", "https://*.example/", "https://crm.example/a b",
        "https://crm.example/\u200b", "//crm.example/back", "crm.example", "ftp://crm.example/",
        "http://127.0.0.1.evil.example/cb", "http://localhost.evil.example/cb", "https://[::1",
        "https://crm.example:port/", "https://crm.example/" + "a" * 300,
    ],
)  # fmt: skip
def test_an_address_that_may_not(address: str) -> None:
    assert rules.address_problem(address) is not None
    with pytest.raises(Refused):
        rules.read_addresses(address)
