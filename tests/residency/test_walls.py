"""What the databases of the regions refuse."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, UnboundExecutionError
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.kit.db import db, transaction
from portal.kit.vault import CannotOpen
from portal.residency.actions import read_document, store_document
from portal.residency.databases import Regions, WrongRegion
from portal.residency.models import DataKey
from tests.conftest import make_contract

pytestmark = pytest.mark.both_engines


def test_a_regional_row_cannot_pass_through_the_directory(context: Flask) -> None:
    with pytest.raises(UnboundExecutionError):
        db.session.query(Contract).all()


def test_a_row_of_another_region_is_refused_before_the_database(
    eu: Session, contract: Contract
) -> None:
    contract.region = "us"
    with pytest.raises(WrongRegion), transaction(eu):
        eu.flush()


def test_the_database_itself_refuses_a_row_of_another_region(
    eu: Session, contract: Contract
) -> None:
    with pytest.raises(IntegrityError, match="another region"), transaction(eu):
        eu.execute(text("UPDATE contracts SET region = 'us'"))


def test_swapped_addresses_are_refused(regions: Regions) -> None:
    eu, us = regions["eu"], regions["us"]
    eu.engine, us.engine = us.engine, eu.engine
    try:
        with pytest.raises(WrongRegion, match="says it is us"):
            eu.check_identity()
    finally:
        eu.engine, us.engine = us.engine, eu.engine


def test_a_ciphertext_moved_to_another_contract_does_not_open(
    eu: Session, regions: Regions, contract: Contract
) -> None:
    other = make_contract(eu, regions, "Another title")
    with transaction(eu):
        eu.execute(
            text(
                "UPDATE contracts SET title_enc = "
                "(SELECT title_enc FROM contracts WHERE id = :a) WHERE id = :b"
            ),
            {"a": contract.id, "b": other.id},
        )
    eu.expire_all()
    with pytest.raises(CannotOpen):
        assert eu.get_one(Contract, other.id).title


@pytest.mark.slow
def test_a_data_key_does_not_open_under_another_regions_key(
    eu: Session, regions: Regions, contract: Contract
) -> None:
    wrapped = eu.get_one(DataKey, contract.id).wrapped
    context = f"data_keys|wrapped|{contract.id}"
    with pytest.raises(CannotOpen):
        regions["us"].ring.open(wrapped, context=context)


def test_a_document_reads_back_and_a_changed_one_does_not_open(
    eu: Session, regions: Regions, contract: Contract
) -> None:
    with transaction(eu):
        row = store_document(
            eu, regions["eu"], contract_id=contract.id, kind="deed", content=b"%PDF-planted",
            at=contract.created_at,
        )  # fmt: skip
        eu.add(row)
    assert read_document(eu, regions["eu"], row) == b"%PDF-planted"
    path = Path(regions["eu"].region.store) / contract.id / row.id
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CannotOpen):
        read_document(eu, regions["eu"], row)
