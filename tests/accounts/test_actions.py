"""Sessions, codes, passwords and limits against a real database."""

import random
import threading
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import func, select

from portal.accounts import actions, passwords, queries, totp
from portal.accounts.actions.codes import raise_step
from portal.accounts.actions.failures import FAILED
from portal.accounts.gate import key_of
from portal.accounts.models import Attempt, Membership, Person, RecoveryCode, SignIn
from portal.accounts.pepper import Peppers
from portal.accounts.rules import CodeResult, MfaRule
from portal.audit.models import DirectoryEntry
from portal.audit.queries import check
from portal.kit.db import db, transaction
from portal.kit.errors import NotFound, Refused
from portal.notices.models import DirectoryMail
from tests import cast

AT = datetime(2026, 11, 23, 9, 0, 13, tzinfo=UTC)
PEPPERS = Peppers(b"p" * 32)
ADA = cast.actor("ada").person_id
BEN = cast.actor("ben").person_id

pytestmark = pytest.mark.usefixtures("context")


def entries(chain: str) -> list[str]:
    """Give what was entered in a chain, but for the sign-ins that failed."""
    rows = select(DirectoryEntry.event).where(
        DirectoryEntry.chain == chain, DirectoryEntry.event != FAILED
    )
    return list(db.session.scalars(rows.order_by(DirectoryEntry.seq)))


def all_entries() -> int:
    return db.session.scalar(select(func.count()).select_from(DirectoryEntry)) or 0


def spend(code: str, at: datetime = AT, purpose: str = "sign_in", person: str = ADA):
    return actions.spend_code(person, code, at=at, purpose=purpose)


# the directory


@pytest.mark.slow
def test_an_organisation_a_person_and_a_member_are_made_with_an_entry_each():
    firm = actions.create_organisation("Firm  Ltd", "firm", "1 Road", ["eu"], AT)
    zoe = actions.create_person("ZOE@firm.example", "Zoe", "gravel otter lamp", AT)
    member = actions.add_member(zoe, firm, ["legal", "auditor"], AT)
    assert (firm.name, firm.allowed_regions) == ("Firm Ltd", ["eu"])
    assert (zoe.email, zoe.operator, zoe.has_factor) == ("zoe@firm.example", 0, False)
    assert member.roles == "legal,auditor"
    assert entries(firm.id) == ["organisation:created", "organisation:member:added"]
    assert entries(zoe.id) == ["person:created"]
    assert check(db.session()) == (3, [])


def test_a_bad_address_makes_neither_person_nor_entry():
    before = all_entries()
    with pytest.raises(Refused):
        actions.create_person("zoe", "Zoe", "gravel otter lamp", AT)
    assert queries.person_by_email("zoe") is None and all_entries() == before


def test_a_member_who_left_comes_back_with_new_roles():
    ben, northwind = db.session.get(Person, BEN), queries.organisation_by_id("ORG" + "1".zfill(23))
    row = queries.memberships_of(BEN)[0]
    row.ended_at = AT
    db.session.commit()
    again = actions.add_member(ben, northwind, ["legal"], AT)
    assert (again.id, again.roles, again.ended_at) == (row.id, "legal", None)


@pytest.mark.slow
def test_an_enrolled_factor_is_sealed_at_rest():
    zoe = actions.create_person("zoe@firm.example", "Zoe", "gravel otter lamp", AT)
    actions.enrol_factor(zoe, cast.SECRETS["ada"], AT)
    assert queries.has_factor(zoe.id) and zoe.current_secret == cast.SECRETS["ada"]
    assert cast.SECRETS["ada"].encode() not in zoe.totp_secret_enc
    assert spend(cast.code("ada", AT), person=zoe.id).accepted


@pytest.mark.slow
def test_partners_are_all_other_organisations_by_name():
    names = [row.name for row in queries.partners(cast.actor("ada"))]
    assert names == ["Harbour Retail Inc", "Otherware GmbH"]


def test_members_of_another_organisation_are_not_found():
    theirs = queries.members(cast.actor("cleo"))[0]
    with pytest.raises(NotFound):
        queries.find_member(cast.actor("mal"), theirs.id)
    assert {m.person.name for m in queries.members(cast.actor("mal"))} == {"Mal Riedel"}
    assert queries.mfa_rule(cast.actor("mal")) is MfaRule.OPTIONAL


