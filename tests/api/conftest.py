"""A home stocked with something of everything the API reads, and programs that ask it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts import rules as accounts
from portal.accounts.rules import Limit
from portal.app import create_app
from portal.changes.rules.plan import Effect
from portal.contracts.models import Contract
from portal.customers.actions import bring_customers
from portal.customers.rules import Account
from portal.incidents import actions as incidents
from portal.kit import clock
from portal.kit.db import db
from portal.kit.refs import new_id, new_token
from portal.oauth import actions as oauth
from portal.oauth.models import OAuthClient, OAuthGrant
from portal.oauth.rules import SCOPES, Kind
from portal.renewals import actions as renewals
from portal.residency.databases import Regions
from portal.reviews import actions as reviews
from portal.reviews.rules.schedule import Kind as ReviewKind
from portal.statements.actions.issuing import issue
from portal.statements.rules.month import Month
from tests import cast
from tests.changes import works
from tests.cluster import copy_home
from tests.conftest import close, make_contract, settings_for
from tests.incidents import desk


@pytest.fixture(scope="session")
def stocked_home(template_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a contract in force, which has had incidents, changes, outages and a review."""
    home = copy_home(template_home, tmp_path_factory.mktemp("stocked") / "home")
    app = create_app(settings_for(home))
    with app.app_context():
        regions: Regions = app.extensions["regions"]
        session = regions.session("eu")
        contract = make_contract(session, regions)
        _stock(session, contract)
        regions.close()
    close(app)
    return home


def _stock(session: Any, contract: Contract) -> None:
    now = clock.now()
    begun = now - timedelta(days=70)
    terms = works.terms_with({"A5": begun.date().isoformat(), "B5": "", "E7": ""})
    desk.put_in_force(session, contract, terms, at=begun)
    desk.settle(session)
    for hours in (30, 20, 3):
        desk.reported(session, contract, at=now - timedelta(hours=hours))
    for act in (
        lambda said: incidents.acknowledge(said, words="On it."),
        lambda said: incidents.resolve(said, means=terms["C8"][0], words="Patched."),
    ):
        act(desk.said(session, contract, "ben", 1, now - timedelta(hours=2)))
        desk.settle(session)
    later = now + timedelta(days=40)
    works.announced(session, contract, works.plan(later, minutes=60), at=now)
    works.outage(session, contract, begin=now - timedelta(days=1), at=now)
    works.outage(session, contract, "ben", minutes=None, effect=Effect.DEGRADED, at=now)
    desk.settle(session)
    month = Month.read(f"{begun.date() + timedelta(days=31):%Y-%m}")
    issue(session, contract, month, at=now)
    renewals.enrol(session, at=now)
    bring_customers(cast.actor("ada"), [Account("001A", "Blue Fin")], at=now)
    on = now.date() + timedelta(days=20)
    reviews.call_review(
        session, cast.actor("cleo"), contract, kind=ReviewKind.SERVICE, on=on, why="Peaks.", at=now
    )
    desk.settle(session)


@pytest.fixture
def home(stocked_home: Path, tmp_path: Path) -> Path:
    """This test's own copy of the stocked home."""
    return copy_home(stocked_home, tmp_path / "home")


@pytest.fixture
def ref(app: Flask) -> str:
    """The reference of the contract in force."""
    with app.app_context():
        session = app.extensions["regions"].session("eu")
        found: str = session.query(Contract).one().id
        session.close()
    return found


@dataclass
class Caller:
    """A program of one of the cast, with a token for some scopes."""

    client: FlaskClient
    token: str
    keys: Iterator[int] = field(default_factory=lambda: iter(range(10_000)))

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask; a POST gets a new key unless it names one."""
        sent = {"Authorization": f"Bearer {self.token}"}
        if method == "POST":
            sent["Idempotency-Key"] = f"key-{next(self.keys)}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        extra = {} if body is None else {"json": body}
        return self.client.open(f"/api/v1{path}", method=method, headers=sent, **extra)


def token_for(key: str, scopes: list[str]) -> str:
    """Return an access token that one of the cast granted."""
    at, actor = clock.now(), cast.actor(key)
    client = OAuthClient(
        id=new_id(at), organisation_id=actor.organisation_id, name=f"Program of {key}",
        kind=Kind.WEB, addresses="https://crm.example/", scopes=" ".join(SCOPES),
        secret_hash="0" * 64, created_by=actor.person_id, created_at=at,
    )  # fmt: skip
    grant = OAuthGrant(
        id=new_id(at), client_id=client.id, membership_id=f"MEM{actor.person_id[3:]}",
        scopes=" ".join(scopes), created_at=at,
    )  # fmt: skip
    token = oauth.ACCESS + new_token()
    db.session.add(client)
    db.session.flush()
    db.session.add(grant)
    db.session.flush()
    oauth.issue_tokens(grant, access=token, refresh=None, scopes=grant.scopes, at=at)
    db.session.remove()
    return token


@pytest.fixture
def call(app: Flask) -> Callable[..., Caller]:
    """Make programs: `call("cleo")` with every scope, or with those that are named."""

    def make(key: str, *scopes: str) -> Caller:
        with app.app_context():
            token = token_for(key, list(scopes or SCOPES))
        return Caller(app.test_client(), token)

    return make


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this test ask as often as it likes."""
    often = (Limit(1_000_000, timedelta(minutes=1)),)
    kept = {**accounts.LIMITS, "api:read": often, "api:write": often}
    monkeypatch.setattr("portal.accounts.actions.limits.LIMITS", kept)
