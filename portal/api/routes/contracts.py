"""Contracts: the list, one in full, its terms, people, signing state, files and log."""

from datetime import date
from typing import Any

from flask import current_app

from portal.api.routes.door import Ask, FileAnswer, Made, Page, operation, paged, place_in
from portal.api.rules.problems import At, Problem
from portal.api.rules.shapes import (
    DAY,
    SIDE,
    Wrong,
    answer,
    body,
    many,
    one_of,
    pointer,
    ref,
    text,
)
from portal.api.rules.values import instant
from portal.audit.queries import head, lines
from portal.audit.sentences import sentence
from portal.audit.signer import signer_of
from portal.contracts import actions, queries
from portal.contracts.actions.starting import Chosen
from portal.contracts.models import Contract, Version
from portal.contracts.queries.listing import EVERY
from portal.contracts.rules import listing, starting
from portal.contracts.rules.life import Side, State, completed_at
from portal.evidence import queries as evidence
from portal.kit.errors import NotFound
from portal.negotiation.actions import set_offers
from portal.plans.queries import offer_of
from portal.profiles.actions import note_listed
from portal.residency.actions import read_document
from portal.residency.databases import regions
from portal.signing import queries as signing
from portal.signing.keys import root_pem
from portal.templates.queries import published
from portal.terms.rules import Unreadable, normal

TAG = "Contracts"
TERMS = {
    "type": "object", "maxProperties": 400,
    "description": "Values by term id, such as those of a canonical document; they stand over "
    "template and tier. What names the parties is taken from the parties.",
}  # fmt: skip
READ, WRITE = "contracts:read", "contracts:write"


def _listed(row: queries.Row) -> dict[str, Any]:
    return {
        "ref": row.ref, "title": row.title, "state": row.state, "turn": row.turn,
        "side": row.side, "region": row.region,
        "vendor": {"id": row.vendor_id, "name": row.vendor},
        "customer": {"id": row.customer_id, "name": row.customer},
        "created_at": row.created_at, "completed_at": row.completed_at, "amends": row.amends,
    }  # fmt: skip


@operation(
    "GET", "/contracts", scope=READ, needs="contract:see", tag=TAG, paged=True,
    answers=ref("Contract"), summary="List the organisation’s contracts, newest first",
    query={"stage": one_of(*listing.FILTERS, listing.YOURS, listing.ARCHIVE)},
)  # fmt: skip
def list_contracts(ask: Ask) -> Page:
    """The list of contracts, a page at a time."""
    stage, begin = ask.query.get("stage"), place_in(ask, "list_contracts")
    after = listing.Place(*begin) if begin else None
    if not listing.fits(after, stage):
        raise Problem("invalid", errors=[At("cursor", "This is a cursor of another stage.")])
    rows, following = queries.page_of_contracts(
        [session for _, session in regions().each()], ask.actor, today=ask.now.date(),
        after=after, limit=ask.query.get("limit", 50),
        wanted=queries.Wanted(stage) if stage else EVERY,
    )  # fmt: skip
    begins = [following.key, following.ref] if following else None
    refs = [row.ref for row in rows]
    note_listed(regions().each(), ask.actor.log, refs, what="list of contracts", at=ask.now)
    return Page([_listed(row) for row in rows], begins)


@operation(
    "POST", "/contracts", scope=WRITE, needs="contract:start", tag=TAG,
    answers=ref("ContractInFull"),
    summary="Start a contract; its terms are a private draft until round 1 is sent",
    body=body(
        {"tier": text(200), "terms": TERMS}, title=text(120, 3), counterparty=text(26, 26),
        side=SIDE, template=text(80), region=text(12),
    ),
)  # fmt: skip
def start_contract(ask: Ask) -> Made:
    """Start a contract as the first page of the guided start does."""
    sent = ask.body
    chosen = chosen_for(ask, sent)
    database = regions()[sent["region"]]
    session = regions().session(sent["region"])
    contract = actions.start_contract(
        session, database, ask.actor, title=sent["title"], vendor=chosen.vendor,
        customer=chosen.customer, pins=chosen.pins, at=ask.now,
    )  # fmt: skip
    contract = queries.find_contract(session, ask.actor, contract.id)
    values = chosen.terms() | _brought(sent.get("terms", {}), contract)
    set_offers(session, contract, ask.actor, values, at=ask.now)
    told = in_full(ask, queries.find_contract(session, ask.actor, contract.id))
    return Made(told, f"/contracts/{contract.id}", owner=contract.id)


def _brought(terms: dict[str, Any], contract: Contract) -> dict[str, Any]:
    """Return the values a client brings along, each in its one form."""
    known, wrong, values = queries.schema_of(contract).terms, [], {}
    for term, value in terms.items():
        if term not in known:
            wrong.append(Wrong(pointer(["terms", term]), "This contract has no such term."))
        elif term not in starting.OWN:
            try:
                values[term] = normal(known[term], value)
            except (Unreadable, TypeError, ValueError, KeyError, AttributeError) as error:
                said = error.message if isinstance(error, Unreadable) else "This is no value of it."
                wrong.append(Wrong(pointer(["terms", term]), said))
    if wrong:
        raise Problem("invalid", errors=wrong[:20])
    return values


