"""Checking every log of this host, and remembering how it went."""

import json
from datetime import datetime

from portal.audit import queries as log
from portal.audit.signer import signer_of
from portal.kit import clock
from portal.kit.db import db, reading
from portal.kit.files import replace
from portal.operations.queries.subject import Subject
from portal.operations.queries.work import CHECKED
from portal.settings.rules import Settings


def check_logs(subject: Subject) -> list[str]:
    """Check every chain, tree and checkpoint; remember whether all hold, and return what does not.

    It only reads the databases, and waits for nobody who writes.
    """
    before = reading.set(True)
    try:
        said = [f"directory {one.chain}: {one.message}" for one in log.check(db.session())[1]]
        for where, database, session in subject.each_region():
            said += [f"{where} {one.chain}: {one.message}" for one in log.check(session)[1]]
            signer = signer_of(subject.settings, database.region)
            said += [f"{where}: {one}" for one in log.check_tree(session, signer, [])]
            session.rollback()
        db.session.rollback()
    finally:
        reading.reset(before)
    remember_check(subject.settings, at=subject.at, holds=not said)
    return said


def remember_check(settings: Settings, *, at: datetime, holds: bool) -> None:
    """Write down when the logs were checked, and whether all of them held."""
    replace(settings.home / CHECKED, json.dumps({"at": clock.stamp(at), "ok": holds}).encode())
