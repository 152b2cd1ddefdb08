"""The guided start: a new contract, then its terms in three pages."""

from collections.abc import Mapping

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor
from portal.accounts.models import Organisation
from portal.accounts.rules import Actor, demand
from portal.contracts import actions, queries
from portal.contracts.actions.starting import Chosen
from portal.contracts.forms.start import NewContractForm
from portal.contracts.forms.terms import TermAnswers, problems_of, read_terms, term_field
from portal.contracts.models import Contract
from portal.contracts.routes.doors import bp, doors_of, opened, region_labels, step_url
from portal.contracts.rules import starting
from portal.contracts.rules.life import Side
from portal.contracts.rules.waiting import STEP_WORDS, STEPS, Door
from portal.kit import clock
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.negotiation.actions import set_offers
from portal.negotiation.queries import negotiation_of
from portal.plans.queries import offer_of, offers
from portal.residency.databases import regions
from portal.templates.queries import published
from portal.terms.rules import Value, load_schema


@bp.get("/contracts/new")
@needs("contract:start")
def new() -> ResponseReturnValue:
    """Ask for what a contract needs before its first step."""
    actor = current_actor()
    demand(actor, "contract:start")
    form = NewContractForm(formdata=None, **_wished(actor))
    _offer_choices(form, actor)
    return page("contracts/new.html", form=form)


def _wished(actor: Actor) -> dict[str, str]:
    """Return what the address asks for: a tier to start from, and with whom."""
    tier = request.args.get("tier", "")
    if not tier:
        other = request.args.get("counterparty", "")
        return {"counterparty": other, "side": Side.VENDOR} if other else {}
    slug = tier.partition("/")[0]
    if queries.own_organisation(actor).slug == slug:
        return {"tier": tier, "side": Side.VENDOR}
    vendor = next((o for o in queries.counterparties(actor) if o.slug == slug), None)
    return {"tier": tier, "side": Side.CUSTOMER, "counterparty": vendor.id} if vendor else {}


@bp.post("/contracts")
@needs("contract:start")
def start() -> ResponseReturnValue:
    """Create the contract and its private draft of round 1, then go to the first step."""
    actor, now = current_actor(), clock.now()
    demand(actor, "contract:start")
    form = NewContractForm()
    _offer_choices(form, actor)
    chosen = _chosen(form, actor) if form.validate_on_submit() else None
    if chosen is None:
        return page("contracts/new.html", 422, form=form)
    session = regions().session(form.region.data)
    contract = actions.start_contract(
        session, regions()[form.region.data], actor, title=form.title.data,
        vendor=chosen.vendor, customer=chosen.customer, pins=chosen.pins, at=now,
    )  # fmt: skip
    set_offers(session, contract, actor, chosen.terms(), at=now)
    flash(
        say("The contract is started. Only your side sees its terms until you send round 1."),
        "good",
    )
    return see_other(url_for("contracts.start_people", ref=contract.ref))


def _offer_choices(form: NewContractForm, actor: Actor) -> None:
    others = queries.counterparties(actor)
    tiers = [
        (
            starting.tier_key(offer.slug, offer.catalogue.version, tier.name),
            f"{offer.owner}: {tier.name}",
        )
        for offer in offers()
        if not offer.is_example
        for tier in offer.catalogue.tiers
    ]
    form.offer(
        counterparties=[(other.id, other.name) for other in others],
        templates=[
            (key, say("%(name)s, number %(number)s", name=template.name, number=template.number))
            for key, template in published(actor).items()
        ],
        tiers=tiers,
        regions=list(region_labels().items()),
    )


def _chosen(form: NewContractForm, actor: Actor) -> Chosen | None:
    """Return what was chosen, or None after saying beside the field what does not fit."""
    vendor, customer = parties_of(form, actor)
    slug, _, rest = (form.tier.data or "").partition("/")
    if slug and slug != vendor.slug:
        form.tier.errors = [
            say("Choose a tier of %(name)s, the vendor, or no tier.", name=vendor.name)
        ]
    if form.errors:
        return None
    return Chosen(
        vendor=vendor,
        customer=customer,
        template_key=form.template.data,
        template=published(actor)[form.template.data],
        catalogue=offer_of(vendor.id) if slug else None,
        tier=rest.partition("/")[2] or None,
    )