def chosen_for(ask: Ask, sent: dict[str, Any]) -> Chosen:
    """Return what a start settles, or say of which field it cannot be settled."""
    mine = queries.own_organisation(ask.actor)
    other = next(
        (o for o in queries.counterparties(ask.actor) if o.id == sent["counterparty"]), None
    )
    templates = published(ask.actor)
    if other is None:
        raise Problem(
            "invalid", errors=[Wrong("#/counterparty", "This organisation is not known.")]
        )
    if sent["template"] not in templates:
        known = ", ".join(templates)
        raise Problem("invalid", errors=[Wrong("#/template", f"Send one of: {known}.")])
    vendor, customer = (mine, other) if sent["side"] == Side.VENDOR else (other, mine)
    labels = {name: database.region.label for name, database in regions().databases.items()}
    problem = starting.region_problem(
        sent["region"], labels=labels, vendor=(vendor.name, vendor.allowed_regions),
        customer=(customer.name, customer.allowed_regions),
    )  # fmt: skip
    if problem:
        raise Problem("invalid", errors=[Wrong("#/region", problem)])
    slug, _, rest = sent.get("tier", "").partition("/")
    catalogue = offer_of(vendor.id) if slug == vendor.slug else None
    tier = rest.partition("/")[2] or None
    if slug and (catalogue is None or tier is None or catalogue.tier(tier) is None):
        wrong = Wrong("#/tier", f"Send the key of a tier of {vendor.name}, the vendor, or none.")
        raise Problem("invalid", errors=[wrong])
    return Chosen(vendor, customer, sent["template"], templates[sent["template"]], catalogue, tier)


@operation(
    "GET", "/contracts/{ref}", scope=READ, needs="contract:see", tag=TAG,
    answers=ref("ContractInFull"), summary="Read one contract: its state and what it rests on",
)  # fmt: skip
def read_contract(ask: Ask) -> dict[str, Any]:
    """One contract in full."""
    return in_full(ask, ask.contract)


def in_full(ask: Ask, contract: Contract) -> dict[str, Any]:
    """Return a contract as the API answers it."""
    today, side = ask.now.date(), queries.side_of(contract, ask.actor)
    version = queries.current_version(contract)
    return {
        "ref": contract.ref, "title": contract.title, "state": queries.state(contract, today=today),
        "turn": queries.turn(contract), "side": side, "region": contract.region,
        "vendor": {"id": contract.vendor_id, "name": contract.vendor_name},
        "customer": {"id": contract.customer_id, "name": contract.customer_name},
        "created_at": contract.created_at,
        "completed_at": completed_at(queries.dated_facts(contract)),
        "amends": contract.amends_id, "service_start": queries.service_start(contract),
        "template": contract.template, "tier": contract.tier,
        "schema_version": contract.schema_version, "standard_version": contract.standard_version,
        "version": version_told(version) if version else None,
        "head": head(regions().session(contract.region), contract.id),
    }  # fmt: skip


def version_told(version: Version) -> dict[str, Any]:
    """Return a version as the API answers it."""
    return {
        "number": version.number, "sha256": version.sha256, "frozen_at": version.frozen_at,
        "voided_at": version.voided_at, "begins": version.begins,
    }  # fmt: skip


@operation(
    "POST", "/contracts/{ref}/withdrawal", scope=WRITE, needs="contract:withdraw", tag=TAG,
    answers=ref("ContractInFull"), summary="Withdraw a contract that not everybody has signed",
    body=body(reason=text(2000)),
)  # fmt: skip
def withdraw_contract(ask: Ask) -> dict[str, Any]:
    """Withdraw a contract; both sides are told."""
    actions.withdraw(*ask.args, reason=ask.body["reason"], at=ask.now)
    return in_full(ask, queries.find_contract(ask.session, ask.actor, ask.contract.id))


@operation(
    "GET", "/contracts/{ref}/terms", scope=READ, needs="contract:see", tag=TAG,
    answers=ref("Terms"), summary="Read the signed terms that hold on a day", query={"on": DAY},
)  # fmt: skip
def read_terms(ask: Ask) -> dict[str, Any]:
    """The terms in force, with every amendment and agreed schedule of that day."""
    asked = ask.query.get("on")
    on = date.fromisoformat(asked) if asked else ask.now.date()
    version = queries.version_in_force(ask.contract, on=on)
    if version is None:
        raise NotFound
    terms = queries.terms_in_force(ask.session, ask.contract, on=on)
    return {"on": on, "version": version_told(version), "terms": dict(terms)}


