"""`counterpart renewals`: the dates of a contract on the command line, one JSON object a line."""

import json
import sys
from typing import Any

import click

from portal.kit.errors import Refused
from portal.renewals.rules.lines import answer


@click.group()
def renewals() -> None:
    """Work out when terms end and by when notice must be given."""


@renewals.command()
def when() -> None:
    """Answer each JSON line of standard input with its dates and their working.

    A line holds id, start, initial_months and as_of, and as far as they apply renewal_months,
    max_renewals, pilot_months, ends_with, notice_months (or notice_days, notice_business_days),
    roll, open_days, holidays, reminder_days_before_notice, price_notice_days. A line that cannot
    be read is named on standard error, the rest go on, and the exit code is 1.
    """
    unread = 0
    for number, text in enumerate(sys.stdin.buffer, start=1):
        if not text.strip():
            continue
        try:
            click.echo(json.dumps(answer(_read(text)), ensure_ascii=False))
        except Refused as refusal:
            unread += 1
            click.echo(f"line {number}: {refusal}", err=True)
    if unread:
        sys.exit(1)


def _read(text: bytes) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("This is not a JSON object.") from None
    if not isinstance(line, dict):
        raise Refused("A line is a JSON object.")
    return line
