"""Large homes for benches: a few contracts that were really agreed, signed and sealed, written
again and again under other references.

What a copy is and is not, `copies` says.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

LABELS = {"eu": "EU (Frankfurt)", "us": "US (Virginia)", "ap": "AP (Tokyo)"}
CUSTOMERS, SIGNERS = 40, 12
FILE = "bench.json"


# The contracts that are copied


def seed(home: Path) -> dict[str, Any]:
    """Tell the demo's first contracts and some more in an empty home; return what benches look for.

    The worker has done all that was due, so that copies begin at rest.
    """
    write_settings(home, dict.fromkeys(LABELS))
    os.environ["COUNTERPART_HOME"] = str(home)
    from portal.app import create_app
    from portal.cli.running import migrate_all
    from portal.cli.working import Worker

    app = create_app()
    migrate_all(app)
    with app.app_context():
        found = _tell(app)
    for _ in range(2):
        worker = Worker(app)
        worker.look()
        worker.leave()
    close(app)
    (home / FILE).write_text(json.dumps(found))
    return found


def _tell(app: Any) -> dict[str, Any]:
    """Sign four contracts, leave others as a draft, an offer, and to a signer; report incidents."""
    from portal.cli.demo import cases
    from portal.cli.demo.incidents import tell_incidents
    from portal.cli.demo.service import tell_service
    from portal.cli.demo.story import Teller, join_everyone
    from portal.kit import clock

    now = clock.now()
    cast = join_everyone(now - timedelta(days=200))
    people = _people(cast)
    teller = Teller(app.extensions["regions"], app.config["SETTINGS"], cast)
    session = teller.regions.session("eu")
    terms = cases.CRM_TERMS | {"P1": "12 months", "P4": "12 months"}

    def case(title: str) -> Any:
        return cases.Case(title, "Business", terms)

    # One after another: a person's codes only ever go forward in time.
    signed = [(100 - 20 * n, case(f"signed {n}")) for n in range(1, 4)]
    for days, one in [(110, cases.CRM), *signed]:
        teller.completed(one, region="eu", at=now - timedelta(days=days))
    teller.waiting(case("waiting"), region="eu", at=now - timedelta(days=12))
    at = now - timedelta(days=9)
    session, last = teller.agreed(case("last"), region="eu", at=at, extra={})
    for key in ("ada", "nia", "cleo"):
        teller.signs(session, last, key)
    at = now - timedelta(days=3)
    session, offered = teller.started(case("offered"), region="eu", at=at, extra={})
    teller.sends(session, offered, "ada")
    teller.started(case("draft"), region="eu", at=at, extra={})
    tell_incidents(teller.regions, cast, now=now)
    tell_service(teller.regions, app.config["SETTINGS"], cast, now=now)
    return people | {"contracts": _titles(session), "rich": cases.CRM.title}


def _people(cast: Mapping[str, Any]) -> dict[str, Any]:
    """Make the other customers, and signers of Harbour's with codes; return all."""
    from portal.accounts import actions as accounts
    from portal.accounts.models import Organisation
    from portal.accounts.rules import Role
    from portal.accounts.totp import new_secret
    from portal.kit import clock
    from portal.kit.db import db

    now = clock.now()
    ours = [db.session.get_one(Organisation, cast[key].organisation_id) for key in ("ada", "cleo")]
    for one in ours:
        one.regions = ",".join(LABELS)
    customers = [
        accounts.create_organisation(f"Customer {n}", f"customer-{n}", "", list(LABELS), now)
        for n in range(CUSTOMERS)
    ]
    signers = []
    for n in range(SIGNERS):
        secret = new_secret()
        person = accounts.create_person(f"s{n}@harbour.example", "Lena Hart", "a long phrase", now)
        accounts.enrol_factor(person, secret, now - timedelta(days=30))
        accounts.add_member(person, ours[1], [Role.SIGNATORY], now)
        signers.append({"person": person.id, "secret": secret})
    db.session.commit()
    return {
        "people": {key: actor.person_id for key, actor in cast.items()},
        "harbour": [ours[1].id, ours[1].name],
        "customers": [[one.id, one.name] for one in customers],
        "signers": signers,
    }


def _titles(session: Any) -> dict[str, str]:
    from sqlalchemy import select

    from portal.contracts.models import Contract

    return {row.title: row.id for row in session.scalars(select(Contract))}


# A home on either engine


