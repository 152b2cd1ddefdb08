"""Roles, MFA rules, passwords, and what becomes of a typed code."""

import hashlib
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.accounts import passwords, totp
from portal.accounts.rules import (
    MFA_ORDER,
    CodeOutcome,
    CodeResult,
    MfaRule,
    Role,
    browser_words,
    is_lowered,
    judge_code,
    mfa_rule_for,
    password_problem,
    read_email,
    read_name,
    read_roles,
)
from portal.kit.errors import Refused

SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
AT = datetime(2026, 11, 23, 9, 0, 13, tzinfo=UTC)

rules = st.dictionaries(st.sampled_from(["*", *Role]), st.sampled_from(MfaRule))


@given(rules, st.sets(st.sampled_from(Role), min_size=1))
def test_the_strictest_rule_of_a_members_roles_holds(given_rules, roles):
    found = MFA_ORDER.index(mfa_rule_for(given_rules, roles))
    applying = [given_rules[key] for key in ("*", *roles) if key in given_rules]
    assert found == max((MFA_ORDER.index(rule) for rule in applying), default=0)


@given(rules)
@pytest.mark.slow
def test_the_same_rules_are_not_lower_and_none_at_all_is_lower_than_any(given_rules):
    assert not is_lowered(given_rules, given_rules)
    strict = any(rule is not MfaRule.OPTIONAL for rule in given_rules.values())
    assert is_lowered(given_rules, {}) == strict


@pytest.mark.parametrize(
    "text", ["ada@northwind.example", " ADA@Northwind.Example ", "a.b+c@x-y.co.uk"]
)
def test_an_address_is_kept_in_lower_case(text):
    assert read_email(text) == text.strip().lower()


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "ada@", "@x.example", "ada@x", "a b@x.example",
        "ada@x.example\r\nBcc: e@x.example", "ada@x..example",
        ".ada@x.example", "ada@-x.example", "adа@x.example",
        "ada@x.example\x00",
        "a" * 65 + "@x.example", '"ada"@x.example', "ada@x.example,eve@x.example",
    ],
)  # fmt: skip
def test_what_no_mail_can_be_sent_to_is_refused(text):
    with pytest.raises(Refused):
        read_email(text)


@pytest.mark.parametrize("text", ["", "  ", "x" * 121, "Ada\nKeane", "Ada\u202eKeane", "A\x00da"])
def test_a_name_without_letters_or_with_hidden_ones_is_refused(text):
    with pytest.raises(Refused):
        read_name(text)


def test_a_name_keeps_its_letters_and_single_spaces():
    assert read_name("  Zoë   O’Hara-Müller ") == "Zoë O’Hara-Müller"


def test_roles_come_back_in_the_order_of_the_table():
    assert read_roles(["org_admin", "legal"]) == [Role.LEGAL, Role.ORG_ADMIN]
    for wrong in ([], ["root"], ["legal", "root"]):
        with pytest.raises(Refused):
            read_roles(wrong)


# passwords


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword", "Password2024!!", "P@ssw0rd12345", "qwertyuiop12", "123456789012",
        "aaaaaaaaaaaa", "abcabcabcabc", "Welcome123456!", "iloveyouforever", "1q2w3e4r5t6y",
        "correcthorsebatterystaple", "Summer-2026-!!", "northwind12345", "abcdefghijklm",
        "987654321098", "AdaKeane2026!", "counterpart-2026",
    ],
)  # fmt: skip
def test_a_password_that_is_guessed_first_is_refused(password):
    about = ["ada@northwind.example", "Ada Keane", "Northwind Systems", "Counterpart"]
    assert "easy to guess" in (
        password_problem(password, common=passwords.common(), about=about) or ""
    )


@pytest.mark.parametrize(
    "password",
    [
        "a long enough passphrase", "ochre lantern gravel otter", "482915730264", "lower case only",
        "tr4x-Quolm-Bivand", "ünïcödé pásswörd välue", "x" * 3 + "gravelotterlamp" + "y" * 110,
    ],
)  # fmt: skip
def test_any_other_password_of_twelve_characters_will_do(password):
    assert password_problem(password, common=passwords.common(), about=["ada@x.example"]) is None


def test_eleven_characters_are_too_few_and_129_too_many():
    assert "12 characters" in (password_problem("gravelotter", common=set()) or "")
    assert "at most 128" in (password_problem("gravel otter" * 11, common=set()) or "")


def test_hashes_are_as_strong_as_the_standard_asks_and_the_dummy_costs_the_same():
    hasher = passwords.HASHER
    assert hasher.memory_cost >= 47_104 and hasher.time_cost >= 1 and hasher.parallelism == 1
    assert not passwords.is_old(passwords.NOBODY)
    assert passwords.is_right(None, "anything at all") is False


