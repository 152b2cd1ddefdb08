"""Failed sign-ins of an organisation's own members, for its administrators (45 CFR 164.308)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import current_actor, demand_declared
from portal.accounts.models import Person
from portal.accounts.queries import FailedSignIn, failed_sign_ins
from portal.accounts.rules import Actor
from portal.admin.routes.doors import bp
from portal.kit import clock
from portal.kit.csv_file import csv_bytes
from portal.kit.web import download, needs, page
from portal.kit.words import say, say_n

SPANS, DEFAULT, MOST = (1, 7, 30, 90), 30, 500
PROOFS = {
    "password": say("The password"),
    "code": say("The code"),
    "recovery_code": say("The recovery code"),
    "passkey": say("The passkey"),
}


@dataclass(frozen=True)
class OfPerson:
    """How often sign-ins of a member failed, how often no try was left, and when it last was."""

    person: Person
    failed: int
    locked: int
    last: datetime


def _by_person(rows: Sequence[FailedSignIn]) -> list[OfPerson]:
    """Return a line a member; those with the most first."""
    found: dict[str, list[FailedSignIn]] = {}
    for row in rows:
        found.setdefault(row.person.id, []).append(row)
    lines = [
        OfPerson(some[0].person, len(some), sum(one.locked for one in some), some[0].at)
        for some in found.values()
    ]
    return sorted(lines, key=lambda one: (-one.failed, one.person.name))


def _asked() -> tuple[Actor, int, list[FailedSignIn]]:
    actor = current_actor()
    demand_declared(actor)
    days = request.args.get("days", DEFAULT, type=int)
    days = days if days in SPANS else DEFAULT
    since = clock.now() - timedelta(days=days)
    return actor, days, failed_sign_ins(actor, since=since, most=MOST)


def _spans(days: int) -> list[dict[str, object]]:
    """Return how far back one may look."""
    return [
        {
            "label": say_n("%(num)s day", "%(num)s days", one),
            "href": url_for("admin.failed_sign_ins_page", days=one),
            "current": one == days,
        }
        for one in SPANS
    ]


@bp.get("/organisation/sign-ins")
@needs("member:edit")
def failed_sign_ins_page() -> ResponseReturnValue:
    """Show which sign-ins of members failed, by person and each."""
    actor, days, rows = _asked()
    return page(
        "admin/sign_ins/index.html", actor=actor, days=days, spans=_spans(days), rows=rows,
        people=_by_person(rows), proofs=PROOFS, most=MOST,
    )  # fmt: skip


@bp.get("/organisation/sign-ins.csv")
@needs("member:edit")
def failed_sign_ins_csv() -> Response:
    """Hand the same out as a table."""
    _, _, rows = _asked()
    table = [
        (clock.stamp(row.at), row.person.name, row.person.email, row.proof,
         "yes" if row.locked else "no")
        for row in rows
    ]  # fmt: skip
    header = ("At", "Name", "Address", "Wrong", "No try left")
    return download(csv_bytes(header, table), name="failed-sign-ins.csv", mimetype="text/csv")
