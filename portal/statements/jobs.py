"""What the worker does for statements: issue, accept by silence, let unclaimed credits lapse, seal.

Each is done once however often it is tried: a month has one statement by a unique key, a word is
added only while the stage asks for it, and a seal is filed only where there is none.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.contracts.actions import COMPLETED, walk
from portal.contracts.models import Contract
from portal.contracts.queries import service_end, terms_in_force
from portal.contracts.rules.document import canonical_bytes
from portal.kit.db import by_itself, transaction
from portal.kit.refs import new_id
from portal.residency.actions import store_document, taken_back
from portal.residency.databases import RegionDatabase, Regions, holding
from portal.settings.rules import Settings
from portal.signing.keys import portal_keys
from portal.statements import queries
from portal.statements.actions import accept_by_silence, issue
from portal.statements.actions.issuing import presume
from portal.statements.actions.ledger import expire_credits, let_lapse
from portal.statements.actions.words import add_word
from portal.statements.models import SealTry, Statement
from portal.statements.pdf import sealed_statement
from portal.statements.rules.month import Month, finished
from portal.statements.rules.settling import Stage

LOG = logging.getLogger("counterpart.statements")


AT_ONCE = 200
"""How many contracts are looked at together, besides those with news."""

Ends = Callable[[Session, Sequence[str]], Mapping[str, date]]
"""Says on which day the term that was last written of each contract ends, end-exclusive."""


def no_ends(_session: Session, _refs: Sequence[str]) -> Mapping[str, date]:
    """Know of no term's end."""
    return {}


def run_statements(
    regions: Regions, settings: Settings, *, at: datetime, ends: Ends = no_ends
) -> int:
    """Do everything that is due in every region; return how many things were done."""
    done = 0
    for database in regions.databases.values():
        with database.open_session() as session:
            done += issue_due(session, at=at, ends=ends)
            done += settle_due(session, at=at)
            done += seal_due(database, session, settings, at=at)
    return done


def issue_due(session: Session, *, at: datetime, ends: Ends = no_ends) -> int:
    """Issue every month that is over and has no statement, oldest first.

    The month in which a term ends waits until it is written whether that term was renewed.
    """
    with walk(session, "statements", COMPLETED, most=AT_ONCE) as some:
        owed = queries.contracts_owed(session, at=at, among=some)
        return issue_among(session, owed, at=at, ends=ends)


def issue_among(session: Session, refs: Sequence[str], *, at: datetime, ends: Ends) -> int:
    """Issue what is owed to these contracts; return how many statements."""
    issued, planned = 0, ends(session, refs)
    for ref, contract in [(one.id, one) for one in queries.served_contracts(session, refs)]:
        # A month waits for the one before it: the first that fails ends this contract's turn.
        with by_itself(session, f"statements of {ref}"):
            for month in _missing(session, contract, at=at, ends=planned.get(ref)):
                session.commit()
                with suppress(IntegrityError):  # another worker was first: it is undone
                    issued += issue(session, contract, month, at=at) is not None
    session.commit()
    return issued


def _missing(
    session: Session, contract: Contract, *, at: datetime, ends: date | None
) -> list[Month]:
    terms, over = terms_in_force(session, contract, on=at.date()), service_end(contract)
    have = queries.issued_months(session, contract)
    months = finished(queries.first_day(contract), at, terms, ends=over)
    if over is None and ends is not None:
        months = [month for month in months if month < Month(ends.year, ends.month)]
    return [month for month in months if str(month) not in have]


def settle_due(session: Session, *, at: datetime) -> int:
    """Do what silence asks for: presume, accept, let a credit lapse or end with its contract."""
    done = 0
    due = [(row.contract_id, row) for row in queries.statements_due(session, at=at)]
    for contract_id, row in due:
        with by_itself(session, f"silence of {contract_id}"), holding(session, contract_id):
            contract = session.get_one(Contract, contract_id)
            act = ACTS.get(Stage(row.stage), let_lapse)
            done += act(session, contract, row, at=at)
    for contract_id in list(queries.ended_with_credits(session)):
        with by_itself(session, f"credits of {contract_id}"), holding(session, contract_id):
            done += expire_credits(session, session.get_one(Contract, contract_id), at=at)
    session.commit()
    return done


ACTS = {
    Stage.ISSUED: presume,
    Stage.OBJECTED: presume,
    Stage.CONFIRMED: accept_by_silence,
}


def seal_due(
    database: RegionDatabase, session: Session, settings: Settings, *, at: datetime
) -> int:
    """Seal every accepted statement; a failure is kept for both sides to see and tried again."""
    sealed = 0
    for row in queries.statements_at(session, [Stage.ACCEPTED]):
        contract = session.get_one(Contract, row.contract_id)
        try:
            sealed += _seal(database, session, settings, contract, row, at=at)
        except Exception as failure:
            session.rollback()
            LOG.exception("%s: the statement of %s could not be sealed", contract.id, row.month)
            with transaction(session):
                session.add(SealTry(
                    id=new_id(at), region=contract.region, contract_id=contract.id,
                    statement_id=row.id, at=at, message=type(failure).__name__,
                ))  # fmt: skip
    session.commit()
    return sealed


def _seal(
    database: RegionDatabase, session: Session, settings: Settings, contract: Contract,
    row: Statement, *, at: datetime,
) -> bool:  # fmt: skip
    revision = row.revisions[-1]
    words = report_words(contract, row, operator=settings.operator)
    canonical, created = canonical_bytes(revision.figures), revision.known_at.isoformat()
    # Setting and sealing take a second: never inside a transaction.
    session.commit()
    content = sealed_statement(
        words, canonical, portal_keys(settings, at=at), created=created, at=at
    )
    document = store_document(
        session, database, contract_id=contract.id, kind="statement", content=content, at=at
    )
    with taken_back(database, document), transaction(session):
        session.refresh(row)
        if row.stage != Stage.ACCEPTED:
            return False
        session.add(document)
        session.flush()
        add_word(
            session, contract, row, "sealed", actor=None, at=at, document_id=document.id,
            facts={"file_sha256": document.sha256},
        )  # fmt: skip
    return True


def report_words(contract: Contract, row: Statement, *, operator: str) -> dict[str, object]:
    """Return what the report prints."""
    revision, found = row.revisions[-1], queries.standing_of(row)
    return {
        "title": f"Statement of {Month.read(row.month).words}",
        "contract_title": contract.title,
        "ref": contract.id,
        "vendor": contract.vendor_name,
        "customer": contract.customer_name,
        "figures": revision.figures,
        "revision": revision.number,
        "sha256": revision.sha256,
        "issued_at": row.issued_at.isoformat(timespec="seconds"),
        "accepted_at": found.accepted_at.isoformat(timespec="seconds") if found.accepted_at else "",
        "by_silence": any(event.kind == "lapsed" for event in row.events),
        "operator": operator,
    }
