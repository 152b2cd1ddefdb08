"""A contract that is in force."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from tests.incidents import desk


@pytest.fixture
def served_contract(eu: Session, contract: Contract) -> Contract:
    """The contract of Northwind and Harbour, completed, with the schema's default terms."""
    desk.put_in_force(eu, contract, desk.terms_with(), at=desk.MONDAY - timedelta(days=30))
    desk.settle(eu)
    return contract
