"""Tiers, drafts and contracts side by side, on a page, on a phone, on paper and in a sheet."""

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, may
from portal.contracts.models import Contract
from portal.contracts.queries import (
    current_version,
    find_contract,
    page_of_contracts,
    terms_in_force,
    version_in_force,
)
from portal.kit import clock
from portal.kit.web import download, needs, page
from portal.kit.words import in_a_row, in_tongue, say, spoken
from portal.negotiation.queries import negotiation_of
from portal.plans import queries
from portal.plans.routes.catalogue import keys_of
from portal.plans.routes.doors import bp, schema
from portal.plans.rules import (
    MOST_COLUMNS,
    Column,
    Numbers,
    catalogue_of,
    compared,
    sheet,
    sheet_rows,
    tier_column,
)
from portal.residency.databases import regions
from portal.terms.rules import Value

OFFERED = 200
ARGUMENTS = ("tier", "contract", "only", "fee", "units")


@bp.get("/plans/compare")
@needs("catalogue:see")
def compare() -> ResponseReturnValue:
    """Show what was chosen side by side; without a choice, the first vendor's tiers."""
    actor, now = current_actor(), clock.now()
    offers = queries.offers()
    numbers, problems = _numbers()
    columns = _columns(actor, offers, numbers)
    only = request.args.get("only") == "differences"
    sections = compared(schema(), columns, year=now.year, only_differences=only)
    picked = _picked(len(columns))
    chosen = {column.key for column in columns}
    return page(
        "plans/compare.html",
        422 if problems else 200,
        columns=columns,
        sections=sections,
        only=only,
        picked=picked,
        picks=[(c.title, _here(columns, show=n)) for n, c in enumerate(columns)],
        rows_all=_here(columns, only=None),
        rows_different=_here(columns, only="differences"),
        csv=url_for("plans.compare_sheet", **_arguments(columns)),
        fee=request.args.get("fee", ""),
        units=request.args.get("units", ""),
        choices=_choices(offers, chosen),
        contracts=_contracts(actor, chosen),
        most=MOST_COLUMNS,
        asked=len(_asked()),
        problems_found=problems,
        failed=bool(problems),
        may_start=may(actor, "contract:start"),
    )


@bp.get("/plans/compare.csv")
@needs("catalogue:see")
def compare_sheet() -> ResponseReturnValue:
    """Give the comparison as a sheet; no cell can be a formula."""
    actor, now = current_actor(), clock.now()
    columns = _columns(actor, queries.offers(), _numbers()[0])
    only = request.args.get("only") == "differences"
    sections = compared(schema(), columns, year=now.year, only_differences=only)
    rows, tongue = sheet_rows(columns, sections), spoken()
    content = sheet([in_tongue(cell, tongue) for cell in row] for row in rows)
    return download(content, name="plans.csv", mimetype="text/csv")


def _asked() -> list[str]:
    return [*request.args.getlist("tier"), *request.args.getlist("contract")]


def _arguments(columns: list[Column], **changes: Any) -> dict[str, Any]:
    """Return the arguments of this very comparison, with changes; None takes one out."""
    kept: dict[str, Any] = {
        "tier": [c.key for c in columns if not c.is_contract],
        "contract": [c.key for c in columns if c.is_contract],
        "only": request.args.get("only") or None,
        "fee": request.args.get("fee") or None,
        "units": request.args.get("units") or None,
    }
    return {**kept, **changes}


def _here(columns: list[Column], **changes: Any) -> str:
    return url_for("plans.compare", **_arguments(columns, **changes))


def _picked(count: int) -> int:
    text = request.args.get("show", "0")
    place = int(text) if text.isascii() and text.isdecimal() and len(text) < 3 else 0
    return place if place < count else 0


