"""A weaker policy takes two administrators and a day; a reset takes two and holds signing."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts import actions as accounts
from portal.accounts import queries
from portal.accounts.models import Membership, Person, RecoveryCode, SignIn
from portal.accounts.pepper import Peppers
from portal.accounts.queries import short_of
from portal.accounts.rules import CodeResult, MfaRule
from portal.admin import actions
from portal.admin.queries import partners_of
from portal.audit.models import DirectoryEntry
from portal.contracts.models import Contract
from portal.kit.db import db
from portal.kit.errors import NotFound, Refused
from portal.notices.models import DirectoryMail
from portal.residency.databases import Regions
from tests import cast

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
ADA, DOV, MAL = (cast.actor(key) for key in ("ada", "dov", "mal"))
BEN = cast.as_admin("ben")
HIGH = {"*": MfaRule.REQUIRED}
LOW = {"*": MfaRule.OPTIONAL, "signatory": MfaRule.REQUIRED_TO_SIGN}

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture(autouse=True)
def two_administrators(context) -> None:
    row = membership_of(BEN)
    row.roles = ",".join(BEN.roles)
    db.session.commit()


def membership_of(actor) -> Membership:
    row = db.session.scalar(select(Membership).where(Membership.person_id == actor.person_id))
    assert row is not None
    return row


def entries() -> list[str]:
    rows = (
        select(DirectoryEntry.event)
        .where(DirectoryEntry.event.startswith("organisation:"))
        .order_by(DirectoryEntry.at, DirectoryEntry.seq)
    )
    return list(db.session.scalars(rows))


def told(event: str) -> set[str]:
    rows = select(DirectoryMail.recipient).where(DirectoryMail.event == event)
    return {one.partition("@")[0] for one in db.session.scalars(rows)}


def lowering() -> str:
    actions.ask_for_mfa(ADA, HIGH, at=AT)
    row = actions.ask_for_mfa(ADA, LOW, at=AT)
    assert row is not None
    return row.id


def test_a_stricter_rule_holds_at_once_and_needs_nobody_else():
    actions.ask_for_mfa(ADA, HIGH, at=AT)
    assert queries.mfa_rule(BEN) is MfaRule.REQUIRED
    assert entries() == ["organisation:mfa_rules:changed"]
    assert actions.ask_for_mfa(ADA, HIGH, at=AT) is None and len(entries()) == 1


def test_a_stricter_rule_may_begin_later_and_whoever_falls_short_is_told_the_day():
    zoe = accounts.create_person("zoe@northwind.example", "Zoe", cast.PASSWORD, AT)
    accounts.add_member(zoe, queries.organisation_by_id(ADA.organisation_id), ["legal"], AT)
    before = entries()
    actions.ask_for_mfa(ADA, HIGH, days=7, at=AT)
    assert entries()[len(before) :] == ["organisation:policy:asked"]
    assert queries.mfa_rule(ADA) is MfaRule.OPTIONAL and told("person:factor:wanted") == {"zoe"}
    assert actions.apply_due(at=AT + timedelta(days=7, seconds=-1)) == 0
    assert actions.apply_due(at=AT + timedelta(days=7)) == 1
    assert queries.mfa_rule(ADA) is MfaRule.REQUIRED
    assert [row.person.name for row, _ in short_of(ADA.organisation_id, HIGH)] == ["Zoe"]
    assert entries()[-1] == "organisation:mfa_rules:changed"


def test_a_lower_rule_changes_nothing_until_a_second_administrator_and_a_day(
    contract: Contract, regions: Regions
):
    change = lowering()
    assert told("organisation:policy:asked") == {"ada", "ben"}
    assert actions.apply_due(at=AT + 9 * DAY) == 0, "nobody confirmed it"
    partners = partners_of(regions, ADA.organisation_id)
    assert partners == {DOV.organisation_id}
    actions.confirm_change(BEN, change, partners=partners, at=AT + DAY)
    assert told("organisation:policy:weakened") == {"ada", "ben", "dov"}
    assert actions.apply_due(at=AT + 2 * DAY - timedelta(seconds=1)) == 0
    assert queries.mfa_rule(ADA) is MfaRule.REQUIRED
    assert actions.apply_due(at=AT + 2 * DAY) == 1 and actions.apply_due(at=AT + 3 * DAY) == 0
    assert queries.mfa_rules(ADA.organisation_id) == {"signatory": MfaRule.REQUIRED_TO_SIGN}
    assert entries() == [
        "organisation:mfa_rules:changed", "organisation:policy:asked",
        "organisation:policy:confirmed", "organisation:mfa_rules:changed",
    ]  # fmt: skip


def test_one_person_cannot_lower_a_rule_however_they_try():
    change = lowering()
    before = entries()
    with pytest.raises(Refused, match="Another administrator"):
        actions.confirm_change(ADA, change, partners=[], at=AT)
    with pytest.raises(Refused, match="waits already"):
        actions.ask_for_mfa(ADA, {}, at=AT)
    for stranger in (MAL, DOV):
        with pytest.raises(NotFound):
            actions.confirm_change(stranger, change, partners=[], at=AT)
        with pytest.raises(NotFound):
            actions.withdraw_change(stranger, change, at=AT)
    assert entries() == before and queries.mfa_rule(ADA) is MfaRule.REQUIRED


def test_an_only_administrator_cannot_begin_to_lower_it():
    actions.ask_for_mfa(DOV, HIGH, at=AT)
    with pytest.raises(Refused, match="two organisation administrators"):
        actions.ask_for_mfa(DOV, {}, at=AT)
    assert entries() == ["organisation:mfa_rules:changed"]


@pytest.mark.parametrize("confirmed", [False, True])
@pytest.mark.slow
def test_one_administrator_is_enough_to_stop_it(confirmed):
    change = lowering()
    if confirmed:
        actions.confirm_change(BEN, change, partners=[], at=AT)
    actions.withdraw_change(ADA, change, at=AT + timedelta(hours=23))
    assert actions.apply_due(at=AT + 9 * DAY) == 0
    assert queries.mfa_rule(ADA) is MfaRule.REQUIRED
    for late in (
        lambda: actions.withdraw_change(ADA, change, at=AT),
        lambda: actions.confirm_change(BEN, change, partners=[], at=AT),
    ):
        with pytest.raises(Refused):
            late()


def test_one_region_less_holds_at_once_and_one_more_takes_two_and_a_day():
    both = {"configured": ["eu", "us"], "at": AT}
    actions.ask_for_regions(ADA, ["eu"], **both)
    assert queries.organisation_by_id(ADA.organisation_id).allowed_regions == ["eu"]
    row = actions.ask_for_regions(ADA, ["us", "eu"], **both)
    actions.confirm_change(BEN, row.id, partners=[], at=AT)
    assert queries.organisation_by_id(ADA.organisation_id).allowed_regions == ["eu"]
    actions.apply_due(at=AT + DAY)
    assert queries.organisation_by_id(ADA.organisation_id).allowed_regions == ["eu", "us"]
    assert entries().count("organisation:regions:changed") == 2


# A lost phone


def reset_of(key: str = "nia") -> str:
    return actions.ask_for_reset(ADA, membership_of(cast.actor(key)).id, at=AT).id


def test_a_reset_takes_two_ends_everything_and_tells_everybody(
    contract: Contract, regions: Regions
):
    nia = cast.actor("nia")
    accounts.start_sign_in(nia.person_id, address="a", agent="", at=AT)
    accounts.make_recovery_codes(nia.person_id, peppers=Peppers(b"p"), at=AT)
    before = entries()
    reset = reset_of()
    assert told("organisation:factor_reset:asked") == {"ada", "ben", "nia"}
    with pytest.raises(Refused, match="Another administrator"):
        actions.confirm_reset(ADA, reset, partners=[], at=AT)
    assert db.session.get_one(Person, nia.person_id).has_factor
    partners = partners_of(regions, ADA.organisation_id)
    actions.confirm_reset(BEN, reset, partners=partners, at=AT + DAY)
    db.session.expire_all()
    person = db.session.get_one(Person, nia.person_id)
    assert not person.has_factor and person.signing_held_until == AT + 2 * DAY
    assert not db.session.scalars(select(RecoveryCode)).all()
    assert None not in db.session.scalars(select(SignIn.ended_at)).all()
    assert told("organisation:factor_reset:done") == {"ada", "ben", "nia", "dov"}
    assert entries()[len(before) :] == [
        "organisation:factor_reset:asked", "organisation:factor_reset:done",
    ]  # fmt: skip
    with pytest.raises(NotFound):
        actions.confirm_reset(BEN, reset, partners=[], at=AT + DAY)


@pytest.mark.parametrize("purpose", ["sign", "approve", "notice"])
def test_nothing_is_signed_for_a_day_after_a_reset_and_the_code_is_not_used_up(purpose):
    nia = cast.actor("nia")
    actions.confirm_reset(BEN, reset_of(), partners=[], at=AT)
    person = db.session.get_one(Person, nia.person_id)
    accounts.enrol_factor(person, cast.SECRETS["nia"], AT)

    def spend(purpose: str, at: datetime):
        return accounts.spend_code(nia.person_id, cast.code("nia", at), at=at, purpose=purpose)

    late = AT + DAY - timedelta(seconds=1)
    held = spend(purpose, late)
    assert (
        held.result is CodeResult.HELD and "cannot sign before 24 Nov 2026, 09:00" in held.message
    )
    assert spend("sign_in", late).accepted
    assert spend(purpose, AT + DAY + timedelta(minutes=1)).accepted


@pytest.mark.slow
def test_a_reset_nobody_confirms_in_a_day_is_over_and_can_be_asked_for_again():
    reset = reset_of()
    with pytest.raises(Refused, match="waits already"):
        reset_of()
    late = AT + DAY + timedelta(seconds=1)
    with pytest.raises(NotFound):
        actions.confirm_reset(BEN, reset, partners=[], at=late)
    again = actions.ask_for_reset(ADA, membership_of(cast.actor("nia")).id, at=late)
    actions.withdraw_reset(ADA, again.id, at=late)
    with pytest.raises(NotFound):
        actions.confirm_reset(BEN, again.id, partners=[], at=late)
    assert db.session.get_one(Person, cast.actor("nia").person_id).has_factor


def test_whom_it_is_about_confirms_nothing_and_nobody_resets_themselves():
    with pytest.raises(Refused, match="security page"):
        reset_of("ada")
    reset = reset_of("ben")
    with pytest.raises(Refused, match="your own account"):
        actions.confirm_reset(BEN, reset, partners=[], at=AT)
    with pytest.raises(NotFound):
        actions.ask_for_reset(MAL, membership_of(BEN).id, at=AT)
    with pytest.raises(NotFound):
        actions.confirm_reset(DOV, reset, partners=[], at=AT)


def test_an_administrator_ends_the_sessions_of_a_member(eu: Session):
    accounts.start_sign_in(BEN.person_id, address="a", agent="", at=AT)
    accounts.start_sign_in(BEN.person_id, address="b", agent="", at=AT)
    before = len(entries())
    assert actions.end_sessions(ADA, membership_of(BEN).id, at=AT) == 2
    assert actions.end_sessions(ADA, membership_of(BEN).id, at=AT) == 0
    assert entries()[before:] == ["organisation:member:signed_out"]
    with pytest.raises(NotFound):
        actions.end_sessions(MAL, membership_of(BEN).id, at=AT)
