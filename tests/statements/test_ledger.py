"""Missing reports, interest, credits earned back and credits that end with the contract."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal.contracts.actions import add_fact
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.kit.db import transaction
from portal.kit.errors import Refused
from portal.statements import actions, jobs, queries
from portal.statements.models import Statement
from portal.statements.rules import ledger as rules
from portal.statements.rules.figures import earlier_of, figures
from portal.statements.rules.ledger import Line
from portal.statements.rules.measured import Earlier, MonthFacts
from portal.statements.rules.month import Month
from portal.statements.rules.reports import is_missing, report_due, report_missing_from
from portal.statements.rules.settling import Stage
from tests import cast
from tests.changes import works
from tests.incidents import desk

SEPTEMBER, OCTOBER = Month(2026, 9), Month(2026, 10)
OVER = datetime(2026, 10, 1, 0, 5, tzinfo=UTC)
DAY = timedelta(days=1)
START = date(2026, 9, 1)
TERMS = works.TERMS


# ---- a missing report (K16) ----------------------------------------------------------------------


def test_a_report_is_missing_after_its_time_and_the_grace() -> None:
    due, missing = report_due(SEPTEMBER, TERMS), report_missing_from(SEPTEMBER, TERMS)
    assert due and missing and OVER < due < missing < OVER + 45 * DAY
    late, later = missing + DAY, due + 90 * DAY

    def asked(delivered: datetime | None, now: datetime, terms: Mapping[str, Any] = TERMS) -> bool:
        return is_missing(SEPTEMBER, terms, delivered=delivered, now=now)

    assert not asked(None, missing)
    assert asked(None, late)
    assert not asked(due, later)
    # Late but within two Periods: the true figures come back. Later than that they do not.
    assert not asked(late, later)
    assert asked(later, later + DAY)
    assert not asked(None, late, works.terms_with({"K16": "no"}))
    assert asked(None, due + DAY, works.terms_with({"K16.after": ""}))


def test_the_months_of_a_quarterly_report_are_due_together() -> None:
    terms = works.terms_with({"N1": "quarterly"})
    assert report_due(Month(2026, 7), terms) == report_due(SEPTEMBER, terms)
    assert report_due(OCTOBER, terms) == report_due(Month(2026, 12), TERMS)


def month(asked: Month = SEPTEMBER, **more: Any) -> dict[str, Any]:
    terms = more.pop("terms", TERMS)
    return figures(MonthFacts(asked, terms, START, **more))


def test_a_missing_report_counts_as_just_below_each_promise() -> None:
    missing = report_missing_from(SEPTEMBER, TERMS)
    assert missing
    found = month(known_at=missing + DAY)
    software = found["uptime"][0]
    assert (software["shown"], software["kept"], software["presumed"]) == ("100.000", False, True)
    (line,) = [c for c in found["credits"] if c["earns"]]
    assert (line["percent"], line["cause"]) == ("10", "no report in time, so it counts as missed")
    assert earlier_of(found).uptime_missed
    true = month(known_at=missing + DAY, delivered=missing)
    assert true["credits"] == [] and true["uptime"][0]["kept"]


@pytest.fixture
def contract_with(eu: Session, contract: Contract) -> Callable[..., Contract]:
    def make(**typed: str) -> Contract:
        terms = works.terms_with({key.replace("_", "."): text for key, text in typed.items()})
        desk.put_in_force(eu, contract, terms, at=works.FROM)
        return contract

    return make


def issued(eu: Session, contract: Contract, month: Month = SEPTEMBER) -> Statement:
    row = actions.issue(eu, contract, month, at=month.bounds(TERMS)[1] + timedelta(minutes=5))
    assert row is not None
    return row


def test_a_report_that_does_not_come_is_counted_once_and_set_right_by_a_late_word(
    eu: Session, contract_with: Callable[..., Contract]
) -> None:
    contract = contract_with()
    row, ben = issued(eu, contract), cast.actor("ben")
    assert row.act_at == report_missing_from(SEPTEMBER, TERMS)
    assert jobs.settle_due(eu, at=row.act_at) == 0
    late = row.act_at + timedelta(seconds=1)
    assert jobs.settle_due(eu, at=late) == 1
    assert jobs.settle_due(eu, at=late + DAY) == 0
    assert desk.events(eu, contract)[-1] == "statements:statement:presumed"
    figures = queries.latest_revision(row).figures
    assert figures["report"]["missing"] and figures["totals"]["due"] == "10"
    actions.confirm(eu, contract, ben, row, revision=2, objection=None, at=late + DAY)
    found, last = queries.standing_of(row), queries.latest_revision(row)
    assert (found.stage, last.number, last.figures["totals"]["due"]) == (Stage.CONFIRMED, 3, "0")
    assert desk.events(eu, contract)[-2:] == [
        "statements:statement:recomputed", "statements:statement:confirmed",
    ]  # fmt: skip
    again = queries.compute(eu, contract, SEPTEMBER, known_at=last.known_at + 300 * DAY)
    assert again.figures["totals"]["due"] == "0"


def test_a_word_later_than_two_periods_leaves_it_missed(
    eu: Session, contract_with: Callable[..., Contract]
) -> None:
    contract = contract_with()
    row, late = issued(eu, contract), OVER + 120 * DAY
    jobs.settle_due(eu, at=late)
    actions.confirm(eu, contract, cast.actor("ben"), row, revision=2, objection=None, at=late + DAY)
    assert queries.latest_revision(row).number == 2
    actions.accept(eu, contract, cast.actor("cleo"), row, revision=2, at=late + DAY)
    assert [entry.kind for _, entry in queries.ledger_of(eu, contract)] == ["granted"]


def test_a_late_word_does_not_hide_facts_nobody_saw(
    eu: Session, contract_with: Callable[..., Contract]
) -> None:
    contract = contract_with()
    row = issued(eu, contract)
    late = OVER + 40 * DAY
    jobs.settle_due(eu, at=late)
    works.outage(eu, contract, begin=OVER - 10 * DAY, minutes=60, at=late)
    eu.commit()
    with pytest.raises(Refused, match="Compute the statement again"):
        actions.confirm(
            eu, contract, cast.actor("ben"), row, revision=2, objection=None, at=late + DAY
        )
    eu.rollback()
    assert queries.standing_of(row).stage is Stage.ISSUED


# ---- due, and interest (K9) ----------------------------------------------------------------------


def test_a_credit_is_due_with_the_next_invoice_or_after_the_end() -> None:
    granted = date(2026, 10, 12)

    def due(ended: date | None = None, **typed: str) -> date | None:
        terms = works.terms_with({key.replace("_", "."): text for key, text in typed.items()})
        return rules.payment_due(granted, terms, start=START, ended=ended)

    assert due(O5_period="month") == date(2026, 11, 1)
    assert due(O5_period="quarter") == date(2026, 12, 1)
    assert due(O5_period="year") == date(2027, 9, 1)
    end = date(2026, 11, 15)
    assert due(O5_period="quarter", ended=end, K9="refund_if_none") == date(2026, 12, 15)
    assert due(O5_period="quarter", ended=end, K9="next_invoice") is None
    assert due(K9="cash_at_end") is None
    assert due(K9="cash_at_end", ended=end) == date(2026, 12, 15)


@settings(deadline=None)
@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(0, 4000), st.integers(0, 900))
def test_interest_grows_by_the_day_and_is_a_whole_months_rate_each_month(
    due: date, days: int, more: int
) -> None:
    terms = {"K9.interest": "1"}

    def owed(on: date) -> Decimal:
        return rules.interest(Decimal(1000), "USD", terms, due=due, on=on)

    on = due + timedelta(days=days)
    assert Decimal(0) <= owed(on) <= owed(on + timedelta(days=more))
    assert owed(rules.months_later(due, 7)) == Decimal("70.00")
    assert owed(due) == 0


def test_interest_of_a_part_of_a_month_counts_thirtieths() -> None:
    terms = works.terms_with({"K9.interest": "1.5 %"})
    due = date(2026, 11, 1)
    found = [
        rules.interest(Decimal("375.00"), "USD", terms, due=due, on=on)
        for on in (due, date(2026, 11, 13), date(2027, 1, 16))
    ]
    assert found == [Decimal(0), Decimal("2.25"), Decimal("14.06")]
    assert not rules.interest(Decimal(1), "USD", TERMS, due=due, on=date(2030, 1, 1))


def settle(eu: Session, contract: Contract, row: Statement, *, at: datetime) -> None:
    number = row.revisions[-1].number
    actions.confirm(eu, contract, cast.actor("ben"), row, revision=number, objection=None, at=at)
    actions.accept(eu, contract, cast.actor("cleo"), row, revision=number, at=at)


def bad_september(eu: Session, contract: Contract) -> Statement:
    begin = datetime(2026, 9, 15, 14, tzinfo=UTC)
    works.outage(eu, contract, begin=begin, minutes=9 * 60, at=begin + DAY)
    row = issued(eu, contract)
    settle(eu, contract, row, at=OVER + 4 * DAY)
    return row


def test_a_late_payment_is_recorded_with_its_interest(
    eu: Session, contract_with: Callable[..., Contract]
) -> None:
    contract = contract_with(K9_interest="1 %")
    row = bad_september(eu, contract)
    paid = datetime(2026, 12, 16, tzinfo=UTC)
    account = queries.account_of(eu, contract, on=paid)
    (owed,) = account.owed
    assert (owed.due, owed.amount, owed.interest) == (
        date(2026, 11, 1), Decimal("375.00"), Decimal("5.63"),
    )  # fmt: skip
    actions.pay_credit(eu, contract, cast.actor("ada"), row, how="Invoice 9", at=paid)
    lines = [(e.kind, e.value["amount"]) for _, e in queries.ledger_of(eu, contract)]
    assert lines == [("granted", "375.00"), ("interest", "5.63"), ("paid", "380.63")]
    after = queries.account_of(eu, contract, on=paid + 90 * DAY)
    assert (after.owed, after.balance) == ([], {})


# ---- earned back (K15) ---------------------------------------------------------------------------

BACK = {"K15": "yes", "K15.months": "2", "K15.share": "60 %"}


def earlier(asked: Month, *, due: int = 0, kept: bool = True) -> Earlier:
    missed = not kept
    return Earlier(
        asked, Fraction(due), missed, False, 0, every_promise_kept=kept
    )  # fmt: skip


@pytest.mark.parametrize(
    ("between", "typed", "back"),
    [
        ([True], BACK, ["2026-09"]),
        ([False], BACK, []),
        ([True], {**BACK, "K15": "no"}, []),
        ([True, True], BACK, []),
        ([True, True], {**BACK, "K15.months": "3"}, ["2026-09"]),
        ([], {**BACK, "K15.months": "1"}, ["2026-09"]),
    ],
)
def test_so_many_good_months_right_after_it_earn_a_credit_back(
    between: list[bool], typed: dict[str, str], back: list[str]
) -> None:
    terms = works.terms_with(typed)
    rows = [earlier(SEPTEMBER, due=25, kept=False)]
    rows += [earlier(SEPTEMBER.plus(n), kept=kept) for n, kept in enumerate(between, 1)]
    asked = SEPTEMBER.plus(len(between) + 1)
    end = asked.bounds(terms)[1]
    found = month(asked, terms=terms, known_at=end, earlier=rows)["earned_back"]
    assert [row["month"] for row in found] == back
    assert [row["percent"] for row in found] == ["15"] * len(back)


@pytest.mark.slow
def test_good_months_take_from_what_is_owed_once_in_either_order(
    eu: Session, contract_with: Callable[..., Contract]
) -> None:
    contract = contract_with(**{key.replace(".", "_"): text for key, text in BACK.items()})
    row = bad_september(eu, contract)
    months = [issued(eu, contract, SEPTEMBER.plus(n)) for n in (1, 2, 3)]
    for late in months:
        settle(eu, contract, late, at=late.issued_at + DAY)
    jobs.settle_due(eu, at=months[-1].issued_at + 2 * DAY)
    lines = [(e.kind, e.value["amount"]) for _, e in queries.ledger_of(eu, contract)]
    assert lines == [("granted", "375.00"), ("returned", "225.00")]
    assert desk.events(eu, contract).count("statements:credit:returned") == 1
    paid = months[-1].issued_at + 3 * DAY
    actions.pay_credit(eu, contract, cast.actor("ada"), row, how="Invoice 9", at=paid)
    assert queries.ledger_of(eu, contract)[-1][1].value["amount"] == "150.00"


def test_what_was_paid_already_comes_off_the_next_credit() -> None:
    day, usd = date(2026, 10, 5), "USD"
    lines = [
        Line("2026-09", "granted", day, Decimal(375), usd),
        Line("2026-09", "paid", day, Decimal(375), usd),
        Line("2026-09", "returned", day, Decimal(225), usd),
        Line("2027-01", "granted", day, Decimal(300), usd),
    ]
    assert rules.balance(lines[:3]) == {usd: Decimal(-225)}
    (owed,) = rules.still_owed(lines, TERMS, start=START, ended=None, on=day)
    assert (owed.month, owed.amount) == ("2027-01", Decimal(300))
    assert rules.balance(lines) == {usd: Decimal(75)}


# ---- time, and the end ---------------------------------------------------------------------------


@pytest.mark.slow
def test_added_time_is_granted_and_counted_in_whole_days(
    eu: Session, contract_with: Callable[..., Contract]
) -> None:
    contract = contract_with(K1_shape="extension", K1_extension="0 | 99.9 | 36 h")
    bad_september(eu, contract)
    account = queries.account_of(eu, contract, on=OVER + 9 * DAY)
    (_, entry), (_, given) = queries.ledger_of(eu, contract)
    assert (given.kind, given.value["how"]) == ("paid", "Added after the last term")
    # 36 hours; the cause lay in the peak that ends the quarter for a half, which counts twice.
    assert (entry.kind, Fraction(entry.value["extension"]) >= 36 * 60) == ("granted", True)
    assert account.added >= 2 * DAY and account.added % DAY == timedelta(0)
    assert account.owed == [] and account.balance == {}


@pytest.mark.parametrize(
    ("expire", "kinds"), [("yes", ["granted", "expired"]), ("no", ["granted"])]
)
def test_an_unused_credit_ends_with_the_contract_where_it_says_so(
    eu: Session, contract_with: Callable[..., Contract], expire: str, kinds: list[str]
) -> None:
    contract = contract_with(K10=expire)
    row = bad_september(eu, contract)
    end = OVER + 40 * DAY
    jobs.settle_due(eu, at=end - DAY)
    with transaction(eu):
        add_fact(
            eu, contract, "ended", person_id=cast.actor("ada").person_id, at=end, side=Side.VENDOR
        )
    for _ in range(2):
        jobs.settle_due(eu, at=end + DAY)
    assert [entry.kind for _, entry in queries.ledger_of(eu, contract)] == kinds
    if expire == "yes":
        with pytest.raises(Refused, match="expired"):
            actions.pay_credit(eu, contract, cast.actor("ada"), row, how="x", at=end + DAY)
        eu.rollback()
        assert desk.events(eu, contract)[-1] == "statements:credit:expired"