# limits


@pytest.mark.both_engines
def test_the_eleventh_try_in_five_minutes_is_refused_until_the_window_ends():
    subjects = {"password:account": "x", "password:address": "10.0.0.1"}
    assert [actions.reserve(subjects, at=AT) for _ in range(10)] == [None] * 10
    until = actions.reserve(subjects, at=AT)
    assert until == datetime(2026, 11, 23, 9, 5, tzinfo=UTC)
    assert actions.reserve(subjects, at=until) is None


def test_a_refused_try_counts_nowhere_and_one_given_back_may_be_taken_again():
    for _ in range(10):
        actions.reserve({"password:address": "10.0.0.1"}, at=AT)
    both = {"password:account": "x", "password:address": "10.0.0.1"}
    assert actions.reserve(both, at=AT)
    assert not db.session.scalar(select(Attempt).where(Attempt.scope == "password:account"))
    actions.give_back({"password:address": "10.0.0.1"}, at=AT)
    assert actions.reserve(both, at=AT) is None


def test_windows_that_are_over_are_forgotten():
    actions.reserve({"password:account": "x"}, at=AT)
    assert actions.forget_old_attempts(at=AT) == 0
    assert actions.forget_old_attempts(at=AT + timedelta(minutes=5)) == 1


# codes


@pytest.mark.both_engines
def test_a_right_code_counts_once_with_one_entry():
    first = spend(cast.code("ada", AT))
    assert first.accepted and first.step == totp.step_of(AT)
    second = spend(cast.code("ada", AT), purpose="sign")
    assert second.result is CodeResult.ALREADY_USED
    assert "already used to sign in. The next one comes in 17 seconds." in second.message
    assert entries(ADA) == ["person:code:spent"]
    assert spend(cast.code("ada", AT + timedelta(seconds=30)), purpose="sign").accepted


@pytest.mark.slow
def test_a_used_code_is_not_counted_as_a_failed_try():
    assert spend(cast.code("ada", AT)).accepted
    used = [spend(cast.code("ada", AT)).result for _ in range(8)]
    assert set(used) == {CodeResult.ALREADY_USED}


@pytest.mark.slow
def test_five_wrong_codes_lock_the_sixth_even_when_it_is_right():
    results = [spend("000000").result for _ in range(5)]
    assert set(results) == {CodeResult.WRONG}
    locked = spend(cast.code("ada", AT))
    assert locked.result is CodeResult.LOCKED and "until 09:05 UTC" in locked.message
    assert entries(ADA) == [] and db.session.get(Person, ADA).totp_step == 0
    later = AT + timedelta(minutes=5)
    assert spend(cast.code("ada", later), at=later).accepted


def test_twenty_wrong_codes_in_an_hour_lock_for_the_hour():
    at = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    for window in range(4):
        assert [spend("000000", at=at + timedelta(minutes=5 * window)).result
                for _ in range(5)] == [CodeResult.WRONG] * 5  # fmt: skip
    locked = spend("000000", at=at + timedelta(minutes=20))
    assert locked.until == at + timedelta(hours=1)


def test_a_code_of_a_wrong_clock_is_told_apart_and_never_accepted():
    code = cast.code("ada", AT - timedelta(minutes=2))
    outcome = spend(code)
    assert outcome.result is CodeResult.WRONG_CLOCK
    assert "about 2 minutes off" in outcome.message
    assert entries(ADA) == []


def test_full_width_digits_and_a_person_without_a_factor_are_wrong():
    assert spend("１２３４５６").result is CodeResult.WRONG
    zoe = actions.create_person("zoe@firm.example", "Zoe", "gravel otter lamp", AT)
    assert spend("123456", person=zoe.id).result is CodeResult.WRONG


