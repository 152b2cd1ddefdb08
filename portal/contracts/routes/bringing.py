"""A new contract from the terms of another: its evidence bundle, or the document inside it."""

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand
from portal.contracts import actions, queries
from portal.contracts.actions.starting import Chosen
from portal.contracts.forms.start import BroughtContractForm
from portal.contracts.routes.doors import bp, region_labels
from portal.contracts.routes.start import parties_of
from portal.contracts.rules.bringing import Brought, read_terms_file
from portal.evidence.rules.bringing import is_bundle, terms_in
from portal.kit import clock
from portal.kit.errors import Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import commas, say
from portal.negotiation.actions import Taken, bring_terms
from portal.residency.databases import one_transaction, regions
from portal.templates.queries import published

NAMED = 6


@bp.get("/contracts/new/from-terms")
@needs("contract:start")
def new_from_terms() -> ResponseReturnValue:
    """Ask for the file, and with whom and where the new contract is."""
    actor = current_actor()
    demand(actor, "contract:start")
    return page("contracts/from_terms.html", form=_form(actor, fresh=True))


def _form(actor: Actor, *, fresh: bool) -> BroughtContractForm:
    form = BroughtContractForm(formdata=None) if fresh else BroughtContractForm()
    form.offer_all(
        counterparties=[(other.id, other.name) for other in queries.counterparties(actor)],
        templates=[
            (key, say("%(name)s, number %(number)s", name=template.name, number=template.number))
            for key, template in published(actor).items()
        ],
        regions=list(region_labels().items()),
    )
    return form


@bp.post("/contracts/from-terms")
@needs("contract:start")
def start_from_terms() -> ResponseReturnValue:
    """Start a contract whose private draft holds the terms of the file: all of it, or nothing."""
    actor, now = current_actor(), clock.now()
    demand(actor, "contract:start")
    form, content = _form(actor, fresh=False), _content()
    brought = _read(form, content) if form.validate_on_submit() else None
    parties = parties_of(form, actor) if brought else None
    if brought is None or parties is None or form.errors:
        return page("contracts/from_terms.html", 422, form=form)
    key = form.template.data
    chosen = Chosen(*parties, key, published(actor)[key], None, None)
    with one_transaction(regions()[form.region.data]) as session:
        contract = actions.start_contract(
            session, regions()[form.region.data], actor, pins=chosen.pins, at=now,
            title=form.title.data or brought.title, vendor=chosen.vendor, customer=chosen.customer,
        )  # fmt: skip
        contract = queries.find_contract(session, actor, contract.id)
        taken = bring_terms(session, contract, actor, brought, start=chosen.terms(), at=now)
        ref = contract.ref
    flash(_said(brought, taken), "good")
    return see_other(url_for("contracts.start_people", ref=ref))


def _content() -> bytes:
    upload = request.files.get("file")
    if upload is None:
        return b""
    with upload.stream as stream:
        return stream.read()


def _read(form: BroughtContractForm, content: bytes) -> Brought | None:
    """Return the document of the file, or None after saying beside the field what is wrong."""
    try:
        if not content:
            raise Refused(say("Choose a file."))
        terms = terms_in(content) if is_bundle(content) else content
        found = read_terms_file(terms, expected=form.sha256.data or "")
    except Refused as refusal:
        form.file.errors = [refusal.message]
        return None
    if not form.title.data and len(found.title) < 3:
        form.title.errors = [say("The file names no title: write one.")]
    return found


def _said(brought: Brought, taken: Taken) -> str:
    if taken.clauses:
        said = say(
            "%(terms)s terms and %(clauses)s special terms were taken from the document with the "
            "SHA-256 %(sha256)s.",
            terms=taken.terms,
            clauses=taken.clauses,
            sha256=brought.sha256,
        )
    else:
        said = say(
            "%(terms)s terms were taken from the document with the SHA-256 %(sha256)s.",
            terms=taken.terms,
            sha256=brought.sha256,
        )
    alone = say("Only your side sees them until you send round 1.")
    left = list(taken.left)
    if not left:
        return say("%(said)s %(alone)s", said=said, alone=alone)
    named = commas(left[:NAMED])
    if left[NAMED:]:
        named = say("%(named)s and %(number)s more", named=named, number=len(left) - NAMED)
    return say(
        "%(said)s Not taken, as they do not fit: %(named)s. %(alone)s",
        said=said,
        named=named,
        alone=alone,
    )
