"""Anchoring checkpoints outside the portal: time stamps (RFC 3161) by the configured authorities.

A token is kept only after its signature was found to hold over the note it was asked for, and with
it the revocation lists that its certificates name: later nobody could get those of then. An
authority that fails is asked again at the next run; a checkpoint does not wait for it.
"""

import base64
import hashlib
import json
import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.models import CheckpointStamp, RegionCheckpoint
from portal.evidence.rules import BadStamp, read_stamp
from portal.kit.awaiting import finish
from portal.kit.db import transaction
from portal.residency.databases import Regions
from portal.settings.rules import Settings
from portal.signing.timestamp import HttpTimeStamper, lists_of

LOG = logging.getLogger("counterpart.evidence")
AT_ONCE = 5


def stamp_checkpoints(regions: Regions, settings: Settings) -> int:
    """Ask each authority for the newest checkpoints it has not stamped; return how many it did."""
    made = 0
    for database in regions.databases.values():
        for authority in settings.authorities:
            with database.open_session() as session:
                made += _stamp(session, authority.url)
    return made


def _stamp(session: Session, authority: str) -> int:
    stamped = select(CheckpointStamp.size).where(CheckpointStamp.authority == authority)
    waiting = session.execute(
        select(RegionCheckpoint.size, RegionCheckpoint.note)
        .where(RegionCheckpoint.size.not_in(stamped))
        .order_by(RegionCheckpoint.size.desc())
        .limit(AT_ONCE)
    ).all()
    session.commit()
    made = 0
    for size, note in waiting:
        try:
            token, at, inside = ask(authority, note.encode())
            lists = lists_of(token, inside=inside)
        except (OSError, ValueError, BadStamp) as error:
            LOG.warning("no time stamp from %s: %s", authority, error)
            return made
        with transaction(session):
            known = session.get(CheckpointStamp, (size, authority))
            if known is None:
                session.add(
                    CheckpointStamp(
                        size=size, authority=authority, region=session.info["region"],
                        token=token, at=at, lists=_written(lists),
                    )
                )  # fmt: skip
                made += 1
    return made


def _written(lists: Sequence[bytes]) -> str:
    return json.dumps([base64.b64encode(one).decode() for one in lists])


def ask(authority: str, note: bytes) -> tuple[bytes, datetime, bool]:
    """Return a token over a note, its time, and whether the authority was found inside.

    `OSError`, `ValueError` or `BadStamp` where none holds.
    Goes out by HTTP, so never inside a transaction.
    """
    stamper = HttpTimeStamper(authority)
    try:
        answer = finish(stamper.async_timestamp(hashlib.sha256(note).digest(), "sha256"))
    except (OSError, ValueError):
        raise
    except Exception as error:  # the library has a kind of its own for a nonce that does not fit
        raise BadStamp(f"{type(error).__name__}: {error}") from error
    token: bytes = answer.dump()
    return token, read_stamp(token, over=note).at, stamper.is_inside
