"""Review, approve, and what stands after signing."""

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.accounts.rules import demand, may
from portal.contracts.queries import last_fact
from portal.contracts.rules.life import State
from portal.contracts.rules.reading import key_facts
from portal.kit.errors import NotFound, Refused
from portal.kit.web import needs, page, see_other
from portal.kit.words import say
from portal.plans.queries import pinned_catalogue
from portal.plans.rules import Catalogue
from portal.profiles.actions import Unproven
from portal.signing import actions, queries, rules
from portal.signing.forms import ApprovalForm
from portal.signing.routes.desk import Desk, bp, opened, waiting
from portal.terms.rules import load_schema


@bp.get("/contracts/<ref>/sign")
@needs("contract:see")
def review(ref: str) -> ResponseReturnValue:
    """Show what is to be signed to whose turn it is; tell everybody else who is next."""
    desk = opened(ref)
    if desk.has_signed():
        return see_other(desk.url("signing.done"))
    return waiting(desk) or _review_page(desk)


def _review_page(desk: Desk) -> ResponseReturnValue:
    version = desk.version
    if version is None:
        raise NotFound
    approving = desk.is_to_approve()
    demand(desk.actor, "agreement:approve" if approving else "signature:sign")
    document = version.canonical
    schema = load_schema(document["pins"]["schema"]["name"])
    consent = queries.standing_consent(desk.session, desk.contract, desk.actor.person_id)
    before = queries.approved_version_of(desk.session, desk.contract, desk.actor.person_id)
    endpoint = "approval" if approving else "sign" if consent else "consent"
    return page(
        "signing/review.html",
        contract=desk.contract,
        version=version,
        words=rules.hash_words(version.sha256),
        document=document,
        facts=key_facts(document, schema),
        departures=rules.tier_departures(document, schema, _pinned(document)),
        before=before,
        changes=rules.term_changes(before.canonical, document, schema) if before else [],
        signers=desk.signers(),
        next_ids=desk.next_ids(),
        sealing=queries.sealing_state(desk.session, desk.contract),
        ends=queries.offer_ends(desk.contract, version),
        consent=consent,
        approving=approving,
        continue_url=desk.url(f"signing.{endpoint}"),
    )


def _pinned(document: Any) -> Catalogue | None:
    pin = document["pins"]["tier"]
    return pinned_catalogue(pin["sha256"]) if pin else None


@bp.get("/contracts/<ref>/approval")
@needs("agreement:approve")
def approval(ref: str) -> ResponseReturnValue:
    """Ask for the approval that comes before any signature."""
    desk = opened(ref)
    actions.demand_approver(desk.contract, desk.actor.person_id, at=desk.at)
    if not current_user.person.has_factor:
        return see_other(url_for("accounts.factor", next=desk.url("signing.approval")))
    return _approval_page(desk, desk.form(ApprovalForm, None))


@bp.post("/contracts/<ref>/approval")
@needs("agreement:approve")
def approve(ref: str) -> ResponseReturnValue:
    """Approve the version with a fresh code."""
    desk = opened(ref)
    actions.demand_approver(desk.contract, desk.actor.person_id, at=desk.at)
    form = desk.form(ApprovalForm)
    if not form.validate_on_submit():
        return _approval_page(desk, form, 422)
    sha256, confirmed = form.version_sha256.data, "yes" if form.approved.data else "no"
    actions.check_approval(
        desk.contract, desk.actor, shown_sha256=sha256, confirmed=confirmed, at=desk.at
    )
    proof = desk.proof(form, purpose="approve")
    if isinstance(proof, Unproven):
        form[proof.field].errors = [proof.message]
        return _approval_page(desk, form, 422)
    actions.approve(
        desk.session, desk.actor, desk.contract, shown_sha256=sha256, confirmed=confirmed,
        step=proof.step, factor=desk.factor, at=desk.at,
    )  # fmt: skip
    return see_other(desk.url("signing.overview"))


def _approval_page(desk: Desk, form: ApprovalForm, status: int = 200) -> ResponseReturnValue:
    version = desk.version
    if version is None:
        raise NotFound
    form.approved.label.text = rules.approval_statement(desk.actor.organisation_name)
    form.version_sha256.data = form.version_sha256.data or version.sha256
    return page(
        "signing/approve.html",
        status,
        contract=desk.contract,
        version=version,
        words=rules.hash_words(version.sha256),
        form=form,
        organisation=desk.actor.organisation_name,
    )


@bp.get("/contracts/<ref>/signature/done")
@needs("contract:see")
def done(ref: str) -> ResponseReturnValue:
    """Show what was signed, who is next, and how the deed stands."""
    desk = opened(ref)
    version = desk.version
    if version is None:
        raise Refused(say("The terms are not frozen yet, so there is nothing to sign."))
    signers = desk.signers()
    mine = next((line for line in signers if line.person_id == desk.actor.person_id), None)
    return page(
        "signing/done.html",
        contract=desk.contract,
        version=version,
        words=rules.hash_words(version.sha256),
        signers=signers,
        mine=mine if mine and mine.is_signed else None,
        next_ids=desk.next_ids(),
        next_signers=desk.next_signers(),
        sealing=queries.sealing_state(desk.session, desk.contract),
        ended=next(filter(None, (last_fact(desk.contract, k) for k in ENDINGS)), None),
        void=desk.state in VOID,
        may_delegate=may(desk.actor, "signature:sign"),
    )


ENDINGS = ("declined", "voided", "withdrawn", "expired")
VOID = frozenset({State.DECLINED, State.VOIDED, State.WITHDRAWN, State.EXPIRED})
