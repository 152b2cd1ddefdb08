"""Pages of the policies: the rule on codes, the allowed regions, what mail may say."""

from flask import flash, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms.fields.choices import SelectChoice

from portal.accounts import gate
from portal.accounts import queries as people
from portal.accounts.gate import current_actor
from portal.accounts.rules import (
    EVERY_ROLE,
    MFA_WORDS,
    ROLE_WORDS,
    Actor,
    MfaRule,
    Role,
    demand,
    mfa_rule_for,
)
from portal.admin import actions, queries
from portal.admin.forms import MailForm, MfaForm, RegionsForm
from portal.admin.routes.doors import bp, partners
from portal.admin.routes.profiles import hindrances
from portal.admin.rules import Kind
from portal.kit import clock
from portal.kit.db import db
from portal.kit.errors import Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.notices.queries import asks_for_thin_mail
from portal.residency.databases import regions

PAGE_OF = {
    Kind.MFA: "admin.mfa",
    Kind.REGIONS: "admin.allowed_regions",
    Kind.HIPAA: "admin.hipaa",
    Kind.RETENTION: "retention.index",
}


# The rule on codes


@bp.get("/organisation/mfa")
@needs("policy:edit")
def mfa() -> ResponseReturnValue:
    """Show the organisation's MFA rule, who does not meet it yet, and what waits for its day."""
    actor = gate.proven_actor(clock.now())
    rules = people.mfa_rules(actor.organisation_id)
    chosen = {role.value: rules.get(role, MfaRule.OPTIONAL).value for role in Role}
    everyone = rules.get(EVERY_ROLE, MfaRule.OPTIONAL).value
    return _mfa_page(actor, MfaForm(formdata=None, everyone=everyone, **chosen), 200)


def _mfa_page(actor: Actor, form: MfaForm, status: int) -> ResponseReturnValue:
    change = queries.open_change(actor, Kind.MFA)
    now_rules = people.mfa_rules(actor.organisation_id)
    then = queries.mfa_of(change) if change else {}
    return page(
        "admin/mfa/edit.html",
        status,
        form=form,
        actor=actor,
        change=change,
        words=MFA_WORDS,
        role_words=ROLE_WORDS,
        short=people.short_of(actor.organisation_id, now_rules),
        short_then=people.short_of(actor.organisation_id, then) if change else [],
        steps=_steps(now_rules, then) if change else [],
        names=queries.names_of(change.asked_by, change.confirmed_by) if change else {},
        stricter=[form[role.value] for role in Role],
        mine=current_user.person,
    )


def _steps(
    before: dict[str, MfaRule], after: dict[str, MfaRule]
) -> list[tuple[str, MfaRule, MfaRule]]:
    """Return for whom something changes, with what holds for them now and then."""
    everyone = (EVERY_ROLE, mfa_rule_for(before, []), mfa_rule_for(after, []))
    roles = [(role, mfa_rule_for(before, [role]), mfa_rule_for(after, [role])) for role in Role]
    return [one for one in (everyone, *roles) if one[1] != one[2]]


@bp.post("/organisation/mfa")
@needs("policy:edit")
def set_mfa() -> ResponseReturnValue:
    """Ask for a rule for everyone and stricter ones for some roles."""
    form, now = MfaForm(), clock.now()
    actor = gate.proven_actor(now)
    if not form.validate():
        return _mfa_page(actor, form, 422)
    rules = {role.value: MfaRule(form[role.value].data) for role in Role}
    rules[EVERY_ROLE] = MfaRule(form.everyone.data)
    try:
        row = actions.ask_for_mfa(actor, rules, days=int(form.begins.data), at=now)
    except Refused as refusal:
        form.form_errors.append(refusal.message)
        return _mfa_page(actor, form, 422)
    flash(queries.outcome_of(row), "good")
    return see_other(url_for("admin.mfa"))


# The allowed regions


