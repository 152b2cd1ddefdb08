"""A ciphertext opens where it was written and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.contracts.models import Contract, Stakeholder
from portal.kit.vault import CannotOpen, Cipher, new_key
from portal.residency.databases import Regions
from tests.conftest import make_contract

CIPHER = Cipher(new_key())


@given(st.binary(max_size=300), st.text(max_size=60))
def test_what_was_sealed_opens_again(plain: bytes, context: str) -> None:
    assert CIPHER.open(CIPHER.seal(plain, context=context), context=context) == plain


@given(st.binary(max_size=60), st.integers(min_value=0), st.integers(1, 255))
def test_a_changed_byte_never_opens(plain: bytes, place: int, change: int) -> None:
    sealed = bytearray(CIPHER.seal(plain, context="here"))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(CannotOpen):
        CIPHER.open(bytes(sealed), context="here")


@pytest.mark.parametrize("cut", [0, 1, 5, 13, 20])
def test_a_cut_ciphertext_never_opens(cut: int) -> None:
    sealed = CIPHER.seal(b"seventeen minutes", context="here")
    with pytest.raises(CannotOpen):
        CIPHER.open(sealed[:cut], context="here")


def test_the_same_text_is_sealed_differently_each_time_and_by_another_key() -> None:
    sealed = [CIPHER.seal(b"same", context="c") for _ in range(50)]
    assert len(set(sealed)) == 50
    with pytest.raises(CannotOpen):
        Cipher(new_key()).open(sealed[0], context="c")
    with pytest.raises(CannotOpen):
        CIPHER.open(sealed[0], context="d")


def moved(session: Session, statement: str, **values: str) -> None:
    """Move a ciphertext inside the database, as who holds the file but not the keys could."""
    session.execute(text(statement), values)
    session.commit()
    session.expire_all()


@pytest.fixture
def other(eu: Session, regions: Regions) -> Contract:
    """A second contract, with a key of its own."""
    return make_contract(eu, regions, title="Another title")


def test_a_title_moved_to_another_contract_does_not_open(
    eu: Session, contract: Contract, other: Contract
) -> None:
    moved(
        eu, "UPDATE contracts SET title_enc = (SELECT title_enc FROM contracts WHERE id = :a)"
        " WHERE id = :b", a=contract.id, b=other.id,
    )  # fmt: skip
    assert contract.title == "CRM support 2027"
    with pytest.raises(CannotOpen):
        _ = other.title


def test_a_value_moved_to_another_column_of_its_row_does_not_open(
    eu: Session, contract: Contract
) -> None:
    row = contract.stakeholders[0]
    moved(eu, "UPDATE stakeholders SET name_enc = email_enc WHERE id = :a", a=row.id)
    with pytest.raises(CannotOpen):
        _ = eu.get_one(Stakeholder, row.id).name


def test_a_value_moved_to_another_row_of_its_contract_does_not_open(
    eu: Session, contract: Contract
) -> None:
    ada, cleo = contract.stakeholders
    moved(
        eu, "UPDATE stakeholders SET name_enc = (SELECT name_enc FROM stakeholders WHERE id = :a)"
        " WHERE id = :b", a=ada.id, b=cleo.id,
    )  # fmt: skip
    with pytest.raises(CannotOpen):
        _ = eu.get_one(Stakeholder, cleo.id).name


def test_a_data_key_moved_to_another_contract_does_not_unwrap(
    eu: Session, regions: Regions, contract: Contract, other: Contract
) -> None:
    moved(
        eu, "UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys WHERE id = :a)"
        " WHERE id = :b", a=contract.id, b=other.id,
    )  # fmt: skip
    mine, theirs = contract.id, other.id
    eu.rollback()
    with regions["eu"].open_session() as fresh:
        assert fresh.get_one(Contract, mine).title == "CRM support 2027"
        with pytest.raises(CannotOpen):
            _ = fresh.get_one(Contract, theirs).title


def test_a_row_outside_a_session_says_what_to_do() -> None:
    with pytest.raises(RuntimeError, match="add the row to a session first"):
        _ = Contract(id="eu-X", title_enc=b"x").title
