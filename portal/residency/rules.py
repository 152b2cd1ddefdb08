"""Which region a reference names, and where a contract may live."""

from collections.abc import Iterable, Mapping

from portal.kit.refs import new_ref


def new_public_ref(region: str) -> str:
    """Return `<region>-<letters>`: the region is known from the reference alone."""
    return f"{region}-{new_ref()}"


def region_of(ref: str) -> str:
    """Return the region a public reference names (it may not exist here)."""
    return ref.partition("-")[0]


def allowed_for(
    configured: Mapping[str, object], vendor: Iterable[str], customer: Iterable[str]
) -> list[str]:
    """Return the configured regions that both organisations allow, in the configured order."""
    both = set(vendor) & set(customer)
    return [name for name in configured if name in both]
