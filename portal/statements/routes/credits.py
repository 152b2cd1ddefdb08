"""The credit ledger both sides see."""

from flask import Response
from flask.typing import ResponseReturnValue

from portal.kit.csv_file import csv_bytes
from portal.kit.web import download, needs, page
from portal.kit.words import say
from portal.statements import queries
from portal.statements.routes.doors import bp, visit
from portal.statements.rules.ledger import SIGNS
from portal.statements.rules.month import Month

KIND_WORDS = {
    "granted": say("Granted"),
    "lapsed": say("Lapsed: not claimed in time"),
    "interest": say("Interest for late payment"),
    "returned": say("Earned back by good months"),
    "expired": say("Expired with the contract"),
    "paid": say("Paid"),
}
KINDS = {
    "granted": "agreed", "lapsed": "warn", "interest": "agreed", "returned": "warn",
    "expired": "warn", "paid": "good",
}  # fmt: skip


@bp.get("/contracts/<ref>/credits")
@needs("contract:see")
def ledger(ref: str) -> ResponseReturnValue:
    """Show what was granted, what took from it, what was paid and what is still owed."""
    seen = visit(ref)
    rows = [
        (row, entry, entry.value) for row, entry in queries.ledger_of(seen.session, seen.contract)
    ]
    return page(
        "statements/credits.html", **seen.frame(), rows=rows, kind_words=KIND_WORDS, kinds=KINDS,
        account=queries.account_of(seen.session, seen.contract, on=seen.now), signs=SIGNS,
        words_of=lambda text: Month.read(text).words,
    )  # fmt: skip


@bp.get("/contracts/<ref>/credits.csv")
@needs("contract:see")
def ledger_file(ref: str) -> Response:
    """Give the ledger as a table."""
    seen = visit(ref)
    rows = [
        (row.month, entry.kind, entry.at.isoformat(timespec="seconds"), value["percent"],
         value["amount"], value["currency"], value["extension"], value["how"])
        for row, entry in queries.ledger_of(seen.session, seen.contract)
        for value in [entry.value]
    ]  # fmt: skip
    header = ("month", "kind", "at", "percent_of_fee", "amount", "currency", "minutes_added", "how")
    return download(csv_bytes(header, rows), name=f"credits-{ref}.csv", mimetype="text/csv")
