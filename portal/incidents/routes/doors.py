"""The blueprint of the room, and opening a contract or one of its incidents."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, request
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, own_side
from portal.contracts.rules.life import Side
from portal.incidents.models import Incident
from portal.incidents.queries import find_incident
from portal.incidents.rules.files import LARGEST_FILE
from portal.kit import clock
from portal.residency.databases import RegionDatabase, regions

bp = Blueprint("incidents", __name__)

# Files are sent to these; everywhere else the portal's smaller limit holds.
TAKES_FILES = frozenset(
    {"incidents.create", "incidents.message", "incidents.update", "incidents.response",
     "incidents.workaround", "incidents.resolution"}
)  # fmt: skip


@bp.url_value_preprocessor
def allow_files(endpoint: str | None, values: object) -> None:
    """Raise the limit of a request's size before the form is read."""
    if endpoint in TAKES_FILES and request.method == "POST":
        request.max_content_length = 2 * LARGEST_FILE


@dataclass(frozen=True)
class Visit:
    """A member at the incidents of one contract, now."""

    session: Session
    database: RegionDatabase
    actor: Actor
    contract: Contract
    side: Side
    now: datetime

    def incident(self, number: int) -> Incident:
        """Return one incident of the contract."""
        return find_incident(self.session, self.contract, number)


def visit(ref: str, *, needs: str = "contract:see") -> Visit:
    """Open a contract as its party, who may do what the page is for."""
    actor, database = current_actor(), regions().home(ref)
    session = regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    demand(actor, needs)
    side = own_side(contract, actor)
    return Visit(session, database, actor, contract, side, clock.now())
