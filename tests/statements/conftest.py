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
    """The contract of Northwind and Harbour in force since 1 September, on default terms.

    But for K16: pages read the clock, and a month settled late has tests of its own.
    """
    desk.put_in_force(eu, contract, works.terms_with({"K16": "no"}), at=works.FROM)
    desk.settle(eu)
    return contract
