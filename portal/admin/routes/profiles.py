"""The page of the HIPAA profile of an organisation."""

from flask import current_app, flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts import gate
from portal.accounts import queries as people
from portal.accounts.rules import Actor
from portal.admin import actions, queries
from portal.admin.routes.doors import bp
from portal.admin.rules import Kind
from portal.kit import clock
from portal.kit.web import needs, page, see_other
from portal.kit.words import commas, say, say_n
from portal.profiles.queries import contracts_under
from portal.profiles.rules import Profile
from portal.residency.databases import regions
from portal.settings.rules import Settings
from portal.webhooks.queries import endpoints_of


def hindrances(actor: Actor, *, on: bool) -> list[str]:
    """Return what keeps the profile from holding whole, or from being given up, in sentences."""
    return _before_on(actor) if on else _before_off(actor)


def _before_off(actor: Actor) -> list[str]:
    at = clock.now()
    refs = [
        ref
        for _, session in regions().each()
        for ref in contracts_under(session, actor.organisation_id, Profile.HIPAA, at=at)
    ]
    if not refs:
        return []
    return [
        say(
            "These contracts are under it, so both parties end it there first: %(refs)s.",
            refs=commas(refs),
        )
    ]


def _before_on(actor: Actor) -> list[str]:
    settings: Settings = current_app.config["SETTINGS"]
    found: list[str] = []
    if settings.sends_plain_mail:
        found.append(
            say("Mail leaves this portal without TLS: its operator must set [mail] starttls first.")
        )
    told = [row for _, session in regions().each() for row in endpoints_of(session, actor)]
    plain = [row for row in told if row.ended_at is None and row.address.startswith("http:")]
    if plain:
        found.append(
            say_n(
                "%(num)s of your webhooks is told by plain http: end it first.",
                "%(num)s of your webhooks are told by plain http: end them first.",
                len(plain),
            )
        )
    return found


@bp.get("/organisation/hipaa")
@needs("policy:edit")
def hipaa() -> ResponseReturnValue:
    """Show whether the HIPAA profile holds, what it means, and what stands in its way."""
    actor = gate.proven_actor(clock.now())
    organisation = people.organisation_by_id(actor.organisation_id)
    change = queries.open_change(actor, Kind.HIPAA)
    return page(
        "admin/hipaa/edit.html", actor=actor, organisation=organisation, change=change,
        hindrances=hindrances(actor, on=not organisation.is_hipaa),
        names=queries.names_of(change.asked_by, change.confirmed_by) if change else {},
    )  # fmt: skip


@bp.post("/organisation/hipaa")
@needs("policy:edit")
def set_hipaa() -> ResponseReturnValue:
    """Ask to put the HIPAA profile on or off."""
    now = clock.now()
    actor = gate.proven_actor(now)
    on = request.form.get("on") == "yes"
    row = actions.ask_for_hipaa(actor, on=on, hindrances=hindrances(actor, on=on), at=now)
    said = (
        say("Asked. A second administrator must confirm it.")
        if row
        else say("Nothing was changed.")
    )
    flash(said, "good")
    return see_other(url_for("admin.hipaa"))
