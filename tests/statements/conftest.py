"""A contract in force, its months, and the people who settle them."""

import pytest
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from tests.changes import works
from tests.changes.conftest import visitors
from tests.incidents import desk

__all__ = ["visitors"]


@pytest.fixture
def served(eu: Session, contract: Contract) -> Contract:
    """The contract of Northwind and Harbour in force since 1 September, on default terms."""
    desk.put_in_force(eu, contract, works.TERMS, at=works.FROM)
    desk.settle(eu)
    return contract
