"""Monthly statements and the credit ledger."""

from decimal import Decimal, InvalidOperation
from typing import Any

from portal.api.routes.door import Ask, FileAnswer, Page, operation, paged
from portal.api.rules.problems import Problem
from portal.api.rules.shapes import Wrong, body, ref, text
from portal.contracts.queries import terms_in_force
from portal.residency.actions import read_document
from portal.statements import actions, queries
from portal.statements.models import Statement
from portal.statements.rules.settling import figure_names

TAG = "Statements and credits"
READ, WRITE = "statements:read", "statements:write"
REVISION = {"type": "integer", "minimum": 1, "maximum": 10_000}


def _row(ask: Ask, month: str) -> Statement:
    ask.session.expire_all()
    return queries.find_statement(ask.session, ask.contract, month)


def _listed(row: Statement) -> dict[str, Any]:
    standing, revision = queries.standing_of(row), queries.latest_revision(row)
    return {
        "month": row.month, "stage": standing.stage, "issued_at": row.issued_at,
        "confirmed_at": standing.confirmed_at, "accepted_at": standing.accepted_at,
        "revision": revision.number, "sha256": revision.sha256, "known_at": revision.known_at,
    }  # fmt: skip


@operation(
    "GET", "/contracts/{ref}/statements", scope=READ, needs="contract:see", tag=TAG, paged=True,
    answers=ref("Statement"), summary="List the months that were issued, newest first",
)  # fmt: skip
def list_statements(ask: Ask) -> Page:
    """The statements without their figures."""
    terms_in_force(ask.session, ask.contract, on=ask.now.date())
    rows = queries.statements_of(ask.session, ask.contract)
    return paged(ask, "list_statements", rows, _listed)


@operation(
    "GET", "/contracts/{ref}/statements/{month}", scope=READ, needs="contract:see", tag=TAG,
    answers=ref("StatementInFull"), summary="Read a month: every figure with what it rests on",
)  # fmt: skip
def read_statement(ask: Ask, month: str) -> dict[str, Any]:
    """One month as it stands."""
    row = _row(ask, month)
    return {
        **_listed(row), "figures": queries.latest_revision(row).figures,
        "words": [
            {"kind": one.kind, "at": one.at, "side": one.side, "figure": one.figure,
             "note": one.note}
            for one in row.events
        ],
    }  # fmt: skip


@operation(
    "GET", "/contracts/{ref}/statements/{month}/sealed.pdf", scope=READ, needs="contract:see",
    tag=TAG, kind="application/pdf", summary="Download the sealed statement of a month",
)  # fmt: skip
def read_sealed_statement(ask: Ask, month: str) -> FileAnswer:
    """The sealed file."""
    document = queries.sealed_document(ask.session, _row(ask, month))
    content = read_document(ask.session, ask.place, document)
    return FileAnswer(content, "application/pdf", f"statement-{ask.contract.id}-{month}.pdf")


@operation(
    "POST", "/contracts/{ref}/statements/{month}/confirmation", scope=WRITE,
    needs="statement:settle", tag=TAG, answers=ref("StatementInFull"),
    summary="As the vendor: stand by the figures, or object with a reason",
    body=body({"objection": text(2000)}, revision=REVISION),
)  # fmt: skip
def confirm_statement(ask: Ask, month: str) -> dict[str, Any]:
    """Confirm or object."""
    actions.confirm(
        *ask.args, _row(ask, month), revision=ask.body["revision"],
        objection=ask.body.get("objection"), at=ask.now,
    )  # fmt: skip
    return read_statement(ask, month)


@operation(
    "POST", "/contracts/{ref}/statements/{month}/acceptance", scope=WRITE,
    needs="statement:settle", tag=TAG, answers=ref("StatementInFull"),
    summary="As the customer: accept the figures; they are frozen",
    body=body(revision=REVISION),
)  # fmt: skip
def accept_statement(ask: Ask, month: str) -> dict[str, Any]:
    """Accept."""
    actions.accept(*ask.args, _row(ask, month), revision=ask.body["revision"], at=ask.now)
    return read_statement(ask, month)


