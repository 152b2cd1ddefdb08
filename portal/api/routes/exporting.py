"""Everything an organisation owns in one file: what the API answers to each question, as files.

The handlers of the operations are asked as the administrator who exports, so that the file holds
what that member may read and nothing of the other side's own. It is built in a temporary file and
no transaction stays open for it but the readers of its databases.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import Response, send_file
from flask.typing import ResponseReturnValue

from portal.accounts import gate
from portal.accounts.gate import current_actor
from portal.accounts.rules import demand, may
from portal.api.actions import note_export
from portal.api.routes.door import OPERATIONS, Ask, FileAnswer, bp, cursors
from portal.api.rules.operations import PAGE_MOST, Operation
from portal.api.rules.values import plain
from portal.contracts.queries import find_contract
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.csv_file import csv_bytes
from portal.kit.db import reading
from portal.kit.errors import NotFound, Refused
from portal.kit.web import needs, page
from portal.negotiation.queries import notes_of, playbook_of, playbook_versions
from portal.profiles.actions import note_listed
from portal.residency.databases import Regions, regions

# Details are asked of each thing that a list names: list, key of the thing, details.
DETAILS = (
    ("list_incidents", "number", ("read_incident", "read_clocks")),
    ("list_changes", "ref", ("read_change",)),
    ("list_statements", "month", ("read_statement", "read_sealed_statement")),
    ("list_templates", "id", ("read_template",)),
)
COLUMNS = ("ref", "title", "state", "side", "region", "created_at", "completed_at")
READ_ME = """What this organisation owns in the portal, as its API answers it.

organisation/   the organisation, its members, templates, plans, playbook
contracts.csv   the contracts as a table
contracts/REF/  one folder a contract: terms, people, rounds, comments and notes, incidents,
                changes, outages, statements, credits, renewal, reviews, log, deed, evidence

evidence.zip of a contract proves itself without the portal: see docs/evidence.md.
"""


@bp.get("/organisation/export")
@needs("data:export")
def export() -> ResponseReturnValue:
    """Say what the export holds, before it is made."""
    actor = current_actor()
    demand(actor, "data:export")
    return page("api/export.html", actor=actor)


@bp.post("/organisation/export")
@needs("data:export")
def make_export() -> Response:
    """Make the file, and note that it was made."""
    now = clock.now()
    actor = gate.proven_actor(now)
    ask = Ask(actor, now)
    refs = [row["ref"] for row in _rows(_named("list_contracts"), ask)]
    note_export(actor, contracts=len(refs), at=now)
    note_listed(regions().each(), actor.log, refs, what="export of everything", at=now)
    file = tempfile.TemporaryFile()  # noqa: SIM115  sent after this function has returned
    # From here on it only reads, however long it takes: nobody waits for a write lock of its.
    Regions.close()
    before = reading.set(True)
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in _files(ask, refs):
                archive.writestr(name, content)
    finally:
        reading.reset(before)
    file.seek(0)
    name = f"counterpart-{now:%Y-%m-%d}.zip"
    response = send_file(file, "application/zip", as_attachment=True, download_name=name)
    response.call_on_close(file.close)
    return response


def _named(name: str) -> Operation:
    return next(one for one in OPERATIONS if one.name == name)


def _files(ask: Ask, refs: list[str]) -> Iterator[tuple[str, bytes]]:
    yield "README.txt", READ_ME.encode()
    listed = list(_rows(_named("list_contracts"), ask))
    yield "contracts.csv", csv_bytes(COLUMNS, [[row[c] for c in COLUMNS] for row in listed])
    for one in OPERATIONS:
        if one.method == "GET" and not one.parameters and may(ask.actor, one.needs):
            yield from _answers(one, ask, "organisation")
    yield from _playbook(ask)
    for ref in refs:
        session = regions().session_of(ref)
        mine = replace(ask, found=find_contract(session, ask.actor, ref))
        for one in OPERATIONS:
            if one.method == "GET" and one.parameters == ["ref"] and may(ask.actor, one.needs):
                yield from _answers(one, mine, f"contracts/{ref}")
        notes = notes_of(session, mine.contract, mine.side)
        yield f"contracts/{ref}/notes.json", _json(notes)
        session.expunge_all()


def _playbook(ask: Ask) -> Iterator[tuple[str, bytes]]:
    sides = {side.value: playbook_of(ask.actor.organisation_id, side) for side in Side}
    told = {"versions": playbook_versions(ask.actor), "sides": sides}
    yield "organisation/playbook.json", _json(told)


def _answers(one: Operation, ask: Ask, folder: str) -> Iterator[tuple[str, bytes]]:
    """Yield what one question is answered with, and the details of what it lists."""
    name = one.path.rpartition("/")[2].replace("{ref}", "contract")
    if one.paged:
        rows = list(_rows(one, ask))
        yield f"{folder}/{name}.json", _json(rows)
        for listing, key, details in DETAILS:
            if listing == one.name:
                for row in rows:
                    for detail in details:
                        yield from _detail(_named(detail), ask, folder, name, row[key])
        return
    said = _asked(one, ask)
    if isinstance(said, FileAnswer):
        yield f"{folder}/{name}", said.content
    elif said is not None:
        yield f"{folder}/{name}.json", _json(said)


def _detail(
    one: Operation, ask: Ask, folder: str, name: str, key: Any
) -> Iterator[tuple[str, bytes]]:
    said = _asked(one, ask, **{one.parameters[-1]: key})
    if isinstance(said, FileAnswer):
        yield f"{folder}/{name}/{key}.pdf", said.content
    elif said is not None:
        what = "-clocks" if one.name == "read_clocks" else ""
        yield f"{folder}/{name}/{key}{what}.json", _json(said)


def _asked(one: Operation, ask: Ask, **values: Any) -> Any:
    """Ask one operation; what is not there yet, such as a deed, is left out."""
    try:
        return one.run(ask, **values)
    except (NotFound, Refused):
        return None


def _rows(one: Operation, ask: Ask) -> Iterator[dict[str, Any]]:
    """Yield the rows of a list through all its pages."""
    query: dict[str, Any] = {"limit": PAGE_MOST}
    while True:
        found = _asked(one, replace(ask, query=query))
        if found is None:
            return
        yield from plain(found.items)
        if found.next is None:
            return
        query = {"limit": PAGE_MOST, "cursor": cursors(one, ask).write(plain(found.next))}


def _json(value: Any) -> bytes:
    text = json.dumps(plain(value), ensure_ascii=False, indent=1, default=str)
    return text.encode() + b"\n"
