"""The links of the document: where they lead, and schemathesis' state machine following them."""

import itertools
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from portal.api.routes.door import OPERATIONS
from portal.api.rules.links import links_of
from portal.app import create_app
from portal.oauth.rules import SCOPES
from tests.api.conftest import Caller, token_for
from tests.api.test_whole import nothing_was_signed
from tests.cluster import copy_home
from tests.conftest import close, settings_for

THOROUGH = os.environ.get("COUNTERPART_THOROUGH") == "1"
SCENARIOS, STEPS = (100, 50) if THOROUGH else (10, 25)
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
]  # fmt: skip
BY_NAME = {one.name: one for one in OPERATIONS}


def test_every_operation_about_a_thing_is_led_to() -> None:
    led = {name for one in OPERATIONS for name in links_of(one, OPERATIONS)}
    assert {one.name for one in OPERATIONS if one.parameters} - led == set()


def test_a_link_fills_the_whole_address_from_what_was_asked_and_answered() -> None:
    for one in OPERATIONS:
        for name, link in links_of(one, OPERATIONS).items():
            target = BY_NAME[name]
            guard = {"If-Match"} if target.guarded else set()
            assert set(link["parameters"]) == {*target.parameters, *guard}
            for said in link["parameters"].values():
                asked = said.removeprefix("$request.path.")
                assert asked in one.parameters or said.startswith("$response.")


@pytest.mark.parametrize(
    ("one", "leads"),
    [
        ("list_contracts", {"read_contract"}),
        ("list_changes", {"read_change"}),
        ("incident_update", {"read_incident"}),
        ("write_comment", {"resolve_comment"}),
        ("read_decision", {"keep_decision"}),
        ("read_change", {"replan_change", "announce_change", "begin_change", "finish_change",
                         "withdraw_change"}),
        ("list_members", set()),
    ],
)  # fmt: skip
def test_a_list_leads_to_its_first_a_write_to_its_thing_a_thing_to_all_beneath(
    one: str, leads: set[str]
) -> None:
    assert set(links_of(BY_NAME[one], OPERATIONS)) == leads


def test_a_made_contract_leads_to_all_that_is_asked_about_a_contract() -> None:
    made = links_of(BY_NAME["start_from_terms"], OPERATIONS)
    beneath = {
        one.name for one in OPERATIONS if one.parameters == ["ref"] and not one.guarded
    }  # fmt: skip
    assert set(made) == beneath
    assert {tuple(one["parameters"].values()) for one in made.values()} == {
        ("$response.body#/contract/ref",)
    }


class Portal:
    """A portal that begins anew, from the same home, as often as it is asked to."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.folder, self.count = folder, itertools.count()
        self.base = copy_home(home, folder / "base")
        self.app = create_app(settings_for(self.base))
        with self.app.app_context():
            self.token = token_for("ada", list(SCOPES))
        ask = Caller(self.app.test_client(), self.token)
        self.ref = str(ask("GET", "/contracts").json["items"][0]["ref"])
        partners, templates = (
            ask("GET", path).json["items"] for path in ("/partners", "/templates")
        )
        self.start = {
            "title": "Made on the way", "counterparty": partners[0]["id"], "side": "vendor",
            "region": "eu",
            "template": next(one["key"] for one in templates if one["status"] == "published"),
        }  # fmt: skip
        close(self.app)

    def begin(self) -> None:
        """Go on in a fresh copy of the home: every scenario finds the same."""
        self.app = create_app(
            settings_for(copy_home(self.base, self.folder / str(next(self.count))))
        )

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer as the portal of this moment."""
        return self.app(environ, start_response)


def machine_of(portal: Portal, followed: Counter[tuple[str, str]]) -> Any:
    """Return schemathesis' machine over the document; it counts the links that led to good."""
    portal.begin()
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", portal)
    close(portal.app)
    # Only what the document itself says leads on, and only what it says is sent.
    document.config.phases.stateful.inference.algorithms = []
    document.config.analysis.constants.enabled = False
    keys = itertools.count()

    base: Any = document.as_state_machine()
    # A scenario begins with what needs no name of anything; all else is reached by a link.
    begins = {f"{one.method} {one.path}" for one in OPERATIONS if not one.parameters}

    class Machine(base):  # type: ignore[misc]
        root_rules = frozenset(name for name in base.root_rules if "ref" not in name)
        _root_labels = frozenset(base._root_labels & begins)

        def setup(self) -> None:
            portal.begin()

        def teardown(self) -> None:
            try:
                nothing_was_signed(portal.app, portal.ref)
            finally:
                close(portal.app)

        def step(self, input: Any) -> Any:
            case = input.case
            # Cursors nobody wrote are tried by the stateless run; here they would end every walk.
            (case.query or {}).pop("cursor", None)
            if case.operation.label == "POST /contracts" and isinstance(case.body, dict):
                case.body = dict(portal.start)
            if (case.headers or {}).get("Idempotency-Key"):
                case.headers["Idempotency-Key"] = f"key-{next(keys)}"
            output = super().step(input)
            if input.transition is not None and input.is_applied:
                status = output.response.status_code
                source = input.transition.id.partition(" -> ")[0]
                followed[source, case.operation.label] += status < 300
            return output

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": {"Authorization": f"Bearer {portal.token}"}}

        def validate_response(self, response: Any, case: Any, *_: Any, **kwargs: Any) -> None:
            case.validate_response(response, checks=CHECKS, transport_kwargs=kwargs)

    for name in base.root_rules - Machine.root_rules:
        setattr(Machine, name, None)
    return Machine


@pytest.mark.slow
def test_following_the_links_finds_every_answer_as_described(
    stocked_home: Path, tmp_path: Path, unhurried: None
) -> None:
    followed: Counter[tuple[str, str]] = Counter()
    portal = Portal(stocked_home, tmp_path)
    machine_of(portal, followed).run(
        settings=settings(
            max_examples=SCENARIOS, stateful_step_count=STEPS, derandomize=True, database=None,
            deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )
    )  # fmt: skip
    # The machine's choices hang on the versions of its parts: a third of what it finds today.
    good = +followed
    assert good.total() >= 25 and len(good) >= 9
    assert {"GET /contracts", "POST /contracts"} <= {source for source, _ in good}
