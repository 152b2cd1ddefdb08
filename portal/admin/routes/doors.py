"""The room's blueprint, and who the other parties are."""

from flask import Blueprint

from portal.accounts.rules import Actor
from portal.admin.queries import partners_of
from portal.residency.databases import regions

bp = Blueprint("admin", __name__)


def partners(actor: Actor) -> set[str]:
    """Return the organisations that share a contract with the actor's."""
    return partners_of(regions(), actor.organisation_id)
