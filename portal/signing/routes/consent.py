"""Consent to electronic records, shown to work before it counts."""

from flask import current_app
from flask.typing import ResponseReturnValue

from portal.kit.web import download, needs, page, see_other
from portal.kit.words import say
from portal.signing import actions, queries, rules
from portal.signing.forms import ConsentForm
from portal.signing.pdf import render_sample
from portal.signing.routes.desk import Desk, bp, opened, waiting


@bp.get("/contracts/<ref>/consent")
@needs("signature:sign")
def consent(ref: str) -> ResponseReturnValue:
    """Show the disclosure and ask for consent to electronic records."""
    desk = opened(ref)
    if desk.has_signed():
        return see_other(desk.url("signing.done"))
    return waiting(desk) or _consent_page(desk, ConsentForm(formdata=None))


@bp.get("/contracts/<ref>/consent/sample.pdf")
@needs("signature:sign")
def sample(ref: str) -> ResponseReturnValue:
    """Give a small PDF in the format of the deed; it holds the word that consent asks for."""
    desk = opened(ref)
    actions.demand_turn(desk.session, desk.contract, desk.actor.person_id, at=desk.at)
    return download(
        render_sample(_word(desk), operator=current_app.config["SETTINGS"].operator),
        name="sample.pdf",
        mimetype="application/pdf",
        inline=True,
    )


@bp.post("/contracts/<ref>/consent")
@needs("signature:sign")
def give_consent(ref: str) -> ResponseReturnValue:
    """Store the consent with the text that was shown, once the sample was shown to be readable."""
    desk = opened(ref)
    actions.demand_turn(desk.session, desk.contract, desk.actor.person_id, at=desk.at)
    form = ConsentForm()
    good = form.validate_on_submit()
    demonstrated = rules.is_sample_word(form.word.data or "", _word(desk))
    if form.word.data and not demonstrated:
        form.word.errors = [say("That is not the word of the sample. Open the PDF and look again.")]
        good = False
    if not good:
        return _consent_page(desk, form, 422)
    actions.give_consent(
        desk.session, desk.actor, desk.contract, shown_sha256=form.disclosure_sha256.data,
        covers=form.covers.data, demonstrated=demonstrated, at=desk.at,
    )  # fmt: skip
    return see_other(desk.url("signing.sign"))


def _word(desk: Desk) -> str:
    return rules.sample_word(
        current_app.config["SECRET_KEY"], person_id=desk.actor.person_id,
        contract_id=desk.contract.id, disclosure_sha256=rules.load_disclosure().sha256,
    )  # fmt: skip


def _consent_page(desk: Desk, form: ConsentForm, status: int = 200) -> ResponseReturnValue:
    disclosure = rules.load_disclosure()
    form.disclosure_sha256.data = form.disclosure_sha256.data or disclosure.sha256
    form.covers.data = form.covers.data or rules.SIGNING_ONLY
    given = queries.consents_of(desk.session, desk.contract, desk.actor.person_id)
    return page(
        "signing/consent.html",
        status,
        contract=desk.contract,
        form=form,
        disclosure=disclosure,
        earlier=next(iter(given), None),
    )
