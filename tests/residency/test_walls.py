"""What the databases of the regions refuse."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask, current_app
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError, UnboundExecutionError
from sqlalchemy.orm import Session

from portal.contracts.models import Contract
from portal.kit.db import acting, db, transaction
from portal.kit.vault import CannotOpen
from portal.residency.actions import read_document, store_document
from portal.residency.databases import FAMILY, Regions, WrongRegion
from portal.residency.models import DataKey
from tests import cast
from tests.conftest import make_contract
from tests.incidents import desk
from tests.negotiation import table as negotiation

pytestmark = pytest.mark.both_engines
NAME_CONTRACTS = """
SELECT table_name FROM information_schema.columns
WHERE table_schema = 'public' AND column_name = 'contract_id' ORDER BY 1
"""
WALLED = """
SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity
AND relnamespace = 'public'::regnamespace ORDER BY 1
"""
# Three outlive the contract; two are an organisation's own, and name a contract at most.
BEFORE_IT = {"deletions", "documents", "moves", "batch_rows", "webhook_deliveries"}


@contextmanager
def acting_for(session: Session, organisation: str) -> Iterator[None]:
    """Read and write as a request of a member does; what is written is undone."""
    session.rollback()
    before = acting.set(organisation)
    try:
        yield
    finally:
        session.rollback()
        acting.reset(before)


def test_on_postgresql_a_query_that_forgets_its_filter_finds_nothing_of_others(
    engine: str, eu: Session, contract: Contract
) -> None:
    if engine == "sqlite":
        return  # SQLite has no such wall: there the query alone keeps strangers out.
    ref, seen = contract.id, {}
    for key in ("ada", "cleo", "mal"):
        with acting_for(eu, cast.actor(key).organisation_id):
            seen[key] = [
                len(eu.execute(text(f"SELECT 1 FROM {table}")).all())
                for table in ("contracts", "stakeholders", "signer_slots")
            ]
            changed = eu.execute(text("UPDATE stakeholders SET function = 'owner'"))
            seen[key].append(changed.rowcount)  # type: ignore[attr-defined]
    assert seen == {"ada": [1, 2, 4, 2], "cleo": [1, 2, 4, 2], "mal": [0, 0, 0, 0]}
    row = {"ref": ref}
    statement = text(
        "INSERT INTO facts (id, region, contract_id, kind, at, person_id) "
        "VALUES ('x', 'eu', :ref, 'signed', 'now', 'p')"
    )
    with (
        acting_for(eu, cast.actor("mal").organisation_id),
        pytest.raises(ProgrammingError, match="row-level security"),
    ):
        eu.execute(statement, row)


def plan_of(session: Session, statement: str, setting: str, **values: str) -> str:
    """Return how PostgreSQL would answer under a setting."""
    session.execute(text(f"SET LOCAL {setting}"))
    lines = session.execute(text(f"EXPLAIN {statement}"), values).scalars().all()
    return "\n".join(lines)


def test_on_postgresql_the_wall_asks_for_one_contract_and_not_for_all(
    engine: str, eu: Session, contract: Contract
) -> None:
    if engine == "sqlite":
        return
    ref = contract.id
    with acting_for(eu, cast.actor("ada").organisation_id):
        # Tempted to read all contracts once instead: that is what it did where there are many.
        tempting = "random_page_cost = 1000000"
        plan = plan_of(eu, "SELECT id FROM facts WHERE contract_id = :ref", tempting, ref=ref)
    assert "SubPlan" in plan and "hashed" not in plan, plan


def test_on_postgresql_a_contract_and_its_amendments_are_held_by_their_keys(
    engine: str, eu: Session, contract: Contract
) -> None:
    if engine == "sqlite":
        return
    ref = contract.id
    plan = plan_of(eu, FAMILY.text, "enable_seqscan = off", ref=ref)
    eu.rollback()
    assert "LockRows" in plan and "ix_contracts_amends_id" in plan, plan


@pytest.mark.slow
@pytest.mark.postgres_only
def test_no_table_of_a_contract_is_before_the_second_wall(eu: Session, contract: Contract) -> None:
    """A statement without any filter, over every table that names contracts, acting for each."""
    negotiation.offer_all(eu, contract)
    served = make_contract(eu, current_app.extensions["regions"], "In force")
    desk.put_in_force(eu, served, desk.terms_with(), at=desk.MONDAY - timedelta(days=30))
    desk.reported(eu, served)
    named, walled = (set(eu.scalars(text(query))) for query in (NAME_CONTRACTS, WALLED))
    assert named - walled == BEFORE_IT, "each table of contracts is walled, or said not to be"
    seen = {}
    for key in ("*", "ada", "cleo", "mal"):
        with acting_for(eu, key if key == "*" else cast.actor(key).organisation_id):
            seen[key] = {
                table: eu.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one()
                for table in sorted(walled)
            }
    assert sum(count > 0 for count in seen["*"].values()) > 12
    assert seen["ada"] == seen["cleo"] == seen["*"]
    assert set(seen["mal"].values()) == {0}


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
