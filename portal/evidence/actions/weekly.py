"""The state of the log, mailed to both sides of a contract once a week in which it grew.

A receipt comes with each round, signature and completion. What happens between them, such as the
incidents of a week, is fixed by this one: its head covers all entries before it.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.audit import queries as log
from portal.audit.models import RegionCheckpoint, RegionEntry
from portal.audit.rules import Receipt, read_note, receipt_text
from portal.contracts.models import Contract
from portal.evidence import rules
from portal.kit import clock
from portal.kit.db import transaction
from portal.kit.words import say_n
from portal.notices.actions import tell
from portal.notices.models import RegionNotice
from portal.residency.databases import Regions
from portal.signing.actions import everyone
from portal.signing.rules import hash_words

EVENT = "evidence:receipt:weekly"


def send_weekly(regions: Regions, *, at: datetime) -> int:
    """Mail last week's state of every contract whose log grew in it; return of how many.

    Once a week and contract, however often it is asked for: the outbox knows each mail by its week.
    """
    sent = 0
    for database in regions.databases.values():
        with database.open_session() as session:
            sent += _send(session, at=at)
    return sent


def _send(session: Session, *, at: datetime) -> int:
    begin, end = rules.week_before(at)
    last = log.last_checkpoint(session)
    grown = _grown(session, begin, end)
    told = set(
        session.scalars(
            select(RegionNotice.chain).where(
                RegionNotice.event == EVENT, RegionNotice.created_at >= end
            )
        )
    )
    session.commit()
    if last is None or last.at < end:
        # The first checkpoint of this week covers all of the last one.
        return 0
    waiting = [chain for chain in sorted(grown) if chain not in told]
    return sum(_tell(session, last, chain, grown[chain], begin, at=at) for chain in waiting)


def _grown(session: Session, begin: datetime, end: datetime) -> Mapping[str, int]:
    """Return how many entries each chain got in a week."""
    rows = session.execute(
        select(RegionEntry.chain, func.count().label("entries"))
        .where(RegionEntry.at >= clock.stamp(begin), RegionEntry.at < clock.stamp(end))
        .group_by(RegionEntry.chain)
    )
    return {row.chain: row.entries for row in rows}


def _tell(
    session: Session,
    last: RegionCheckpoint,
    chain: str,
    count: int,
    begin: datetime,
    *,
    at: datetime,
) -> bool:
    with transaction(session):
        contract = session.get(Contract, chain)
        covered = [entry for entry in log.placed_of(session, chain) if entry.place < last.size]
        if contract is None or not covered:
            return False
        newest, week = covered[-1], rules.week_name(begin)
        stamp = clock.stamp(last.at)
        receipt = Receipt(chain, newest.seq, newest.hash, newest.event, stamp, last.note)
        for person in everyone(session, contract):
            tell(
                session, event=EVENT, to=person, chain=chain, cause=f"{chain}.{week}",
                link=f"/contracts/{chain}/evidence", at=at, week=week, refused="", hashes=[],
                sentence=say_n(
                    "%(num)s entry joined the log of this contract in week %(week)s.",
                    "%(num)s entries joined the log of this contract in week %(week)s.",
                    count, week=week,
                ),
                spoken=" ".join(hash_words(read_note(last.note)[0].root.hex())),
                receipt=receipt_text(receipt),
            )  # fmt: skip
        return True
