"""The blueprint of the room, opening a contract, and where each of its pages is."""

from datetime import date

from flask import Blueprint, url_for
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor, demand_declared
from portal.accounts.rules import Actor
from portal.contracts import queries
from portal.contracts.models import Contract
from portal.contracts.rules.waiting import STEPS, Door
from portal.kit import clock
from portal.residency.databases import regions

bp = Blueprint("contracts", __name__)


def opened(ref: str) -> tuple[Actor, Session, Contract]:
    actor = current_actor()
    session = regions().session_of(ref)
    contract = queries.find_contract(session, actor, ref)
    demand_declared(actor)
    return actor, session, contract


def today() -> date:
    return clock.now().date()


def region_labels() -> dict[str, str]:
    return {name: database.region.label for name, database in regions().databases.items()}


def doors_of(contract: Contract) -> dict[Door, str]:
    """Return where each page of a contract is."""
    here = url_for("contracts.show", ref=contract.ref)
    start = STEPS[min(contract.step, len(STEPS)) - 1]
    return {
        Door.START: step_url(contract, start),
        Door.TERMS: f"{here}/terms",
        Door.ROUNDS: f"{here}/rounds",
        Door.PEOPLE: url_for("contracts.people", ref=contract.ref),
        Door.SIGN: f"{here}/sign",
        Door.AGREEMENT: url_for("contracts.agreement", ref=contract.ref),
        Door.DEED: f"{here}/deed.pdf",
        Door.SIGNING: f"{here}/signing",
        Door.LOG: url_for("contracts.log", ref=contract.ref),
        Door.AMENDED: url_for("contracts.amendments", ref=contract.amends_id or contract.ref),
    }


def step_url(contract: Contract, step: str) -> str:
    if step == "people":
        return url_for("contracts.start_people", ref=contract.ref)
    return url_for("contracts.step", ref=contract.ref, step=step)
