"""A migrated home with the cast, copied for every test: a real database, real keys, real files."""

import gc
import os
import tomllib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import hypothesis
import pytest
from flask import Flask, g, has_app_context
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import Dialect, Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from portal.accounts.gate import key_of
from portal.accounts.models import SignIn
from portal.answers import undo
from portal.app import create_app
from portal.cli.running import migrate_all
from portal.contracts.models import Contract, SignerSlot, Stakeholder
from portal.kit import clock
from portal.kit.db import db, is_postgresql, reading
from portal.kit.refs import new_id, new_token
from portal.kit.vault import put
from portal.residency.actions import make_data_key
from portal.residency.databases import Regions
from portal.residency.rules import new_public_ref
from portal.settings.rules import Settings, settings_from
from tests import cast
from tests.cluster import copy_home, forget_homes, new_home, stop_cluster

# Everybody's run tries the same examples; a thorough one looks for new ones.
THOROUGH = os.environ.get("COUNTERPART_THOROUGH") == "1"
hypothesis.settings.register_profile("same", derandomize=True, database=None)
hypothesis.settings.load_profile("default" if THOROUGH else "same")


def close(app: Flask) -> None:
    """Close every database connection of an app."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
        app.extensions["regions"].dispose()


def settings_for(home: Path) -> Settings:
    """Return plain settings over a home folder; it says where its databases are, if not in it."""
    path = home / "counterpart.toml"
    file = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    return settings_from(home, file, {})


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks that choose an engine."""
    both = "both_engines(param={..}): runs on SQLite, and (with these values) again on PostgreSQL"
    config.addinivalue_line("markers", both)
    config.addinivalue_line("markers", "postgres: this run of a test is on PostgreSQL")
    config.addinivalue_line("markers", "postgres_only: is about PostgreSQL, runs there only")
    why = "sqlite_only(why): opens SQLite's files itself, or is about them; always runs there"
    config.addinivalue_line("markers", why)


def pytest_collection_finish() -> None:
    """Spare the collector the modules and six thousand tests that stay: an eighth of all time."""
    gc.collect()
    gc.freeze()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on SQLite and, where it is marked, on PostgreSQL; or all on the one engine that
    COUNTERPART_TEST_ENGINE names, but for those that are about one."""
    if "engine" in metafunc.fixturenames:
        engines = _engines_of(metafunc.definition)
        params = {
            "sqlite": pytest.param("sqlite", id=pytest.HIDDEN_PARAM),
            "postgres": pytest.param("postgres", marks=pytest.mark.postgres),
        }
        chosen = [params[one] for one in engines]
        metafunc.parametrize("engine", chosen, indirect=True, scope="session")


def _engines_of(item: pytest.Item) -> list[str]:
    """Return where a test runs; of two marks the nearest counts."""
    names = ("both_engines", "postgres_only", "sqlite_only")
    mark = next((one.name for one in item.iter_markers() if one.name in names), "")
    if mark in {"postgres_only", "sqlite_only"}:
        return [mark.removesuffix("_only")]
    chosen = os.environ.get("COUNTERPART_TEST_ENGINE")
    if chosen:
        return [chosen]
    return ["sqlite", "postgres"] if mark else ["sqlite"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out on PostgreSQL the values of parameters that a mark does not name.

    The journeys come first: what begins last should be short, or one process works on alone.
    """
    items.sort(key=lambda item: item.get_closest_marker("journey") is None)
    if os.environ.get("COUNTERPART_TEST_ENGINE"):
        return
    items[:] = [item for item in items if not _is_left_out(item)]


def _is_left_out(item: pytest.Item) -> bool:
    mark, values = item.get_closest_marker("both_engines"), getattr(item, "callspec", None)
    if mark is None or values is None or values.params.get("engine") != "postgres":
        return False
    return any(values.params[name] not in chosen for name, chosen in mark.kwargs.items())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Remove the databases of a test's homes when everything else of it is taken down."""
    own = getattr(item, "funcargs", {}).get("tmp_path")
    yield
    reading.set(False)  # a command that ran in this process said it only reads
    if own is not None:
        forget_homes(own)


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """The engine of this test's databases: "sqlite" or "postgres"."""
    name: str = request.param
    return name


@pytest.fixture(scope="session", autouse=True)
def stopped() -> Iterator[None]:
    """The server of this process is stopped at the end, if a test started it."""
    yield
    stop_cluster()


@pytest.fixture(autouse=True)
def restored_environment() -> Iterator[None]:
    """What a test, or a command it runs in this process, sets in the environment ends with it."""
    with patch.dict(os.environ):
        yield


class Statements(LRUCache[Any, Any]):
    """Compiled statements of all databases of one engine, each known by the engine's name."""

    def get(self, key: Any, default: Any = None) -> Any:
        """Return what was compiled of a statement, for whichever database."""
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), value)


