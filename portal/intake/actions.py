"""Bringing a file, reading it in the background, taking its good rows or dropping it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, joinedload

from portal.accounts.gate import actor_of
from portal.accounts.models import Membership
from portal.accounts.rules import Actor, demand
from portal.audit.actions import record
from portal.changes.actions import report_outage
from portal.changes.rules.plan import Effect
from portal.contracts.models import Contract
from portal.contracts.queries import find_contract, terms_in_force
from portal.intake import queries, rules
from portal.intake.models import Intake, IntakeFault
from portal.intake.rules import Kind
from portal.kit.db import directory_reader, transaction
from portal.kit.errors import NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.kit.words import count, say
from portal.residency.actions import fetch_document, store_document
from portal.residency.databases import RegionDatabase, Regions, one_transaction
from portal.residency.models import Document
from portal.residency.stores import StoreAway
from portal.statements.actions.imports import keep_import

PERMISSIONS = {Kind.INCIDENTS: "replay:import", Kind.OUTAGES: "outage:report"}
PIECE = 20_000
LOOKS = 50


def bring(
    session: Session, database: RegionDatabase, contract: Contract, actor: Actor, *, kind: Kind,
    name: str, content: bytes, at: datetime,
) -> Intake:  # fmt: skip
    """Keep a file to be read; `BadFile` where its first row is not what it should be."""
    demand(actor, PERMISSIONS[kind])
    terms_in_force(session, contract, on=at.date())
    if len(content) > rules.LARGEST_FILE:
        raise rules.BadFile(say("The file is larger than 32 MB."))
    _, begins = rules.read_header(content, kind)
    document = store_document(
        session, database, contract_id=contract.id, kind="intake", content=content, at=at
    )
    with transaction(session):
        session.add(document)
        session.flush()
        row = Intake(
            id=new_id(at), region=contract.region, contract_id=contract.id,
            organisation_id=actor.organisation_id, person_id=actor.person_id, kind=kind,
            document_id=document.id, created_at=at, total=len(content), place=begins, line=2,
            good=0, bad=0,
        )  # fmt: skip
        return put(session, row, name=name.strip()[:120] or "file.csv")


def confirm(
    session: Session, contract: Contract, actor: Actor, intake_id: str, *, at: datetime
) -> Intake:
    """Say that the good rows are to be taken, having seen the counts."""
    with transaction(session):
        row = queries.find_intake(session, contract, actor, intake_id)
        demand(actor, PERMISSIONS[Kind(row.kind)])
        if row.state != "read":
            raise Refused(say("This file is not ready to be taken."))
        if not row.good:
            raise Refused(say("There is no good row to take."))
        row.confirmed_at, row.person_id = at, actor.person_id
    return row


def drop(
    session: Session, contract: Contract, actor: Actor, intake_id: str, *, at: datetime
) -> None:
    """Leave a file; nothing of it is taken."""
    with transaction(session):
        row = queries.find_intake(session, contract, actor, intake_id)
        demand(actor, PERMISSIONS[Kind(row.kind)])
        if row.confirmed_at or row.dropped_at:
            raise Refused(say("This file was taken or left already."))
        row.dropped_at = at


# The worker's part


def work_on(regions: Regions, *, at: datetime) -> int:
    """Read on, or take, what waits in every region; return how many steps were made."""
    steps = 0
    for database in regions.databases.values():
        name = database.region.name
        for _ in range(LOOKS):
            waiting = queries.waiting_intakes(regions.session(name), at=at)
            regions.session(name).rollback()
            if not any(_step(regions, database, key, at) for key in waiting):
                break
            steps += 1
    return steps


def _step(regions: Regions, database: RegionDatabase, key: str, at: datetime) -> bool:
    """Do the next step of one file, if no other worker holds it."""
    session = regions.session(database.region.name)
    free = or_(Intake.leased_until.is_(None), Intake.leased_until < at)
    with transaction(session):
        held: Any = session.execute(
            update(Intake)
            .where(Intake.id == key, free)
            .values(leased_until=at + rules.LEASE)
            .execution_options(synchronize_session=False)
        )
    if held.rowcount != 1:
        return False
    row = session.get_one(Intake, key, populate_existing=True)
    try:
        content = fetch_document(session, database, session.get_one(Document, row.document_id))
    except StoreAway:  # read again once the lease has run out
        return False
    try:
        if row.checked_at is None:
            _read_on(session, key, content, at)
        else:
            _take(regions, database, key, content, at)
    except (Refused, NotFound) as refusal:
        session = regions.session(database.region.name)
        session.rollback()
        with transaction(session):
            broken = session.get_one(Intake, key, populate_existing=True)
            broken.problem = getattr(refusal, "message", "It can no longer be taken.")[:200]
            broken.leased_until = None
    return True


def _read_on(session: Session, key: str, content: bytes, at: datetime) -> None:
    """Check the next few thousand rows; their counts and faults are kept with the place."""
    with transaction(session):
        row = session.get_one(Intake, key, populate_existing=True)
        kind, names = Kind(row.kind), rules.read_header(content, Kind(row.kind))[0]
        contract = session.get_one(Contract, row.contract_id)
        modules = _modules(session, contract, at)
        kept = row.bad
        place, line = row.place, row.line
        for found, next_place, next_line in rules.rows_from(content, place, line, names):
            place, line = next_place, next_line
            faults = rules.faults_of(found, kind, modules=modules, now=at)
            row.good, row.bad = row.good + (not faults), row.bad + bool(faults)
            if faults and kept < rules.MOST_FAULTS:
                kept += 1
                session.add_all(_fault(row, fault, at) for fault in faults)
            if row.good + row.bad > rules.MOST_ROWS[kind]:
                raise rules.BadFile(
                    say(
                        "At most %(number)s rows fit in one file.",
                        number=count(rules.MOST_ROWS[kind]),
                    )
                )
        over = place == row.place or place >= row.total
        row.place, row.line, row.leased_until = max(place, row.place), line, None
        if over:
            row.place, row.checked_at = row.total, at


def _fault(row: Intake, fault: rules.Fault, at: datetime) -> IntakeFault:
    return IntakeFault(
        id=new_id(at), region=row.region, contract_id=row.contract_id, intake_id=row.id,
        line=fault.line, column=fault.column, says=fault.says,
    )  # fmt: skip


def _modules(session: Session, contract: Contract, at: datetime) -> frozenset[str]:
    terms = terms_in_force(session, contract, on=at.date())
    return frozenset(row["module"] for term in ("I1", "D5") for row in terms.get(term) or ())


def _good_rows(content: bytes, row: Intake, modules: frozenset[str]) -> Iterator[rules.Row]:
    """Yield the rows that were found good; judged as at the check, so that the counts agree."""
    kind, (names, place) = Kind(row.kind), rules.read_header(content, Kind(row.kind))
    checked = row.checked_at
    if checked is None:
        return
    for found, _, _ in rules.rows_from(content, place, 2, names, most=rules.MOST_ROWS[kind] + 1):
        if not rules.faults_of(found, kind, modules=modules, now=checked):
            yield found


def _take(
    regions: Regions, database: RegionDatabase, key: str, content: bytes, at: datetime
) -> None:
    """Take all good rows in one transaction: every one of them, or none."""
    with one_transaction(database) as session:
        row = session.get_one(Intake, key)
        if row.taken_at is not None:
            return
        actor = _actor(row)
        contract = find_contract(session, actor, row.contract_id)
        rows = _good_rows(content, row, _modules(session, contract, at))
        if Kind(row.kind) is Kind.INCIDENTS:
            taken = _keep_incidents(session, contract, actor, row, rows, at)
        else:
            taken = _report_outages(session, contract, actor, rows, at)
        if taken != row.good:
            raise Refused(say("The contract changed since the file was read. Bring it again."))
        row.taken_at, row.leased_until = at, None
        record(
            session, contract.id, "intake:file:taken", actor=actor.log, at=at,
            facts={"kind": row.kind, "rows": taken, "left": row.bad},
        )  # fmt: skip
        session.commit()


def _actor(row: Intake) -> Actor:
    """Return the member who confirmed it, with the roles of now."""
    with directory_reader() as directory:
        member = directory.scalar(
            select(Membership)
            .where(
                Membership.person_id == row.person_id,
                Membership.organisation_id == row.organisation_id,
                Membership.ended_at.is_(None),
            )
            .options(joinedload(Membership.person), joinedload(Membership.organisation))
        )
        if member is None:
            raise Refused(say("The member who confirmed it has left."))
        return actor_of(member)


def _keep_incidents(
    session: Session, contract: Contract, actor: Actor, row: Intake, rows: Iterator[rules.Row],
    at: datetime,
) -> int:  # fmt: skip
    """Keep them for replays in pieces, so that no more than one piece is held at a time."""
    taken, pieces = 0, 1 + (row.good - 1) // PIECE
    for number in range(1, pieces + 1):
        piece = [rules.incident_of(one) for _, one in zip(range(PIECE), rows, strict=False)]
        name = row.name if pieces == 1 else f"{row.name} ({number} of {pieces})"
        keep_import(session, contract, actor, name=name, rows=piece, at=at)
        taken += len(piece)
    return taken


def _report_outages(
    session: Session, contract: Contract, actor: Actor, rows: Iterator[rules.Row], at: datetime
) -> int:
    """Record them as one's own reports, which the other side confirms or disputes."""
    taken = 0
    for one in rows:
        begin, end = (rules.read_moment(one.cells[name]) for name in ("begin", "end"))
        if begin is None or end is None:
            raise Refused(say("A row changed since the file was read."))
        module = one.cells.get("module")
        report_outage(
            session, contract, actor, effect=Effect(one.cells["effect"].lower()),
            modules=[module] if module else [], begin=begin, end=end, seen=one.cells["seen"], at=at,
        )  # fmt: skip
        taken += 1
    return taken
