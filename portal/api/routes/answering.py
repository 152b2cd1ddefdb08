"""Answers in JSON, and the one place where whatever went wrong becomes a problem (RFC 9457)."""

import json
from typing import Any

from flask import Response, current_app, g, make_response
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from portal.api.rules.operations import JSON, PROBLEM_JSON
from portal.api.rules.problems import Problem
from portal.api.rules.shapes import Wrong
from portal.kit import clock
from portal.kit.db import db
from portal.kit.errors import CodeNeeded, NotAllowed, NotFound, Refused, SignatureNeeded
from portal.kit.faults import Fault, fault_of
from portal.kit.refs import new_id
from portal.kit.token import TokenAway
from portal.negotiation.rules import Incomplete
from portal.residency.stores import StoreAway


def json_answer(body: Any, status: int) -> Response:
    """Return an answer in JSON."""
    response = make_response(json.dumps(body, ensure_ascii=False) + "\n", status)
    response.mimetype = JSON
    return response


def problem_response(error: Exception, request_id: str | None = None) -> Response:
    """Return an answer that says no, and undo what was begun."""
    for session in (db.session(), *g.get("region_sessions", {}).values()):
        try:
            session.rollback()
        except DBAPIError:  # the connection is lost, and what was begun on it
            session.invalidate()
    problem = _problem_of(error)
    request_id = request_id or new_id(clock.now())
    if problem.code in {"broken", "unavailable"}:
        current_app.logger.error("api request %s failed", request_id, exc_info=error)
    base = current_app.config["SETTINGS"].base_url
    response = json_answer(problem.body(base=base, request_id=request_id), problem.status)
    response.mimetype = PROBLEM_JSON
    response.headers.update(problem.headers)
    return response


def _problem_of(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case NotFound():
            return Problem("not_found")
        case NotAllowed():
            return Problem("role_missing", error.message)
        case Incomplete():
            wrong = [Wrong(f"#/terms/{t}", why[0]) for t, why in error.problems.items()]
            return Problem("invalid", error.message, errors=wrong)
        case Refused():
            return Problem("refused", error.message)
        case CodeNeeded() | SignatureNeeded():
            return Problem("role_missing", "This is done by a person, at the page, with a code.")
        case StoreAway() | TokenAway():
            return Problem("unavailable", headers={"Retry-After": "60"})
        case SQLAlchemyError():
            return _problem_of_fault(fault_of(error))
        case RequestEntityTooLarge():
            return Problem("too_large")
        case MethodNotAllowed():
            allowed = ", ".join(sorted(error.valid_methods or []))
            return Problem("method_unknown", headers={"Allow": allowed})
        case HTTPException():
            known = {404: "not_found", 400: "malformed", 415: "not_json"}
            return Problem(known.get(error.code or 500, "malformed"))
    return Problem("broken")


def _problem_of_fault(fault: Fault | None) -> Problem:
    if fault is Fault.BUSY:
        return Problem("busy", headers={"Retry-After": "1"})
    return (
        Problem("broken")
        if fault is None
        else Problem("unavailable", headers={"Retry-After": "30"})
    )
