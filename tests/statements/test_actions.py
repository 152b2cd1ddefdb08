"""Issuing and settling months: state, exactly one entry, and a refusal that leaves neither."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import current_app
from pyhanko.pdf_utils.reader import PdfFileReader
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from portal.audit.models import RegionEntry
from portal.contracts.actions import add_fact, start_amendment
from portal.contracts.models import Contract
from portal.contracts.rules.document import canonical_bytes, sha256_of
from portal.kit import clock
from portal.kit.db import transaction
from portal.kit.errors import NotFound, Refused
from portal.residency.actions import read_document
from portal.residency.databases import Regions
from portal.statements import actions, jobs, queries
from portal.statements.models import CreditEntry, Statement, StatementEvent
from portal.statements.rules.month import Month
from portal.statements.rules.settling import Stage
from tests import cast
from tests.changes import works
from tests.conftest import make_contract, settings_for
from tests.incidents import desk

SEPTEMBER = Month(2026, 9)
OVER = datetime(2026, 10, 1, 0, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def refused(session: Session, act: Callable[[], object], kind: type[Exception] = Refused) -> str:
    """Do something that is refused, and see that nothing was left behind."""
    tables = (RegionEntry.seq, StatementEvent.id, CreditEntry.id)
    before = [session.scalar(select(func.count(column))) for column in tables]
    session.rollback()
    with pytest.raises(kind) as caught:
        act()
    session.rollback()
    assert [session.scalar(select(func.count(column))) for column in tables] == before
    session.rollback()
    return str(caught.value)


@pytest.fixture
def outage(eu: Session, served: Contract) -> Contract:
    """Nine hours down in September."""
    begin = datetime(2026, 9, 15, 14, tzinfo=UTC)
    works.outage(eu, served, begin=begin, minutes=9 * 60, at=begin + DAY)
    return served


@pytest.fixture
def issued(eu: Session, outage: Contract) -> Statement:
    row = actions.issue(eu, outage, SEPTEMBER, at=OVER)
    assert row is not None
    return row


@pytest.mark.slow
def test_a_month_is_issued_once_and_only_when_it_is_over(eu: Session, served: Contract) -> None:
    early = OVER - timedelta(hours=1)
    refused(eu, lambda: actions.issue(eu, served, SEPTEMBER, at=early))
    assert actions.issue(eu, served, SEPTEMBER, at=OVER) is not None
    assert actions.issue(eu, served, SEPTEMBER, at=OVER) is None
    assert desk.events(eu, served) == ["statements:statement:issued"]


def test_the_same_month_computed_again_is_equal(eu: Session, issued: Statement) -> None:
    contract = eu.get_one(Contract, issued.contract_id)
    before = queries.latest_revision(issued)
    works.outage(eu, contract, begin=OVER - 10 * DAY, at=OVER + DAY)
    again = queries.compute(eu, contract, SEPTEMBER, known_at=before.known_at)
    assert again.sha256 == before.sha256
    assert again.figures == before.figures
    assert sha256_of(canonical_bytes(before.figures)) == before.sha256
    later = queries.compute(eu, contract, SEPTEMBER, known_at=OVER + 2 * DAY)
    assert later.figures["uptime"][0]["percent"] != before.figures["uptime"][0]["percent"]


def test_a_missed_uptime_earns_the_credit_of_its_band(eu: Session, issued: Statement) -> None:
    figures = queries.latest_revision(issued).figures
    software = figures["uptime"][0]
    # 540 of 43,200 minutes; 4,620 selling minutes in the peak of the quarter's end weigh 3.
    assert (software["shown"], software["kept"]) == ("98.970", False)
    credit = next(line for line in figures["credits"] if line["earns"])
    assert (credit["clause"], credit["percent"]) == ("12.1", "25")
    totals = figures["totals"]
    assert (totals["due"], totals["amount"], totals["currency"]) == ("25", "375.00", "USD")


def settle(session: Session, row: Statement) -> Contract:
    contract = session.get_one(Contract, row.contract_id)
    actions.confirm(
        session, contract, cast.actor("ben"), row, revision=1, objection=None, at=OVER + DAY
    )
    actions.accept(session, contract, cast.actor("cleo"), row, revision=1, at=OVER + 2 * DAY)
    return contract


def test_confirmed_and_accepted_it_is_frozen_and_grants_its_credit(
    eu: Session, issued: Statement
) -> None:
    contract = settle(eu, issued)
    found = queries.standing_of(issued)
    assert (found.stage, found.frozen) == (Stage.ACCEPTED, True)
    ((_, entry),) = queries.ledger_of(eu, contract)
    assert (entry.kind, entry.value["amount"]) == ("granted", "375.00")
    assert desk.events(eu, contract)[-3:] == [
        "statements:statement:issued", "statements:statement:confirmed",
        "statements:statement:accepted",
    ]  # fmt: skip
    works.outage(eu, contract, begin=OVER - 10 * DAY, at=OVER + 3 * DAY)
    again = lambda: actions.compute_again(  # noqa: E731
        eu, contract, cast.actor("ben"), issued, at=OVER + 4 * DAY
    )
    assert refused(eu, again) == "An accepted statement is frozen."
    with pytest.raises((IntegrityError, OperationalError), match="never changed"):
        eu.execute(text("UPDATE statement_revisions SET sha256 = '0'"))
    eu.rollback()


def test_each_side_does_its_own_part_on_the_figures_it_saw(eu: Session, issued: Statement) -> None:
    contract = eu.get_one(Contract, issued.contract_id)

    def confirm(key: str, revision: int = 1) -> None:
        actions.confirm(
            eu, contract, cast.actor(key), issued, revision=revision, objection=None, at=OVER
        )

    def accept(key: str) -> None:
        actions.accept(eu, contract, cast.actor(key), issued, revision=1, at=OVER)

    refused(eu, lambda: confirm("cleo"))
    refused(eu, lambda: confirm("mal"), NotFound)
    refused(eu, lambda: accept("cleo"))
    assert "computed again" in refused(eu, lambda: confirm("ben", 2))
    confirm("ben")
    refused(eu, lambda: confirm("ben"))
    refused(eu, lambda: accept("ada"))


@pytest.mark.slow
def test_a_dispute_names_a_figure_and_ends_in_new_figures(eu: Session, issued: Statement) -> None:
    contract = eu.get_one(Contract, issued.contract_id)
    ben, dov = cast.actor("ben"), cast.actor("dov")
    actions.confirm(eu, contract, ben, issued, revision=1, objection=None, at=OVER)

    def dispute(figure: str = "uptime-0", reason: str = "Longer.", at: datetime = OVER) -> None:
        actions.dispute(eu, contract, dov, issued, revision=1, figure=figure, reason=reason, at=at)

    refused(eu, lambda: dispute("nothing"))
    refused(eu, lambda: dispute(reason=" "))
    refused(eu, lambda: dispute(at=OVER + 60 * DAY))
    dispute()
    again = lambda: actions.compute_again(eu, contract, ben, issued, at=OVER + DAY)  # noqa: E731
    assert "Nothing changed" in refused(eu, again)
    actions.answer(eu, contract, ben, issued, reply="We look into it.", at=OVER)
    works.outage(eu, contract, begin=OVER - 10 * DAY, minutes=30, at=OVER)
    again()
    found = queries.standing_of(issued)
    assert (found.stage, found.revision, found.confirmed_at) == (Stage.ISSUED, 2, None)
    assert len(queries.find_statement(eu, contract, "2026-09").revisions) == 2


def test_silence_accepts_after_the_time_to_dispute(eu: Session, issued: Statement) -> None:
    contract = eu.get_one(Contract, issued.contract_id)
    ben = cast.actor("ben")
    actions.confirm(eu, contract, ben, issued, revision=1, objection=None, at=OVER)
    assert issued.act_at is not None
    assert not actions.accept_by_silence(eu, contract, issued, at=issued.act_at)
    late = issued.act_at + timedelta(seconds=1)
    assert jobs.settle_due(eu, at=late) == 1
    assert jobs.settle_due(eu, at=late) == 0
    eu.refresh(issued)
    assert issued.stage == Stage.ACCEPTED
    assert desk.events(eu, contract)[-1] == "statements:statement:lapsed"


@pytest.mark.parametrize("claims", ["in time", "never"])
def test_a_credit_on_claim_is_granted_or_lapses(
    eu: Session, contract: Contract, claims: str
) -> None:
    desk.put_in_force(eu, contract, works.terms_with({"K7": "when claimed"}), at=works.FROM)
    begin = datetime(2026, 9, 15, 14, tzinfo=UTC)
    works.outage(eu, contract, begin=begin, minutes=9 * 60, at=begin + DAY)
    row = actions.issue(eu, contract, SEPTEMBER, at=OVER)
    assert row is not None
    settle(eu, row)
    assert queries.ledger_of(eu, contract) == []
    claim = lambda at: actions.claim_credit(  # noqa: E731
        eu, contract, cast.actor("cleo"), row, at=at
    )
    if claims == "in time":
        claim(OVER + 5 * DAY)
    else:
        jobs.settle_due(eu, at=OVER + 31 * DAY)
        refused(eu, lambda: claim(OVER + 31 * DAY))
    jobs.settle_due(eu, at=OVER + 40 * DAY)
    assert [entry.kind for _, entry in queries.ledger_of(eu, contract)] == [
        "granted" if claims == "in time" else "lapsed"
    ]


def test_a_granted_credit_is_paid_once(eu: Session, issued: Statement) -> None:
    contract = settle(eu, issued)
    pay = lambda key: actions.pay_credit(  # noqa: E731
        eu, contract, cast.actor(key), issued, how="Invoice 7", at=OVER + 9 * DAY
    )
    refused(eu, lambda: pay("cleo"))
    pay("ada")
    refused(eu, lambda: pay("ada"))
    assert [entry.kind for _, entry in queries.ledger_of(eu, contract)] == ["granted", "paid"]


@pytest.mark.slow
def test_an_accepted_statement_is_sealed_once_with_its_figures_inside(
    eu: Session, regions: Regions, issued: Statement, home: Path
) -> None:
    contract = settle(eu, issued)
    database, settings = regions["eu"], settings_for(home)
    late = OVER + 3 * DAY
    assert jobs.seal_due(database, eu, settings, at=late) == 1
    assert jobs.seal_due(database, eu, settings, at=late) == 0
    document = queries.sealed_document(eu, issued)
    content = read_document(eu, database, document)
    assert content.startswith(b"%PDF-")
    reader = PdfFileReader(io.BytesIO(content))
    assert reader.embedded_signatures[0].field_name == "sig_seal"
    (sealed,) = reader.embedded_regular_signatures
    sealed.compute_integrity_info()
    names = reader.root["/Names"]["/EmbeddedFiles"]["/Names"]
    attached = names[1].get_object()["/EF"]["/F"].data
    assert attached == canonical_bytes(queries.latest_revision(issued).figures)
    assert desk.events(eu, contract)[-1] == "statements:statement:sealed"


def test_workers_at_the_same_month_issue_it_once(
    eu: Session, regions: Regions, served: Contract
) -> None:
    eu.commit()
    database, late = regions["eu"], OVER

    def work(_: int) -> int:
        with database.open_session() as session:
            return jobs.issue_due(session, at=late)

    with app_threads(4) as pool:
        issued = list(pool.map(work, range(4)))
    assert sum(issued) == 1
    eu.expire_all()
    assert [row.month for row in queries.statements_of(eu, served)] == ["2026-09"]
    assert desk.events(eu, served) == ["statements:statement:issued"]


@contextmanager
def app_threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that each push the portal's context, as each worker has its own."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    with ThreadPoolExecutor(count, initializer=lambda: app.app_context().push()) as pool:
        yield pool


def test_a_worker_stopped_for_months_issues_each_month_once(eu: Session, served: Contract) -> None:
    late = datetime(2027, 1, 4, tzinfo=UTC)
    assert jobs.issue_due(eu, at=late) == 4
    assert jobs.issue_due(eu, at=late) == 0
    months = [row.month for row in queries.statements_of(eu, served)]
    assert months == ["2026-12", "2026-11", "2026-10", "2026-09"]


def test_the_months_of_a_contract_that_is_over_end_with_its_last_day(
    eu: Session, served: Contract
) -> None:
    """The last month is cut to the days of service, and no month follows (clause 5.5)."""
    late = datetime(2027, 3, 1, tzinfo=UTC)
    known = {served.ref: date(2026, 11, 11)}
    assert jobs.issue_due(eu, at=late, ends=lambda _session, _refs: known) == 2
    assert jobs.issue_due(eu, at=late, ends=lambda _session, _refs: known) == 0
    with transaction(eu):
        add_fact(
            eu, served, "ended", person_id="", side=None, at=late, effective_on="2026-11-11"
        )  # fmt: skip
    assert jobs.issue_due(eu, at=late, ends=lambda _session, _refs: known) == 1
    rows = queries.statements_of(eu, served)
    assert [row.month for row in rows] == ["2026-11", "2026-10", "2026-09"]
    assert rows[0].revisions[0].figures["end"] == "2026-11-11T00:00:00Z"
    assert queries.contracts_owed(eu, at=late + 400 * DAY) == []


def test_between_two_months_nothing_is_opened(eu: Session, served: Contract) -> None:
    noon = datetime(2026, 10, 15, 12, tzinfo=UTC)
    assert jobs.issue_due(eu, at=noon) == 1
    assert queries.contracts_owed(eu, at=noon + 10 * DAY) == []
    assert queries.contracts_owed(eu, at=noon + 17 * DAY) == [served.ref]


def test_a_contract_that_cannot_be_counted_stops_no_other(
    eu: Session, regions: Regions, served: Contract
) -> None:
    odd = [make_contract(eu, regions, title=f"No zone {number}") for number in range(4)]
    for contract in odd:
        desk.put_in_force(eu, contract, {"A5": "2026-09-01", "M4": "Nowhere"}, at=works.FROM)
    desk.settle(eu)
    late = datetime(2027, 1, 4, tzinfo=UTC)
    assert jobs.issue_due(eu, at=late) == 4
    assert len(queries.statements_of(eu, served)) == 4
    assert not any(queries.statements_of(eu, contract) for contract in odd)


def test_an_amendment_has_no_statements_of_its_own(
    eu: Session, regions: Regions, served: Contract
) -> None:
    eu.commit()
    child = start_amendment(
        eu, regions["eu"], cast.actor("ada"), served, terms=("P6",), at=clock.now()
    )
    with transaction(eu):
        add_fact(eu, child, "completed", person_id="", side=None, at=OVER - 9 * DAY)
    assert queries.contracts_owed(eu, at=OVER) == [served.ref]
