"""A contract in force whose software is changed."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from tests.changes import works
from tests.incidents import desk


@pytest.fixture
def served(eu: Session, contract: Contract) -> Contract:
    """The contract of Northwind and Harbour in force since 1 September, on default terms."""
    desk.put_in_force(eu, contract, works.TERMS, at=works.FROM)
    desk.settle(eu)
    return contract


@pytest.fixture
def visitors(
    client_as: Callable[[str], FlaskClient], context: Flask, eu: Session
) -> Callable[[str], FlaskClient]:
    """Clients whose every request has a context of its own, as requests have outside of tests."""
    return desk.each_apart(client_as, context, eu)
