"""The weekly receipt: for every week in which a log grew, once, to both sides."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
from sqlalchemy import select

from portal.audit.actions import record
from portal.audit.rules import read_receipt
from portal.evidence import rules
from portal.evidence.actions import keep_log, send_weekly
from portal.evidence.rules.reading import check_bundle
from portal.kit.db import transaction
from portal.notices.models import RegionMail
from tests import cast
from tests.evidence.conftest import Scene, as_told

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)


def write(scene: Scene, at: datetime) -> None:
    with transaction(scene.session):
        record(scene.session, scene.contract.id, "contract:step:finished",
               actor=cast.actor("ada").log, at=at, facts={"step": 1})  # fmt: skip


def mails(scene: Scene) -> list[RegionMail]:
    found = list(scene.session.scalars(select(RegionMail).order_by(RegionMail.id)))
    scene.session.rollback()
    return found


@pytest.mark.parametrize(
    ("at", "begin"),
    [
        (MONDAY, MONDAY - 7 * DAY),
        (MONDAY - timedelta(microseconds=1), MONDAY - 14 * DAY),
        (MONDAY + 6.9 * DAY, MONDAY - 7 * DAY),
    ],
)
def test_a_week_is_monday_to_sunday(at: datetime, begin: datetime) -> None:
    assert rules.week_before(at) == (begin, begin + 7 * DAY)
    assert rules.week_name(MONDAY) == "2026-W48"
    assert rules.week_name(datetime(2027, 1, 1, tzinfo=UTC)) == "2026-W53"


def test_a_week_with_news_is_receipted_once_to_both_sides(
    drafted: Scene, script: ModuleType
) -> None:
    for hours in (-80, -50, 1):
        write(drafted, MONDAY + timedelta(hours=hours))
    keep_log(drafted.session, drafted.signer, at=MONDAY - DAY)
    # Nothing is said before a checkpoint covers the whole week.
    assert send_weekly(drafted.regions, at=MONDAY + timedelta(hours=2)) == 0
    write(drafted, MONDAY + timedelta(hours=3))
    keep_log(drafted.session, drafted.signer, at=MONDAY + timedelta(hours=3))
    at = MONDAY + timedelta(hours=4)
    assert send_weekly(drafted.regions, at=at) == 1
    assert send_weekly(drafted.regions, at=at + 5 * DAY) == 0
    told = mails(drafted)
    sides = {who: cast.actor(who).person_id for who in ("ada", "nia", "cleo", "lena")}
    assert Counter(mail.person_id for mail in told) == Counter(sides.values())
    assert "2 entries joined the log of this contract in week 2026-W47." in told[0].text
    assert told[0].subject == f"Log of {drafted.contract.id} in week 2026-W47: receipt"
    # It is a receipt as any other: it finds what was changed or cut off since.
    receipt, bundle = read_receipt(told[0].text.encode()), drafted.bundle()
    assert receipt.seq == 4
    assert check_bundle(bundle, receipts=[receipt]).ok
    assert script.verify(bundle, [as_told(receipt)]).ok
    # The week that follows is its own; one without news says nothing.
    assert send_weekly(drafted.regions, at=at + 14 * DAY) == 0
    assert len(mails(drafted)) == len(told)
