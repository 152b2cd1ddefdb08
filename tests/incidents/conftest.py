"""A contract that is in force."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from tests.incidents import desk


@pytest.fixture
def served_contract(eu: Session, contract: Contract) -> Contract:
    """The contract of Northwind and Harbour, completed, with the schema's default terms."""
    desk.put_in_force(eu, contract, desk.terms_with(), at=desk.MONDAY - timedelta(days=30))
    desk.settle(eu)
    return contract


@pytest.fixture
def client_as(
    client_as: Callable[[str], FlaskClient], context: Flask, eu: Session
) -> Callable[[str], FlaskClient]:
    """Clients whose every request has a context of its own, as requests have outside of tests."""
    return desk.each_apart(client_as, context, eu)
