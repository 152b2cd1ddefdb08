"""A home with one contract that went the whole way, told once a run; and the one-file verifier."""

import importlib.util
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.app import create_app
from portal.audit.actions import record
from portal.audit.rules import Receipt, read_receipt
from portal.audit.signer import Signer, signer_of
from portal.cli.demo import cases
from portal.cli.demo.story import Teller, join_everyone
from portal.cli.running import migrate_all
from portal.contracts.models import Contract
from portal.evidence.actions import keep_log
from portal.evidence.queries import Place, bundle_of
from portal.kit import clock
from portal.kit.db import transaction
from portal.kit.files import alone
from portal.notices.models import RegionMail
from portal.operations.actions import rotating
from portal.operations.queries import Subject
from portal.residency.databases import Regions
from portal.settings.rules import Settings
from portal.signing.jobs import steps
from portal.signing.keys import root_pem
from portal.signing.pdf import render_deed
from tests import cast
from tests.cluster import copy_home
from tests.conftest import close, settings_for

VERIFIER = Path(__file__).parents[2] / "portal" / "evidence" / "data" / "verify.py"
THOROUGH = os.environ.get("COUNTERPART_THOROUGH") == "1"


@pytest.fixture(scope="session")
def told_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the demo's first contract was agreed, signed by four and sealed."""
    # Telling takes seconds: the processes of one run share what the first of them told.
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "told"
    with alone(shared.with_suffix(".lock")):
        if not shared.exists():
            home = tmp_path_factory.mktemp("telling") / "home"
            tell(home)
            copy_home(home, shared)
    return shared


@contextmanager
def printed_in_part() -> Iterator[None]:
    """Let a deed print one group of its terms and one section of its clauses.

    All terms are attached and signed as ever. What is printed is shown by `test_words`; the whole
    of it would make every check of the deed's revisions compare nine thousand objects.
    """

    def partly(deed: Mapping[str, Any], canonical: bytes) -> bytes:
        standard = {**deed["standard"], "sections": deed["standard"]["sections"][:1]}
        return render_deed({**deed, "groups": deed["groups"][:1], "standard": standard}, canonical)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "render_deed", partly)
        yield


def tell(home: Path) -> None:
    """Let the demo's first contract go the whole way in a new home."""
    app = create_app(settings_for(home))
    migrate_all(app)
    with app.app_context():
        start = clock.now() - timedelta(days=60)
        regions: Regions = app.extensions["regions"]
        teller = Teller(regions, app.config["SETTINGS"], join_everyone(start - timedelta(days=9)))
        with printed_in_part():
            teller.completed(cases.CRM, region="eu", at=start)
        regions.close()
    close(app)


@dataclass
class Scene:
    """A portal's region with its contract, its signer, and the receipts its people hold."""

    session: Session
    regions: Regions
    settings: Settings
    contract: Contract

    @property
    def signer(self) -> Signer:
        """The signer of the region."""
        return signer_of(self.settings, self.regions["eu"].region)

    def bundle(self, contract: Contract | None = None) -> bytes:
        """Export a contract."""
        place = Place(
            self.session, self.regions["eu"], self.signer, self.settings.operator,
            root_pem(self.settings),
        )  # fmt: skip
        content = bundle_of(place, contract or self.contract)
        self.session.commit()
        assert content is not None
        return content

    def receipts(self, chain: str | None = None) -> list[Receipt]:
        """Return the receipts that were mailed for a contract, each once, oldest first."""
        mails = self.session.scalars(
            select(RegionMail).where(
                RegionMail.chain == (chain or self.contract.id),
                RegionMail.dedupe.startswith("evidence:receipt:"),
            )
        )
        found = {(r := read_receipt(mail.text.encode())).seq: r for mail in mails}
        self.session.commit()
        return [found[seq] for seq in sorted(found)]


@pytest.fixture
def told(told_home: Path, tmp_path: Path) -> Iterator[Scene]:
    """This test's own copy of the told home."""
    home = copy_home(told_home, tmp_path / "told")
    app = create_app(settings_for(home))
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        session = regions.session("eu")
        yield Scene(session, regions, app.config["SETTINGS"], session.query(Contract).one())
    close(app)


@pytest.fixture(scope="session")
def told_bundle(told_home: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The evidence of the told contract."""
    home = copy_home(told_home, tmp_path_factory.mktemp("bundle") / "home")
    app = create_app(settings_for(home))
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        session = regions.session("eu")
        scene = Scene(session, regions, app.config["SETTINGS"], session.query(Contract).one())
        content = scene.bundle()
    close(app)
    return content


@pytest.fixture
def drafted(context: Flask, regions: Regions, eu: Session, contract: Contract) -> Scene:
    """A bare draft of the cast, whose log a test writes."""
    return Scene(eu, regions, context.config["SETTINGS"], contract)


@pytest.fixture
def rotated(drafted: Scene) -> Scene:
    """A draft whose log was signed by three keys, each handed over to the next."""
    subject = Subject(drafted.settings, drafted.regions, clock.now())
    for number in range(3):
        with transaction(drafted.session):
            record(
                drafted.session, drafted.contract.id, "contract:person:erased",
                actor=cast.actor("ada").log, at=clock.now(),
                facts={"commitments": [], "number": number},
            )  # fmt: skip
        keep_log(drafted.session, drafted.signer, at=clock.now())
        if number < 2:
            rotating.rotate(subject, "log-eu")
    return drafted


@pytest.fixture(scope="session")
def script() -> ModuleType:
    """The one-file verifier, as a module."""
    spec = importlib.util.spec_from_file_location("bundle_verifier", VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def as_told(receipt: Receipt) -> tuple[str, int, str, str | None]:
    """Return a receipt as the one-file verifier reads it."""
    return receipt.chain, receipt.seq, receipt.head, receipt.note


def later(receipt: Receipt, **changes: object) -> Receipt:
    """Return a receipt that says something else."""
    return replace(receipt, **changes)  # type: ignore[arg-type]