@operation(
    "POST", "/contracts/{ref}/statements/{month}/dispute", scope=WRITE, needs="statement:settle",
    tag=TAG, answers=ref("StatementInFull"), summary="As the customer: dispute one figure",
    body=body(revision=REVISION, figure=text(40), reason=text(2000)),
)  # fmt: skip
def dispute_statement(ask: Ask, month: str) -> dict[str, Any]:
    """Dispute."""
    row = _row(ask, month)
    known = figure_names(queries.latest_revision(row).figures)
    if ask.body["figure"] not in known:
        wrong = Wrong("#/figure", f"Send one of: {', '.join(known)}.")
        raise Problem("invalid", errors=[wrong])
    actions.dispute(
        *ask.args, row, revision=ask.body["revision"], figure=ask.body["figure"],
        reason=ask.body["reason"], at=ask.now,
    )  # fmt: skip
    return read_statement(ask, month)


@operation(
    "POST", "/contracts/{ref}/statements/{month}/answer", scope=WRITE, needs="statement:settle",
    tag=TAG, answers=ref("StatementInFull"), summary="As the vendor: answer a dispute",
    body=body(reply=text(2000)),
)  # fmt: skip
def answer_dispute(ask: Ask, month: str) -> dict[str, Any]:
    """Answer."""
    actions.answer(*ask.args, _row(ask, month), reply=ask.body["reply"], at=ask.now)
    return read_statement(ask, month)


@operation(
    "POST", "/contracts/{ref}/statements/{month}/claim", scope=WRITE, needs="statement:settle",
    tag=TAG, answers=ref("StatementInFull"), summary="As the customer: claim the credit of a month",
)  # fmt: skip
def claim_credit(ask: Ask, month: str) -> dict[str, Any]:
    """Claim."""
    actions.claim_credit(*ask.args, _row(ask, month), at=ask.now)
    return read_statement(ask, month)


@operation(
    "POST", "/contracts/{ref}/statements/{month}/payment", scope=WRITE, needs="statement:settle",
    tag=TAG, answers=ref("StatementInFull"), summary="As the vendor: record how a credit was paid",
    body=body(how=text(300)),
)  # fmt: skip
def pay_credit(ask: Ask, month: str) -> dict[str, Any]:
    """Pay."""
    actions.pay_credit(*ask.args, _row(ask, month), how=ask.body["how"], at=ask.now)
    return read_statement(ask, month)


@operation(
    "GET", "/contracts/{ref}/credits", scope=READ, needs="contract:see", tag=TAG, paged=True,
    answers=ref("Credit"), summary="List the credit ledger, oldest line first",
)  # fmt: skip
def list_credits(ask: Ask) -> Page:
    """What was granted, what lapsed, what was paid."""
    terms_in_force(ask.session, ask.contract, on=ask.now.date())
    rows = queries.ledger_of(ask.session, ask.contract)
    return paged(ask, "list_credits", rows, _credit)


def _credit(line: Any) -> dict[str, Any]:
    row, entry = line
    value = entry.value
    money = None
    if value["amount"] and value["currency"]:
        money = {"amount": _decimal(value["amount"]), "currency": value["currency"]}
    return {
        "month": row.month, "kind": entry.kind, "at": entry.at,
        "percent_of_fee": _decimal(value["percent"]),
        "minutes_added": _decimal(value["extension"]), "money": money, "how": value["how"],
    }  # fmt: skip


def _decimal(text: str | None) -> str | None:
    """Return a stored number as a decimal; a fraction such as 1/3 is cut to four places."""
    if not text:
        return None
    try:
        return f"{Decimal(text):f}"
    except InvalidOperation:
        above, _, below = text.partition("/")
        return f"{(Decimal(above) / Decimal(below)).quantize(Decimal('0.0001')):f}"
