"""The blueprint of the room, and what every page of it opens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from flask import Blueprint
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, name_of, side_of, terms_in_force
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.residency.databases import regions
from portal.sla.rules import zone
from portal.sla.rules.promises import AIM_IN_TEXT
from portal.statements.rules.judged import aim_words
from portal.statements.rules.month import Month
from portal.statements.rules.shown import minutes_shown, percent_shown, time_shown
from portal.statements.rules.told import told

bp = Blueprint("statements", __name__)


@dataclass(frozen=True)
class Visit:
    """A member looking at the months of one contract, now."""

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

    @property
    def zone(self) -> tzinfo:
        """The zone of the contract's months."""
        return zone(str(self.terms.get("M4") or "UTC"))

    @property
    def month(self) -> Month:
        """The month that runs."""
        return Month.of(self.now, self.terms)

    def frame(self) -> dict[str, Any]:
        """Return what every page of the room shows."""
        return {
            "contract": self.contract,
            "side": self.side,
            "other_name": name_of(self.contract, self.side.other),
            "names": {side.value: name_of(self.contract, side) for side in Side},
            "zone": self.zone,
            "now": self.now,
            "minutes_shown": minutes_shown,
            "percent_shown": percent_shown,
            "time_shown": time_shown,
            "told": told,
            "aim_words": aim_words,
            "aim_in_text": AIM_IN_TEXT,
        }


def visit(ref: str, action: str = "contract:see") -> Visit:
    """Open a contract for the member who asks; `NotFound` before there are signed terms."""
    actor, now = current_actor(), clock.now()
    session = regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    demand(actor, action)
    side = side_of(contract, actor)
    if side is None:
        raise NotFound
    terms = terms_in_force(session, contract, on=now.date())
    return Visit(session, actor, contract, side, terms, now)


def read_month(text: str) -> Month:
    """Return the month an address names, or raise `NotFound`."""
    try:
        return Month.read(text)
    except ValueError:
        raise NotFound from None
