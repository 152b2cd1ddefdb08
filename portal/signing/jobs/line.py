"""Takes each deed as far as it goes: which step is next, filing its outcome, telling a failure.

Each step renders or signs outside any transaction, then files its revision in one: unique
(version, revision) makes one of two workers at the same step lose, and the loser discards its own.
On PostgreSQL, where there are many, one at a time is at a deed and the others go on to the next.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.contracts.models import Contract
from portal.contracts.queries import current_version, state
from portal.kit.db import alone_with, transaction
from portal.kit.faults import fault_of
from portal.kit.refs import new_id
from portal.kit.vault import CannotOpen
from portal.kit.words import say
from portal.residency.actions import store_document, taken_back
from portal.residency.databases import RegionDatabase, Regions
from portal.residency.stores import CannotRead, CannotStore
from portal.settings.rules import Settings
from portal.signing import queries
from portal.signing.actions import alert_administrators, hold
from portal.signing.jobs.bench import Bench, CannotSeal, Made
from portal.signing.jobs.steps import apply_signature, prepare, seal_deed
from portal.signing.models import Deed, SealFailure
from portal.signing.own_seal import BadKeys
from portal.signing.pdf import DeedFailed
from portal.signing.queries import SEALED
from portal.signing.rules import retry_at

LOG = logging.getLogger("counterpart.signing")

Step = Callable[[Bench, Deed | None], Made]


def run_jobs(regions: Regions, settings: Settings, *, at: datetime) -> int:
    """Take every deed of every region as far as it goes now; return how many steps were made."""
    made = 0
    for database in regions.databases.values():
        with database.open_session() as session:
            waiting = queries.contracts_to_work_on(session, today=at.date())
            session.commit()
            for ref in waiting:
                made += advance(database, session, settings, ref, at=at)
    return made


def advance(
    database: RegionDatabase,
    session: Session,
    settings: Settings,
    ref: str,
    *,
    at: datetime,
    up_to_seal: bool = False,
) -> int:
    """Take one contract's deed as far as it goes; return how many steps were made.

    A step that fails is remembered, shown to both sides, and tried again later; the signatures
    stand all the same. `up_to_seal` leaves the seal, which takes seconds to check, for later.
    Where somebody else is at this deed nothing is done: they look again after each step.
    """
    with alone_with(database.engine, f"deed {ref}") as mine:
        return _advance(database, session, settings, ref, at, up_to_seal) if mine else 0


def _advance(
    database: RegionDatabase,
    session: Session,
    settings: Settings,
    ref: str,
    at: datetime,
    up_to_seal: bool,
) -> int:
    made = 0
    while True:
        session.expire_all()
        bench = _bench(database, session, settings, ref, at=at)
        step = _next_step(bench) if bench else None
        if bench is None or step is None or (up_to_seal and step is seal_deed):
            session.commit()
            return made
        if not _try(bench, step):
            return made
        made += 1


def _bench(
    database: RegionDatabase, session: Session, settings: Settings, ref: str, *, at: datetime
) -> Bench | None:
    contract = session.get_one(Contract, ref)
    version = current_version(contract)
    if version is None or state(contract, today=at.date()) not in queries.TO_WORK_ON:
        return None
    return Bench(database, session, settings, contract, version, at)


def _next_step(bench: Bench) -> Step | None:
    deed = queries.latest_deed(bench.session, bench.version)
    failures = queries.failures_since(bench.session, bench.version, deed)
    wait = retry_at([failure.at for failure in failures])
    if wait is not None and bench.at < wait:
        return None
    if deed is None:
        return prepare
    seats = queries.seats(bench.session, bench.contract, bench.version)
    signed = sum(seat.is_signed for seat in seats)
    if deed.revision < signed:
        return apply_signature
    all_applied = deed.revision == len(seats) == signed
    return seal_deed if all_applied and deed.kind != SEALED else None


def _try(bench: Bench, step: Step) -> bool:
    """Make and file one step; a failure is written down and does not undo a signature."""
    session, ref = bench.session, bench.contract.id
    try:
        before = queries.latest_deed(session, bench.version)
        made = step(bench, before)
        _file(bench, before, made)
    except Exception as failure:  # whatever breaks here, the act stands and both sides are told
        session.rollback()
        fault = fault_of(failure) if isinstance(failure, SQLAlchemyError) else None
        if fault is not None:
            # Nothing is wrong with the deed: the next look makes this step.
            LOG.warning("deed of %s: %s waits, database %s", ref, step.__name__, fault)
            return False
        LOG.exception("deed of %s: %s failed", ref, step.__name__)
        _remember(bench, failure)
        return False
    return True


def _file(bench: Bench, before: Deed | None, made: Made) -> None:
    """Add a revision in one transaction, or discard it where another process was first."""
    session = bench.session
    revision = 0 if before is None else before.revision + 1
    document, *beside = [
        store_document(
            session, bench.database, contract_id=bench.contract.id, kind=kind, content=content,
            at=bench.at,
        )
        for kind, content in (("deed", made.content), *made.beside)
    ]  # fmt: skip
    try:
        with taken_back(bench.database, document, *beside), transaction(session):
            hold(session, bench.contract)
            if not _still_due(bench, revision):
                return
            session.add_all([document, *beside])
            session.flush()
            deed = Deed(
                id=new_id(bench.at), region=bench.contract.region, contract_id=bench.contract.id,
                version_id=bench.version.id, revision=revision, kind=made.kind,
                document_id=document.id, sha256=document.sha256, made_at=bench.at,
                signature_id=made.signature_id, renew_by=made.renew_by,
                stamp_due=int(made.stamp_due),
            )  # fmt: skip
            session.add(deed)
            session.flush()
            made.finish(bench, deed)
    except IntegrityError:
        latest = queries.latest_deed(session, bench.version)
        if latest is None or latest.revision < revision:
            raise


def _still_due(bench: Bench, revision: int) -> bool:
    latest = queries.latest_deed(bench.session, bench.version)
    where = state(bench.contract, today=bench.at.date())
    standing = bench.version.voided_at is None and where in queries.TO_WORK_ON
    return standing and revision == (0 if latest is None else latest.revision + 1)


def _told(failure: Exception) -> str:
    """Say what failed in words fit for both sides; the log of the worker says the rest."""
    match failure:
        case DeedFailed(message=message):
            return message
        case CannotSeal():
            return str(failure)
        case CannotStore():
            return say("The document store takes no file now.")
        case CannotRead():
            return say("The document store gives no file now.")
        case BadKeys() | CannotOpen():
            return say("The portal's keys cannot be used now.")
        case OSError():
            return say("A file that the portal needs cannot be read or written now.")
        case _:
            return f"{type(failure).__name__} while working on the deed."


def _remember(bench: Bench, failure: Exception) -> None:
    with transaction(bench.session) as session:
        deed = queries.latest_deed(session, bench.version)
        tries = len(queries.failures_since(session, bench.version, deed)) + 1
        session.add(
            SealFailure(
                id=new_id(bench.at), region=bench.contract.region,
                contract_id=bench.contract.id, version_id=bench.version.id, at=bench.at,
                message=_told(failure)[:300],
            )
        )  # fmt: skip
        record(
            session, bench.contract.id, "signing:deed:failed", actor=PORTAL, at=bench.at,
            facts={"version": bench.version.number, "tries": tries},
        )  # fmt: skip
        alert_administrators(session, bench.contract, bench.at, tries=tries, cause=failure)