@pytest.mark.slow
def test_ten_thousand_replays_are_never_accepted():
    """Same, previous and out-of-order codes of the window, through matching and compare-and-set."""
    seed, dice = cast.SECRETS["ada"], random.Random(11)
    now, accepted, highest = AT, 0, 0
    with transaction(db.session):
        for number in range(10_000):
            if number % 100 == 0:
                now += timedelta(seconds=60)
                highest = totp.step_of(now) + dice.choice([0, 1])
                assert raise_step(ADA, highest)
            code = pyotp.TOTP(seed).generate_otp(highest - dice.choice([0, 0, 1, 2]))
            step = totp.matched_step(seed, code, now)
            accepted += step is not None and raise_step(ADA, step)
    assert accepted == 0


@pytest.mark.slow
@pytest.mark.both_engines
def test_replays_through_the_whole_action_are_refused_over_many_windows():
    accepted = 0
    for number in range(40):
        at = AT + timedelta(seconds=30 * number)
        assert spend(cast.code("ada", at), at=at).accepted
        for back in (0, 1):
            old = cast.code("ada", at - timedelta(seconds=30 * back))
            accepted += spend(old, at=at).accepted
    assert accepted == 0


@pytest.mark.both_engines
def test_six_uses_of_one_code_at_once_are_one(app: Flask):
    db.session.rollback()
    results, start = [], threading.Barrier(6)

    def use() -> None:
        with app.app_context():
            start.wait()
            results.append(spend(cast.code("ada", AT)).result)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(CodeResult.ACCEPTED) == 1
    assert set(results) <= {CodeResult.ACCEPTED, CodeResult.ALREADY_USED, CodeResult.LOCKED}
    assert entries(ADA) == ["person:code:spent"]


@pytest.mark.slow
@pytest.mark.both_engines
def test_twelve_wrong_guesses_at_once_are_five_compared(app: Flask):
    db.session.rollback()
    results, start = [], threading.Barrier(12)

    def guess() -> None:
        with app.app_context():
            start.wait()
            results.append(spend("000000").result)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (results.count(CodeResult.WRONG), results.count(CodeResult.LOCKED)) == (5, 7)


# setting up


def pending(person_id: str) -> str:
    seed = queries.person_by_id(person_id).pending_secret
    assert seed
    return seed


def test_a_factor_holds_only_after_its_first_code_which_is_thereby_used():
    zoe = actions.create_person("zoe@firm.example", "Zoe", "gravel otter lamp", AT)
    actions.start_enrolment(zoe.id, at=AT)
    assert not queries.has_factor(zoe.id)
    code = pyotp.TOTP(pending(zoe.id)).at(AT)
    assert spend(code, person=zoe.id).result is CodeResult.WRONG
    assert actions.confirm_enrolment(zoe.id, code, keep="", at=AT).accepted
    assert queries.has_factor(zoe.id) and queries.person_by_id(zoe.id).pending_secret is None
    assert spend(code, person=zoe.id).result is CodeResult.ALREADY_USED
    assert entries(zoe.id) == ["person:created", "person:factor:started", "person:factor:enrolled"]
    assert db.session.scalar(select(DirectoryMail.subject)) == "Codes were set up"


def test_a_wrong_first_code_confirms_nothing_and_tells_a_wrong_clock():
    zoe = actions.create_person("zoe@firm.example", "Zoe", "gravel otter lamp", AT)
    actions.start_enrolment(zoe.id, at=AT)
    late = pyotp.TOTP(pending(zoe.id)).at(AT - timedelta(minutes=3))
    outcome = actions.confirm_enrolment(zoe.id, late, keep="", at=AT)
    assert outcome.result is CodeResult.WRONG_CLOCK and not queries.has_factor(zoe.id)
    for _ in range(4):
        actions.confirm_enrolment(zoe.id, "000000", keep="", at=AT)
    locked = actions.confirm_enrolment(zoe.id, "000000", keep="", at=AT)
    assert locked.result is CodeResult.LOCKED
    assert entries(zoe.id) == ["person:created", "person:factor:started"]


def test_the_old_phone_works_until_the_new_one_has_shown_its_code():
    actions.start_enrolment(ADA, at=AT)
    assert spend(cast.code("ada", AT)).accepted
    later = AT + timedelta(minutes=1)
    fresh = pyotp.TOTP(pending(ADA))
    assert actions.confirm_enrolment(ADA, fresh.at(later), keep="", at=later).accepted
    after = later + timedelta(minutes=1)
    assert spend(cast.code("ada", after), at=after).result is CodeResult.WRONG
    assert spend(fresh.at(after), at=after).accepted


