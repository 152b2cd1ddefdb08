"""Where one contract's deed is worked on, and what a step of the work gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.contracts.models import Contract, Version
from portal.residency.databases import RegionDatabase
from portal.settings.rules import Settings
from portal.signing.keys import PortalKeys, portal_keys
from portal.signing.models import Deed


class CannotSeal(Exception):
    """A step of the deed failed; the message is fit for both sides."""


@dataclass(frozen=True)
class Bench:
    """Where one contract's deed is worked on."""

    database: RegionDatabase
    session: Session
    settings: Settings
    contract: Contract
    version: Version
    at: datetime

    def keys(self) -> PortalKeys:
        """Return the portal's keys."""
        return portal_keys(self.settings, at=self.at)


@dataclass(frozen=True)
class Made:
    """A new revision, not yet filed: its bytes, and what else its transaction writes.

    `beside`: documents that are kept with it, as (kind, bytes).
    """

    kind: str
    content: bytes
    finish: Callable[[Bench, Deed], None]
    signature_id: str | None = None
    renew_by: datetime | None = None
    stamp_due: bool = False
    beside: Sequence[tuple[str, bytes]] = ()
