"""What is answered where something says no: each word for no, and each fault, has one answer."""

import logging
from typing import Any

from flask import Flask, Response, current_app, g, make_response, render_template, request, url_for
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.exceptions import HTTPException

from portal.accounts import gate
from portal.accounts.parking import park
from portal.api.routes import problem_response
from portal.kit import clock, web
from portal.kit.db import db
from portal.kit.errors import CodeNeeded, NotAllowed, NotFound, Refused, SignatureNeeded
from portal.kit.faults import Fault, fault_of
from portal.kit.token import TokenAway
from portal.kit.words import Words, say
from portal.profiles.routes import ask_signature
from portal.residency.stores import StoreAway

HTTP = logging.getLogger("counterpart.http")


def undo() -> None:
    """Roll back every session of this request; a lost connection has rolled back by itself."""
    for session in (db.session(), *g.get("region_sessions", {}).values()):
        try:
            session.rollback()
        except DBAPIError:
            session.invalidate()


def answer_errors(app: Flask) -> None:
    """Map what may be raised to what is answered, once."""

    def refused(error: Refused) -> Any:
        undo()
        status = 403 if isinstance(error, NotAllowed) else 409
        return web.page(f"errors/{status}.html", status, message=error.message)

    def missing(error: Exception) -> Any:
        undo()
        return web.page("errors/404.html", 404)

    def away(error: StoreAway | TokenAway) -> Any:
        undo()
        what, page = ("store", "503") if isinstance(error, StoreAway) else ("token", "shut")
        HTTP.error(f"{what} away", extra={"endpoint": request.endpoint or "none"})
        if request.path.startswith("/api/"):
            return problem_response(error)
        answer = make_response(render_template(f"errors/{page}.html"), 503)
        answer.headers["Retry-After"] = "60"
        return answer

    def database(error: SQLAlchemyError) -> Any:
        fault = fault_of(error)
        if fault is None:
            raise error
        undo()
        HTTP.warning(f"database {fault}", extra={"endpoint": request.endpoint or "none"})
        if request.path.startswith("/api/"):
            return problem_response(error)
        gate.stay_nameless()
        return _kept(_come_again(fault))

    def code_needed(error: CodeNeeded) -> Any:
        undo()
        target = request.full_path.rstrip("?") if request.method == "GET" else None
        return web.leave_for(url_for("accounts.code", next=target))

    def signature_needed(error: SignatureNeeded) -> Any:
        undo()
        if request.path.startswith("/api/"):
            return problem_response(error)
        actor = gate.acting()
        if actor is not None and actor.emergency:
            return refused(
                NotAllowed(
                    say("Emergency access reads and answers incidents. It does nothing else.")
                )
            )
        return ask_signature(error)

    def http_error(error: HTTPException) -> Any:
        undo()
        if error.code is None or error.code < 400:
            return error
        if request.path.startswith("/api/"):
            return problem_response(error)
        known = error.code if error.code in {400, 403, 404, 409, 413, 422, 429, 500} else 400
        response = error.get_response()
        own = error.description if isinstance(error.description, Words) else None
        response.set_data(render_template(f"errors/{known}.html", message=own))
        response.mimetype = "text/html"
        return response

    app.register_error_handler(Refused, refused)
    app.register_error_handler(NotFound, missing)
    app.register_error_handler(StoreAway, away)
    app.register_error_handler(TokenAway, away)
    app.register_error_handler(DBAPIError, database)
    app.register_error_handler(NoConnection, database)
    app.register_error_handler(CodeNeeded, code_needed)
    app.register_error_handler(SignatureNeeded, signature_needed)
    app.register_error_handler(HTTPException, http_error)


def _come_again(fault: Fault) -> Response:
    if fault is Fault.BUSY:
        why = say("Someone else was changing this at the same moment, so yours was not done.")
        page = render_template("errors/409.html", message=why, back_url=_way_back())
        answer = make_response(page, 409)
        answer.headers["Retry-After"] = "1"
        return answer
    answer = make_response(render_template("errors/away.html", back_url=_way_back()), 503)
    answer.headers["Retry-After"] = "30"
    return answer


def _way_back() -> str | None:
    """Return the page that gives back what was typed, where the form is one that is kept."""
    view = current_app.view_functions.get(request.endpoint or "")
    page = getattr(view, "parks", None) if request.method == "POST" else None
    return url_for(page, **(request.view_args or {})) if page else None


def _kept(answer: Response) -> Response:
    return park(answer, at=clock.now()) if _way_back() else answer
