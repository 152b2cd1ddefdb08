"""What time does to a signing: offers that end, and reminders to those whose turn it is."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.contracts.actions import IN_SIGNING, walk
from portal.contracts.models import Contract
from portal.contracts.queries import state
from portal.contracts.rules.life import State
from portal.kit.db import by_itself, directory_reader
from portal.kit.errors import Refused
from portal.notices.models import ReaderRow
from portal.notices.queries import reader_of
from portal.residency.databases import Regions
from portal.signing import actions

AT_ONCE = 100
"""How many signings are looked at together, besides those with news."""


def keep_signings(regions: Regions, *, at: datetime) -> int:
    """End the offers whose time is over and remind whom a signing waits for; return how many."""
    done = 0
    for database in regions.databases.values():
        with (
            database.open_session() as session,
            walk(session, "signings", IN_SIGNING, most=AT_ONCE) as some,
        ):
            for ref in some:
                with by_itself(session, f"signing of {ref}"):
                    done += _keep(session, ref, at=at)
                session.rollback()
    return done


def _keep(session: Session, ref: str, *, at: datetime) -> int:
    session.expire_all()
    contract = session.get_one(Contract, ref)
    if actions.expire(session, contract, at=at):
        return 1
    if state(contract, today=at.date()) is not State.SIGNING:
        return 0
    try:
        return actions.remind(session, contract, at=at, zone_of=zone_of)
    except Refused:  # somebody ended the signing in between: then nobody is reminded
        return 0


def zone_of(person_id: str) -> ZoneInfo:
    """Return the zone a person lives in, as they told; UTC until they did."""
    with directory_reader() as directory:
        return reader_of(directory.get(ReaderRow, person_id)).zone
