"""The HIPAA profile of an organisation is one switch: two people turn it, and all of it holds."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts import queries as people
from portal.accounts.gate import find_visitor, key_of
from portal.accounts.models import Membership, Person, SignIn
from portal.accounts.rules import HIPAA_IDLE, MfaRule, idle_limit
from portal.admin import actions, rules
from portal.admin.models import PolicyChange
from portal.audit.models import DirectoryEntry
from portal.cli.jobs import deliver_mail
from portal.contracts.models import Contract
from portal.kit.db import db
from portal.kit.errors import Refused
from portal.kit.refs import new_token
from portal.notices.actions import tell
from portal.notices.models import DirectoryMail
from portal.notices.queries import asks_for_thin_mail
from portal.notices.rules import Recipient
from portal.residency.databases import RegionDatabase, Regions
from portal.settings.rules import BadSetting, settings_from
from portal.webhooks.actions import add_endpoint, deliver_due
from portal.webhooks.http_client import Answer
from portal.webhooks.models import WebhookDelivery, WebhookTry
from tests import cast

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(hours=24)
ADA, BEN, DOV = cast.actor("ada"), cast.as_admin("ben"), cast.actor("dov")
INSIDE = frozenset({"hooks.internal:80"})


@pytest.fixture
def two(context: Flask) -> None:
    """Northwind has a second administrator."""
    row = db.session.scalar(select(Membership).where(Membership.person_id == BEN.person_id))
    assert row is not None
    row.roles = ",".join(BEN.roles)
    db.session.commit()


def put_on(at: datetime = AT) -> None:
    row = actions.ask_for_hipaa(ADA, on=True, hindrances=[], at=at)
    assert row is not None
    actions.confirm_change(BEN, row.id, partners=[DOV.organisation_id], at=at)


def events() -> list[str]:
    mine = DirectoryEntry.chain == ADA.organisation_id
    query = select(DirectoryEntry.event).where(mine).order_by(DirectoryEntry.seq)
    return list(db.session.scalars(query))


def holds() -> bool:
    return people.is_hipaa(ADA.organisation_id)


def test_a_session_may_be_kept_shorter_than_the_profile_asks_and_never_longer() -> None:
    for minutes in range(1, 61):
        chosen = timedelta(minutes=minutes)
        assert idle_limit(chosen, hipaa=False) == chosen
        assert idle_limit(chosen, hipaa=True) == min(chosen, HIPAA_IDLE)


def test_one_hindrance_keeps_all_of_it_off(two: None) -> None:
    with pytest.raises(Refused, match="plain http"):
        actions.ask_for_hipaa(ADA, on=True, hindrances=["1 is told by plain http."], at=AT)
    row = actions.ask_for_hipaa(ADA, on=True, hindrances=[], at=AT)
    assert row is not None
    with pytest.raises(Refused, match="starttls"):
        actions.confirm_change(BEN, row.id, partners=[], hindrances=["Set starttls."], at=AT)
    with pytest.raises(Refused, match="Another administrator"):
        actions.confirm_change(ADA, row.id, partners=[], at=AT)
    assert not holds() and events() == ["organisation:policy:asked"]


def test_two_put_it_on_at_once_and_both_parties_are_told(two: None) -> None:
    put_on()
    assert holds() and people.mfa_rule(ADA) is MfaRule.REQUIRED
    assert asks_for_thin_mail(db.session(), ADA.organisation_id)
    assert events() == [
        "organisation:policy:asked", "organisation:policy:confirmed",
        "organisation:profile:changed",
    ]  # fmt: skip
    told = select(DirectoryMail.recipient).where(
        DirectoryMail.event == "organisation:profile:confirmed"
    )
    assert {one.partition("@")[0] for one in db.session.scalars(told)} == {"ada", "ben", "dov"}


def test_no_part_of_it_can_be_given_up_by_itself(two: None) -> None:
    put_on()
    before = events()
    with pytest.raises(Refused, match="no rule can ask less"):
        actions.ask_for_mfa(ADA, {"*": MfaRule.OPTIONAL}, at=AT)
    with pytest.raises(Refused, match="out of mail"):
        actions.set_mail_rule(ADA, thin=False, at=AT)
    assert events() == before and people.mfa_rule(ADA) is MfaRule.REQUIRED


def test_a_weaker_rule_that_waited_weakens_nothing_once_it_is_on(two: None) -> None:
    actions.ask_for_mfa(ADA, {"*": MfaRule.REQUIRED}, at=AT)
    row = actions.ask_for_mfa(ADA, {}, at=AT)
    assert row is not None
    actions.confirm_change(BEN, row.id, partners=[], at=AT)
    put_on()
    assert actions.apply_due(at=AT + DAY) == 1
    assert people.mfa_rule(ADA) is MfaRule.REQUIRED


def test_it_ends_a_day_after_the_second_yes_and_what_was_chosen_before_holds_again(
    two: None,
) -> None:
    put_on()
    row = actions.ask_for_hipaa(BEN, on=False, hindrances=[], at=AT)
    assert row is not None
    actions.confirm_change(ADA, row.id, partners=[], at=AT)
    assert actions.apply_due(at=AT + DAY - SECOND) == 0 and holds()
    assert actions.apply_due(at=AT + DAY) == 1 and not holds()
    assert people.mfa_rule(ADA) is MfaRule.OPTIONAL
    assert not asks_for_thin_mail(db.session(), ADA.organisation_id)


@pytest.mark.parametrize(("hipaa", "limit"), [(False, 30), (True, 15)])
def test_a_silent_session_lives_until_its_last_second(app: Flask, hipaa: bool, limit: int) -> None:
    settings, cookie = app.config["SETTINGS"], new_token()
    with app.app_context():
        organisation = people.organisation_by_id(ADA.organisation_id)
        organisation.hipaa_since = AT if hipaa else None
        mine = select(Membership.id).where(Membership.person_id == ADA.person_id)
        db.session.add(
            SignIn(
                id=key_of(cookie), person_id=ADA.person_id, membership_id=db.session.scalar(mine),
                created_at=AT, seen_at=AT, mfa_at=AT, address="192.0.2.7", agent="test",
            )
        )  # fmt: skip
        db.session.commit()
        end = AT + timedelta(minutes=limit)
        assert find_visitor(cookie, settings, end - SECOND) is not None
        assert find_visitor(cookie, settings, end + SECOND) is None


def test_whoever_has_no_codes_sees_nothing_but_their_set_up(
    two: None, client_as: Callable[[str], FlaskClient]
) -> None:
    put_on()
    for key, leads in (("ben", 200), ("nia", 303)):
        if key == "nia":
            row = db.session.get_one(Person, cast.actor(key).person_id)
            row.totp_confirmed_at = None
            db.session.commit()
        answer = client_as(key).get("/contracts")
        assert answer.status_code == leads
        assert (leads == 200) or answer.headers["Location"].startswith("/security/totp")


def test_mail_says_only_that_something_waits(two: None) -> None:
    put_on()
    to = Recipient(ADA.person_id, ADA.name, ADA.email, ADA.organisation_id)
    tell(
        db.session(), event="negotiation:round:sent", to=to, chain="eu-7K3QM9XH2E", cause="1",
        link="/x", at=AT, sender="Planted Sender", accepted=1, countered=2, open=3, number=1,
    )  # fmt: skip
    sent = select(DirectoryMail.text).where(DirectoryMail.event == "negotiation:round:sent")
    assert "Planted Sender" not in (db.session.scalar(sent) or "missing Planted Sender")


def test_no_mail_leaves_over_a_plain_relay(context: Flask, two: None) -> None:
    put_on()
    home = context.config["SETTINGS"].home
    relay = {"mail": {"host": "127.0.0.1", "starttls": False}}
    context.config["SETTINGS"] = settings_from(home, relay, {})
    with pytest.raises(BadSetting, match="starttls"):
        deliver_mail(context)
    waiting = select(DirectoryMail.id).where(DirectoryMail.sent_at.is_(None))
    assert db.session.scalars(waiting).all()


def test_a_plain_webhook_is_refused_and_one_that_was_there_is_told_nothing_more(
    two: None, regions: Regions, contract: Contract
) -> None:
    session, database = regions.session("eu"), regions["eu"]
    row = _endpoint(session, database)
    put_on()
    with pytest.raises(Refused, match="nothing else"):
        _endpoint(session, database)
    session.add(
        WebhookDelivery(
            id="0" * 26, region="eu", endpoint_id=row.id, place=None, event="webhook:tried",
            contract_id=None, body="{}", created_at=AT, due_at=AT, tries=0,
        )
    )  # fmt: skip
    session.commit()
    reached: list[object] = []

    def send(*parcel: object) -> Answer:
        reached.append(parcel)
        return Answer(200, None, 1)

    deliver_due(regions, inside=INSIDE, now=lambda: AT, send=send)
    tries = session.scalars(select(WebhookTry)).all()
    assert reached == [] and [one.problem for one in tries][:1] == [
        "Use https: the HIPAA profile allows nothing else."
    ]


def _endpoint(session: object, database: RegionDatabase) -> object:
    row, _ = add_endpoint(
        session, database, ADA, address="http://hooks.internal/in", subjects=[], inside=INSIDE,
        at=AT,
    )  # type: ignore[arg-type]  # fmt: skip
    return row


def test_the_pages_lead_two_administrators_through_it(
    two: None, client_as: Callable[[str], FlaskClient]
) -> None:
    ada, ben = client_as("ada"), client_as("ben")
    assert "one switch" in ada.get("/organisation/hipaa").text
    ada.post("/organisation/hipaa", data={"on": "yes"})
    waiting = ben.get("/organisation/hipaa").text
    assert "It would hold from your yes on" in waiting
    change = db.session.scalar(select(PolicyChange.id))
    answer = ben.post(f"/organisation/policy-changes/{change}/confirmation")
    assert answer.headers["Location"] == "/organisation/hipaa"
    assert "Ask to end the profile" in ben.get("/organisation/hipaa").text
    mail = ada.post("/organisation/mail", data={})
    assert mail.status_code == 409 and "HIPAA profile" in mail.text


def test_what_is_put_on_holds_from_the_yes_and_everything_else_a_day_later() -> None:
    for kind in rules.Kind:
        for on in (True, False):
            begins = rules.holds_from(kind=kind, puts_on=on, at=AT)
            assert begins == (AT if (kind, on) == (rules.Kind.HIPAA, True) else AT + DAY)