@pytest.fixture(scope="session", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What every fresh portal would compile anew, compiled once a run: templates, addresses, SQL.

    A portal of a test is built from nothing and lives for a second. Most of its cost would be
    the same three hundred routes, the same templates and the same statements, which depend on
    nothing but their text and the kind of the database.
    """
    folder = tmp_path_factory.getbasetemp() / "templates"
    folder.mkdir()
    Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(str(folder))}
    build, known = Rule.compile, dict[object, tuple[Any, ...]]()

    def once(rule: Rule) -> None:
        routes = rule.map
        assert routes is not None
        if routes.converters != routes.default_converters:
            build(rule)
            return
        defaults = tuple(sorted((rule.defaults or {}).items()))
        key = (rule.rule, rule.subdomain, rule.host, defaults, rule.merge_slashes)
        if key not in known:
            build(rule)
            made = (rule._build.__func__, rule._build_unknown.__func__)
            known[key] = (rule._parts, rule._trace, rule._converters, set(rule.arguments), *made)
        rule._parts, rule._trace, rule._converters, arguments, *made = known[key]
        rule.arguments = set(arguments)
        rule._build, rule._build_unknown = (one.__get__(rule, None) for one in made)

    statements = Statements(4000)

    def share(dialect: type[Dialect], engine: Engine) -> None:
        engine._compiled_cache = statements

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "compile", once)
        patch.setattr(DefaultDialect, "engine_created", classmethod(share))
        patch.setattr(Mapper, "_compiled_cache", Statements(4000))
        yield
    Flask.jinja_options = {}


@pytest.fixture(scope="session")
def template_home(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated home that holds the cast and no contract."""
    home = tmp_path_factory.mktemp("template") / "home"
    if engine == "postgres":
        new_home(home)
    app = create_app(settings_for(home))
    migrate_all(app)
    with app.app_context():
        cast.load_cast()
    close(app)
    return home


@pytest.fixture
def home(template_home: Path, tmp_path: Path) -> Path:
    """This test's own copy of the home."""
    return copy_home(template_home, tmp_path / "home")


class Browser(FlaskClient):
    """A browser of its own: who is signed in is read from its cookie at every request.

    Under a pushed application context flask-login would keep the person of the request before,
    so that a second person would be taken for the first.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request as nobody but the cookie's own person."""
        if not has_app_context():
            return super().open(*args, **kwargs)
        g.pop("_login_user", None)
        try:
            return super().open(*args, **kwargs)
        finally:
            if is_postgresql(db.engine):
                # The test's own transactions are none that began as a reading of the request.
                undo()


@pytest.fixture
def app(home: Path) -> Iterator[Flask]:
    """The portal over this test's home, with an application context pushed."""
    app = create_app(settings_for(home))
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    app.test_client_class = Browser
    yield app
    close(app)


@pytest.fixture
def context(app: Flask) -> Iterator[Flask]:
    """An application context, for tests of queries and actions."""
    with app.app_context():
        yield app


@pytest.fixture
def regions(context: Flask) -> Regions:
    """The regions of this test's portal."""
    found: Regions = context.extensions["regions"]
    return found


@pytest.fixture
def eu(regions: Regions) -> Session:
    """The session of the region "eu"."""
    return regions.session("eu")


def sign_in(app: Flask, key: str) -> str:
    """Sign a member of the cast in, with a code given just now; return the cookie."""
    number = next(n for n, m in enumerate(cast.MEMBERS, 1) if m.key == key)
    organisation = cast.MEMBERS[number - 1].organisation
    cookie, now = new_token(), clock.now()
    with app.app_context():
        db.session.add(
            SignIn(
                id=key_of(cookie), person_id=f"PER{number:023d}",
                membership_id=f"MEM{number:023d}" if organisation else None,
                created_at=now, seen_at=now, mfa_at=now, address="127.0.0.1", agent="test",
            )
        )  # fmt: skip
        db.session.commit()
    return cookie


@pytest.fixture
def client_as(app: Flask) -> Callable[[str], FlaskClient]:
    """Return a maker of signed-in clients: `client_as("cleo")`."""

    def make(key: str) -> FlaskClient:
        client = app.test_client()
        client.set_cookie("sid", sign_in(app, key))
        return client

    return make


@pytest.fixture
def contract(eu: Session, regions: Regions) -> Contract:
    """A bare draft between Northwind and Harbour: owners, and two signers a side."""
    return make_contract(eu, regions)


def make_contract(
    session: Session,
    regions: Regions,
    title: str = "CRM support 2027",
    *,
    terms: list[str] | None = None,
) -> Contract:
    """Write a draft contract of the cast into the session's region; `terms` narrows it to a few."""
    at = clock.now() - timedelta(days=1)
    region = session.info["region"]
    ada, cleo = cast.actor("ada"), cast.actor("cleo")
    ref = new_public_ref(region)
    make_data_key(session, regions[region], contract_id=ref, at=at)
    row = Contract(
        id=ref, region=region, vendor_id=ada.organisation_id, customer_id=cleo.organisation_id,
        vendor_name=ada.organisation_name, customer_name=cleo.organisation_name,
        started_by_side="vendor", template="standard-support/1", template_sha256="0" * 64,
        schema_version="1", schema_sha256="0" * 64, standard_version="1.0",
        standard_sha256="0" * 64, tier=None, tier_sha256=None, created_at=at, step=4,
        amended=",".join(terms) if terms else None,
    )  # fmt: skip
    put(session, row, title=title)
    session.flush()
    for key, side in (("ada", "vendor"), ("cleo", "customer")):
        who = cast.actor(key)
        put(
            session,
            Stakeholder(id=new_id(at), region=region, contract_id=ref, side=side,
                        person_id=who.person_id, function="owner"),
            name=who.name, email=who.email,
        )  # fmt: skip
    slots = [("ada", "vendor"), ("nia", "vendor"), ("cleo", "customer"), ("lena", "customer")]
    for position, (key, side) in enumerate(slots, 1):
        who = cast.actor(key)
        put(
            session,
            SignerSlot(id=new_id(at), region=region, contract_id=ref, side=side,
                       position=position, person_id=who.person_id),
            name=who.name, email=who.email, title="Authorised signatory",
        )  # fmt: skip
    session.commit()
    session.expire_all()
    return session.get_one(Contract, ref)
