"""The first page after signing in."""

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, may
from portal.home import queries, rules
from portal.kit import clock
from portal.kit.db import db
from portal.kit.web import page, signed_in
from portal.kit.words import say
from portal.residency.databases import regions

bp = Blueprint("home", __name__)


@bp.app_context_processor
def home_link() -> dict[str, str]:
    """Give every page the way home."""
    return {"home_url": url_for("home.show")}


@bp.get("/")
@signed_in
def show() -> ResponseReturnValue:
    """Show what waits, what comes and what went wrong, by what the person is here for."""
    actor = current_user.actor
    if actor is not None:
        return page(
            "home/show.html", home=_home_of(actor), person=current_user.person,
            zone_known=current_user.has_reader, may_start=may(actor, "contract:start"),
        )  # fmt: skip
    if current_user.person.operator:
        return page("home/operator.html", lines=_operator(), person=current_user.person)
    return page("home/nobody.html")


def _home_of(actor: Actor) -> rules.Home:
    sessions, now = [session for _, session in regions().each()], clock.now()
    everywhere: list[Session] = [db.session(), *sessions]
    incidents_wait, missed = queries.incident_lines(sessions, actor, at=now)
    statements_wait, silences, disputes = queries.statement_lines(sessions, actor)
    outages_wait, outages = queries.outage_lines(sessions, actor, at=now)
    decisions, dates = queries.renewal_lines(sessions, actor, at=now)
    return rules.arranged(
        waits=[
            *queries.contract_lines(sessions, actor, at=now), *incidents_wait, *statements_wait,
            *outages_wait, *queries.change_lines(sessions, actor, at=now), *decisions,
            *queries.member_lines(actor),
        ],
        coming=[*silences, *dates],
        wrong=[
            *missed, *outages, *disputes, *queries.mail_lines(everywhere, current_user.person),
            *queries.ended_lines(sessions, actor, at=now),
        ],
    )  # fmt: skip


def _operator() -> rules.Lines:
    places: list[tuple[str, Session]] = [(say("directory"), db.session())]
    places += [
        (say("region %(name)s", name=one.region.name), session) for one, session in regions().each()
    ]
    lines = queries.operator_lines(places, db.session(), at=clock.now())
    return rules.arranged((), (), lines).wrong
