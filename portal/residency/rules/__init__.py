"""Which region a reference names, where a contract may live, how it moves, where its data is."""

from collections.abc import Iterable, Mapping

from portal.kit.refs import new_ref
from portal.residency.rules.moving import (
    BELONGS_BY,
    LOG,
    OWN_TO_A_REGION,
    STAYS,
    STEP_WORDS,
    Step,
    column_of,
    differing,
    digest_of,
    digest_over,
)
from portal.residency.rules.places import Facts, Place, places_of

__all__ = [
    "BELONGS_BY",
    "LOG",
    "OWN_TO_A_REGION",
    "STAYS",
    "STEP_WORDS",
    "Facts",
    "Place",
    "Step",
    "allowed_for",
    "column_of",
    "differing",
    "digest_of",
    "digest_over",
    "new_public_ref",
    "places_of",
    "region_of",
]


def new_public_ref(region: str) -> str:
    """Return `<region>-<letters>`: the region is known from the reference alone."""
    return f"{region}-{new_ref()}"


def region_of(ref: str) -> str:
    """Return the region a public reference names: where the contract began."""
    return ref.partition("-")[0]


def allowed_for(
    configured: Mapping[str, object], vendor: Iterable[str], customer: Iterable[str]
) -> list[str]:
    """Return the configured regions that both organisations allow, in the configured order."""
    both = set(vendor) & set(customer)
    return [name for name in configured if name in both]