def parties_of(form: NewContractForm, actor: Actor) -> tuple[Organisation, Organisation]:
    """Return vendor and customer, after saying beside the field which region both allow."""
    mine = queries.own_organisation(actor)
    other = next(o for o in queries.counterparties(actor) if o.id == form.counterparty.data)
    vendor, customer = (mine, other) if form.side.data == Side.VENDOR else (other, mine)
    problem = starting.region_problem(
        form.region.data,
        labels=region_labels(),
        vendor=(vendor.name, vendor.allowed_regions),
        customer=(customer.name, customer.allowed_regions),
    )
    if problem:
        form.region.errors = [problem]
    return vendor, customer


@bp.get("/contracts/<ref>/start/<any('service-levels', 'scope', 'metrics'):step>")
@needs("contract:start")
def step(ref: str, step: str) -> ResponseReturnValue:
    """Show a step's terms as the private draft holds them."""
    actor, session, contract = opened(ref)
    demand(actor, "contract:start")
    actions.demand_starting(contract, actor, at=clock.now())
    values = _draft_values(session, contract, actor)
    return _step_page(contract, step, values, TermAnswers())


@bp.post("/contracts/<ref>/start/<any('service-levels', 'scope', 'metrics'):step>")
@needs("contract:start")
def save_step(ref: str, step: str) -> ResponseReturnValue:
    """Save a step's terms into the private draft; nothing is saved while one cannot stand."""
    actor, session, contract = opened(ref)
    now = clock.now()
    demand(actor, "contract:start")
    actions.demand_starting(contract, actor, at=now)
    terms = starting.pages_terms(load_schema(contract.schema_version), step)
    answers = read_terms(terms.values(), request.form, queries.template_of(contract))
    if answers.errors:
        return _step_page(contract, step, answers.values, answers, status=422)
    set_offers(session, contract, actor, answers.values, at=now)
    actions.finish_step(session, contract, actor, step=step, at=now)
    if step == STEPS[-1]:
        flash(say("All four steps are done. Review round 1, then send it."), "good")
        return see_other(doors_of(contract)[Door.TERMS])
    return see_other(step_url(contract, STEPS[STEPS.index(step) + 1]))


def _draft_values(session: Session, contract: Contract, actor: Actor) -> dict[str, Value]:
    words = negotiation_of(session, contract, actor, at=clock.now()).words
    return {term: word.value for term, word in words.items()}


def _step_page(
    contract: Contract,
    step: str,
    values: Mapping[str, Value],
    answers: TermAnswers,
    *,
    status: int = 200,
) -> ResponseReturnValue:
    schema = load_schema(contract.schema_version)
    parts = starting.parts_of(schema, step)
    place = STEPS.index(step) + 1
    side = Side(contract.started_by_side)
    problems = problems_of(schema.terms, answers)
    return page(
        "contracts/step.html",
        status,
        contract=contract,
        step=step,
        place=place,
        words=STEP_WORDS[step],
        heading=starting.STEP_HEADINGS[step],
        origin=_origin(contract),
        other_name=queries.name_of(contract, side.other),
        parts=[
            {
                "title": title,
                "open": number == 0 or any(term.id in answers.errors for term in terms),
                "fields": [term_field(term, values.get(term.id), answers) for term in terms],
            }
            for number, (title, terms) in enumerate(parts)
        ],
        problems_found=problems,
        failed=bool(problems),
        back=step_url(contract, STEPS[place - 2]),
    )


def _origin(contract: Contract) -> str:
    tier = (contract.tier or "").rpartition("/")[2]
    return say("the tier %(tier)s and the template", tier=tier) if tier else say("the template")
