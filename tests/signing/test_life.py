"""The life of a signing on a real database: groups, approvals, other people, endings, reminders."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.accounts.models import Membership
from portal.audit.queries import lines
from portal.contracts.models import Contract, Stakeholder
from portal.contracts.queries import current_version, standing, state
from portal.contracts.rules.life import State
from portal.kit import clock
from portal.kit.db import db, transaction
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.kit.refs import new_id
from portal.kit.vault import put
from portal.notices.models import RegionMail
from portal.residency.databases import Regions
from portal.signing import actions, queries
from portal.signing.actions import To
from portal.signing.jobs import keep_signings
from portal.signing.models import Approval, Deed, Handover, Invitation, IssuingKey, Signature
from portal.signing.validation import validate
from tests import cast
from tests.conftest import settings_for
from tests.signing import stage

MONDAY = datetime.fromisoformat("2026-11-30T10:00:00+00:00")


@pytest.fixture
def at() -> datetime:
    return clock.now()


def mails(session: Session, words: str) -> list[str]:
    """Return to whom mails with these words in the subject went, sorted."""
    rows = session.scalars(select(RegionMail).where(RegionMail.subject.contains(words)))
    return sorted(row.recipient.split("@")[0] for row in rows)


def signs(session: Session, contract: Contract, key: str, at: datetime) -> None:
    """Let one of the cast consent and sign."""
    stage.consent(session, contract, key, at=at)
    stage.sign(session, contract, key, at=at)


def let_dov_sign() -> None:
    """Give dov the role to sign, in the directory."""
    row = db.session.scalars(
        select(Membership).where(Membership.person_id == cast.actor("dov").person_id)
    ).one()
    row.roles = "it_admin,org_admin,signatory"
    db.session.commit()


def name_approver(session: Session, contract: Contract, key: str, side: str) -> None:
    """Name a person whose approval comes before any signature."""
    who, at = cast.actor(key), clock.now()
    with transaction(session):
        row = Stakeholder(
            id=new_id(at), region=contract.region, contract_id=contract.id, side=side,
            person_id=who.person_id, function="legal", approves=1,
        )  # fmt: skip
        put(session, row, name=who.name, email=who.email)
    session.expire_all()


# Groups.


def together(session: Session, contract: Contract, *keys: str) -> None:
    persons = {cast.actor(key).person_id for key in keys}
    with transaction(session):
        for slot in contract.slots:
            slot.together = int(slot.person_id in persons)
    session.expire_all()


@pytest.mark.slow
def test_a_group_is_asked_at_once_and_signs_in_any_order(
    eu: Session, regions: Regions, contract: Contract, at: datetime
) -> None:
    together(eu, contract, "nia", "lena")
    version = current_version(contract)
    assert version is not None
    asked = queries.open_now(eu, contract, version)
    assert [seat.name for seat in asked] == ["Ada Keane", "Nia Ferrand"]
    signs(eu, contract, "nia", at)
    with pytest.raises(Refused, match="Ada Keane signs next"):
        signs(eu, contract, "cleo", at)
    signs(eu, contract, "ada", at + timedelta(seconds=40))
    assert mails(eu, "Your turn to sign") == ["ada", "cleo", "lena"]
    signs(eu, contract, "lena", at + timedelta(seconds=80))
    signs(eu, contract, "cleo", at + timedelta(seconds=120))
    assert stage.work(eu, regions, contract, at=at + timedelta(seconds=121)) == 5
    deed = eu.scalars(select(Deed).order_by(Deed.revision.desc())).first()
    assert deed is not None
    assert deed.kind == "sealed"


# Approvals.


def test_nobody_signs_before_the_approvals(eu: Session, contract: Contract, at: datetime) -> None:
    name_approver(eu, contract, "nia", "vendor")
    version = current_version(contract)
    assert version is not None
    stage.consent(eu, contract, "ada", at=at)
    with pytest.raises(Refused, match="approvals come first"):
        stage.sign(eu, contract, "ada", at=at)
    nia, today = cast.actor("nia"), at.date()
    assert standing(contract, nia, today=today).mine_to_approve
    for sha256, confirmed, words in (("0" * 64, "yes", "changed"), (version.sha256, "", "approve")):
        with pytest.raises(Refused, match=words):
            actions.approve(
                eu, nia, contract, shown_sha256=sha256, confirmed=confirmed, step=1, at=at
            )
    with pytest.raises(NotFound):
        actions.approve(
            eu, cast.actor("ben"), contract, shown_sha256=version.sha256, confirmed="yes", step=1,
            at=at,
        )  # fmt: skip
    assert eu.scalar(select(func.count()).select_from(Approval)) == 0
    before = len(lines(eu, contract.id))
    actions.approve(
        eu, nia, contract, shown_sha256=version.sha256, confirmed="yes",
        step=int(at.timestamp()) // 30, at=at,
    )  # fmt: skip
    assert len(lines(eu, contract.id)) == before + 1
    assert lines(eu, contract.id)[-1].facts["sha256"] == version.sha256
    stage.sign(eu, contract, "ada", at=at)
    with pytest.raises(actions.AlreadySigned):
        actions.approve(
            eu, nia, contract, shown_sha256=version.sha256, confirmed="yes", step=10**9, at=at
        )


def test_an_approver_may_decline_and_the_contract_ends(
    eu: Session, contract: Contract, at: datetime
) -> None:
    name_approver(eu, contract, "nia", "vendor")
    with pytest.raises(NotFound):
        actions.decline(eu, cast.actor("dov"), contract, reason="Not mine to say", at=at)
    actions.decline(eu, cast.actor("nia"), contract, reason="The cap is too high", at=at)
    assert state(contract, today=at.date()) is State.DECLINED


# Another person signs.


@pytest.mark.slow
def test_a_delegate_signs_in_their_own_name_and_the_deed_says_in_whose_place(
    eu: Session, regions: Regions, contract: Contract, at: datetime
) -> None:
    let_dov_sign()
    for key in ("ada", "nia"):
        signs(eu, contract, key, at)
    before = len(lines(eu, contract.id))
    to = To(cast.actor("dov").person_id, "IT Director", "On leave until January")
    actions.delegate(eu, cast.actor("cleo"), contract, to, at=at)
    assert len(lines(eu, contract.id)) == before + 1
    assert mails(eu, "another person signs") == ["ada", "cleo", "dov", "lena", "nia"]
    assert mails(eu, "Your turn to sign") == ["ada", "cleo", "dov", "nia"]
    assert "January" not in str(lines(eu, contract.id)[-1].facts)
    with pytest.raises((Refused, NotFound)):
        signs(eu, contract, "cleo", at)
    signs(eu, contract, "dov", at)
    signs(eu, contract, "lena", at)
    assert stage.work(eu, regions, contract, at=at) == 5
    version = current_version(contract)
    assert version is not None
    row = queries.signatures_of(eu, version)[2]
    assert (row.name, row.in_place_of) == ("Dov Amsel", "Cleo Marsh")
    settings = settings_for(regions["eu"].region.key_file.parents[1])
    deed = queries.latest_deed(eu, version)
    assert deed is not None
    from portal.residency.actions import read_document
    from portal.signing import keys

    pdf = read_document(eu, regions["eu"], queries.document_of(eu, deed))
    report = validate(pdf, root_pem=keys.root_pem(settings), known_sha256=deed.sha256)
    assert report.ok, report.errors()
    assert {f.code for f in report.findings} >= {"delegated"}
    signer = next(one for one in report.signatures if one.name == "Dov Amsel")
    assert signer.in_place_of == "Cleo Marsh"


REFUSED_HANDOVERS: dict[str, tuple[str, str, str, str]] = {
    "somebody without the role": ("dov", "IT Director", "On leave", "role Signatory"),
    "another signer": ("lena", "Counsel", "On leave", "already signs"),
    "oneself": ("cleo", "VP", "On leave", "somebody else"),
    "a stranger": ("mal", "Director", "On leave", "same organisation"),
    "somebody of the other side": ("nia", "Counsel", "On leave", "same organisation"),
    "no reason": ("dov", "IT Director", " ", "reason"),
}


@pytest.mark.parametrize("name", REFUSED_HANDOVERS)
@pytest.mark.slow
def test_a_refused_handover_leaves_nothing(
    eu: Session, contract: Contract, at: datetime, name: str
) -> None:
    key, title, reason, words = REFUSED_HANDOVERS[name]
    if name == "no reason":
        let_dov_sign()
    before = len(lines(eu, contract.id))
    to = To(cast.actor(key).person_id, title, reason)
    with pytest.raises(Refused, match=words):
        actions.delegate(eu, cast.actor("cleo"), contract, to, at=at)
    assert eu.scalar(select(func.count()).select_from(Handover)) == 0
    assert len(lines(eu, contract.id)) == before


def test_a_place_is_reassigned_before_it_is_reached_and_not_after(
    eu: Session, contract: Contract, at: datetime
) -> None:
    let_dov_sign()
    to = To(cast.actor("dov").person_id, "IT Director", "Lena left the company")
    slots = {slot.person_id: slot.id for slot in contract.slots}
    lena, ada = (slots[cast.actor(key).person_id] for key in ("lena", "ada"))
    with pytest.raises(NotFound):
        actions.reassign(eu, cast.actor("ada"), contract, lena, to, at=at)
    with pytest.raises(Refused, match="asked already"):
        actions.reassign(eu, cast.actor("ada"), contract, ada, to, at=at)
    with pytest.raises(NotAllowed):
        actions.reassign(eu, cast.actor("ben"), contract, ada, to, at=at)
    actions.reassign(eu, cast.actor("cleo"), contract, lena, to, at=at)
    assert stage.events(eu, contract)[-1] == "signing:slot:reassigned"
    version = current_version(contract)
    assert version is not None
    assert queries.signatures_of(eu, version)[3].name == "Dov Amsel"


# Endings.


def test_a_signing_is_voided_with_a_reason_and_nobody_signs_after(
    eu: Session, contract: Contract, at: datetime
) -> None:
    signs(eu, contract, "ada", at)
    with pytest.raises(NotAllowed):
        actions.void(eu, cast.actor("ben"), contract, reason="No longer needed", at=at)
    with pytest.raises(Refused, match="reason"):
        actions.void(eu, cast.actor("cleo"), contract, reason=" ", at=at)
    before = len(lines(eu, contract.id))
    actions.void(eu, cast.actor("cleo"), contract, reason="No longer needed", at=at)
    assert state(contract, today=at.date()) is State.VOIDED
    entry = lines(eu, contract.id)[-1]
    assert (entry.event, entry.facts["signatures"]) == ("signing:version:voided", 1)
    assert len(lines(eu, contract.id)) == before + 1
    assert mails(eu, "voided") == ["ada", "cleo", "lena", "nia"]
    with pytest.raises(Refused, match="no longer open"):
        signs(eu, contract, "nia", at)
    with pytest.raises(Refused):
        actions.void(eu, cast.actor("cleo"), contract, reason="Once again", at=at)


def test_an_offer_expires_thirty_days_after_it_was_frozen(
    eu: Session, regions: Regions, contract: Contract, at: datetime
) -> None:
    version = current_version(contract)
    assert version is not None
    ends = queries.offer_ends(contract, version)
    assert ends == version.frozen_at + timedelta(days=30)
    with pytest.raises(Refused, match="expired"):
        signs(eu, contract, "ada", ends)
    eu.rollback()
    keep_signings(regions, at=ends - timedelta(seconds=1))
    eu.expire_all()
    assert state(contract, today=at.date()) is State.SIGNING
    eu.rollback()
    keep_signings(regions, at=ends)
    eu.expire_all()
    assert state(contract, today=ends.date()) is State.EXPIRED
    entries = stage.events(eu, contract)
    assert entries[-1] == "signing:offer:expired"
    assert mails(eu, "expired") == ["ada", "cleo", "lena", "nia"]
    eu.rollback()
    keep_signings(regions, at=ends + timedelta(days=9))
    assert stage.events(eu, contract) == entries


# Opening again.


@pytest.mark.slow
def test_both_sides_open_the_terms_again_and_every_signer_hears_it(
    eu: Session, regions: Regions, contract: Contract, at: datetime
) -> None:
    signs(eu, contract, "ada", at)
    ada, cleo = cast.actor("ada"), cast.actor("cleo")
    with pytest.raises(Refused, match="proposed nothing"):
        actions.answer_reopening(eu, cleo, contract, agree="yes", at=at)
    actions.propose_reopening(eu, cleo, contract, reason="Two clauses are swapped", at=at)
    assert state(contract, today=at.date()) is State.SIGNING
    for again in (cleo, ada):
        with pytest.raises(Refused, match="already proposed"):
            actions.propose_reopening(eu, again, contract, reason="Once more, please", at=at)
    with pytest.raises(Refused, match="proposed nothing"):
        actions.answer_reopening(eu, cleo, contract, agree="yes", at=at)
    later = at + timedelta(minutes=5)
    actions.answer_reopening(eu, ada, contract, agree="yes", at=later)
    assert state(contract, today=at.date()) is State.DRAFT  # no round was ever sent here
    (fallen,) = contract.versions
    assert fallen.voided_at == later
    key = eu.scalars(select(IssuingKey)).one()
    assert (key.key_enc, key.destroyed_at) == (None, later)
    (found, signed) = queries.voided_versions(eu, contract)[0]
    assert (found.number, [line.name for line in signed]) == (1, ["Ada Keane"])
    told = eu.scalars(select(RegionMail).where(RegionMail.subject.contains("void"))).all()
    had = {mail.recipient.split("@")[0] for mail in told if "YOUR SIGNATURE" in mail.text}
    assert had == {"ada"}
    assert {mail.recipient.split("@")[0] for mail in told} == {"ada", "nia", "cleo", "lena"}
    # The next version starts anew: nobody has signed it, and the first is asked again.
    stage.freeze(eu, contract, at=later + timedelta(minutes=1))
    assert stage.work(eu, regions, contract, at=later + timedelta(minutes=2)) == 1
    version = current_version(contract)
    assert version is not None
    assert version.number == 2
    assert not any(line.is_signed for line in queries.signatures_of(eu, version))
    signs(eu, contract, "ada", later + timedelta(minutes=3))
    assert eu.scalar(select(func.count()).select_from(Signature)) == 2
    before = queries.approved_version_of(eu, contract, ada.person_id)
    assert before is not None
    assert before.number == 1


def test_a_refused_proposal_changes_nothing_and_can_be_made_again(
    eu: Session, contract: Contract, at: datetime
) -> None:
    ada, cleo = cast.actor("ada"), cast.actor("cleo")
    actions.propose_reopening(eu, cleo, contract, reason="Two clauses are swapped", at=at)
    later = at + timedelta(minutes=1)
    actions.answer_reopening(eu, ada, contract, agree="no", at=later)
    assert state(contract, today=at.date()) is State.SIGNING
    assert contract.versions[0].voided_at is None
    again = later + timedelta(minutes=1)
    actions.propose_reopening(eu, ada, contract, reason="They are, indeed", at=again)
    assert queries.open_reopening(contract) is not None


# Reminders.


def test_only_those_whose_turn_it_is_are_reminded_every_two_days_until_it_ends(
    eu: Session, regions: Regions, contract: Contract
) -> None:
    (asked,) = eu.scalars(select(Invitation)).all()
    with transaction(eu):
        asked.invited_at = asked.asked_at = MONDAY - timedelta(hours=47)
    sweep: Callable[[datetime], int] = lambda now: keep_signings(regions, at=now)  # noqa: E731
    assert sweep(MONDAY) == 0
    assert sweep(MONDAY + timedelta(hours=1)) == 1
    assert mails(eu, "Reminder") == ["ada"]
    eu.rollback()
    assert sweep(MONDAY + timedelta(hours=2)) == 0
    assert sweep(MONDAY + timedelta(hours=49, minutes=30)) == 1
    # After days of silence one reminder, not several; never on a Saturday or at night.
    saturday = MONDAY + timedelta(days=5)
    assert sweep(saturday) == 0
    assert sweep(saturday + timedelta(days=2, hours=12)) == 0
    assert sweep(saturday + timedelta(days=3)) == 1
    assert mails(eu, "Reminder") == ["ada"] * 3
    actions.void(eu, cast.actor("cleo"), contract, reason="No longer needed", at=saturday)
    eu.rollback()
    assert sweep(saturday + timedelta(days=10)) == 0
    assert stage.events(eu, contract).count("signing:signer:reminded") == 3


@pytest.mark.slow
def test_reminders_follow_the_turn_and_a_withdrawn_consent_stops_them(
    eu: Session, regions: Regions, contract: Contract, at: datetime
) -> None:
    signs(eu, contract, "ada", at)
    rows = {row.person_id: row for row in eu.scalars(select(Invitation))}
    with transaction(eu):
        for row in rows.values():
            row.asked_at = MONDAY - timedelta(days=3)
    keep_signings(regions, at=MONDAY)
    assert mails(eu, "Reminder") == ["nia"]
    stage.consent(eu, contract, "nia", at=MONDAY)
    actions.withdraw_consent(eu, cast.actor("nia"), contract, at=MONDAY)
    eu.rollback()
    keep_signings(regions, at=MONDAY + timedelta(days=3))
    assert mails(eu, "Reminder") == ["nia"]


@pytest.mark.slow
def test_who_is_awaited_is_known_since_when_and_asked_again_once_a_day(
    eu: Session, contract: Contract, at: datetime
) -> None:
    version = current_version(contract)
    assert version is not None
    (one,) = queries.awaited(eu, contract, version)
    assert (one.name, one.verb, one.organisation) == ("Ada Keane", "sign", "Northwind Systems Ltd")
    assert one.invitation is not None
    assert one.since == one.invitation.invited_at
    cleo, asked = cast.actor("cleo"), one.invitation.id
    with pytest.raises(NotAllowed):
        actions.resend(eu, cast.actor("ben"), contract, asked, at=at)
    with pytest.raises(Refused, match="less than a day"):
        actions.resend(eu, cleo, contract, asked, at=at)
    tomorrow = at + timedelta(hours=25)
    actions.resend(eu, cleo, contract, asked, at=tomorrow)
    assert mails(eu, "Reminder") == ["ada"]
    with pytest.raises(Refused, match="less than a day"):
        actions.resend(eu, cleo, contract, asked, at=tomorrow + timedelta(hours=23))
    with pytest.raises(Refused, match="Nobody waits"):
        actions.resend(eu, cleo, contract, "X" * 26, at=tomorrow)


def test_a_role_that_was_taken_away_signs_no_more(
    eu: Session, contract: Contract, at: datetime
) -> None:
    stage.consent(eu, contract, "ada", at=at)
    row = db.session.scalars(
        select(Membership).where(Membership.person_id == cast.actor("ada").person_id)
    ).one()
    row.roles = "account_manager"
    db.session.commit()
    with pytest.raises(NotAllowed, match="no longer hold"):
        stage.sign(eu, contract, "ada", at=at)
    assert eu.scalar(select(func.count()).select_from(Signature)) == 0
