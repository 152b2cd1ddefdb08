"""What is no contract's: templates, plans, the organisation and its members, and who asks."""

from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Membership
from portal.api.routes.door import Ask, Page, operation, paged
from portal.api.rules.shapes import ref
from portal.contracts import queries as contracts
from portal.contracts.rules.starting import tier_key
from portal.plans import queries as plans
from portal.plans.queries import Offer
from portal.templates import queries as templates
from portal.templates.models import TemplateVersion

CATALOGUE, ORGANISATION = "Templates and plans", "Organisation"


@operation(
    "GET", "/templates", scope="catalogue:read", needs="template:see", tag=CATALOGUE, paged=True,
    answers=ref("Template"), summary="List the versions of templates you may start from",
)  # fmt: skip
def list_templates(ask: Ask) -> Page:
    """The portal's own and the organisation's."""
    return paged(ask, "list_templates", list(templates.readable(ask.actor)), _template)


def _template(row: TemplateVersion) -> dict[str, Any]:
    return {
        "id": row.id, "key": row.key, "title": row.title, "number": row.number,
        "status": row.status, "own": row.organisation_id is not None, "sha256": row.sha256,
        "published_at": row.published_at,
    }  # fmt: skip


@operation(
    "GET", "/templates/{template}", scope="catalogue:read", needs="template:see", tag=CATALOGUE,
    answers=ref("TemplateInFull"), summary="Read a version of a template as it is hashed",
)  # fmt: skip
def read_template(ask: Ask, template: str) -> dict[str, Any]:
    """One version with its content."""
    row = templates.find_template(ask.actor, template)
    return {**_template(row), "content": templates.raw_of(row)}


@operation(
    "GET", "/plans", scope="catalogue:read", needs="catalogue:see", tag=CATALOGUE, paged=True,
    answers=ref("Plan"), summary="List the published plans of every vendor, with their tiers",
)  # fmt: skip
def list_plans(ask: Ask) -> Page:
    """The newest published catalogue of each vendor, and the public examples."""
    return paged(ask, "list_plans", plans.offers(), _plan)


def _plan(offer: Offer) -> dict[str, Any]:
    catalogue = offer.catalogue
    return {
        "id": offer.row.id, "vendor": offer.owner, "vendor_id": offer.organisation_id,
        "slug": offer.slug, "number": offer.row.number, "sha256": offer.row.sha256,
        "is_example": offer.is_example, "currency": catalogue.currency,
        "tiers": [
            {"key": tier_key(offer.slug, catalogue.version, tier.name), "name": tier.name}
            for tier in catalogue.tiers
        ],
    }  # fmt: skip


@operation(
    "GET", "/plans/{plan}", scope="catalogue:read", needs="catalogue:see", tag=CATALOGUE,
    answers=ref("PlanInFull"), summary="Read a plan as it is hashed",
)  # fmt: skip
def read_plan(ask: Ask, plan: str) -> dict[str, Any]:
    """One catalogue with its content."""
    row = plans.find_catalogue(ask.actor, plan)
    return {
        "id": row.id, "slug": row.slug, "number": row.number, "sha256": row.sha256,
        "status": row.status, "content": plans.raw_of(row),
    }  # fmt: skip


@operation(
    "GET", "/organisation", scope="organisation:read", needs="member:see", tag=ORGANISATION,
    answers=ref("Organisation"), summary="Read your organisation",
)  # fmt: skip
def read_organisation(ask: Ask) -> dict[str, Any]:
    """The organisation the token stands for."""
    row = contracts.own_organisation(ask.actor)
    return {
        "id": row.id, "slug": row.slug, "name": row.name, "details": row.details,
        "regions": row.allowed_regions,
    }  # fmt: skip


@operation(
    "GET", "/organisation/members", scope="organisation:read", needs="member:see",
    tag=ORGANISATION, paged=True, answers=ref("Member"), summary="List the members by name",
)  # fmt: skip
def list_members(ask: Ask) -> Page:
    """The members of the organisation, with their roles."""
    return paged(ask, "list_members", list(accounts.members(ask.actor)), _member)


def _member(row: Membership) -> dict[str, Any]:
    return {
        "id": row.id, "name": row.person.name, "email": row.person.email,
        "roles": [name for name in row.roles.split(",") if name],
        "has_codes": row.person.has_factor, "since": row.created_at,
    }  # fmt: skip


@operation(
    "GET", "/partners", scope="organisation:read", needs="contract:start", tag=ORGANISATION,
    paged=True, answers=ref("Partner"), summary="List the organisations you may contract with",
)  # fmt: skip
def list_partners(ask: Ask) -> Page:
    """Every other organisation on this host."""
    return paged(ask, "list_partners", contracts.counterparties(ask.actor), _partner)


def _partner(row: Any) -> dict[str, Any]:
    return {
        "id": row.id, "slug": row.slug, "name": row.name, "regions": row.allowed_regions,
    }  # fmt: skip
