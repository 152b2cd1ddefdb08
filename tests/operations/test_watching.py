"""What monitors read: metrics without tenants, log lines without secrets, entries as events."""

import configparser
import importlib.util
import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from gunicorn.config import KNOWN_SETTINGS
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal.app import create_app
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.cli import jobs, watching
from portal.contracts.models import Contract
from portal.kit import clock, logs, metrics
from portal.kit.db import db, transaction
from portal.operations import prometheus
from portal.operations.queries.siem import events_after
from portal.residency.databases import Regions
from tests import cast
from tests.conftest import close, settings_for
from tests.tampering import walls_down

DEPLOY = Path(__file__).resolve().parents[2] / "docs" / "deploy"
PLANTED = ["gravel otter lamp", "ada@northwind.example", "123456", "x" * 43, "Zanzibar-Title"]


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, object]]]]:
    """What this process logs, as it stands in its log."""
    root, out = logging.getLogger(), io.StringIO()
    before, level = root.handlers[:], root.level
    logs.configure(out)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.handlers[:], root.level = before, level


# Log lines


def test_an_answer_is_one_line_that_names_the_view_and_not_the_address(
    app: Flask,
    lines: Callable[[], list[dict[str, object]]],
    client_as: Callable[[str], FlaskClient],
) -> None:
    client_as("ada").get("/security?next=/zanzibar")
    [line] = [one for one in lines() if one["logger"] == "counterpart.http"]
    assert line["endpoint"] == "accounts.security" and line["status"] == 200
    assert "zanzibar" not in json.dumps(lines())


@pytest.mark.slow
def test_nothing_that_is_typed_reaches_a_log_line(
    app: Flask, lines: Callable[[], list[dict[str, object]]], eu: Session
) -> None:
    """Secrets through forms, through an error of the database, through careless log calls."""
    log = logging.getLogger("counterpart.work")
    form = {"email": PLANTED[1], "password": PLANTED[0]}
    app.test_client().post("/sign-in", data=form)
    app.test_client().get(f"/invitations/{PLANTED[3]}")
    try:
        eu.execute(text("SELECT :title FROM nowhere"), {"title": PLANTED[4]})
    except DBAPIError as error:
        assert PLANTED[4] not in str(error)
        log.exception("a job failed")
    try:
        raise ValueError(" ".join(PLANTED))
    except ValueError:
        log.exception("an error that quotes what was typed")
    log.warning("mail to %s failed, code %s, token %s", PLANTED[1], PLANTED[2], PLANTED[3])
    log.info("with fields", extra={"password": PLANTED[0], "nested": {"title": PLANTED[4]}})
    said = json.dumps(lines())
    assert [word for word in PLANTED if word in said] == []
    assert "ValueError" in said and "test_watching.py" in said and "struck out" in said


# Metrics


def test_metrics_name_views_regions_and_jobs_and_no_tenant(
    app: Flask, eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    ref, title = contract.id, contract.title
    with transaction(eu):
        record(eu, ref, "contract:started", actor=cast.actor("ada").log, at=clock.now())
    client_as("cleo").get(f"/contracts/{ref}")
    db.session.rollback()
    registry = prometheus.registry_of(Path("nowhere"), lambda: watching.ask(app))
    page = prometheus.text_of(registry)
    assert 'counterpart_audit_entries{region="eu"} 1.0' in page
    assert 'counterpart_outbox_pending{place="directory"}' in page
    assert 'counterpart_cert_expiry_days{certificate="root"}' in page
    names = [ref, title, *(one.name for one in cast.MEMBERS), "Northwind", "Harbour", "example"]
    assert [name for name in names if name in page] == []


def test_a_monitor_sees_whether_the_logs_held_when_they_were_last_checked(
    app: Flask, eu: Session, contract: Contract
) -> None:
    def told() -> str:
        db.session.rollback()
        eu.rollback()
        return prometheus.text_of(
            prometheus.registry_of(Path("nowhere"), lambda: watching.ask(app))
        )

    with transaction(eu):
        record(eu, contract.id, "contract:started", actor=cast.actor("ada").log, at=clock.now())
    page = told()
    assert "audit_verify_ok" not in page
    assert 'counterpart_seal_queue_seconds{region="eu"} 0.0' in page
    jobs.check_logs(app)
    page = told()
    assert "counterpart_audit_verify_ok 1.0" in page
    assert "counterpart_audit_verify_timestamp" in page
    with walls_down(eu):
        eu.execute(text("UPDATE entries SET body = replace(body, 'started', 'stopped')"))
    eu.commit()
    jobs.check_logs(app)
    assert "counterpart_audit_verify_ok 0.0" in told()


def test_the_time_an_entry_takes_is_counted(app: Flask, eu: Session, contract: Contract) -> None:
    appends = app.extensions["counts"].appends
    before = sum(bucket.get() for bucket in appends._buckets)
    with transaction(eu):
        record(eu, contract.id, "contract:started", actor=cast.actor("ada").log, at=clock.now())
    assert sum(bucket.get() for bucket in appends._buckets) == before + 1


def test_processes_share_what_they_count(tmp_path: Path) -> None:
    """Two processes count; a third reads the sum, by the view's name and without the address."""
    program = (
        "import sys; from pathlib import Path; from portal.kit import metrics;"
        "metrics.prepare(Path(sys.argv[1]), empty=False); one = metrics.Counts();"
        "one.note('POST', 'signing.add_signature', 303, 0.02);"
        "one.note('POST', 'accounts.give_code', 422, 0.02); one.note('GET', 'home.show', 403, 1)"
    )
    metrics_folder = tmp_path / "metrics"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program, str(metrics_folder)], check=True)
    page = prometheus.text_of(prometheus.registry_of(metrics_folder, list))
    for line in (
        'sign_total{outcome="signed"} 2.0',
        "totp_fail_total 2.0",
        "authz_denied_total 2.0",
        'http_answers_total{status="3xx"} 2.0',
        'http_request_duration_seconds_count{endpoint="home.show",method="GET"} 2.0',
    ):
        assert line in page, page
    assert metrics.FOLDER not in os.environ


