"""Pages of the address book: the list, one customer, a sheet, and the list as CSV."""

from flask import Blueprint, Response, current_app, flash, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import current_actor
from portal.accounts.rules import Actor, demand
from portal.customers import actions, queries, rules
from portal.customers.forms import SheetForm
from portal.kit import clock
from portal.kit.csv_file import csv_bytes
from portal.kit.web import download, needs, page, see_other
from portal.kit.words import say

bp = Blueprint("customers", __name__)
SHOWN = 100
HEADER = (*rules.COLUMNS[rules.Shape.PLAIN],)


def _keeper() -> Actor:
    actor = current_actor()
    demand(actor, "customer:keep")
    return actor


@bp.get("/customers")
@needs("customer:keep")
def index() -> ResponseReturnValue:
    """List the customers by name, page by page."""
    actor = _keeper()
    begins = " ".join(request.args.get("q", "").split())[:120]
    name, mark, last = request.args.get("after", "").rpartition("~")
    after = (name, last) if mark and len(name) <= 200 and (name + last).isprintable() else None
    rows, following = queries.page_of(actor, begins=begins, after=after)
    first = url_for(".index", q=begins or None) if after else None
    more = url_for(".index", q=begins or None, after="~".join(following)) if following else None
    return page("customers/index.html", rows=rows, q=begins, first_page=first, next_page=more)


@bp.get("/customers.csv")
@needs("customer:keep")
def table() -> Response:
    """Give the whole address book as a sheet that can be brought again."""
    rows = [
        (c.name, c.external_id, c.address, *who)
        for c in queries.every(_keeper())
        for who in [(one.name, one.email, one.title) for one in c.contacts] or [("", "", "")]
    ]
    return download(csv_bytes(HEADER, rows), name="customers.csv", mimetype="text/csv")


@bp.get("/customers/new")
@needs("customer:keep")
def new() -> ResponseReturnValue:
    """Ask for a sheet."""
    _keeper()
    return _ask(SheetForm(formdata=None))


def _ask(
    form: SheetForm, sheet: rules.Sheet | None = None, status: int = 200
) -> ResponseReturnValue:
    return page(
        "customers/new.html", status, form=form, sheet=sheet, shown=SHOWN, shapes=rules.COLUMNS,
        words=rules.SHAPE_WORDS, needed=rules.NEEDED, most=rules.MOST_ROWS,
    )  # fmt: skip


@bp.post("/customers")
@needs("customer:keep")
def bring() -> ResponseReturnValue:
    """Take a sheet whole; one with faults is taken only where its good rows are asked for."""
    actor, form = _keeper(), SheetForm()
    upload = request.files.get("file")
    content = b""
    if upload is not None:
        with upload.stream as stream:
            content = stream.read()
    sheet = None
    try:
        form.validate()
        if not content:
            raise rules.BadSheet(say("Choose a file."))
        sheet = rules.read_sheet(content, known=queries.known_ids(actor))
    except rules.BadSheet as refusal:
        form.file.errors = [refusal.message]
    if sheet is None or form.errors:
        return _ask(form, None, 422)
    if sheet.faults and not (form.leave.data and sheet.accounts):
        form.file.errors = [
            say(
                "%(bad)s of %(rows)s rows have faults. Nothing was taken.",
                bad=sheet.bad,
                rows=sheet.rows,
            )
        ]
        return _ask(form, sheet, 422)
    counts = actions.bring_customers(actor, sheet.accounts, at=clock.now())
    flash(
        say(
            "%(added)s customers were added, %(changed)s changed, %(same)s were known; "
            "%(contacts_added)s contacts were added, %(contacts_changed)s changed; "
            "%(bad)s rows were left.",
            **counts.facts, bad=sheet.bad,
        ),
        "good",
    )  # fmt: skip
    return see_other(url_for(".index"))


@bp.get("/customers/<customer_id>")
@needs("customer:keep")
def show(customer_id: str) -> ResponseReturnValue:
    """Show a customer with its contacts, and how a contract begins."""
    actor = _keeper()
    row = queries.find_customer(actor, customer_id)
    return page("customers/show.html", row=row, here=queries.here_already(actor, row))


@bp.post("/customers/<customer_id>/contacts/<contact_id>/invitation")
@needs("customer:keep")
def invite(customer_id: str, contact_id: str) -> ResponseReturnValue:
    """Invite the contact, and go on to a new contract with the customer."""
    link = current_app.config["SETTINGS"].base_url + url_for("admin.invitation", token="TOKEN")  # noqa: S106
    prospect = actions.invite_contact(_keeper(), customer_id, contact_id, link=link, at=clock.now())
    if prospect.kept_by is None:
        flash(
            say(
                "%(name)s looks after its own members by now. Nobody was invited.",
                name=prospect.name,
            ),
            "good",
        )
    else:
        flash(say("The invitation is on its way. Meanwhile, start the contract."), "good")
    return see_other(url_for("contracts.new", counterparty=prospect.id))
