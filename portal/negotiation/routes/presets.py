"""What a contract started from: the values of its template and of its tier."""

from collections.abc import Mapping

from portal.contracts.models import Contract
from portal.contracts.queries import template_of
from portal.contracts.rules.template import TemplateBroken
from portal.plans.rules import CatalogueBroken, load_catalogue, tier_terms
from portal.terms.rules import Value, load_schema


def tier_values(contract: Contract) -> Mapping[str, Value]:
    """Return what the contract's tier sets; nothing where it has no tier or it is not here."""
    parts = (contract.tier or "").split("/", 2)
    if len(parts) != 3:
        return {}
    try:
        catalogue = load_catalogue(f"{parts[0]}-{parts[1]}")
        return tier_terms(load_schema(contract.schema_version), catalogue, parts[2])
    except CatalogueBroken:
        return {}


def template_values(contract: Contract) -> Mapping[str, Value]:
    """Return the values of the contract's template; nothing where it is not here."""
    try:
        return template_of(contract).defaults
    except TemplateBroken:
        return {}
