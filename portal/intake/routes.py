"""Pages of files that are brought in: the list with the form, one file, its faults as a table."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts.gate import current_actor, demand_declared
from portal.accounts.rules import Actor, may
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, terms_in_force
from portal.intake import actions, queries, rules
from portal.intake.forms import IntakeForm
from portal.intake.models import Intake
from portal.intake.rules import Kind
from portal.kit import clock
from portal.kit.csv_file import csv_bytes
from portal.kit.web import download, needs, page, see_other
from portal.kit.words import say
from portal.residency.databases import regions
from portal.residency.stores import LEAVE_OUT, StoreAway

bp = Blueprint("intake", __name__)
SHOWN = 100


@bp.url_value_preprocessor
def allow_large_files(endpoint: str | None, values: object) -> None:
    """Raise the limit of a request's size before the form is read."""
    if endpoint == "intake.bring":
        request.max_content_length = rules.LARGEST_FILE + 1_000_000


@dataclass(frozen=True)
class Desk:
    """Who brings a file for which contract, now."""

    session: Session
    actor: Actor
    contract: Contract
    now: datetime


def _opened(ref: str) -> Desk:
    actor, session = current_actor(), regions().session_of(ref)
    contract = find_contract(session, actor, ref)
    demand_declared(actor)
    now = clock.now()
    terms_in_force(session, contract, on=now.date())
    return Desk(session, actor, contract, now)


@bp.get("/contracts/<ref>/files")
@needs("contract:see")
def index(ref: str) -> ResponseReturnValue:
    """List the files the organisation brought, and take another."""
    return _list(_opened(ref), IntakeForm(formdata=None, kind=Kind.INCIDENTS))


def _list(desk: Desk, form: IntakeForm, status: int = 200) -> ResponseReturnValue:
    able = [kind for kind in Kind if may(desk.actor, actions.PERMISSIONS[kind])]
    rows = queries.intakes_of(desk.session, desk.contract, desk.actor)
    return page(
        "intake/index.html", status, contract=desk.contract, form=form, able=able, rows=rows,
        words=rules.KIND_WORDS, columns=rules.COLUMNS, needed=rules.NEEDED, share=rules.share,
        most=rules.MOST_ROWS,
    )  # fmt: skip


@bp.post("/contracts/<ref>/files")
@needs("contract:see")
def bring(ref: str) -> ResponseReturnValue:
    """Keep a file; it is read in the background."""
    desk, form = _opened(ref), IntakeForm()
    upload = request.files.get("file")
    good = form.validate()
    if upload is None or not upload.filename:
        form.file.errors = [say("Choose a file.")]
        good = False
    if not good or upload is None:
        return _list(desk, form, 422)
    try:
        row = actions.bring(
            desk.session, regions()[desk.contract.region], desk.contract, desk.actor,
            kind=Kind(form.kind.data), name=upload.filename or "", content=upload.read(),
            at=desk.now,
        )  # fmt: skip
    except rules.BadFile as refusal:
        form.file.errors = [refusal.message]
        return _list(desk, form, 422)
    except StoreAway:
        form.file.errors = [LEAVE_OUT]
        return _list(desk, form, 422)
    return see_other(url_for(".show", ref=ref, intake_id=row.id))


@bp.get("/contracts/<ref>/files/<intake_id>")
@needs("contract:see")
def show(ref: str, intake_id: str) -> ResponseReturnValue:
    """Show how far a file is read, what is wrong, and what can be done."""
    desk = _opened(ref)
    row = queries.find_intake(desk.session, desk.contract, desk.actor, intake_id)
    return page(
        "intake/show.html", contract=desk.contract, row=row, words=rules.KIND_WORDS,
        faults=queries.faults_of(desk.session, row, limit=SHOWN),
        share=rules.share(row.place, row.total), able=_able(desk, row),
    )  # fmt: skip


def _able(desk: Desk, row: Intake) -> bool:
    return may(desk.actor, actions.PERMISSIONS[Kind(row.kind)])


@bp.get("/contracts/<ref>/files/<intake_id>/faults.csv")
@needs("contract:see")
def faults(ref: str, intake_id: str) -> Response:
    """Give all that is wrong as a table."""
    desk = _opened(ref)
    row = queries.find_intake(desk.session, desk.contract, desk.actor, intake_id)
    found = queries.faults_of(desk.session, row)
    content = csv_bytes(("line", "column", "fault"), [(f.line, f.column, f.says) for f in found])
    return download(content, name=f"faults-{intake_id}.csv", mimetype="text/csv")


@bp.post("/contracts/<ref>/files/<intake_id>/confirmation")
@needs("contract:see")
def confirm(ref: str, intake_id: str) -> ResponseReturnValue:
    """Take the good rows: all of them, or none."""
    desk = _opened(ref)
    actions.confirm(desk.session, desk.contract, desk.actor, intake_id, at=desk.now)
    flash(say("The good rows are being taken."), "good")
    return see_other(url_for(".show", ref=ref, intake_id=intake_id))


@bp.post("/contracts/<ref>/files/<intake_id>/leaving")
@needs("contract:see")
def drop(ref: str, intake_id: str) -> ResponseReturnValue:
    """Leave the file; nothing of it is taken."""
    desk = _opened(ref)
    actions.drop(desk.session, desk.contract, desk.actor, intake_id, at=desk.now)
    flash(say("The file was left. Nothing of it was taken."), "good")
    return see_other(url_for(".index", ref=ref))
