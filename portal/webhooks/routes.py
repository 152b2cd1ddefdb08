"""Pages of webhooks: the addresses, one with its deliveries, a new one."""

from flask import Blueprint, current_app, flash, url_for
from flask.typing import ResponseReturnValue

from portal.accounts import gate
from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand
from portal.kit import clock
from portal.kit.errors import Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.residency.databases import regions
from portal.webhooks import actions, queries, rules
from portal.webhooks.forms import EndpointForm

bp = Blueprint("webhooks", __name__)


def _admin() -> Actor:
    actor = current_actor()
    demand(actor, "webhook:edit")
    return actor


def _inside() -> frozenset[str]:
    found: frozenset[str] = current_app.config["SETTINGS"].webhook_hosts
    return found


def _labels() -> list[tuple[str, str]]:
    return [(name, database.region.label) for name, database in regions().databases.items()]


@bp.get("/organisation/webhooks")
@needs("webhook:edit")
def index() -> ResponseReturnValue:
    """List the addresses that are told, over all regions."""
    actor = _admin()
    rows = [
        (row, database.region.label, queries.counts_of(session, row))
        for database, session in regions().each()
        for row in queries.endpoints_of(session, actor)
    ]
    return page("webhooks/index.html", actor=actor, rows=rows)


@bp.get("/organisation/webhooks/new")
@needs("webhook:edit")
def new() -> ResponseReturnValue:
    """Ask where to, and of what."""
    _admin()
    form = EndpointForm(formdata=None)
    form.offer(_labels())
    return page("webhooks/new.html", form=form)


@bp.post("/organisation/webhooks")
@needs("webhook:edit")
def add() -> ResponseReturnValue:
    """Add an address; its secret is on this page and on no other."""
    actor, form = _admin(), EndpointForm()
    gate.demand_recent_code(clock.now())
    form.offer(_labels())
    if not form.validate():
        return page("webhooks/new.html", 422, form=form)
    database, session = regions()[form.region.data], regions().session(form.region.data)
    try:
        row, secret = actions.add_endpoint(
            session, database, actor, address=form.address.data, subjects=form.subjects.data or (),
            inside=_inside(), at=clock.now(),
        )  # fmt: skip
    except Refused as refusal:
        form.address.errors = [refusal.message]
        return page("webhooks/new.html", 422, form=form)
    return _show(actor, database.region.name, row.id, secret=secret)


@bp.get("/organisation/webhooks/<place>/<endpoint_id>")
@needs("webhook:edit")
def show(place: str, endpoint_id: str) -> ResponseReturnValue:
    """Show an address with its latest deliveries and every try."""
    return _show(_admin(), place, endpoint_id)


def _show(
    actor: Actor, place: str, endpoint_id: str, *, secret: str | None = None
) -> ResponseReturnValue:
    database, session = regions()[place], regions().session(place)
    row = queries.find_endpoint(session, actor, endpoint_id)
    now = clock.now()
    known = rules.active(row.known_secrets, at=now)
    return page(
        "webhooks/show.html", row=row, region=database.region.label, secret=secret, place=place,
        deliveries=queries.deliveries_of(session, row), counts=queries.counts_of(session, row),
        words=rules.SUBJECTS, old_until=known[1].until if len(known) > 1 else None, now=now,
        most=len(rules.SCHEDULE),
    )  # fmt: skip


@bp.post("/organisation/webhooks/<place>/<endpoint_id>/trial")
@needs("webhook:edit")
def trial(place: str, endpoint_id: str) -> ResponseReturnValue:
    """Send a message that says nothing."""
    regions()[place]
    actions.send_trial(regions().session(place), _admin(), endpoint_id, at=clock.now())
    flash(say("A trial is on its way. Look again in a few seconds."), "good")
    return see_other(url_for(".show", place=place, endpoint_id=endpoint_id))


@bp.post("/organisation/webhooks/<place>/<endpoint_id>/secret")
@needs("webhook:edit")
def rotate(place: str, endpoint_id: str) -> ResponseReturnValue:
    """Replace the secret; both sign for a day."""
    actor = _admin()
    gate.demand_recent_code(clock.now())
    regions()[place]
    secret = actions.rotate_secret(regions().session(place), actor, endpoint_id, at=clock.now())
    return _show(actor, place, endpoint_id, secret=secret)


@bp.post("/organisation/webhooks/<place>/<endpoint_id>/end")
@needs("webhook:edit")
def end(place: str, endpoint_id: str) -> ResponseReturnValue:
    """Tell an address no more."""
    regions()[place]
    actions.end_endpoint(regions().session(place), _admin(), endpoint_id, at=clock.now())
    flash(say("That address is told no more."), "good")
    return see_other(url_for(".index"))


@bp.post("/organisation/webhooks/<place>/deliveries/<delivery_id>/repeat")
@needs("webhook:edit")
def repeat(place: str, delivery_id: str) -> ResponseReturnValue:
    """Send a delivery again."""
    actor = _admin()
    regions()[place]
    session = regions().session(place)
    actions.redeliver(session, actor, delivery_id, at=clock.now())
    row = queries.find_delivery(session, actor, delivery_id)
    flash(say("It is on its way again, under the same id."), "good")
    return see_other(url_for(".show", place=place, endpoint_id=row.endpoint_id))
