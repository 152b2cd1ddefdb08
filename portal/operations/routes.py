"""Health for a load balancer and a supervisor; the keys, for the portal administrator."""

import logging

from flask import Blueprint, abort, current_app, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.accounts import gate
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.headers import broken_directive
from portal.kit.web import machine, page, public, signed_in
from portal.operations.queries import Subject, late_work, readiness_checks
from portal.operations.queries.inventory import inventory
from portal.operations.rules import Level, is_ready, is_well
from portal.residency.databases import regions

bp = Blueprint("operations", __name__)
LOG = logging.getLogger("counterpart.http")
MOST_REPORT = 16_000


@bp.get("/livez")
@public
def livez() -> ResponseReturnValue:
    """Say that this process answers; it asks nothing else."""
    return {"ok": True}


@bp.post("/policy-report")
@public
@machine
def policy_report() -> ResponseReturnValue:
    """Take a browser's word that a page broke its policy, and keep which rule of it was broken.

    Nothing else of the report is kept or logged: it names the address of the page, which may hold a
    secret, and what a visitor types there.
    """
    if request.content_length is None or request.content_length > MOST_REPORT:
        abort(413)
    LOG.warning(
        "a page broke its policy", extra={"directive": broken_directive(request.get_data())}
    )
    return "", 204


@bp.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Say whether people may be sent here: 200, or 503 with the names of what fails.

    `?with=work` is for who watches, and is red too while mail, seals or time stamps are late: that
    is no reason to send people away, who can read and sign meanwhile. Names alone: what was found,
    and how to mend it, is for `counterpart doctor` on the host.
    """
    subject = Subject(current_app.config["SETTINGS"], regions(), clock.now())
    checks = list(readiness_checks(subject))
    ready = is_ready(checks)
    if request.args.get("with") == "work":
        checks += late_work(subject)
        ready = is_well(checks)
    failing = [check.name for check in checks if check.level is Level.ERROR]
    return {"ok": ready, "failing": failing}, 200 if ready else 503


@bp.get("/portal/keys")
@signed_in
def keys() -> ResponseReturnValue:
    """Show the portal administrator every key: its age, what it seals, how far a rotation is."""
    if not current_user.person.operator:
        raise NotFound
    now = clock.now()
    gate.demand_recent_code(now)
    subject = Subject(current_app.config["SETTINGS"], regions(), now)
    return page("operations/keys.html", keys=inventory(subject))
