"""What a passkey must answer: this session’s own challenge, once, within five minutes."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from portal.accounts import actions
from portal.accounts.gate import key_of
from portal.accounts.models import Passkey, Person, SignIn
from portal.accounts.webauthn import Place
from portal.audit.models import DirectoryEntry
from portal.kit.db import db
from portal.kit.errors import NotFound, Refused
from tests import cast

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ADA, BEN = cast.actor("ada").person_id, cast.actor("ben").person_id
PLACE = Place.of("https://contracts.example:8443/")

pytestmark = pytest.mark.usefixtures("context")


def sign_in(person: str = ADA) -> str:
    return key_of(actions.start_sign_in(person, address="a", agent="", at=AT))


def entries() -> int:
    rows = select(DirectoryEntry).where(DirectoryEntry.event.startswith("person:passkey"))
    return len(db.session.scalars(rows).all())


def test_a_place_is_the_host_without_its_port_and_the_whole_origin():
    assert Place("contracts.example", "https://contracts.example:8443") == PLACE


@pytest.mark.parametrize("answer", ["", "[]", "{}", "no JSON", json.dumps({"id": "x"})])
@pytest.mark.slow
def test_an_answer_that_proves_nothing_signs_nobody_in_and_uses_the_challenge_up(answer):
    session = sign_in()
    actions.challenge_passkey(session, at=AT)
    with pytest.raises(Refused, match="not accepted"):
        actions.spend_passkey(ADA, session, answer, place=PLACE, address="a", at=AT)
    db.session.expire_all()
    row = db.session.get_one(SignIn, session)
    assert row.challenge is None and row.mfa_at is None and entries() == 0


def test_a_made_passkey_that_proves_nothing_is_not_kept():
    session = sign_in()
    actions.challenge_passkey(session, at=AT)
    with pytest.raises(Refused, match="did not make"):
        actions.add_passkey(ADA, session, "{}", name="Laptop", place=PLACE, at=AT)
    assert entries() == 0 and not db.session.scalars(select(Passkey)).all()


def test_guesses_with_a_passkey_count_as_guesses_with_a_code():
    session = sign_in()
    for _ in range(5):
        actions.challenge_passkey(session, at=AT)
        with pytest.raises(Refused, match="not accepted"):
            actions.spend_passkey(ADA, session, "{}", place=PLACE, address="a", at=AT)
    actions.challenge_passkey(session, at=AT)
    with pytest.raises(Refused, match="Too many tries"):
        actions.spend_passkey(ADA, session, "{}", place=PLACE, address="a", at=AT)
    locked = actions.spend_code(ADA, cast.code("ada", AT), at=AT, purpose="sign_in")
    assert not locked.accepted


def test_a_passkey_takes_codes_first_and_only_its_owner_removes_it():
    person = db.session.get_one(Person, BEN)
    person.totp_confirmed_at = None
    db.session.commit()
    session = sign_in(BEN)
    actions.challenge_passkey(session, at=AT)
    with pytest.raises(Refused, match="codes on your phone first"):
        actions.add_passkey(BEN, session, "{}", name="Laptop", place=PLACE, at=AT)
    db.session.add(
        Passkey(id="P" * 26, person_id=ADA, credential="c", public_key=b"k", sign_count=0,
                name="Laptop", created_at=AT)
    )  # fmt: skip
    db.session.commit()
    with pytest.raises(NotFound):
        actions.remove_passkey(BEN, "P" * 26, at=AT)
    actions.remove_passkey(ADA, "P" * 26, at=AT + timedelta(minutes=1))
    assert entries() == 1 and not db.session.scalars(select(Passkey)).all()
