"""Health, for a load balancer and a supervisor: whether the process lives, whether it may serve."""

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from portal.kit import clock
from portal.kit.web import public
from portal.operations.queries import Subject, readiness_checks
from portal.operations.rules import Level, is_ready
from portal.residency.databases import regions

bp = Blueprint("operations", __name__)


@bp.get("/livez")
@public
def livez() -> ResponseReturnValue:
    """Say that this process answers; it asks nothing else."""
    return {"ok": True}


@bp.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Say whether people may be sent here: 200, or 503 with the names of what fails.

    Names alone: what was found, and how to mend it, is for `counterpart doctor` on the host.
    """
    subject = Subject(current_app.config["SETTINGS"], regions(), clock.now())
    checks = list(readiness_checks(subject))
    failing = [check.name for check in checks if check.level is Level.ERROR]
    ready = is_ready(checks)
    return {"ok": ready, "failing": failing}, 200 if ready else 503
