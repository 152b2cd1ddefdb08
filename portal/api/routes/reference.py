"""The OpenAPI document, and a page that reads it aloud."""

from importlib.metadata import version
from typing import Any

from flask import Response, current_app, jsonify, url_for
from flask.typing import ResponseReturnValue

from portal.api.routes.door import OPERATIONS, bp
from portal.api.rules.document import document
from portal.api.rules.operations import Operation, query_of
from portal.api.rules.problems import TITLES
from portal.api.rules.schemas import SCHEMAS
from portal.kit.web import page, public
from portal.oauth.rules import SCOPES

TAGS = (
    "Contracts", "Negotiation", "Incidents", "Changes and outages", "Statements and credits",
    "Renewals, notices and reviews", "Customers", "Templates and plans", "Organisation",
)  # fmt: skip


def ordered() -> list[Operation]:
    """Return the operations in the order people read them in."""
    return sorted(OPERATIONS, key=lambda one: TAGS.index(one.tag))


def openapi() -> dict[str, Any]:
    """Return the document of this portal."""
    base = current_app.config["SETTINGS"].base_url
    return document(ordered(), SCHEMAS, base=base, version=version("counterpart"))


@bp.get("/api/v1/openapi.json")
@public
def openapi_document() -> Response:
    """Serve the document, made of the same schemas that check and tell everything."""
    return jsonify(openapi())


@bp.get("/api/v1")
@public
def reference() -> ResponseReturnValue:
    """Show what the API can do, in words."""
    tags: dict[str, list[Any]] = {}
    for one in ordered():
        tags.setdefault(one.tag, []).append((one, _takes(one)))
    return page(
        "api/reference.html", tags=tags, scopes=SCOPES, problems=TITLES,
        document=url_for("api.openapi_document"), count=len(OPERATIONS),
    )  # fmt: skip


def _takes(one: Operation) -> list[str]:
    """Name what an operation takes beside the address."""
    found = [f"?{name}" for name in query_of(one)]
    needed = set((one.body or {}).get("required", ()))
    found += [
        name if name in needed else f"{name} (optional)"
        for name in (one.body or {}).get("properties", {})
    ]
    return found
