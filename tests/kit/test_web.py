"""Answers as a browser and as htmx need them."""

from collections.abc import Callable

import pytest
from flask import Flask, make_response
from flask.testing import FlaskClient

from portal.contracts.models import Contract
from portal.kit.headers import CSP
from portal.kit.web import download, leave_for, mend_for_htmx, see_other

ClientAs = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}
WHOLE = {"HX-Retarget": "#main", "HX-Reselect": "#main", "HX-Reswap": "outerHTML"}


def mended(app: Flask, status: int, **headers: str) -> dict[str, str]:
    """Return the htmx headers of an answer of this status."""
    with app.test_request_context(headers=headers):
        answer = mend_for_htmx(make_response("", status))
    return {name: value for name, value in answer.headers.items() if name.startswith("HX-")}


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 429, 500])
def test_an_error_replaces_the_main_part_when_htmx_asked_for_a_region(
    app: Flask, status: int
) -> None:
    assert mended(app, status, **HTMX) == WHOLE
    assert mended(app, status) == {}


@pytest.mark.parametrize("status", [200, 303, 422])
def test_a_page_with_its_region_is_left_alone(app: Flask, status: int) -> None:
    assert mended(app, status, **HTMX) == {}


def test_leaving_takes_the_whole_browser_along(app: Flask) -> None:
    with app.test_request_context(headers=HTMX):
        answer = leave_for("/sign-in")
        assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/sign-in")
    with app.test_request_context():
        answer = leave_for("/sign-in")
        assert (answer.status_code, answer.location) == (303, "/sign-in")


def test_success_is_told_by_303(app: Flask) -> None:
    with app.test_request_context():
        assert see_other("/contracts").status_code == 303


@pytest.mark.parametrize(("inline", "kind"), [(False, "attachment"), (True, "inline")])
def test_a_download_names_its_file(app: Flask, inline: bool, kind: str) -> None:
    with app.test_request_context():
        answer = download(b"%PDF", name="deed.pdf", mimetype="application/pdf", inline=inline)
    assert answer.headers["Content-Disposition"] == f'{kind}; filename="deed.pdf"'
    assert answer.data == b"%PDF" and answer.mimetype == "application/pdf"


@pytest.mark.slow
def test_a_signed_out_htmx_request_goes_to_sign_in_and_a_missing_page_fills_the_main_part(
    app: Flask, client_as: ClientAs, contract: Contract
) -> None:
    answer = app.test_client().get("/contracts", headers=HTMX)
    assert answer.status_code == 200 and answer.headers["HX-Redirect"].startswith("/sign-in")
    missing = client_as("mal").get(f"/contracts/{contract.id}", headers=HTMX)
    assert missing.status_code == 404 and missing.headers["HX-Retarget"] == "#main"
    assert 'id="main"' in missing.text


def test_every_answer_carries_the_exact_policy(client_as: ClientAs) -> None:
    for answer in (client_as("ada").get("/contracts"), client_as("ada").get("/none")):
        assert answer.headers["Content-Security-Policy"] == CSP
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
