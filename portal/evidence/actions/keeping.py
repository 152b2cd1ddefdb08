"""Keeping the log of a region: checkpoints when they are due, and receipts to both sides."""

import json
import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.audit import queries as log
from portal.audit.actions import add_checkpoint
from portal.audit.models import RegionCheckpoint
from portal.audit.rules import Receipt, read_note, receipt_text
from portal.audit.sentences import sentence
from portal.audit.signer import Forked, Signer, signer_of
from portal.contracts.models import Contract
from portal.evidence import rules
from portal.kit.db import transaction
from portal.notices.actions import tell
from portal.residency.databases import Regions
from portal.settings.rules import Settings
from portal.signing.actions import everyone
from portal.signing.rules import hash_words

LOG = logging.getLogger("counterpart.evidence")


def keep_logs(regions: Regions, settings: Settings, *, at: datetime) -> int:
    """Sign the checkpoints that are due in every region; return how many were signed."""
    made = 0
    for database in regions.databases.values():
        with database.open_session() as session:
            signer = signer_of(settings, database.region)
            try:
                made += keep_log(session, signer, at=at) is not None
            except Forked as error:
                LOG.critical("the log of %s is not signed: %s", database.region.name, error)
    return made


def keep_log(
    session: Session, signer: Signer, *, at: datetime, now: bool = False
) -> RegionCheckpoint | None:
    """Sign a checkpoint where one is due, and mail what it covers to both sides.

    `now` signs whatever is new. Where the signer refuses, receipts go out without a checkpoint and
    say so, and `Forked` is raised.
    """
    last = log.last_checkpoint(session)
    if log.size_of(session) == (last.size if last else 0):
        session.commit()
        return None
    with signer.alone():
        last = log.last_checkpoint(session)
        news = log.placed_since(session, last.size if last else 0)
        due = rules.checkpoint_due([e.event for e in news], last=last.at if last else None, at=at)
        if not news or not (now or due):
            session.commit()
            return None
        return _checkpoint(session, signer, last, news, at=at)


def _checkpoint(
    session: Session,
    signer: Signer,
    last: RegionCheckpoint | None,
    news: list[log.Placed],
    *,
    at: datetime,
) -> RegionCheckpoint:
    tree = log.tree_of(session)
    session.commit()
    try:
        note = signer.sign(tree, stored=last.note if last else None)
    except Forked as error:
        with transaction(session):
            _write_receipts(session, news, None, refused=str(error), at=at)
        raise
    with transaction(session):
        row = add_checkpoint(session, note, at=at)
        _write_receipts(session, news, note, refused="", at=at)
    return row


def _write_receipts(
    session: Session,
    news: Iterable[log.Placed],
    note: str | None,
    *,
    refused: str,
    at: datetime,
) -> None:
    due = [entry for entry in news if entry.event in rules.RECEIPTS]
    for chain in dict.fromkeys(entry.chain for entry in due):
        contract = session.get(Contract, chain)
        if contract is None:
            continue
        lines = {line.seq: line for line in log.lines(session, chain)}
        for entry in due:
            if entry.chain == chain:
                words = _words(entry, lines[entry.seq], note)
                _mail(session, contract, entry, words, refused=refused, at=at)


def _words(entry: log.Placed, line: log.Line, note: str | None) -> dict[str, Any]:
    body = json.loads(entry.body)
    receipt = Receipt(entry.chain, entry.seq, entry.hash, entry.event, body["at"], note)
    return {
        "sentence": sentence(rules.nameless(line)),
        "hashes": rules.receipt_hashes(body["facts"]),
        "spoken": " ".join(hash_words(read_note(note)[0].root.hex())) if note else "",
        "receipt": receipt_text(receipt),
    }


def _mail(
    session: Session,
    contract: Contract,
    entry: log.Placed,
    words: dict[str, Any],
    *,
    refused: str,
    at: datetime,
) -> None:
    for person in everyone(session, contract):
        tell(
            session, event="evidence:receipt:written", to=person, chain=contract.id,
            cause=entry.hash[:32], link=f"/contracts/{contract.id}/evidence", at=at,
            seq=entry.seq, refused=refused, **words,
        )  # fmt: skip
