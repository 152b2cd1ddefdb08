"""The blueprint of the room, and what every page of it opens: a contract with signed terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from flask import Blueprint
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand
from portal.changes.rules.plan import TEST_WORDS
from portal.changes.rules.verdict_words import work_zone
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, name_of, side_of, terms_in_force
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.residency.databases import regions

bp = Blueprint("changes", __name__)


@dataclass(frozen=True)
class Visit:
    """A member looking at the service of one contract, now."""

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
        """The zone in which times are typed and shown."""
        found: tzinfo = work_zone(self.terms)
        return found

    def frame(self) -> dict[str, Any]:
        """Return what every page of the room shows."""
        return {
            "contract": self.contract,
            "side": self.side,
            "other_name": name_of(self.contract, self.side.other),
            "names": {side.value: name_of(self.contract, side) for side in Side},
            "zone": self.zone,
            "now": self.now,
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


def modules_of(terms: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the modules a form offers: those in scope, and those with an uptime of their own."""
    named = [row["module"] for term in ("I1", "D5") for row in terms.get(term) or ()]
    return [(name, name) for name in dict.fromkeys(named)]


def tests_of(terms: Mapping[str, Any]) -> dict[str, str]:
    """Return the kinds of tests with who runs them (F9)."""
    rows = terms.get("F9") or ()
    return {row["activity"]: row["party"] for row in rows if row["activity"] in TEST_WORDS}
