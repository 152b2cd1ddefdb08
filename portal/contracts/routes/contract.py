"""One contract: its overview, agreement and log, and withdrawing it."""

from flask import current_app, flash, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.accounts.rules import Actor, may
from portal.audit.queries import bodies, head, lines
from portal.audit.rules import check_chain
from portal.audit.sentences import by_day
from portal.contracts import actions, queries
from portal.contracts.docx import terms_docx
from portal.contracts.forms.life import WithdrawalForm
from portal.contracts.models import Contract, Version
from portal.contracts.routes.doors import bp, doors_of, opened, region_labels, step_url, today
from portal.contracts.rules import listing, waiting
from portal.contracts.rules.freezing import pins_of
from portal.contracts.rules.life import OVER, RUNNING, STATE_WORDS, State, completed_at
from portal.contracts.rules.reading import deed_context, key_facts
from portal.contracts.rules.waiting import STEP_WORDS
from portal.kit import clock
from portal.kit.csv_file import csv_bytes
from portal.kit.errors import NotFound, Refused
from portal.kit.web import download, needs, page, see_other
from portal.kit.words import in_a_row, say
from portal.signing.pdf import seen, table_cells
from portal.signing.queries import signatures_of
from portal.terms.rules import load_schema
from portal.terms.rules import show as in_words
from portal.terms.rules.standard import load_standard_terms


@bp.get("/contracts/<ref>")
@needs("contract:see")
def show(ref: str) -> ResponseReturnValue:
    """Show where a contract stands, who takes part, and the one thing to do next."""
    actor, session, contract = opened(ref)
    standing = queries.standing(contract, actor, today=today())
    next_move, doors = waiting.next_step(standing), doors_of(contract)
    version = queries.current_version(contract)
    done = standing.state in RUNNING | OVER | {State.COMPLETED}
    return page(
        "contracts/show.html",
        contract=contract,
        state_words=STATE_WORDS[standing.state],
        state_kind=listing.KINDS.get(standing.state),
        next=next_move,
        next_href=doors[next_move.door],
        done=done,
        in_force=standing.state in RUNNING,
        ended=queries.ended(contract),
        doors=doors,
        steps=_steps(contract, standing),
        signing=standing.state is State.SIGNING,
        has_deed=done or standing.state in {State.SIGNING, State.SEALING},
        slots=queries.signing_order(contract, today=today()),
        sides=queries.people_of(contract),
        pins=pins_of(contract),
        completed_at=completed_at(queries.dated_facts(contract)),
        archived_on=queries.archive_dates([contract], today=today()).get(contract.id),
        archive_days=queries.template_of(contract).settings["archive_days"] if done else 0,
        today=today(),
        service_start=queries.service_start(contract),
        version=version,
        identified=_identified(session, version),
        key_facts=_key_facts(contract) if done else [],
        region_label=region_labels()[contract.region],
        may_edit_people=standing.state in waiting.OPEN and may(actor, "contract:edit_people"),
        may_withdraw=waiting.may_withdraw(standing.state) and may(actor, "contract:withdraw"),
        may_void=waiting.may_void(standing.state) and may(actor, "signing:void"),
    )


def _identified(session: Session, version: Version | None) -> dict[int, str]:
    """Return how each person who signed was identified, in words, by position."""
    if version is None:
        return {}
    told: dict[int, str] = {}
    for line in signatures_of(session, version):
        known = dict(line.identified)
        if known:
            told[line.position] = in_a_row((known["Account"], known["Second factor"]), "; ")
    return told


def _steps(contract: Contract, standing: waiting.Standing) -> list[dict[str, str]]:
    kinds = {"Done": "good", "Next": "yours", "To do": ""}
    return [
        {
            "label": STEP_WORDS[step],
            "href": step_url(contract, step),
            "state": words,
            "kind": kinds[words],
        }
        for step, words in waiting.steps_done(standing)
    ]


def _key_facts(contract: Contract) -> list[tuple[str, str]]:
    version = queries.current_version(contract)
    if version is None:
        return []
    return key_facts(version.canonical, load_schema(contract.schema_version))


