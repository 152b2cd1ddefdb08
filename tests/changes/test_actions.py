"""What people and monitors do: state, exactly one entry, and a refusal that leaves neither."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from portal.audit.models import RegionEntry
from portal.changes import actions, queries
from portal.changes.actions.monitors import token_sha256
from portal.changes.models import ChangeEvent, OutageEventRow
from portal.changes.rules.outages import CauseStanding, Standing
from portal.changes.rules.plan import Kind, Sort, Stage
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.notices.models import RegionMail
from tests import cast
from tests.changes.works import NOW, announced, outage, plan, terms_with, wall
from tests.incidents import desk

HOUR = timedelta(hours=1)


def counts(session: Session) -> tuple[int, int, int]:
    tables = (RegionEntry.seq, ChangeEvent.id, OutageEventRow.id)
    found = [session.scalar(select(func.count(column))) or 0 for column in tables]
    session.rollback()
    return found[0], found[1], found[2]


def refused(session: Session, act: Callable[[], object], kind: type[Exception] = Refused) -> str:
    """Do something that is refused, and see that nothing was left behind."""
    before = counts(session)
    with pytest.raises(kind) as caught:
        act()
    session.rollback()
    assert counts(session) == before
    return str(caught.value)


def test_a_draft_is_the_vendors_own_and_writes_no_entry(eu: Session, served: Contract) -> None:
    before = counts(eu)
    row = actions.plan_change(eu, served, cast.actor("ben"), plan(), at=NOW)
    assert counts(eu) == before
    assert queries.find_change(eu, served, cast.actor("ada"), row.ref) is row
    refused(eu, lambda: queries.find_change(eu, served, cast.actor("dov"), row.ref), NotFound)
    assert queries.visible_changes(eu, served, cast.actor("dov")) == []


def test_a_draft_that_is_withdrawn_stays_unknown_to_the_customer(
    eu: Session, served: Contract
) -> None:
    ben, dov = cast.actor("ben"), cast.actor("dov")
    row = actions.plan_change(eu, served, ben, plan(), at=NOW)
    actions.withdraw_change(eu, served, ben, row, reason="Not needed.", at=NOW)
    refused(eu, lambda: queries.find_change(eu, served, dov, row.ref), NotFound)
    assert queries.visible_changes(eu, served, dov) == []
    assert queries.changes_of(eu, served) == []
    assert desk.events(eu, served) == []


def test_a_change_runs_from_plan_to_completion(eu: Session, served: Contract) -> None:
    row = announced(eu, served)
    for key in ("ada", "dov"):
        actions.approve(eu, served, cast.actor(key), row, at=NOW + HOUR)
    actions.start(eu, served, cast.actor("ben"), row, begun=wall(11, 2, 5), at=wall(11, 2, 6))
    actions.finish(
        eu, served, cast.actor("ben"), row, outcome=Stage.COMPLETED, over=wall(11, 5, 20),
        note="All well.", at=wall(11, 5, 25),
    )  # fmt: skip
    change = queries.as_change(queries.find_change(eu, served, cast.actor("dov"), row.ref))
    assert (change.stage, change.overrun) == (Stage.COMPLETED, timedelta(minutes=20))
    assert desk.events(eu, served) == [
        "changes:change:announced", "changes:change:approved", "changes:change:approved",
        "changes:change:started", "changes:change:completed",
    ]  # fmt: skip
    told = eu.scalars(select(RegionMail.recipient).where(RegionMail.subject.like("Planned%"))).all()
    assert told == ["cleo@harbour.example"]


@pytest.mark.slow
def test_what_the_contract_forbids_is_not_announced(eu: Session, served: Contract) -> None:
    ben = cast.actor("ben")
    frozen = actions.plan_change(eu, served, ben, plan(wall(22, 2, month=11)), at=NOW)
    said = refused(eu, lambda: actions.announce(eu, served, ben, frozen, at=NOW))
    assert said == "Freeze: In a freeze, and the contract has no exception for it."
    past = actions.plan_change(eu, served, ben, plan(), at=NOW)
    refused(eu, lambda: actions.announce(eu, served, ben, past, at=wall(12, 2)))


def test_work_does_not_begin_before_everybody_agreed(eu: Session, served: Contract) -> None:
    row, ben = announced(eu, served), cast.actor("ben")
    actions.approve(eu, served, cast.actor("ada"), row, at=NOW)
    begin = wall(11, 2)
    start = lambda: actions.start(eu, served, ben, row, begun=begin, at=begin)  # noqa: E731
    assert "customer" in refused(eu, start)
    refused(eu, lambda: actions.approve(eu, served, cast.actor("ada"), row, at=NOW))
    refused(eu, lambda: actions.approve(eu, served, cast.actor("lena"), row, at=NOW), NotAllowed)
    actions.approve(eu, served, cast.actor("dov"), row, at=NOW)
    start()


@pytest.mark.slow
def test_an_announced_plan_stands(eu: Session, served: Contract) -> None:
    row, ben = announced(eu, served), cast.actor("ben")
    refused(eu, lambda: actions.replan(eu, served, ben, row, plan(minutes=60), at=NOW))
    with pytest.raises((IntegrityError, OperationalError), match="an announced plan stands"):
        eu.execute(text("UPDATE changes SET kind = 'release'"))
    eu.rollback()
    with pytest.raises((IntegrityError, OperationalError), match="never changed"):
        eu.execute(text("UPDATE change_events SET kind = 'approved'"))
    eu.rollback()


def test_the_customer_postpones_once_and_in_time(eu: Session, served: Contract) -> None:
    row, dov = announced(eu, served), cast.actor("dov")
    later = wall(18, 2)

    def move(at: object = NOW) -> None:
        actions.postpone(eu, served, dov, row, begin=later, reason="A launch.", at=at)  # type: ignore[arg-type]

    assert refused(eu, lambda: move(wall(9, 2))) == "It is too late to postpone this change."
    by_vendor = cast.actor("ada")
    refused(
        eu, lambda: actions.postpone(eu, served, by_vendor, row, begin=later, reason="", at=NOW)
    )
    move()
    assert queries.as_change(row).plan.begin == later
    assert refused(eu, move) == "The contract lets you postpone once."


def test_a_security_patch_in_a_freeze_takes_both_sides(eu: Session, contract: Contract) -> None:
    terms = terms_with({"E8": "critical security fixes only"})
    desk.put_in_force(eu, contract, terms, at=NOW - 30 * 24 * HOUR)
    wanted = plan(wall(22, 2, month=11), kind=Kind.SECURITY, sort=Sort.STANDARD)
    row, ben = announced(eu, contract, wanted), cast.actor("ben")
    begin = wanted.begin
    start = lambda: actions.start(eu, contract, ben, row, begun=begin, at=begin)  # noqa: E731
    allow = lambda key: actions.allow_in_freeze(  # noqa: E731
        eu, contract, cast.actor(key), row, reason="CVE", at=NOW
    )
    allow("ben")
    refused(eu, lambda: allow("ada"))
    assert "freeze" in refused(eu, start)
    allow("dov")
    start()
    assert queries.as_change(row).excepted_by == frozenset(Side)


def test_an_outage_is_confirmed_or_disputed_by_the_other_side(
    eu: Session, served: Contract
) -> None:
    row = outage(eu, served)
    refused(eu, lambda: actions.confirm_outage(eu, served, cast.actor("cleo"), row, at=NOW))
    actions.dispute_outage(
        eu, served, cast.actor("ben"), row, begin=NOW - 5 * HOUR, end=NOW - 4.5 * HOUR,
        reason="Back at half past.", at=NOW,
    )  # fmt: skip
    assert queries.standing_outage(row).standing is Standing.DISPUTED
    refused(eu, lambda: actions.correct_outage(eu, served, cast.actor("ben"), row, at=NOW))
    actions.correct_outage(eu, served, cast.actor("dov"), row, at=NOW + HOUR)
    found = queries.standing_outage(row)
    assert (found.standing, found.end) == (Standing.CONFIRMED, NOW - 4.5 * HOUR)
    assert desk.events(eu, served) == [
        "changes:outage:reported", "changes:outage:disputed", "changes:outage:corrected",
    ]  # fmt: skip


def test_a_cause_is_claimed_with_evidence_and_answered(eu: Session, served: Contract) -> None:
    row, ben, dov = outage(eu, served), cast.actor("ben"), cast.actor("dov")

    def claim(cause: str, evidence: str = "The power company's notice.") -> None:
        actions.claim_cause(eu, served, ben, row, cause=cause, evidence=evidence, at=NOW)

    refused(eu, lambda: claim("beta"))
    refused(eu, lambda: claim("force_majeure", " "))
    claim("force_majeure")
    answer = lambda who, yes: actions.answer_cause(  # noqa: E731
        eu, served, who, row, accepted=yes, reason="", at=NOW
    )
    refused(eu, lambda: answer(ben, "yes"))
    refused(eu, lambda: answer(dov, "no"))
    answer(dov, "yes")
    assert queries.standing_outage(row).cause_standing is CauseStanding.ACCEPTED


@pytest.mark.parametrize("late", [timedelta(minutes=1), timedelta(days=1)])
@pytest.mark.slow
def test_times_in_the_future_are_refused(eu: Session, served: Contract, late: timedelta) -> None:
    refused(eu, lambda: outage(eu, served, begin=NOW + late))


def test_a_monitor_reports_once_however_often_it_says_so(eu: Session, served: Contract) -> None:
    monitor, token = actions.add_monitor(eu, served, cast.actor("dov"), name="Probe 1", at=NOW)
    assert token not in str(vars(monitor))
    found, contract = queries.monitor_by_token(eu, served.id, token_sha256(token))

    def say(state: str, minutes: int, module: str | None = None) -> None:
        moment = NOW + timedelta(minutes=minutes)
        actions.report_by_monitor(
            eu, contract, found, state=state, module=module, happened=moment, at=moment
        )

    for state, minute in (("down", 0), ("down", 1), ("degraded", 10), ("up", 30), ("up", 31)):
        say(state, minute)
    seen = [(o.effect, o.begin, o.end) for o in queries.outages_of(eu, served)][::-1]
    at = [NOW + timedelta(minutes=m) for m in (0, 10, 30)]
    assert seen == [("down", at[0], at[1]), ("degraded", at[1], at[2])]
    actions.revoke_monitor(eu, served, cast.actor("dov"), monitor, at=NOW)
    refused(eu, lambda: queries.monitor_by_token(eu, served.id, token_sha256(token)), NotFound)


@pytest.mark.slow
def test_what_was_known_earlier_can_be_told_again(eu: Session, served: Contract) -> None:
    row = outage(eu, served, minutes=None)
    actions.end_outage(eu, served, cast.actor("dov"), row, end=NOW, at=NOW + HOUR)
    (then,) = queries.outages_of(eu, served, known_at=NOW)
    (now,) = queries.outages_of(eu, served)
    assert (then.end, now.end) == (None, NOW)
