"""Homes that hold a contract out for signature, and a sealed one: each deed is set once a run."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from portal.app import create_app
from portal.contracts.models import Contract
from portal.kit import clock
from portal.residency.databases import Regions
from tests.cluster import copy_home
from tests.conftest import close, make_contract, settings_for
from tests.signing import stage


@pytest.fixture(scope="session")
def prepared_home(template_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one contract whose deed waits for its first signer."""
    home = copy_home(template_home, tmp_path_factory.mktemp("prepared") / "home")
    app = create_app(settings_for(home))
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        session = regions.session("eu")
        contract = make_contract(session, regions)
        stage.freeze(session, contract)
        assert stage.work(session, regions, contract, at=clock.now()) == 1
        regions.close()
    close(app)
    return home


@pytest.fixture(scope="session")
def signed_home(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one contract that all four signed, each in the deed; only the seal is missing."""
    home = copy_home(prepared_home, tmp_path_factory.mktemp("signed") / "home")
    app = create_app(settings_for(home))
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        session = regions.session("eu")
        contract = session.query(Contract).one()
        for key in stage.SIGNERS:
            at = clock.now()
            stage.consent(session, contract, key, at=at)
            stage.sign(session, contract, key, at=at)
            stage.work(session, regions, contract, at=at, up_to_seal=True)
        regions.close()
    close(app)
    return home


@pytest.fixture(scope="session")
def sealed_home(signed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one contract that all four signed, sealed."""
    home = copy_home(signed_home, tmp_path_factory.mktemp("sealed") / "home")
    app = create_app(settings_for(home))
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        session = regions.session("eu")
        contract = session.query(Contract).one()
        assert stage.work(session, regions, contract, at=clock.now()) == 1
        regions.close()
    close(app)
    return home


@pytest.fixture
def home(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> Path:
    """This test's own copy: `prepared_home`, or the one its module or test names with a mark."""
    mark = request.node.get_closest_marker("home")
    source: Path = request.getfixturevalue(mark.args[0] if mark else "prepared_home")
    return copy_home(source, tmp_path / "home")


@pytest.fixture
def contract(eu: Session) -> Contract:
    """The contract of this home."""
    return eu.query(Contract).one()


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark that chooses a home."""
    config.addinivalue_line("markers", "home(name): the fixture whose home this test copies")
