"""Pure rules of plans: what a tier sets, what it costs, how tiers compare, how one is written."""

from portal.plans.rules.catalogue import (
    Catalogue,
    CatalogueBroken,
    Feature,
    Tier,
    catalogue_of,
    departures,
    load_catalogue,
    read_catalogue,
    shipped_catalogues,
    tier_rows,
    tier_terms,
)
from portal.plans.rules.comparing import (
    MOST_COLUMNS,
    Cell,
    Column,
    Row,
    Section,
    compared,
    sheet_rows,
    tier_column,
)
from portal.plans.rules.examples import load_examples
from portal.plans.rules.pricing import BASES, Numbers, Priced, price_text, priced
from portal.plans.rules.sheets import neutral, sheet
from portal.plans.rules.writing import KINDS, Unfit

__all__ = [
    "BASES",
    "KINDS",
    "MOST_COLUMNS",
    "Catalogue",
    "CatalogueBroken",
    "Cell",
    "Column",
    "Feature",
    "Numbers",
    "Priced",
    "Row",
    "Section",
    "Tier",
    "Unfit",
    "catalogue_of",
    "compared",
    "departures",
    "load_catalogue",
    "load_examples",
    "neutral",
    "price_text",
    "priced",
    "read_catalogue",
    "sheet",
    "sheet_rows",
    "shipped_catalogues",
    "tier_column",
    "tier_rows",
    "tier_terms",
]