@bp.get("/contracts/<ref>/agreement")
@needs("contract:see")
def agreement(ref: str) -> ResponseReturnValue:
    """Show the frozen agreement in full, from the view model the deed is set from."""
    _, session, contract = opened(ref)
    version = queries.current_version(contract)
    if version is None:
        raise NotFound
    schema = load_schema(contract.schema_version)
    deed = deed_context(
        version.canonical,
        schema,
        load_standard_terms(contract.standard_version),
        sha256=version.sha256,
        operator=current_app.config["SETTINGS"].operator,
        region_label=region_labels()[contract.region],
        entry_head=head(session, contract.id),
    )
    columns = {t.id: [c.label for c in t.columns] for t in schema.terms.values() if t.columns}
    return page(
        "contracts/agreement.html", contract=contract, deed=seen(deed), columns=columns,
        cells=table_cells,
    )  # fmt: skip


@bp.get("/contracts/<ref>/agreement.docx")
@needs("contract:see")
def agreement_docx(ref: str) -> ResponseReturnValue:
    """Give the frozen terms as a Word document."""
    _, _, contract = opened(ref)
    version = queries.current_version(contract)
    if version is None:
        raise NotFound
    content = terms_docx(
        version.canonical, load_schema(contract.schema_version), sha256=version.sha256
    )
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    return download(content, name=f"{contract.id}-v{version.number}.docx", mimetype=kind)


@bp.get("/contracts/<ref>/agreement.csv")
@needs("contract:see")
def agreement_csv(ref: str) -> ResponseReturnValue:
    """Give the frozen terms as a table."""
    _, _, contract = opened(ref)
    version = queries.current_version(contract)
    if version is None:
        raise NotFound
    terms, known = version.canonical["terms"], load_schema(contract.schema_version).terms
    rows = [
        (t.id, t.group, t.label, in_words(t, terms[t.id])) for t in known.values() if t.id in terms
    ]
    clauses = version.canonical["special_terms"]
    rows += [(one["number"], "X", one["title"], one["text"]) for one in clauses]
    header = ("code", "chapter", "term", "value")
    return download(
        csv_bytes(header, rows), name=f"{contract.id}-v{version.number}.csv", mimetype="text/csv"
    )


@bp.get("/contracts/<ref>/log")
@needs("log:read")
def log(ref: str) -> ResponseReturnValue:
    """Show the contract's entries as sentences, after checking their chain."""
    _, session, contract = opened(ref)
    entries = lines(session, contract.id)
    texts = bodies(session, contract.id)
    stored = [(e.seq, e.hash, text) for e, text in zip(entries, texts, strict=True)]
    return page(
        "contracts/log.html",
        contract=contract,
        days=by_day(entries),
        count=len(entries),
        head=entries[-1].hash if entries else None,
        findings=check_chain(contract.id, stored),
    )


@bp.get("/contracts/<ref>/withdrawal")
@needs("contract:withdraw")
def withdrawal(ref: str) -> ResponseReturnValue:
    """Ask for the reason before a contract is withdrawn."""
    actor, _, contract = opened(ref)
    where = queries.state(contract, today=today())
    if waiting.may_void(where):
        raise Refused(say("The terms are frozen: void the signing instead of withdrawing."))
    if not waiting.may_withdraw(where):
        raise Refused(say("This contract can no longer be withdrawn."))
    return _withdrawal_page(contract, actor, WithdrawalForm(formdata=None))


@bp.post("/contracts/<ref>/withdrawal")
@needs("contract:withdraw")
def withdraw(ref: str) -> ResponseReturnValue:
    """Withdraw the contract and tell both sides."""
    actor, session, contract = opened(ref)
    form = WithdrawalForm()
    if not form.validate_on_submit():
        return _withdrawal_page(contract, actor, form, status=422)
    actions.withdraw(session, contract, actor, reason=form.reason.data, at=clock.now())
    flash(say("The contract is withdrawn. Both sides are told."), "good")
    return see_other(url_for("contracts.show", ref=ref))


def _withdrawal_page(
    contract: Contract, actor: Actor, form: WithdrawalForm, *, status: int = 200
) -> ResponseReturnValue:
    side = queries.side_of(contract, actor)
    other = queries.name_of(contract, side.other) if side else ""
    return page("contracts/confirm.html", status, contract=contract, form=form, other_name=other)