@operation(
    "GET", "/contracts/{ref}/canonical", scope=READ, needs="contract:see", tag=TAG,
    answers=ref("Canonical"), summary="Read the frozen document whose hash is signed",
)  # fmt: skip
def read_canonical(ask: Ask) -> Any:
    """The canonical document of the version that stands."""
    version = queries.current_version(ask.contract)
    if version is None:
        raise NotFound
    return version.canonical


@operation(
    "GET", "/contracts/{ref}/people", scope=READ, needs="contract:see", tag=TAG,
    answers=answer(sides=many(ref("SidePeople"))),
    summary="Read the people of both sides and their places to sign",
)  # fmt: skip
def read_people(ask: Ask) -> dict[str, Any]:
    """Stakeholders and signers, the vendor's first."""
    contract = ask.contract
    order = queries.signing_order(contract, today=ask.now.date())
    sides = []
    for side in Side:
        named = [row for row in contract.stakeholders if row.side == side]
        name = queries.name_of(contract, side)
        sides.append(
            {
                "side": side, "organisation": name,
                "people": [
                    {"name": row.name, "email": row.email, "function": row.function,
                     "approves": bool(row.approves)}
                    for row in named
                ],
                "signers": [_place(one) for one in order if one.organisation == name],
            }
        )  # fmt: skip
    return {"sides": sides}


def _place(one: queries.Place) -> dict[str, Any]:
    return {
        "position": one.position, "name": one.name, "title": one.title,
        "organisation": one.organisation, "signed_at": one.signed_at, "is_next": one.is_next,
    }  # fmt: skip


@operation(
    "GET", "/contracts/{ref}/signing", scope=READ, needs="contract:see", tag=TAG,
    answers=ref("Signing"), summary="Read who has signed, who is next, and how far the seal is",
)  # fmt: skip
def read_signing(ask: Ask) -> dict[str, Any]:
    """The state of signing. Nothing here signs."""
    contract, today = ask.contract, ask.now.date()
    version = queries.current_version(contract)
    state = queries.state(contract, today=today)
    missing = queries.approvals_missing(contract) if state is State.SIGNING else []
    seal = signing.sealing_state(ask.session, contract) if version else None
    return {
        "state": state, "version": version_told(version) if version else None,
        "places": [_place(one) for one in queries.signing_order(contract, today=today)],
        "approvals_missing": [row.name for row in missing],
        "seal": {"sealed": seal.is_sealed, "words": seal.words} if seal else None,
    }  # fmt: skip


@operation(
    "GET", "/contracts/{ref}/deed.pdf", scope=READ, needs="contract:see", tag=TAG,
    kind="application/pdf", summary="Download the newest revision of the deed",
)  # fmt: skip
def read_deed(ask: Ask) -> FileAnswer:
    """The deed as a file."""
    version = queries.current_version(ask.contract)
    found = signing.latest_deed(ask.session, version) if version else None
    if version is None or found is None:
        raise NotFound
    content = read_document(ask.session, ask.place, signing.document_of(ask.session, found))
    name = f"{ask.contract.id}-v{version.number}-{found.kind}.pdf"
    return FileAnswer(content, "application/pdf", name)


@operation(
    "GET", "/contracts/{ref}/evidence.zip", scope="log:read", needs="log:read", tag=TAG,
    kind="application/zip", summary="Download the evidence bundle: the same bytes for both sides",
)  # fmt: skip
def read_bundle(ask: Ask) -> FileAnswer:
    """The evidence of a contract in one file."""
    settings = current_app.config["SETTINGS"]
    place = evidence.Place(
        ask.session, ask.place, signer_of(settings, ask.place.region), settings.operator,
        root_pem(settings),
    )  # fmt: skip
    content = evidence.bundle_of(place, ask.contract)
    if content is None:
        raise NotFound
    return FileAnswer(content, "application/zip", f"evidence-{ask.contract.id}.zip")


@operation(
    "GET", "/contracts/{ref}/entries", scope="log:read", needs="log:read", tag=TAG, paged=True,
    answers=ref("Entry"), summary="Read the contract’s log, oldest first",
    query={"after": {"type": "integer", "minimum": 0, "maximum": 10_000_000}},
)  # fmt: skip
def list_entries(ask: Ask) -> Page:
    """The entries after a number; `after` lets a reader go on where it stopped."""
    if "after" in ask.query and "cursor" in ask.query:
        raise Problem("invalid", errors=[At("after", "Send after or cursor, not both.")])
    rows = lines(ask.session, ask.contract.id)
    first = ask.query.get("after", 0)
    found = [row for row in rows if row.seq > first]
    return paged(ask, "list_entries", found if "cursor" not in ask.query else rows, _entry)


def _entry(line: Any) -> dict[str, Any]:
    return {
        "seq": line.seq, "at": instant(line.at), "event": line.event, "name": line.name,
        "organisation": line.organisation, "facts": line.facts, "hash": line.hash,
        "sentence": sentence(line),
    }  # fmt: skip