def write_settings(home: Path, databases: Mapping[str, str | None], directory: str = "") -> None:
    """Write the settings of a home with these regions; None leaves a database a file."""
    home.mkdir(parents=True, exist_ok=True)
    lines = [f'directory = "{directory}"'] if directory else []
    for name, address in databases.items():
        lines += [f"[regions.{name}]", f'label = "{LABELS[name]}"']
        lines += [f'database = "{address}"'] if address else []
    (home / "counterpart.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def open_home(
    source: Path, home: Path, *, regions: Sequence[str], cluster: Any = None
) -> tuple[Any, dict[str, Any]]:
    """Copy the seed to a new home of these regions, on the cluster if one is given; open it."""
    from click.testing import CliRunner

    from portal.app import create_app
    from portal.cli import main

    shutil.copytree(source, home)
    os.environ["COUNTERPART_HOME"] = str(home)
    databases: dict[str, str | None] = dict.fromkeys(LABELS)
    directory = ""
    if cluster is not None:
        databases = {name: cluster.address(cluster.create()) for name in LABELS}
        directory = cluster.address(cluster.create())
        there = home / "there.toml"
        write_settings(home / "new", databases, directory)
        shutil.move(home / "new" / "counterpart.toml", there)
        done = CliRunner().invoke(main, ["transfer", "--to", str(there)])
        assert done.exit_code == 0, done.output
    write_settings(home, {name: databases[name] for name in regions}, directory)
    return create_app(), json.loads((home / FILE).read_text())


def forget(home: Path) -> None:
    """Remove a home: large ones are not left behind."""
    shutil.rmtree(home)


def close(app: Any) -> None:
    """Close every connection of an app."""
    from portal.kit.db import db

    with app.app_context():
        db.session.remove()
        db.engine.dispose()
        app.extensions["regions"].dispose()


# Filling it


@dataclass
class Patterns:
    """The contracts that are copied: of every twenty, by their place."""

    found: dict[str, Any]
    by_name: dict[str, Any]

    def of(self, number: int) -> tuple[str, Any]:
        """Return what the contract of this number is a copy of: 16 of 20 are in force."""
        place = number % 20
        name = {16: "offered", 17: "offered", 18: "waiting", 19: "draft"}.get(place)
        if name is None:
            name = "rich" if number % 100 == 0 else f"signed {number % 3 + 1}"
        return name, self.by_name[name]


def read_patterns(source: Path, *, whole: bool = False, documents: bool = False) -> Patterns:
    """Read the seed's contracts, opened."""
    from copies import pattern_of

    from portal.app import create_app

    os.environ["COUNTERPART_HOME"] = str(source)
    app, found = create_app(), json.loads((source / FILE).read_text())
    refs = dict(found["contracts"])
    refs["rich"] = refs.pop(found["rich"])
    with app.app_context():
        database = app.extensions["regions"]["eu"]
        with database.open_session() as session:
            by_name = {
                name: pattern_of(database, session, ref, whole=whole, documents=documents)
                for name, ref in refs.items()
            }
            by_name["last"] = pattern_of(
                database, session, refs["last"], whole=True, documents=True
            )
    close(app)
    return Patterns(found, by_name)


def fill(
    app: Any, patterns: Patterns, count: int, *, cluster: Any = None, content: bytes | None = None
) -> list[str]:
    """Write this many contracts, spread evenly over the regions; sign the logs.

    With `content` each document of each has a file in the store, which holds that. Return the
    contracts that wait for the last of their signers, one for each of the seed's.
    """
    from copies import Writer

    found = patterns.found
    databases = app.extensions["regions"].databases
    writers = [Writer(one, _administrator(one, cluster)) for one in databases.values()]
    with app.app_context():
        for number in range(count):
            name, pattern = patterns.of(number)
            id, customer = found["customers"][number % CUSTOMERS]
            writers[number % len(writers)].copy(
                pattern, title=f"Support {number} ({name})", customer=customer,
                others={found["harbour"][0]: id}, content=content,
            )  # fmt: skip
        lena = found["people"]["lena"]
        waiting = [
            writers[0].copy(patterns.by_name["last"], title="Support to be sealed",
                            others={lena: one["person"]})
            for one in found["signers"]
        ]  # fmt: skip
        for writer in writers:
            writer.flush()
            _sign_log(app, writer.database, is_server=cluster is not None)
    return waiting


def _administrator(database: Any, cluster: Any) -> str | None:
    if cluster is None:
        return None
    address: str = cluster.address(database.engine.url.database, "admin")
    return address


def _sign_log(app: Any, database: Any, *, is_server: bool) -> None:
    """Sign the log as it stands, without receipts; let a server look at its tables."""
    from portal.audit import queries as log
    from portal.audit.actions import add_checkpoint
    from portal.audit.signer import signer_of
    from portal.kit import clock

    if is_server:
        with database.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
    signer = signer_of(app.config["SETTINGS"], database.region)
    with database.open_session() as session, signer.alone():
        last = log.last_checkpoint(session)
        tree = log.tree_of(session)
        if last is None or last.size < tree.size:
            note = signer.sign(tree, stored=last.note if last else None)
            add_checkpoint(session, note, at=clock.now())
        session.commit()