def test_a_new_factor_ends_all_other_sessions():
    kept, other = start(ADA), start(ADA)
    actions.start_enrolment(ADA, at=AT)
    code = pyotp.TOTP(pending(ADA)).at(AT)
    assert actions.confirm_enrolment(ADA, code, keep=key_of(kept), at=AT).accepted
    assert row_of(kept).ended_at is None and row_of(other).ended_at == AT


@pytest.mark.slow
@pytest.mark.both_engines
def test_recovery_codes_work_once_and_only_the_newest_ten():
    old = actions.make_recovery_codes(ADA, peppers=PEPPERS, at=AT)
    new = actions.make_recovery_codes(ADA, peppers=PEPPERS, at=AT)
    assert len(set(new)) == 10 and all(len(code.replace("-", "")) == 16 for code in new)
    assert queries.recovery_codes_left(ADA) == 10
    stored = set(db.session.scalars(select(RecoveryCode.code_hash)))
    assert not stored & set(new)

    def use(code: str, peppers: Peppers = PEPPERS) -> bool:
        return actions.spend_recovery_code(ADA, code, peppers=peppers, at=AT).accepted

    assert not use(old[0]) and not use(new[1], Peppers(b"q" * 32))
    assert use(new[0].lower().replace("-", " ")) and not use(new[0])
    assert queries.recovery_codes_left(ADA) == 9
    assert entries(ADA)[-1] == "person:recovery_code:spent"
    mail = db.session.scalar(select(DirectoryMail.text))
    assert "You have 9 left." in mail and new[0] not in mail


def test_recovery_codes_of_another_person_open_nothing():
    codes = actions.make_recovery_codes(ADA, peppers=PEPPERS, at=AT)
    assert not actions.spend_recovery_code(BEN, codes[0], peppers=PEPPERS, at=AT).accepted
    assert not actions.is_own_recovery_code(BEN, codes[0], peppers=PEPPERS)
    assert actions.is_own_recovery_code(ADA, codes[0], peppers=PEPPERS)


# sessions


def start(person: str, at: datetime = AT) -> str:
    return actions.start_sign_in(person, address="10.0.0.1", agent="test", at=at)


def row_of(cookie: str) -> SignIn:
    row = db.session.get(SignIn, key_of(cookie), populate_existing=True)
    assert row is not None
    return row


@pytest.mark.slow
def test_a_session_starts_half_way_and_a_code_replaces_it():
    cookie = start(ADA)
    assert row_of(cookie).mfa_at is None and row_of(cookie).membership_id
    full = actions.mark_code_given(key_of(cookie), at=AT)
    assert full != cookie and row_of(full).mfa_at == AT and row_of(cookie).ended_at == AT
    assert entries(ADA) == ["person:sign_in:started", "person:sign_in:proven"]
    with pytest.raises(NotFound):
        actions.mark_code_given(key_of(cookie), at=AT)


def test_the_eleventh_session_ends_the_oldest_and_half_way_ones_end_none():
    full = []
    for minute in range(11):
        at = AT + timedelta(minutes=minute)
        full.append(actions.mark_code_given(key_of(start(ADA, at)), at=at))
    assert [row_of(cookie).ended_at is None for cookie in full] == [False] + [True] * 10
    for _ in range(12):
        start(ADA, AT + timedelta(hours=1))
    assert all(row_of(cookie).ended_at is None for cookie in full[1:])


def test_one_may_end_ones_own_sessions_only():
    cookie = start(ADA)
    before = all_entries()
    with pytest.raises(NotFound):
        actions.end_sign_in(BEN, key_of(cookie), at=AT)
    assert row_of(cookie).ended_at is None and all_entries() == before
    actions.end_sign_in(ADA, key_of(cookie), at=AT)
    assert row_of(cookie).ended_at == AT and all_entries() == before + 1


