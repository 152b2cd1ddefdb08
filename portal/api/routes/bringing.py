"""Starting a contract from the terms of another, such as one in a portal that is left."""

import base64
import binascii
from typing import Any

from portal.api.routes.contracts import chosen_for, in_full
from portal.api.routes.door import Ask, Made, operation
from portal.api.rules.problems import Problem
from portal.api.rules.shapes import SIDE, Wrong, body, ref, text
from portal.contracts import actions, queries
from portal.contracts.rules.bringing import Brought, brought, read_terms_file
from portal.evidence.rules.bringing import terms_in
from portal.kit.errors import Refused
from portal.negotiation.actions import bring_terms
from portal.residency.databases import regions

DOCUMENT = {
    "type": "object", "description": "The canonical document: terms/N.json of a bundle.",
}  # fmt: skip
BUNDLE = {
    "type": "string", "maxLength": 7_900_000, "contentEncoding": "base64",
    "description": "The evidence bundle (zip), in base64.",
}  # fmt: skip
HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


@operation(
    "POST", "/contracts/from-terms", scope="contracts:write", needs="contract:start",
    tag="Contracts", answers=ref("BroughtContract"), most_bytes=8_000_000,
    summary="Start a contract from an evidence bundle or its canonical terms, as a private draft",
    body=body(
        {"title": text(120, 3), "canonical": DOCUMENT, "bundle": BUNDLE, "sha256": HASH},
        counterparty=text(26, 26), side=SIDE, template=text(80), region=text(12),
    ),
)  # fmt: skip
def start_from_terms(ask: Ask) -> Made:
    """Bring terms; what does not fit the template is left and named."""
    sent = ask.body
    found = _document(sent)
    title = sent.get("title") or found.title
    if len(title) < 3:
        raise Problem("invalid", errors=[Wrong("#/title", "The document names none: send one.")])
    chosen = chosen_for(ask, sent)
    session, database = regions().session(sent["region"]), regions()[sent["region"]]
    contract = actions.start_contract(
        session, database, ask.actor, title=title, vendor=chosen.vendor, customer=chosen.customer,
        pins=chosen.pins, at=ask.now,
    )  # fmt: skip
    contract = queries.find_contract(session, ask.actor, contract.id)
    taken = bring_terms(session, contract, ask.actor, found, start=chosen.terms(), at=ask.now)
    contract = queries.find_contract(session, ask.actor, contract.id)
    told: dict[str, Any] = {
        "contract": in_full(ask, contract), "sha256": found.sha256, "terms": taken.terms,
        "clauses": taken.clauses,
        "left": [{"term": term, "reason": why} for term, why in taken.left.items()],
    }  # fmt: skip
    return Made(told, f"/contracts/{contract.id}", owner=contract.id)


def _document(sent: dict[str, Any]) -> Brought:
    if ("canonical" in sent) == ("bundle" in sent):
        raise Problem("invalid", errors=[Wrong("#", "Send either canonical or bundle.")])
    field = "canonical" if "canonical" in sent else "bundle"
    expected = sent.get("sha256", "")
    try:
        if field == "canonical":
            return brought(sent["canonical"], expected=expected)
        content = base64.b64decode(sent["bundle"], validate=True)
        return read_terms_file(terms_in(content), expected=expected)
    except (binascii.Error, ValueError):
        raise Problem("invalid", errors=[Wrong("#/bundle", "This is not base64.")]) from None
    except Refused as refusal:
        raise Problem("invalid", errors=[Wrong(f"#/{field}", refusal.message)]) from None
