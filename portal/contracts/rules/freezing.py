"""Building the document that is frozen, from a contract, its agreed terms and its parties."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from portal.contracts.rules.document import contract_document, slot_field


class Slot(Protocol):
    """A place to sign, as the document names it."""

    @property
    def side(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...


class Subject(Protocol):
    """A contract, as the document names it."""

    @property
    def ref(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def vendor_name(self) -> str: ...
    @property
    def customer_name(self) -> str: ...
    @property
    def template(self) -> str: ...
    @property
    def template_sha256(self) -> str: ...
    @property
    def schema_version(self) -> str: ...
    @property
    def schema_sha256(self) -> str: ...
    @property
    def standard_version(self) -> str: ...
    @property
    def standard_sha256(self) -> str: ...
    @property
    def tier(self) -> str | None: ...
    @property
    def tier_sha256(self) -> str | None: ...
    @property
    def slots(self) -> Sequence[Slot]: ...


def frozen_document(
    contract: Subject,
    *,
    version_number: int,
    terms: Mapping[str, Any],
    vendor_details: str,
    customer_details: str,
    frozen_at: datetime,
    amends: Mapping[str, Any] | None = None,
    special_terms: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return the document of a version; the details are what the deed prints under each name."""
    return contract_document(
        ref=contract.ref,
        title=contract.title,
        region=contract.region,
        version=version_number,
        parties={
            "vendor": {"name": contract.vendor_name, "details": vendor_details},
            "customer": {"name": contract.customer_name, "details": customer_details},
        },
        pins=pins_of(contract),
        terms=terms,
        signers=[_signer(slot) for slot in sorted(contract.slots, key=lambda slot: slot.position)],
        frozen_at=frozen_at.astimezone(UTC).isoformat(timespec="seconds"),
        amends=amends,
        special_terms=special_terms,
    )


def pins_of(contract: Subject) -> dict[str, dict[str, str] | None]:
    """Return what a contract stands on: each thing by name and SHA-256; no tier is None."""
    pins: dict[str, dict[str, str] | None] = {
        "template": {"name": contract.template, "sha256": contract.template_sha256},
        "schema": {"name": contract.schema_version, "sha256": contract.schema_sha256},
        "standard": {"name": contract.standard_version, "sha256": contract.standard_sha256},
        "tier": None,
    }
    if contract.tier and contract.tier_sha256:
        pins["tier"] = {"name": contract.tier, "sha256": contract.tier_sha256}
    return pins


def _signer(slot: Slot) -> dict[str, Any]:
    return {
        "side": slot.side,
        "position": slot.position,
        "field": slot_field(slot.side, slot.position),
        "name": slot.name,
        "title": slot.title,
    }