def _numbers() -> tuple[Numbers, list[tuple[str, str]]]:
    """Return somebody's own numbers, and what is wrong with what they typed."""
    fee, units = request.args.get("fee", ""), request.args.get("units", "")
    problems: list[tuple[str, str]] = []
    licence, count = None, None
    try:
        licence = Decimal(fee.replace(",", "").strip()) if fee.strip() else None
        if licence is not None and not (licence.is_finite() and 0 <= licence < 10**10):
            raise InvalidOperation
    except InvalidOperation:
        licence = None
        problems.append(("fee", say("Write the licence fee as a number, such as 12000.")))
    if units.strip():
        plain = units.replace(",", "").strip()
        if plain.isascii() and plain.isdecimal() and len(plain) < 9:
            count = int(plain)
        else:
            problems.append(("units", say("Write the units as a whole number, such as 250.")))
    return Numbers(licence, count), problems


def _columns(actor: Actor, offers: list[queries.Offer], numbers: Numbers) -> list[Column]:
    asked = request.args.getlist("tier")
    contracts = request.args.getlist("contract")
    if not asked and not contracts and offers:
        asked = keys_of(offers[0].row, offers[0].catalogue)
    room = max(MOST_COLUMNS - len(contracts), 1)
    columns = _tier_columns(actor, asked, offers, numbers)[:room]
    columns += [_contract_column(actor, ref) for ref in dict.fromkeys(contracts[:MOST_COLUMNS])]
    return columns[:MOST_COLUMNS]


def _tier_columns(
    actor: Actor, keys: list[str], offers: list[queries.Offer], numbers: Numbers
) -> list[Column]:
    rows = queries.readable(actor, [key.partition(".")[0] for key in keys])
    current = {offer.row.id: offer for offer in offers}
    found = {row_id: catalogue_of(queries.raw_of(row)) for row_id, row in rows.items()}
    columns = []
    for key in dict.fromkeys(keys):
        row_id, _, place = key.partition(".")
        catalogue = found.get(row_id)
        if catalogue is None or not place.isdecimal() or int(place) >= len(catalogue.tiers):
            continue
        tier = catalogue.tiers[int(place)]
        offer = current.get(row_id)
        start = None
        if offer is not None and not offer.is_example:
            name = f"{offer.slug}/{catalogue.version}/{tier.name}"
            start = url_for("contracts.new", tier=name)
        columns.append(
            tier_column(schema(), catalogue, tier, key=key, numbers=numbers, start=start)
        )
    return columns


def _contract_column(actor: Actor, ref: str) -> Column:
    session = regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    values, words = _contract_values(session, contract, actor)
    return Column(
        key=ref, title=contract.title, subtitle=in_a_row([ref, words]), values=values,
        is_contract=True,
    )  # fmt: skip


def _contract_values(
    session: Session, contract: Contract, actor: Actor
) -> tuple[dict[str, Value], str]:
    """Return a contract's terms as this side sees them now, its own draft included."""
    now = clock.now()
    if version_in_force(contract) is not None:
        return dict(terms_in_force(session, contract, on=now.date())), say("terms in force")
    version = current_version(contract)
    if version is not None:
        number = version.number
        return dict(version.canonical["terms"]), say("frozen version %(number)s", number=number)
    found = negotiation_of(session, contract, actor, at=now)
    return found.values(with_draft=True), say("on the table, with your draft")


def _choices(offers: list[queries.Offer], chosen: set[str]) -> list[dict[str, Any]]:
    return [
        {
            "owner": offer.owner,
            "number": offer.catalogue.version,
            "example": offer.is_example,
            "tiers": [
                (key, tier.name, key in chosen)
                for key, tier in zip(
                    keys_of(offer.row, offer.catalogue), offer.catalogue.tiers, strict=True
                )
            ],
            "open": any(key in chosen for key in keys_of(offer.row, offer.catalogue)),
        }
        for offer in offers
    ]


def _contracts(actor: Actor, chosen: set[str]) -> list[tuple[str, str, bool]]:
    """Return the actor's contracts to choose from; an amendment is no column of its own."""
    sessions = [session for _, session in regions().each()]
    rows, _ = page_of_contracts(
        sessions, actor, today=clock.now().date(), after=None, limit=OFFERED
    )
    return [(row.ref, row.title, row.ref in chosen) for row in rows if not row.amends]