# Entries for a security monitor


@pytest.mark.both_engines
def test_every_entry_comes_once_in_order_and_again_from_an_older_cursor(
    regions: Regions, eu: Session, contract: Contract
) -> None:
    with transaction(eu):
        for _ in range(3):
            record(eu, contract.id, "contract:started", actor=PORTAL, at=clock.now())
    with transaction(db.session) as session:
        record(session, "x", "person:sign_in:started", actor=PORTAL, at=clock.now())
        record(session, "x", "organisation:member:ended", actor=PORTAL, at=clock.now())
    found = list(events_after("eu", eu, 0))
    assert [event["metadata"]["sequence"] for _, event in found] == [1, 2, 3]
    assert [event for _, event in events_after("eu", eu, found[0][0])] == [
        event for _, event in found[1:]
    ]
    # On PostgreSQL the directory's last minute waits: nothing may come in before it any more.
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        central = [event for _, event in events_after("directory", db.session(), 0)]
    assert [event["type_uid"] for event in central] == [300201, 300199]
    assert len({event["metadata"]["uid"] for _, event in found}) == 3


@pytest.mark.both_engines
def test_the_command_goes_on_where_it_stopped(home: Path, tmp_path: Path) -> None:
    app = create_app(settings_for(home))
    with app.app_context(), transaction(db.session) as session:
        record(session, "x", "organisation:created", actor=PORTAL, at=clock.now())
    state, run = tmp_path / "cursor.json", CliRunner(env={"COUNTERPART_HOME": str(home)})
    close(app)
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        first = run.invoke(watching.siem, ["--state", str(state)])
        again = run.invoke(watching.siem, ["--state", str(state)])
    assert json.loads(first.output)["api"]["operation"] == "organisation:created"
    assert again.output == "" and json.loads(state.read_text())["directory"] > 0


# What a host is set up with


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("*.service")), ids=lambda path: path.name)
def test_a_unit_runs_a_command_there_is_without_any_privilege(unit: Path) -> None:
    from portal.cli import COMMANDS

    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(unit)
    service = found["Service"]
    assert service["ExecStart"].split()[1] in COMMANDS
    assert service["User"] != "root" and service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict" and service["CapabilityBoundingSet"] == ""


def test_gunicorn_knows_every_setting_of_the_example() -> None:
    spec = importlib.util.spec_from_file_location("example", DEPLOY / "gunicorn.conf.py")
    assert spec is not None and spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    known = {setting.name for setting in KNOWN_SETTINGS}
    own = {n for n in vars(example) if n.islower() and not n.startswith("_")}
    assert own - known - {"os", "logs", "metrics"} == set()


def test_the_proxy_speaks_tls_from_1_2_on_and_logs_no_address() -> None:
    said = (DEPLOY / "nginx.conf").read_text()
    assert re.findall(r"ssl_protocols\s+([^;]+);", said) == ["TLSv1.2 TLSv1.3"]
    plain = said.partition("server {")[2].partition("server {")[0]
    assert "^/(api|oauth)/ { return 403; }" in plain and plain.count("return 308") == 1
    assert "access_log off" in said and said.count("{") == said.count("}")


def test_the_container_pins_runs_as_nobody_and_copies_what_there_is() -> None:
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith((" ", "#"))]
    assert ["USER", "10001"] in steps and not any(":latest" in line for line in lines)
    assert any("--require-hashes" in line for line in lines)
    root = DEPLOY.parents[1]
    copied = [name for word, rest in steps if word == "COPY" for name in rest.split()[:-1]]
    assert [name for name in copied if not (root / name).exists()] == []
