"""Reporting an incident, and naming who may."""

from typing import Any

from flask import flash, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.rules import may
from portal.contracts.queries import members_of, service_start
from portal.contracts.rules.life import Side
from portal.incidents import actions
from portal.incidents.forms import ContactsForm, ReportForm, offered
from portal.incidents.queries import promises_on
from portal.incidents.queries.beside import contacts_of
from portal.incidents.routes.doors import Visit, bp, visit
from portal.incidents.rules.entitlement import contacts_left, modules_of
from portal.kit.errors import NotFound
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.residency.stores import LEAVE_OUT, StoreAway
from portal.terms.rules import load_schema

CHANNELS = {
    "portal": say("Portal"),
    "email": say("E-mail"),
    "phone": say("Phone"),
    "chat": say("Chat"),
    "callback": say("Callback"),
    "bridge": say("Conference bridge"),
}


def terms_now(here: Visit) -> Any:
    """Return the signed terms that a report made now would pin."""
    return promises_on(here.session, here.contract, here.now.date()).terms


@bp.get("/contracts/<ref>/incidents/new")
@needs("incident:report")
def new(ref: str) -> ResponseReturnValue:
    """Ask what the contract asks of a report."""
    here = visit(ref, needs="incident:report")
    return _report_page(here, _report_form(here, sent=False))


@bp.post("/contracts/<ref>/incidents")
@needs("incident:report")
def create(ref: str) -> ResponseReturnValue:
    """Open an incident; the clocks start."""
    here = visit(ref, needs="incident:report")
    form = _report_form(here, sent=True)
    if not form.validate_on_submit():
        return _report_page(here, form, status=422)
    vendor = here.side is Side.VENDOR
    try:
        incident = actions.report(
            here.session, here.contract, here.actor, at=here.now, database=here.database,
            said=actions.Report(
                title=form.title.data, severity=form.severity.data, module=form.module.data or "",
                environment=form.environment.data, facts=form.facts(),
                is_security=form.security.data, is_trial=form.trial.data,
                files=tuple(form.files.read),
                channel=form.channel.data if vendor else "portal", called_at=form.called(),
            ),
        )  # fmt: skip
    except StoreAway:
        form.files.errors = [LEAVE_OUT]
        return _report_page(here, form, status=422)
    flash(say("Incident %(number)s is reported. The clocks run.", number=incident.number), "good")
    return see_other(url_for("incidents.show", ref=ref, number=incident.number))


def _report_form(here: Visit, *, sent: bool) -> ReportForm:
    terms = terms_now(here)
    form = ReportForm() if sent else ReportForm(formdata=None)
    rows = terms.get("C1") or ()
    form.ask(
        severities=[(r["code"], f"{r['code']}, {r['name']}: {r['impact']}") for r in rows],
        modules=list(dict.fromkeys(module for module, _ in modules_of(terms))),
        channels=list(CHANNELS.items()) if here.side is Side.VENDOR else [],
        needed=set(terms.get("H2") or ()),
    )
    return form


def _report_page(here: Visit, form: ReportForm, *, status: int = 200) -> ResponseReturnValue:
    terms = terms_now(here)
    start = service_start(here.contract)
    schema = load_schema(here.contract.schema_version)
    labels = {option.code: option.label for option in schema.terms["H2"].options}
    return page(
        "incidents/new.html",
        status,
        contract=here.contract,
        form=form,
        needed=[labels[code] for code in labels if code in form.needed],
        vendor=here.side is Side.VENDOR,
        not_yet=start if start is not None and here.now.date() < start else None,
        examples={row["code"]: row.get("examples") for row in terms.get("C1") or ()},
    )


@bp.get("/contracts/<ref>/contacts")
@needs("contract:see")
def contacts(ref: str) -> ResponseReturnValue:
    """Show who may open incidents; the customer changes the list."""
    here = visit(ref)
    return _contacts_page(here, _contacts_form(here, sent=False))


@bp.post("/contracts/<ref>/contacts")
@needs("incident:contacts")
def save_contacts(ref: str) -> ResponseReturnValue:
    """Replace the list of named contacts."""
    here = visit(ref, needs="incident:contacts")
    form = _contacts_form(here, sent=True)
    if form is None:
        raise NotFound
    if not form.validate_on_submit():
        return _contacts_page(here, form, status=422)
    actions.name_contacts(
        here.session, here.contract, here.actor, form.people.data or [], at=here.now
    )
    flash(say("Your named contacts are saved."), "good")
    return see_other(url_for("incidents.contacts", ref=ref))


def _contacts_form(here: Visit, *, sent: bool) -> ContactsForm | None:
    if here.side is not Side.CUSTOMER or not may(here.actor, "incident:contacts"):
        return None
    now = [row.person_id for row in contacts_of(here.session, here.contract)]
    form = ContactsForm() if sent else ContactsForm(formdata=None, data={"people": now})
    form.people.choices = offered(
        (m.person_id, m.name) for m in members_of(here.actor.organisation_id)
    )
    return form


def _contacts_page(
    here: Visit, form: ContactsForm | None, *, status: int = 200
) -> ResponseReturnValue:
    named = {row.person_id for row in contacts_of(here.session, here.contract)}
    members = members_of(here.contract.customer_id)
    return page(
        "incidents/contacts.html",
        status,
        contract=here.contract,
        form=form,
        named=[member.name for member in members if member.person_id in named],
        left=contacts_left(terms_now(here), len(named)),
        most=terms_now(here).get("B7"),
    )
