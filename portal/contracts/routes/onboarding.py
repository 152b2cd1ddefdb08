"""The onboarding checklist: what is missing before support starts."""

from datetime import date
from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from portal.accounts.rules import demand, may
from portal.contracts import queries
from portal.contracts.actions import onboarding as actions
from portal.contracts.forms.life import OnboardingForm
from portal.contracts.queries.onboarding import checklist, files_of, find_file
from portal.contracts.routes.doors import bp, opened, today
from portal.contracts.rules import onboarding as rules
from portal.contracts.rules.life import Side
from portal.incidents.rules.files import (
    ACCEPTED,
    LARGEST_FILE,
    file_problem,
    header_name,
    kept_name,
)
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.web import download, needs, page, see_other
from portal.kit.words import say
from portal.residency.actions import read_document
from portal.residency.databases import regions
from portal.residency.stores import LEAVE_OUT, StoreAway


@bp.url_value_preprocessor
def allow_runbooks(endpoint: str | None, values: object) -> None:
    """Raise the limit of a request's size before the form is read."""
    if endpoint == "contracts.attach_onboarding" and request.method == "POST":
        request.max_content_length = 2 * LARGEST_FILE


@bp.get("/contracts/<ref>/onboarding")
@needs("contract:see")
def onboarding(ref: str) -> ResponseReturnValue:
    """Show what is done, what is missing, and who waits for whom."""
    return _page(ref)


@bp.post("/contracts/<ref>/onboarding/<item>/tick")
@needs("onboarding:tick")
def tick_onboarding(ref: str, item: str) -> ResponseReturnValue:
    """Tick an item for one's own side, or take the tick back."""
    actor, session, contract = opened(ref)
    actions.tick_item(session, contract, actor, item, at=clock.now())
    flash(say("Saved. Both sides see it."), "good")
    return see_other(url_for("contracts.onboarding", ref=ref))


@bp.post("/contracts/<ref>/onboarding/<item>/plan")
@needs("onboarding:tick")
def plan_onboarding(ref: str, item: str) -> ResponseReturnValue:
    """Give an item an owner and a date."""
    actor, session, contract = opened(ref)
    demand(actor, "onboarding:tick")
    form = OnboardingForm()
    form.offer(_members(contract))
    if not form.validate_on_submit():
        return _page(ref, failed=(item, form), status=422)
    actions.plan_item(
        session, contract, actor, item, owner_id=form.owner.data,
        due=date.fromisoformat(form.due.data), at=clock.now(),
    )  # fmt: skip
    flash(say("Owner and date are saved."), "good")
    return see_other(url_for("contracts.onboarding", ref=ref))


@bp.post("/contracts/<ref>/onboarding/<item>/files")
@needs("onboarding:tick")
def attach_onboarding(ref: str, item: str) -> ResponseReturnValue:
    """Attach a file to an item."""
    actor, session, contract = opened(ref)
    demand(actor, "onboarding:tick")
    sent = request.files.get("file")
    name, content, problem = _read(sent)
    if problem:
        return _page(ref, trouble=(item, problem), status=422)
    database = regions()[contract.region]
    try:
        actions.attach_file(
            session, database, contract, actor, item, name=name, content=content, at=clock.now()
        )
    except StoreAway:
        return _page(ref, trouble=(item, LEAVE_OUT), status=422)
    flash(say("The file is attached."), "good")
    return see_other(url_for("contracts.onboarding", ref=ref))


def _read(sent: FileStorage | None) -> tuple[str, bytes, str | None]:
    if sent is None or not sent.filename:
        return "", b"", say("Choose a file.")
    name, content = kept_name(sent.filename), sent.read()
    return name, content, file_problem(name, content)


@bp.get("/contracts/<ref>/onboarding/files/<file_id>")
@needs("contract:see")
def onboarding_file(ref: str, file_id: str) -> ResponseReturnValue:
    """Hand a file out as an attachment."""
    _, session, contract = opened(ref)
    row, document = find_file(session, contract, file_id)
    content = read_document(session, regions()[contract.region], document)
    return download(content, name=header_name(row.name), mimetype="application/octet-stream")


def _members(contract: Any) -> list[tuple[str, str]]:
    found = []
    for side in Side:
        organisation = queries.organisation_of(contract, side)
        name = queries.name_of(contract, side)
        found += [(m.person_id, f"{m.name}, {name}") for m in queries.members_of(organisation)]
    return found


def _page(
    ref: str,
    *,
    failed: tuple[str, OnboardingForm] | None = None,
    trouble: tuple[str, str] | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    actor, session, contract = opened(ref)
    side, states = queries.side_of(contract, actor), checklist(session, contract)
    if side is None:
        raise NotFound
    members = _members(contract)
    missing = [state for state in states if not state.is_done]
    return page(
        "contracts/onboarding.html",
        status,
        contract=contract,
        states=states,
        missing=missing,
        forms={s.item.key: _form(s, members, failed) for s in states},
        failed_item=failed[0] if failed else None,
        form=failed[1] if failed else None,
        trouble=trouble,
        failed=bool(trouble),
        files=files_of(session, contract),
        names=dict(members),
        side=side,
        sides={one: queries.name_of(contract, one) for one in Side},
        start=queries.service_start(contract),
        today=today(),
        may_tick=may(actor, "onboarding:tick"),
        accepted=ACCEPTED,
        ready=rules.is_ready(states),
    )


def _form(
    state: rules.State,
    members: list[tuple[str, str]],
    failed: tuple[str, OnboardingForm] | None,
) -> OnboardingForm:
    key = state.item.key
    if failed and failed[0] == key:
        return failed[1]
    data = {"owner": state.owner_id or "", "due": state.due.isoformat()}
    form = OnboardingForm(formdata=None, data=data, prefix="")
    form.offer(members)
    return form