def test_a_member_of_two_organisations_chooses_and_may_not_choose_a_third():
    ben, harbour = db.session.get(Person, BEN), queries.organisation_by_id("ORG" + "2".zfill(23))
    actions.add_member(ben, harbour, ["auditor"], AT)
    cookie = start(BEN)
    assert row_of(cookie).membership_id is None
    theirs = db.session.scalar(select(Membership.id).where(Membership.person_id == ADA))
    with pytest.raises(NotFound):
        actions.act_for(key_of(cookie), theirs, at=AT)
    mine = queries.memberships_of(BEN)[1].id
    actions.act_for(key_of(cookie), mine, at=AT)
    assert row_of(cookie).membership_id == mine
    assert entries(BEN)[-1] == "person:organisation:chosen"


# passwords


def knock(email: str, password: str, at: datetime = AT, address: str = "10.0.0.1"):
    return actions.check_password(email, password, address=address, at=at)


@pytest.mark.slow
def test_an_unknown_person_gets_the_answer_of_a_wrong_password():
    known, unknown = knock("ada@northwind.example", "no"), knock("nobody@x.example", "no")
    assert known == unknown and "not right" in known.message
    assert knock("ADA@northwind.example ", cast.PASSWORD).person_id == ADA


@pytest.mark.slow
def test_someone_deactivated_is_unknown():
    db.session.get(Person, ADA).deactivated_at = AT
    db.session.commit()
    assert knock("ada@northwind.example", cast.PASSWORD).person_id is None


@pytest.mark.slow
def test_known_and_unknown_people_are_limited_alike():
    for email in ("ada@northwind.example", "nobody@x.example"):
        tries = [knock(email, "no", address=f"10.0.0.{n}").until for n in range(11)]
        assert tries[:10] == [None] * 10 and tries[10] is not None


@pytest.mark.slow
def test_a_stranger_cannot_lock_out_someone_at_their_usual_address():
    start(ADA)
    for n in range(10):
        knock("ada@northwind.example", "no", address=f"192.0.2.{n}")
    assert knock("ada@northwind.example", cast.PASSWORD, address="192.0.2.99").until
    assert knock("ada@northwind.example", cast.PASSWORD, address="10.0.0.1").person_id == ADA


@pytest.mark.slow
def test_a_right_password_is_not_counted():
    for _ in range(11):
        assert knock("ada@northwind.example", cast.PASSWORD).person_id == ADA


def test_an_old_hash_is_made_anew_at_sign_in():
    old = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(cast.PASSWORD)
    db.session.get(Person, ADA).password_hash = old
    db.session.commit()
    outcome = knock("ada@northwind.example", cast.PASSWORD)
    assert outcome.rehashed and not passwords.is_old(outcome.rehashed)
    actions.start_sign_in(ADA, address="10.0.0.1", agent="", at=AT, rehashed=outcome.rehashed)
    assert queries.person_by_id(ADA).password_hash == outcome.rehashed
    assert knock("ada@northwind.example", cast.PASSWORD).person_id == ADA


@pytest.mark.slow
def test_a_changed_password_ends_other_sessions_and_is_told():
    kept, other = start(ADA), start(ADA)
    count = all_entries()
    with pytest.raises(Refused, match="current password"):
        actions.change_password(
            ADA, "wrong", "gravel otter lamp", keep=key_of(kept), address="a", at=AT
        )
    assert all_entries() == count and knock("ada@northwind.example", cast.PASSWORD).person_id
    actions.change_password(
        ADA, cast.PASSWORD, "gravel otter lamp", keep=key_of(kept), address="a", at=AT
    )
    assert all_entries() == count + 1
    assert row_of(kept).ended_at is None and row_of(other).ended_at == AT
    assert knock("ada@northwind.example", "gravel otter lamp").person_id == ADA
    assert db.session.scalar(select(DirectoryMail.subject)) == "Your password was changed"


@pytest.mark.slow
def test_no_transaction_is_open_while_a_password_is_hashed(monkeypatch):
    open_then = []
    real = passwords.HASHER.verify

    def verify(*args):
        open_then.append(db.session().in_transaction())
        return real(*args)

    monkeypatch.setattr(passwords.HASHER.__class__, "verify", lambda self, *args: verify(*args))
    knock("ada@northwind.example", cast.PASSWORD)
    knock("nobody@x.example", "no")
    actions.change_password(ADA, cast.PASSWORD, "gravel otter lamp", keep="", address="a", at=AT)
    assert open_then == [False, False, False]
