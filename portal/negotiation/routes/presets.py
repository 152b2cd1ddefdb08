"""What a contract started from: the values of its template and of its tier."""

from collections.abc import Mapping

from portal.contracts.models import Contract
from portal.contracts.queries import template_of
from portal.plans.queries import pinned_catalogue
from portal.plans.rules import CatalogueBroken, tier_terms
from portal.templates.rules.template import TemplateBroken
from portal.terms.rules import Value, load_schema


def tier_values(contract: Contract) -> Mapping[str, Value]:
    """Return what the contract's tier sets; nothing where it has no tier or it is not here."""
    parts = (contract.tier or "").split("/", 2)
    catalogue = pinned_catalogue(contract.tier_sha256 or "")
    if len(parts) != 3 or catalogue is None:
        return {}
    try:
        return tier_terms(load_schema(contract.schema_version), catalogue, parts[2])
    except CatalogueBroken:
        return {}


def template_values(contract: Contract) -> Mapping[str, Value]:
    """Return the values of the contract's template; nothing where it is not here."""
    try:
        return template_of(contract).defaults
    except TemplateBroken:
        return {}