@bp.get("/organisation/regions")
@needs("policy:edit")
def allowed_regions() -> ResponseReturnValue:
    """Show in which regions the organisation lets its contracts live."""
    actor = gate.proven_actor(clock.now())
    allowed = people.organisation_by_id(actor.organisation_id).allowed_regions
    return _regions_page(actor, _regions_form(allowed), 200)


def _regions_form(allowed: list[str] | None = None) -> RegionsForm:
    form = RegionsForm() if allowed is None else RegionsForm(formdata=None, regions=allowed)
    found = regions().databases
    form.regions.choices = [SelectChoice(name, db.region.label) for name, db in found.items()]
    return form


def _regions_page(actor: Actor, form: RegionsForm, status: int) -> ResponseReturnValue:
    change = queries.open_change(actor, Kind.REGIONS)
    labels = {name: db.region.label for name, db in regions().databases.items()}
    return page(
        "admin/regions/edit.html", status, form=form, actor=actor, change=change, labels=labels,
        wanted=queries.regions_of(change) if change else [],
        names=queries.names_of(change.asked_by, change.confirmed_by) if change else {},
    )  # fmt: skip


@bp.post("/organisation/regions")
@needs("policy:edit")
def set_regions() -> ResponseReturnValue:
    """Ask for other allowed regions."""
    now = clock.now()
    actor = gate.proven_actor(now)
    form = _regions_form()
    if not form.validate():
        return _regions_page(actor, form, 422)
    try:
        row = actions.ask_for_regions(
            actor, form.regions.data or [], configured=list(regions().databases), at=now
        )
    except Refused as refusal:
        form.form_errors.append(refusal.message)
        return _regions_page(actor, form, 422)
    flash(queries.outcome_of(row), "good")
    return see_other(url_for("admin.allowed_regions"))


# The second "yes"


@bp.post("/organisation/policy-changes/<change_id>/confirmation")
@needs("policy:edit")
def confirm_change(change_id: str) -> ResponseReturnValue:
    """Confirm a weaker policy another administrator asked for."""
    now = clock.now()
    actor = gate.proven_actor(now)
    row = queries.find_change(actor, change_id)
    in_the_way = []
    if row.kind == Kind.HIPAA:
        in_the_way = hindrances(actor, on=queries.is_put_on(row))
    actions.confirm_change(
        actor, change_id, partners=partners(actor), hindrances=in_the_way, at=now
    )
    now_on = say("Confirmed. It holds now; both parties are told.")
    later = say("Confirmed. It holds in 24 hours; both parties are told.")
    flash(now_on if row.applied_at else later, "good")
    return see_other(url_for(PAGE_OF[Kind(row.kind)]))


@bp.post("/organisation/policy-changes/<change_id>/withdrawal")
@needs("policy:edit")
def withdraw_change(change_id: str) -> ResponseReturnValue:
    """End a change that does not hold yet."""
    actor = current_actor()
    demand(actor, "policy:edit")
    kind = queries.find_change(actor, change_id).kind
    actions.withdraw_change(actor, change_id, at=clock.now())
    flash(say("Withdrawn. What held goes on."), "good")
    return see_other(url_for(PAGE_OF[Kind(kind)]))


# What mail may say


@bp.get("/organisation/mail")
@needs("policy:edit")
def mail() -> ResponseReturnValue:
    """Show what mail to the organisation's people may say."""
    actor = current_actor()
    demand(actor, "policy:edit")
    thin = asks_for_thin_mail(db.session(), actor.organisation_id)
    return page("admin/mail/edit.html", form=MailForm(formdata=None, thin=thin), actor=actor)


@bp.post("/organisation/mail")
@needs("policy:edit")
def set_mail() -> ResponseReturnValue:
    """Choose what mail to the organisation's people may say."""
    actor, form = current_actor(), MailForm()
    demand(actor, "policy:edit")
    if not form.validate_on_submit():
        return page("admin/mail/edit.html", 422, form=form, actor=actor)
    actions.set_mail_rule(actor, thin=form.thin.data, at=clock.now())
    flash(say("Saved. It holds from the next mail on."), "good")
    return see_other(url_for("admin.mail"))
