"""Monitors of one's own side, and the door through which they report."""

import json
from datetime import datetime
from typing import Any

from flask import flash, make_response, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.rules import may
from portal.changes import actions, queries
from portal.changes.actions.monitors import token_sha256
from portal.changes.forms import MonitorForm
from portal.changes.routes.doors import Visit, bp, modules_of, visit
from portal.contracts.queries import terms_in_force
from portal.kit import clock
from portal.kit.errors import NotFound, Refused
from portal.kit.web import machine, needs, page, public, see_other
from portal.kit.words import say
from portal.residency.databases import regions
from portal.residency.rules import region_of

LARGEST_BODY = 4_000


@bp.get("/contracts/<ref>/monitors")
@needs("contract:see")
def monitors(ref: str) -> ResponseReturnValue:
    """Show the monitors of one's own side."""
    return _page(visit(ref), MonitorForm(formdata=None))


def _page(
    seen: Visit, form: MonitorForm, *, status: int = 200, token: str | None = None
) -> ResponseReturnValue:
    return page(
        "changes/monitors.html", status, **seen.frame(), form=form, token=token,
        rows=queries.monitors_of(seen.session, seen.contract, seen.side),
        may_edit=may(seen.actor, "monitor:edit"),
        address=url_for(".intake", ref=seen.contract.ref, _external=True),
        modules=[name for name, _ in modules_of(seen.terms)],
    )  # fmt: skip


@bp.post("/contracts/<ref>/monitors")
@needs("monitor:edit")
def add_monitor(ref: str) -> ResponseReturnValue:
    """Make a monitor; its token is on this page and on no other."""
    seen = visit(ref, "monitor:edit")
    form = MonitorForm()
    if not form.validate_on_submit():
        return _page(seen, form, status=422)
    _, token = actions.add_monitor(*seen.args, name=form.name.data, at=seen.now)
    return _page(seen, MonitorForm(formdata=None), token=token)


@bp.post("/contracts/<ref>/monitors/<monitor>/revocation")
@needs("monitor:edit")
def revoke_monitor(ref: str, monitor: str) -> ResponseReturnValue:
    """End a monitor's token."""
    seen = visit(ref, "monitor:edit")
    row = queries.find_monitor(seen.session, seen.contract, seen.side, monitor)
    actions.revoke_monitor(*seen.args, row, at=seen.now)
    flash(say("The monitor’s token no longer works."), "good")
    return see_other(url_for(".monitors", ref=ref))


@bp.post("/contracts/<ref>/monitor")
@public
@machine
def intake(ref: str) -> ResponseReturnValue:
    """Take a monitor's word: JSON with `state`, and `at` and `module` if it likes.

    A wrong token is not found, as is a wrong contract: the two are never told apart.
    """
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or region_of(ref) not in regions().databases:
        raise NotFound
    session = regions().session_of(ref)
    monitor, contract = queries.monitor_by_token(session, ref, token_sha256(token.strip()))
    now = clock.now()
    try:
        said = _read(now)
        known = dict(modules_of(terms_in_force(session, contract, on=now.date())))
        if said["module"] is not None and said["module"] not in known:
            raise Refused(say("module is not one of this contract"))
        row = actions.report_by_monitor(session, contract, monitor, at=now, **said)
    except Refused as refusal:
        return make_response({"error": refusal.message}, 422)
    return make_response({"outage": row.ref if row else None}, 200)


def _read(now: datetime) -> dict[str, Any]:
    if (request.content_length or 0) > LARGEST_BODY:
        raise Refused(say("the body is too large"))
    try:
        body = json.loads(request.get_data(cache=False)[:LARGEST_BODY])
        state, module = body["state"], body.get("module")
        happened = datetime.fromisoformat(body["at"]) if body.get("at") else now
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Refused(say("send a JSON object with state, and at as RFC 3339")) from None
    if happened.tzinfo is None:
        raise Refused(say("at needs an offset from UTC"))
    if not isinstance(state, str) or not (module is None or isinstance(module, str)):
        raise Refused(say("state and module are texts"))
    return {"state": state, "module": module, "happened": happened}