def test_two_ways_of_writing_one_letter_are_one_password():
    stored = passwords.hash_password("caf\u00e9 gravel otter")
    assert passwords.is_right(stored, "cafe\u0301 gravel otter")
    assert not passwords.is_right(stored, "cafe gravel otter")


# codes


def test_only_six_ascii_digits_are_a_code_and_spaces_do_not_matter():
    assert totp.read_code(" 123 456 ") == "123456"
    for wrong in ("", "12345", "1234567", "12345a", "１２３４５６", "١٢٣٤٥٦", "-12345"):
        assert totp.read_code(wrong) is None


@given(st.integers(min_value=-30, max_value=30))
def test_a_code_counts_one_step_around_now_and_is_recognised_ten_around(offset):
    step = totp.step_of(AT)
    code = pyotp.TOTP(SEED).generate_otp(step + offset)
    assert totp.matched_step(SEED, code, AT) == (step + offset if abs(offset) <= 1 else None)
    assert totp.drift(SEED, code, AT) == (offset if 2 <= abs(offset) <= 10 else None)


@given(st.integers(min_value=-12, max_value=12), st.integers(min_value=-5, max_value=5))
@pytest.mark.slow
def test_a_code_is_accepted_only_above_the_last_step_used(offset, last):
    step = totp.step_of(AT)
    code = pyotp.TOTP(SEED).generate_otp(step + offset)
    outcome = judge_code(
        matched=totp.matched_step(SEED, code, AT), drift=totp.drift(SEED, code, AT),
        last_step=step + last, at=AT,
    )  # fmt: skip
    assert outcome.accepted == (abs(offset) <= 1 and offset > last)
    assert (outcome.step == step + offset) == outcome.accepted


def test_a_used_code_says_for_what_and_when_the_next_one_comes():
    step = totp.step_of(AT)
    used = judge_code(matched=step, drift=None, last_step=step, at=AT, purpose="sign_in")
    assert used.message == (
        "That code was already used to sign in. The next one comes in 17 seconds."
    )
    last = judge_code(matched=step, drift=None, last_step=step, at=AT + timedelta(seconds=16))
    assert last.message == "That code was already used. The next one comes in 1 second."
    older = judge_code(matched=step - 1, drift=None, last_step=step - 1, at=AT)
    assert older.message.endswith("Type the one your authenticator shows now.")


@pytest.mark.parametrize(
    ("drift", "words"), [(4, "2 minutes"), (-4, "2 minutes"), (2, "1 minute"), (10, "5 minutes")]
)
def test_a_wrong_clock_is_told_from_a_wrong_code(drift, words):
    outcome = judge_code(matched=None, drift=drift, last_step=0, at=AT)
    assert outcome.result is CodeResult.WRONG_CLOCK
    assert f"Your phone's clock is about {words} off" in outcome.message
    assert "not right" in judge_code(matched=None, drift=None, last_step=0, at=AT).message


def test_a_lock_says_until_when():
    assert (
        "until 09:05 UTC"
        in CodeOutcome(CodeResult.LOCKED, until=datetime(2026, 11, 23, 9, 5, tzinfo=UTC)).message
    )


def test_a_seed_has_160_bits_and_its_address_names_portal_and_person():
    seed = totp.new_secret()
    assert len(pyotp.TOTP(seed).byte_secret()) == 20 and seed != totp.new_secret()
    address = totp.address(seed, email="ada@northwind.example", issuer="portal.example")
    assert address == (
        f"otpauth://totp/Counterpart:ada@northwind.example?secret={seed}&issuer=portal.example"
    )
    assert totp.qr_svg(address).startswith(b"<?xml") and b"<script" not in totp.qr_svg(address)
    assert totp.in_fours("ABCDEFGH") == "ABCD EFGH"


def test_a_browser_is_named_in_words():
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1"
    assert browser_words(chrome) == "Chrome on Linux"
    assert browser_words(phone) == "Safari on iPhone"
    assert browser_words("curl/8") == "Another browser"


@pytest.mark.parametrize("end", ["\r\n", ":17\n"])
def test_a_password_of_the_operators_list_is_found_and_its_neighbours_are_not(tmp_path, end):
    """Of five hundred, each one that stands in the list, the first and the last among them."""
    listed = [f"breached number {number}" for number in range(500)]
    lines = sorted(hashlib.sha1(one.encode()).hexdigest().upper() + end for one in listed)
    path = tmp_path / "breached.txt"
    path.write_bytes("".join(lines).encode())
    assert all(passwords.is_breached(path, one) for one in listed)
    assert not any(passwords.is_breached(path, f"{one}!") for one in listed)
    assert not passwords.is_breached(None, listed[0])
    path.write_bytes(b"")
    assert not passwords.is_breached(path, listed[0])
    said = password_problem("four random words here", common=(), breached=True)
    assert said is not None and "published" in said
