"""What a new contract is started from: the two parties, a template, a tier."""

from dataclasses import dataclass

from portal.accounts.models import Organisation
from portal.contracts.actions.life import Pin, Pins
from portal.contracts.rules import starting
from portal.plans.rules import Catalogue, tier_terms
from portal.templates.rules.template import Template
from portal.terms.rules import Value, load_schema
from portal.terms.rules.standard import StandardTerms, load_standard_terms


@dataclass(frozen=True)
class Chosen:
    """What the first page of the start settles."""

    vendor: Organisation
    customer: Organisation
    template_key: str
    template: Template
    catalogue: Catalogue | None
    tier: str | None

    @property
    def pins(self) -> Pins:
        """What the contract is pinned to."""
        schema, standard = load_schema(self.template.schema), self._standard
        tier = None
        if self.catalogue and self.tier:
            key = starting.tier_key(self.vendor.slug, self.catalogue.version, self.tier)
            tier = Pin(key, self.catalogue.sha256)
        return Pins(
            template=Pin(self.template_key, self.template.sha256),
            schema=Pin(schema.version, schema.sha256),
            standard=Pin(standard.version, standard.sha256),
            tier=tier,
        )

    @property
    def _standard(self) -> StandardTerms:
        return load_standard_terms(self.template.standard_terms)

    def terms(self) -> dict[str, Value]:
        """Return a value for every term: the tier's over the template's over the schema's."""
        schema = load_schema(self.template.schema)
        tier = tier_terms(schema, self.catalogue, self.tier) if self.catalogue and self.tier else {}
        own = starting.own_terms(
            vendor=(self.vendor.name, self.vendor.details),
            customer=(self.customer.name, self.customer.details),
            standard=(self._standard.title, self._standard.version),
        )
        return starting.starting_terms(schema, self.template.defaults, tier, own)
