"""The blueprint of the room, and opening a contract for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, current_app, url_for
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract
from portal.kit import clock
from portal.kit.forms import Form
from portal.profiles.forms import regulated
from portal.profiles.queries import is_regulated
from portal.renewals.queries.outlook import Outlook, outlook
from portal.residency.databases import regions
from portal.reviews.queries import measured_with_reviews
from portal.settings.rules import Settings

bp = Blueprint("renewals", __name__)


@dataclass(frozen=True)
class Desk:
    """Who asks, about which contract, when."""

    actor: Actor
    session: Session
    contract: Contract
    at: datetime

    def url(self, endpoint: str, **values: Any) -> str:
        """Return the address of a page about this contract."""
        return url_for(endpoint, ref=self.contract.id, **values)

    def form(self, kind: type[Form]) -> Any:
        """Return the form of a signed act, as the contract's profile asks for it."""
        under = is_regulated(self.session, self.contract, at=self.at)
        return regulated(kind) if under else kind

    def outlook(self) -> Outlook:
        """Return the contract's renewal as the actor's side sees it."""
        return outlook(
            self.session, self.actor, self.contract, at=self.at, measure=measured_with_reviews
        )


def opened(ref: str, action: str) -> Desk:
    """Find the contract, then ask whether the actor may do this."""
    actor = current_actor()
    session = regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    demand(actor, action)
    return Desk(actor, session, contract, clock.now())


def settings() -> Settings:
    """Return the portal's settings."""
    found: Settings = current_app.config["SETTINGS"]
    return found
