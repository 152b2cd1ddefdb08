"""A deed whose documents lie in a bucket that is away: told, tried again, and nothing lost."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.app import create_app
from portal.contracts.models import Contract
from portal.contracts.queries import current_version
from portal.kit import clock
from portal.residency.databases import Regions
from portal.signing import queries
from portal.signing.models import Deed, SealFailure
from tests.conftest import Browser, close
from tests.door import Door
from tests.residency import buckets
from tests.signing import stage

pytestmark = [pytest.mark.home("signed_home"), pytest.mark.slow]
GIVES, TAKES = "The document store gives no file now.", "The document store takes no file now."


@pytest.fixture
def door() -> Iterator[Door]:
    """A door before a server with one bucket."""
    with buckets.serving() as address:
        buckets.make_bucket(address, "deeds", buckets.LOCATIONS["eu"])
        one = Door(address)
        yield one
        one.close()


@pytest.fixture
def app(home: Path, door: Door) -> Iterator[Flask]:
    """The portal of this home, whose documents were brought into the bucket."""
    buckets.write_settings(home, door.address, region="eu", bucket="deeds")
    app = create_app(buckets.settings_of(home))
    folder = home / "regions" / "eu" / "documents"
    for path in folder.rglob("*"):
        if path.is_file():
            key = path.relative_to(folder).as_posix()
            app.extensions["regions"]["eu"].store.put(key, path.read_bytes())
    shutil.rmtree(folder)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    app.test_client_class = Browser
    yield app
    close(app)


def test_a_store_that_is_away_delays_the_seal_and_the_download_and_loses_nothing(
    eu: Session, regions: Regions, contract: Contract, door: Door,
    client_as: Callable[[str], FlaskClient],
) -> None:  # fmt: skip
    ref = contract.id
    before = set(regions["eu"].store.each_key())
    assert queries.unsealed_since(eu) is not None
    for manner, words in (
        ("shut", GIVES), ("slow", GIVES), ("giving", TAKES), ("full", TAKES), ("busy", TAKES),
    ):  # fmt: skip
        door.set(manner)
        assert stage.work(eu, regions, contract, at=later(eu)) == 0
        eu.rollback()
        failure = eu.scalars(select(SealFailure).order_by(SealFailure.at.desc())).first()
        assert failure is not None and failure.message == words
    version = current_version(contract)
    assert version is not None
    assert all(line.is_signed for line in queries.signatures_of(eu, version))
    eu.rollback()
    door.set("shut")
    page = client_as("cleo").get(f"/contracts/{ref}/signing").text
    assert "The deed is delayed" in page and TAKES in page
    away = client_as("cleo").get(f"/contracts/{ref}/deed.pdf")
    assert (away.status_code, away.headers["Retry-After"]) == (503, "60")
    assert "What is signed stays signed" in away.text and "127.0.0.1" not in away.text
    door.set("open")
    assert client_as("cleo").get(f"/contracts/{ref}/deed.pdf").status_code == 200
    assert stage.work(eu, regions, contract, at=later(eu)) == 1
    assert stage.work(eu, regions, contract, at=later(eu)) == 0
    eu.rollback()
    assert queries.unsealed_since(eu) is None
    sealed = eu.scalars(select(Deed).where(Deed.kind == "sealed")).one()
    digest = sealed.sha256
    eu.rollback()
    assert stage.events(eu, contract).count("signing:deed:sealed") == 1
    eu.rollback()
    content = client_as("ada").get(f"/contracts/{ref}/deed.pdf").data
    assert hashlib.sha256(content).hexdigest() == digest
    # The sealed revision and the last list of its authority, each kept once.
    assert len(set(regions["eu"].store.each_key()) - before) == 2


def later(session: Session) -> datetime:
    """Return an instant at which a failed step is tried again."""
    failures = len(session.scalars(select(SealFailure)).all())
    session.rollback()
    return clock.now() + timedelta(hours=2 * failures)
