"""The credit ledger both sides see."""

from decimal import Decimal

from flask import Response
from flask.typing import ResponseReturnValue

from portal.kit.csv_file import csv_bytes
from portal.kit.web import download, needs, page
from portal.statements import queries
from portal.statements.models import CreditEntry, Statement
from portal.statements.routes.doors import bp, visit
from portal.statements.rules.month import Month

KIND_WORDS = {"granted": "Granted", "lapsed": "Lapsed: not claimed in time", "paid": "Paid"}
KINDS = {"granted": "agreed", "lapsed": "warn", "paid": "good"}


@bp.get("/contracts/<ref>/credits")
@needs("contract:see")
def ledger(ref: str) -> ResponseReturnValue:
    """Show what was granted, what lapsed, what was paid and what is still owed."""
    seen = visit(ref)
    rows = [
        (row, entry, entry.value) for row, entry in queries.ledger_of(seen.session, seen.contract)
    ]
    return page(
        "statements/credits.html", **seen.frame(), rows=rows, owed=_owed(rows),
        kind_words=KIND_WORDS, kinds=KINDS, words_of=lambda text: Month.read(text).words,
    )  # fmt: skip


def _owed(rows: list[tuple[Statement, CreditEntry, dict[str, str | None]]]) -> dict[str, Decimal]:
    """Return what is granted and not paid yet, by currency."""
    owed: dict[str, Decimal] = {}
    for _, entry, value in rows:
        if value["amount"] and value["currency"] and entry.kind in ("granted", "paid"):
            sign = 1 if entry.kind == "granted" else -1
            owed.setdefault(value["currency"], Decimal(0))
            owed[value["currency"]] += sign * Decimal(value["amount"])
    return {currency: amount for currency, amount in owed.items() if amount}


@bp.get("/contracts/<ref>/credits.csv")
@needs("contract:see")
def ledger_file(ref: str) -> Response:
    """Give the ledger as a table."""
    seen = visit(ref)
    rows = [
        (row.month, entry.kind, entry.at.isoformat(timespec="seconds"), value["percent"],
         value["amount"], value["currency"], value["how"])
        for row, entry in queries.ledger_of(seen.session, seen.contract)
        for value in [entry.value]
    ]  # fmt: skip
    header = ("month", "kind", "at", "percent_of_fee", "amount", "currency", "how")
    return download(csv_bytes(header, rows), name=f"credits-{ref}.csv", mimetype="text/csv")
