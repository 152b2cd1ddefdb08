"""Opening a contract in force for a page: what the rooms that run on signed terms begin with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand
from portal.contracts import queries
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.residency.databases import regions


@dataclass(frozen=True)
class Visit:
    """A member of a party at what the signed terms of one contract run, now."""

    session: Session
    actor: Actor
    contract: Contract
    side: Side
    terms: Mapping[str, Any]
    now: datetime

    @property
    def args(self) -> tuple[Session, Contract, Actor]:
        """The first arguments of every action."""
        return self.session, self.contract, self.actor

    def frame(self) -> dict[str, Any]:
        """Return what every such page shows."""
        return {
            "contract": self.contract,
            "side": self.side,
            "other_name": queries.name_of(self.contract, self.side.other),
            "names": {side.value: queries.name_of(self.contract, side) for side in Side},
            "now": self.now,
        }

    @classmethod
    def to(cls, ref: str, action: str = "contract:see") -> Self:
        """Open a contract for the member who asks; `NotFound` before there are signed terms."""
        actor, now = current_actor(), clock.now()
        session = regions().session_of(ref)
        contract = queries.find_contract(session, actor, ref)
        demand(actor, action)
        side = queries.own_side(contract, actor)
        terms = queries.terms_in_force(session, contract, on=now.date())
        return cls(session, actor, contract, side, terms, now)
