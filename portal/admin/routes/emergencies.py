"""The report of emergency access to a contract."""

from dataclasses import dataclass
from datetime import datetime

from flask.typing import ResponseReturnValue

from portal.accounts.gate import current_actor, demand_declared
from portal.accounts.models import EmergencyAccess
from portal.accounts.rules import EMERGENCY_MARK
from portal.admin.queries import emergencies_of
from portal.admin.routes.doors import bp
from portal.audit.queries import Line, lines
from portal.audit.sentences import sentence
from portal.contracts.queries import find_contract
from portal.kit import clock
from portal.kit.web import needs, page
from portal.profiles.queries import chain_of
from portal.residency.databases import regions


@dataclass(frozen=True)
class Done:
    """What was done in an emergency: when, and the sentence of the log."""

    at: datetime
    sentence: str


@bp.get("/contracts/<ref>/emergencies")
@needs("log:read")
def emergencies(ref: str) -> ResponseReturnValue:
    """Show every emergency access to a contract: who, why, until when, and each act and look."""
    actor = current_actor()
    session = regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    demand_declared(actor)
    marked = [
        line
        for chain in (contract.id, chain_of(contract.id))
        for line in lines(session, chain)
        if line.name.endswith(f"({EMERGENCY_MARK})")
    ]
    rows = [(row, _done(row, marked)) for row in emergencies_of(ref)]
    return page("admin/emergencies.html", contract=contract, rows=rows, now=clock.now())


def _done(row: EmergencyAccess, marked: list[Line]) -> list[Done]:
    end = min(row.expires_at, row.ended_at or row.expires_at)
    name = f"{row.person.name} ({EMERGENCY_MARK})"
    mine = [line for line in marked if row.opened_at <= line.at <= end and line.name == name]
    return sorted((Done(line.at, sentence(line)) for line in mine), key=lambda one: one.at)
