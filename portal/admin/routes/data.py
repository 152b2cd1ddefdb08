"""Where the data is: of a contract, of an organisation; and moving a contract between regions."""

from dataclasses import replace

from flask import Response, current_app, flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts import gate
from portal.accounts import queries as people
from portal.accounts.gate import current_actor, demand_declared
from portal.accounts.rules import Actor, may
from portal.admin import actions, queries
from portal.admin.actions.moves import targets_of
from portal.admin.routes.doors import bp
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract
from portal.kit import clock
from portal.kit.csv_file import csv_bytes
from portal.kit.web import download, needs, page, see_other
from portal.kit.words import say
from portal.residency.actions import step_of
from portal.residency.databases import regions
from portal.residency.queries import Held, facts_of, held_of
from portal.residency.rules import STEP_WORDS, Place, places_of
from portal.settings.rules import Region, Settings

COUNTED = 1_000
"""Up to how many contracts of a region the page counts; the download counts them all."""
HEADER = ("Place", "Holds", "Where", "Pinned to the region", "How it is kept")


def _settings() -> Settings:
    found: Settings = current_app.config["SETTINGS"]
    return found


def _opened(ref: str) -> tuple[Actor, Session, Contract]:
    actor = current_actor()
    session = regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    demand_declared(actor)
    return actor, session, contract


def _places(region: Region) -> list[Place]:
    return places_of(facts_of(_settings(), region))


def _row(place: Place) -> tuple[str, ...]:
    return place.name, place.holds, place.where, "yes" if place.pinned else "no", place.kept


# A contract's


@bp.get("/contracts/<ref>/data")
@needs("data:see")
def contract_data(ref: str) -> ResponseReturnValue:
    """Show every place that holds something of a contract, and its moves."""
    actor, session, contract = _opened(ref)
    region = regions()[contract.region].region
    move = queries.open_move(session, ref)
    labels = {name: found.region.label for name, found in regions().databases.items()}
    return page(
        "admin/data/contract.html", contract=contract, actor=actor, region=region,
        places=_places(region), held=held_of(session, [ref]), move=move, labels=labels,
        moves=[(row, STEP_WORDS[step_of(row)]) for row in queries.moves_of(session, ref)],
        targets=[] if contract.amends_id else targets_of(regions(), contract),
        may_move=may(actor, "contract:move"),
    )  # fmt: skip


@bp.get("/contracts/<ref>/data.csv")
@needs("data:see")
def contract_data_csv(ref: str) -> Response:
    """Hand the same out as a table."""
    _, _, contract = _opened(ref)
    places = _places(regions()[contract.region].region)
    rows = [(ref, contract.region, *_row(place)) for place in places]
    content = csv_bytes(("Contract", "Region", *HEADER), rows)
    return download(content, name=f"{ref}-data.csv", mimetype="text/csv")


@bp.post("/contracts/<ref>/move")
@needs("contract:move")
def ask_to_move(ref: str) -> ResponseReturnValue:
    """Ask the other side to let a contract move to another region."""
    actor, session, contract = _opened(ref)
    now = clock.now()
    gate.demand_recent_code(now)
    to = request.form.get("to", "")
    actions.ask_to_move(session, actor, contract, to=to, regions=regions(), at=now)
    flash(say("Asked. Nothing moves before the other side agrees."), "good")
    return see_other(url_for("admin.contract_data", ref=ref))


@bp.post("/contracts/<ref>/move/agreement")
@needs("contract:move")
def agree_to_move(ref: str) -> ResponseReturnValue:
    """Agree that a contract moves."""
    actor, session, contract = _opened(ref)
    now = clock.now()
    gate.demand_recent_code(now)
    actions.agree_to_move(session, actor, contract, at=now)
    flash(say("Agreed. The contract moves within a minute; this page says how far it is."), "good")
    return see_other(url_for("admin.contract_data", ref=ref))


@bp.post("/contracts/<ref>/move/withdrawal")
@needs("contract:move")
def withdraw_move(ref: str) -> ResponseReturnValue:
    """End a wish to move that nobody agreed to."""
    actor, session, contract = _opened(ref)
    actions.withdraw_move(session, actor, contract, at=clock.now())
    flash(say("The move was withdrawn. The contract stays where it is."), "good")
    return see_other(url_for("admin.contract_data", ref=ref))


# An organisation's


@bp.get("/organisation/data")
@needs("data:see")
def organisation_data() -> ResponseReturnValue:
    """Show in which regions an organisation's contracts are, and what no region pins."""
    actor = current_actor()
    allowed = people.organisation_by_id(actor.organisation_id).allowed_regions
    some = next(iter(regions().databases.values())).region
    places = places_of(replace(facts_of(_settings(), some), label="The contract’s region"))
    return page(
        "admin/data/organisation.html", actor=actor, regions=_regions(actor), allowed=allowed,
        places=places, loose=[place for place in places if not place.pinned], counted=COUNTED,
        may_edit=may(actor, "policy:edit"),
    )  # fmt: skip


def _regions(actor: Actor) -> list[tuple[Region, int, Held | None]]:
    """Count what each region holds; where there are many contracts only that they are many."""
    found = []
    for database, session in regions().each():
        ids = queries.contracts_of(session, actor.organisation_id, most=COUNTED + 1)
        held = held_of(session, ids) if len(ids) <= COUNTED else None
        found.append((database.region, len(ids), held))
    return found


@bp.get("/organisation/data.csv")
@needs("data:see")
def organisation_data_csv() -> Response:
    """Hand the same out as a table: each region's places, with how much lies there."""
    actor, rows = current_actor(), []
    for database, session in regions().each():
        ids, region = queries.contracts_of(session, actor.organisation_id), database.region
        held = held_of(session, ids)
        counts = (len(ids), held.documents, held.size, held.entries)
        rows += [(region.name, region.label, *counts, *_row(place)) for place in _places(region)]
    header = ("Region", "Label", "Contracts", "Documents", "Bytes", "Entries", *HEADER)
    return download(csv_bytes(header, rows), name="where-our-data-is.csv", mimetype="text/csv")
