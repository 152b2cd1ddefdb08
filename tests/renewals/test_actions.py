"""Dates kept, decisions kept private, notices given: state, one entry, refusals leave none."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.contracts.queries import current_version, state, terms_in_force, version_in_force
from portal.contracts.rules.life import State
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.renewals import actions
from portal.renewals.actions import Given
from portal.renewals.models import Decision, Notice
from portal.renewals.queries.term import running, was_reminded
from portal.renewals.rules.conditions import Measured
from portal.renewals.rules.notices import Choice, Kind
from portal.residency.databases import Regions
from tests import cast
from tests.renewals import stage
from tests.renewals.stage import completed, dates, events, length, row_of, work

# Two years from 1 February 2026; 60 days before 1 February 2028 is Friday 3 December 2027.
ENDS, NOTICE_BY = date(2028, 2, 1), date(2027, 12, 3)
LAST_MINUTE = datetime(2027, 12, 4, 4, 59, tzinfo=UTC)  # 23:59 in New York


def against(**changes: object) -> Given:
    given = {"kind": Kind.AGAINST, "seen_ends": ENDS, "title": "Director", "text": "We leave."}
    return Given(**{**given, **changes})  # type: ignore[arg-type]


def give(session: Session, contract: object, key: str, at: datetime, given: Given) -> Notice:
    return actions.give_notice(
        session,
        cast.actor(key),
        contract,
        given,
        step=7,
        at=at,  # type: ignore[arg-type]
    )


def test_a_completed_contract_gets_its_dates_once(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions)
    at = stage.SIGNED + timedelta(days=1)
    work(eu, at)
    work(eu, at + timedelta(minutes=1))
    row = row_of(eu, contract)
    assert (row.ends, row.notice_by, row.price_by) == ("2028-02-01", "2027-12-03", "2027-11-03")
    assert events(eu, contract) == ["renewal:dates:computed"]
    assert {kind for _, kind in dates(eu, contract)} >= {"remind_120", "duty", "notice_by", "ends"}


def test_a_contract_without_a_term_stops_no_other(eu: Session, regions: Regions) -> None:
    odd = [completed(eu, regions, title="No term", P1=None) for _ in range(3)]
    contract = completed(eu, regions)
    at = stage.SIGNED + timedelta(days=1)
    assert actions.enrol(eu, at=at) == 1
    assert events(eu, contract) == ["renewal:dates:computed"]
    assert [events(eu, one) for one in odd] == [[], [], []]


def test_reminders_go_out_on_their_morning_and_once(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions)
    work(eu, stage.SIGNED)
    due = dates(eu, contract)[0, "remind_120"].due_at
    assert due == datetime(2027, 8, 5, 13, 0, tzinfo=UTC)  # nine in the morning in New York
    assert work(eu, due - timedelta(seconds=1)) == 0
    assert work(eu, due) == 1
    assert work(eu, due) == 0
    told = stage.mails(eu)
    assert {who for who, _ in told} == {"ada@northwind.example", "cleo@harbour.example"}
    assert not dates(eu, contract)[0, "remind_120"].late
    assert events(eu, contract)[-1] == "renewal:reminder:sent"


def test_after_a_standstill_people_get_one_letter_and_each_date_is_late(
    eu: Session, regions: Regions
) -> None:
    contract = completed(eu, regions)
    work(eu, stage.SIGNED)
    work(eu, datetime(2027, 11, 25, 14, 0, tzinfo=UTC))
    reminders = {k: one for (_, k), one in dates(eu, contract).items() if k.startswith("remind_")}
    assert {k for k, one in reminders.items() if one.late} == {
        "remind_120", "remind_90", "remind_60", "remind_30", "remind_14",
    }  # fmt: skip
    subjects = [subject for _, subject in stage.mails(eu)]
    assert sum(subject.startswith("A notice date") for subject in subjects) == 2
    assert not was_reminded(eu, running(eu, contract, on=NOTICE_BY))


def test_a_contract_renews_by_itself_and_writes_its_version(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions)
    work(eu, stage.SIGNED)
    end = dates(eu, contract)[0, "ends"].due_at
    work(eu, end - timedelta(seconds=1))
    assert row_of(eu, contract).number == 0
    work(eu, end)
    row = row_of(eu, contract)
    assert (row.number, row.begins, row.ends) == (1, "2028-02-01", "2029-02-01")
    version = version_in_force(contract)
    assert version is not None and current_version(contract) is not None
    assert (version.number, version.begins) == (2, "2028-02-01")
    assert version.canonical["renewal"]["signed_sha256"] == current_version(contract).sha256
    assert version_in_force(contract, on=date(2028, 1, 31)).number == 1
    assert state(contract, today=ENDS) is State.IN_FORCE
    assert events(eu, contract).count("renewal:term:renewed") == 1


def test_the_customer_gives_notice_in_the_last_minute_of_the_last_day(
    eu: Session, regions: Regions
) -> None:
    contract = completed(eu, regions)
    work(eu, LAST_MINUTE)
    before = len(events(eu, contract))
    notice = give(eu, contract, "cleo", LAST_MINUTE, against())
    assert (notice.received_on, notice.due_on) == ("2027-12-03", "2027-12-03")
    assert events(eu, contract)[before:] == ["renewal:notice:given"]
    eu.expire_all()
    assert state(contract, today=NOTICE_BY) is State.EXPIRING
    told = {(who, subject.partition(":")[0]) for who, subject in stage.mails(eu)}
    assert {
        ("ada@northwind.example", "A notice was given"),
        ("legal@vendor.example", "A notice was given"),
        ("cleo@harbour.example", "Receipt for your notice"),
    } <= told
    work(eu, datetime(2028, 2, 1, 5, 0, tzinfo=UTC))
    assert state(contract, today=ENDS) is State.ENDED
    assert row_of(eu, contract).state == "over"


@pytest.mark.slow
def test_a_minute_later_a_notice_is_for_the_next_term(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions)
    late = LAST_MINUTE + timedelta(minutes=2)
    work(eu, late)
    before = events(eu, contract)
    with pytest.raises(Refused, match="moved"):
        give(eu, contract, "cleo", late, against())
    assert events(eu, contract) == before
    notice = give(eu, contract, "cleo", late, against(seen_ends=date(2029, 2, 1)))
    assert notice.number == 1
    assert state(contract, today=NOTICE_BY) is State.IN_FORCE
    work(eu, datetime(2028, 2, 1, 5, 0, tzinfo=UTC))
    assert row_of(eu, contract).state == "leaving"
    assert state(contract, today=ENDS) is State.EXPIRING


@pytest.mark.parametrize("key", ["ben", "dov"])
@pytest.mark.slow
def test_who_may_not_sign_gives_no_notice(eu: Session, regions: Regions, key: str) -> None:
    contract = completed(eu, regions)
    work(eu, LAST_MINUTE)
    before = events(eu, contract)
    with pytest.raises(NotAllowed):
        give(eu, contract, key, LAST_MINUTE, against())
    assert events(eu, contract) == before


def test_a_stranger_finds_no_contract_to_give_notice_of(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions)
    work(eu, LAST_MINUTE)
    with pytest.raises(NotFound):
        give(eu, contract, "mal", LAST_MINUTE, against())


def test_a_second_notice_is_refused(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions)
    work(eu, LAST_MINUTE)
    give(eu, contract, "cleo", LAST_MINUTE, against())
    with pytest.raises(Refused, match="already ends"):
        give(eu, contract, "ada", LAST_MINUTE, against())


def test_a_form_the_contract_does_not_take_is_refused(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions, P8=["post"])
    work(eu, LAST_MINUTE)
    with pytest.raises(Refused, match="by post"):
        give(eu, contract, "cleo", LAST_MINUTE, against())


def test_a_letter_counts_when_the_contract_says_it_arrives(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions, P8=["post"])
    work(eu, LAST_MINUTE)
    early = give(
        eu, contract, "cleo", LAST_MINUTE, against(channel="post", sent_on=date(2027, 11, 24))
    )
    # Thanksgiving does not count: five business days after Wednesday 24 November.
    assert early.received_on == "2027-12-02"
    assert state(contract, today=NOTICE_BY) is State.EXPIRING


def test_a_letter_sent_too_late_is_kept_and_changes_nothing(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions, P8=["post"])
    work(eu, LAST_MINUTE)
    late = give(
        eu, contract, "cleo", LAST_MINUTE, against(channel="post", sent_on=date(2027, 11, 30))
    )
    assert late.received_on is not None and late.received_on > late.due_on
    assert state(contract, today=NOTICE_BY) is State.IN_FORCE


def test_a_mail_counts_when_the_other_side_confirms_it(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions, P8=["email"])
    sent = datetime(2027, 11, 20, 12, 0, tzinfo=UTC)
    work(eu, sent)
    notice = give(eu, contract, "cleo", sent, against(channel="email", sent_on=sent.date()))
    assert notice.received_on is None
    assert state(contract, today=NOTICE_BY) is State.IN_FORCE
    with pytest.raises(Refused, match="receives"):
        actions.confirm_receipt(eu, cast.actor("cleo"), contract, serial=notice.serial, at=sent)
    actions.confirm_receipt(
        eu, cast.actor("ada"), contract, serial=notice.serial,
        at=sent + timedelta(days=1),
    )  # fmt: skip
    eu.expire_all()
    assert state(contract, today=NOTICE_BY) is State.EXPIRING
    assert events(eu, contract)[-1] == "renewal:notice:received"


def test_a_decision_writes_no_entry_that_the_other_side_reads(
    eu: Session, regions: Regions
) -> None:
    contract = completed(eu, regions)
    at = datetime(2027, 11, 1, 12, 0, tzinfo=UTC)
    work(eu, at)
    before = events(eu, contract)
    actions.decide(eu, cast.actor("cleo"), contract, choice=Choice.EXIT, note="Too dear", at=at)
    assert events(eu, contract) == before
    row = row_of(eu, contract)
    assert (row.customer_decided, row.vendor_decided) == (1, 0)
    kept = eu.scalars(select(Decision)).one()
    assert kept.said["choice"] == "exit"
    with pytest.raises(IntegrityError):
        eu.execute(text("UPDATE renewal_decisions SET side = 'vendor'"))
    eu.rollback()


@pytest.mark.slow
def test_a_price_told_in_time_is_in_the_next_version(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions)
    at = datetime(2027, 10, 1, 12, 0, tzinfo=UTC)
    work(eu, at)
    tell = {"index_change": Decimal("3.1"), "step": 7, "at": at}
    with pytest.raises(Refused, match=r"at most 1,546\.50 USD"):
        actions.give_price(eu, cast.actor("ada"), contract, amount=Decimal(1600), **tell)  # type: ignore[arg-type]
    before = len(events(eu, contract))
    actions.give_price(eu, cast.actor("ada"), contract, amount=Decimal("1540"), **tell)  # type: ignore[arg-type]
    assert events(eu, contract)[before:] == ["renewal:price:told"]
    work(eu, datetime(2028, 2, 1, 5, 0, tzinfo=UTC))
    assert terms_in_force(eu, contract, on=ENDS)["O1"] == {"amount": "1540.00", "currency": "USD"}
    assert terms_in_force(eu, contract, on=date(2028, 1, 31))["O1"]["amount"] == "1500.00"


def test_a_price_after_its_day_is_refused_and_the_fee_stays(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions)
    at = datetime(2027, 11, 4, 12, 0, tzinfo=UTC)
    work(eu, at)
    with pytest.raises(Refused, match="had to be told by 3 Nov 2027"):
        actions.give_price(
            eu, cast.actor("ada"), contract, amount=Decimal(1510), index_change=Decimal(3), step=7,
            at=at,
        )  # fmt: skip
    with pytest.raises(NotAllowed):
        actions.give_price(
            eu, cast.actor("ben"), contract, amount=Decimal(1510), index_change=Decimal(3), step=7,
            at=at,
        )  # fmt: skip


@pytest.mark.slow
def test_a_condition_that_fails_lets_the_contract_end_unless_waived(
    eu: Session, regions: Regions
) -> None:
    contract = completed(eu, regions)
    after = datetime(2027, 12, 6, 12, 0, tzinfo=UTC)
    work(eu, after, Measured(attainment=Decimal("81.5")))
    assert state(contract, today=after.date()) is State.EXPIRING
    assert row_of(eu, contract).checked[0]["why"] == "81.5 % of targets were met."
    give(eu, contract, "cleo", after, against(kind=Kind.WAIVER))
    eu.expire_all()
    assert state(contract, today=after.date()) is State.IN_FORCE
    work(eu, datetime(2028, 2, 1, 5, 0, tzinfo=UTC))
    assert row_of(eu, contract).number == 1


def test_an_option_renews_when_the_customer_takes_it(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions, P3="customer_option")
    after = datetime(2027, 12, 20, 12, 0, tzinfo=UTC)
    work(eu, after)
    assert state(contract, today=after.date()) is State.EXPIRING
    with pytest.raises(Refused):
        give(eu, contract, "ada", after, against(kind=Kind.OPTION))
    give(eu, contract, "cleo", after, against(kind=Kind.OPTION))
    work(eu, datetime(2028, 2, 1, 5, 0, tzinfo=UTC))
    assert (row_of(eu, contract).number, row_of(eu, contract).state) == (1, "running")


@pytest.mark.slow
def test_without_a_reminder_the_customer_may_leave_the_renewed_term(
    eu: Session, regions: Regions
) -> None:
    contract = completed(eu, regions)
    work(eu, stage.SIGNED)
    after = datetime(2028, 2, 10, 12, 0, tzinfo=UTC)
    work(eu, after)
    assert row_of(eu, contract).number == 1
    give(eu, contract, "cleo", after, against(kind=Kind.LEAVE, seen_ends=date(2028, 2, 11)))
    row = row_of(eu, contract)
    assert (row.state, row.ends) == ("leaving", "2028-02-11")
    assert dates(eu, contract)[1, "ends"].sequence == 1
    work(eu, datetime(2028, 2, 11, 5, 0, tzinfo=UTC))
    assert state(contract, today=date(2028, 2, 11)) is State.ENDED


def test_leaving_without_a_reason_moves_the_end(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions, P15=length(30, "d"))
    at = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
    work(eu, at)
    give(eu, contract, "cleo", at, against(kind=Kind.CONVENIENCE, seen_ends=date(2026, 10, 2)))
    assert row_of(eu, contract).ends == "2026-10-02"


def test_notices_and_versions_of_a_renewal_never_change(eu: Session, regions: Regions) -> None:
    contract = completed(eu, regions)
    work(eu, LAST_MINUTE)
    give(eu, contract, "cleo", LAST_MINUTE, against())
    for statement in (
        "UPDATE renewal_notices SET due_on = '2028-01-01'",
        "DELETE FROM renewal_notices",
        "DELETE FROM renewal_dates",
        "UPDATE versions SET begins = '2027-01-01'",
        "UPDATE renewals SET region = 'us'",
    ):
        with pytest.raises(IntegrityError):
            eu.execute(text(statement))
        eu.rollback()
