"""Invitations, roles, memberships and the MFA rule against a real database."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from portal.accounts import actions as accounts
from portal.accounts import queries
from portal.accounts.models import Invitation, Membership, Person, SignIn
from portal.accounts.queries import short_of
from portal.accounts.rules import MfaRule
from portal.admin import actions
from portal.audit.models import DirectoryEntry
from portal.kit.db import db
from portal.kit.errors import NotAllowed, NotFound, Refused
from portal.notices.models import DirectoryMail
from tests import cast

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ADA, BEN, DOV, MAL = (cast.actor(key) for key in ("ada", "ben", "dov", "mal"))
PASSWORD = "gravel otter lamp"

pytestmark = pytest.mark.usefixtures("context")


def entries() -> list[str]:
    rows = select(DirectoryEntry.event).order_by(DirectoryEntry.at, DirectoryEntry.seq)
    return list(db.session.scalars(rows))


def invite(actor=ADA, email="zoe@northwind.example", roles=("legal",), at=AT) -> str:
    actions.invite(
        actor, email=email, name="Zoe", roles=list(roles), link="https://p.example/i/TOKEN", at=at
    )
    text = db.session.scalar(select(DirectoryMail.text).order_by(DirectoryMail.id.desc()))
    return re.search(r"https://p.example/i/(\S+)", text).group(1)


def membership_of(actor) -> Membership:
    row = db.session.scalar(select(Membership).where(Membership.person_id == actor.person_id))
    assert row is not None
    return row


def test_an_invitation_is_mailed_and_only_its_hash_is_kept():
    token = invite()
    row = db.session.scalar(select(Invitation))
    assert len(token) == 43 and row.token_hash == actions.token_hash(token) != token
    assert row.expires_at == AT + timedelta(hours=24)
    assert entries() == ["organisation:invitation:sent"]


@pytest.mark.slow
def test_an_accepted_invitation_makes_a_person_with_their_own_password_once():
    token = invite(roles=("legal", "signatory"))
    actions.accept_as_new_person(token, name="Zoe Lind", password=PASSWORD, at=AT)
    zoe = queries.person_by_email("zoe@northwind.example")
    assert [m.roles for m in queries.memberships_of(zoe.id)] == ["legal,signatory"]
    assert entries() == ["organisation:invitation:sent", "organisation:member:joined"]
    knock = accounts.check_password(zoe.email, PASSWORD, address="a", at=AT)
    assert knock.person_id == zoe.id
    with pytest.raises(NotFound):
        actions.accept_as_new_person(token, name="Zoe", password=PASSWORD, at=AT)
    assert len(entries()) == 2


@pytest.mark.parametrize("spoil", ["late", "withdrawn", "replaced", "made up"])
def test_an_invitation_that_ended_makes_nobody(spoil):
    token, at = invite(), AT
    if spoil == "late":
        at = AT + timedelta(hours=24)
    elif spoil == "withdrawn":
        actions.withdraw_invitation(ADA, db.session.scalar(select(Invitation.id)), at=AT)
    elif spoil == "replaced":
        invite()
    else:
        token = "x" * 43
    before = len(entries())
    with pytest.raises(NotFound):
        actions.accept_as_new_person(token, name="Zoe", password=PASSWORD, at=at)
    assert queries.person_by_email("zoe@northwind.example") is None and len(entries()) == before


@pytest.mark.slow
def test_someone_with_an_account_joins_under_it_and_nobody_else_can():
    token = invite(DOV, "ben@northwind.example")
    with pytest.raises(NotFound):
        actions.accept_as_person(token, MAL.person_id, at=AT)
    with pytest.raises(Refused):
        actions.accept_as_new_person(token, name="Ben", password=PASSWORD, at=AT)
    assert db.session.scalar(select(func.count()).where(Invitation.accepted_at.is_not(None))) == 0
    actions.accept_as_person(token, BEN.person_id, at=AT)
    names = [m.organisation.name for m in queries.memberships_of(BEN.person_id)]
    assert names == ["Harbour Retail Inc", "Northwind Systems Ltd"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "zoe"}, {"email": "zoe@x.example\nBcc: all@x.example"}, {"roles": ()},
        {"roles": ("root",)}, {"email": "ben@northwind.example"},
    ],
)  # fmt: skip
def test_a_refused_invitation_leaves_neither_mail_nor_entry(wrong):
    with pytest.raises(Refused):
        invite(**wrong)
    assert entries() == [] and not db.session.scalar(select(DirectoryMail.id))


def test_only_an_administrator_may_do_any_of_this():
    row = membership_of(ADA)
    for act in (
        lambda: invite(BEN),
        lambda: actions.change_roles(BEN, row.id, ["legal"], at=AT),
        lambda: actions.end_membership(BEN, row.id, at=AT),
        lambda: actions.ask_for_mfa(BEN, {"*": MfaRule.REQUIRED}, at=AT),
        lambda: actions.end_sessions(BEN, row.id, at=AT),
        lambda: actions.ask_for_reset(BEN, row.id, at=AT),
        lambda: actions.withdraw_invitation(BEN, "x", at=AT),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert entries() == []


def test_an_administrator_of_another_organisation_finds_nobody():
    row = membership_of(BEN)
    invite()
    for act in (
        lambda: actions.change_roles(MAL, row.id, ["legal"], at=AT),
        lambda: actions.end_membership(MAL, row.id, at=AT),
        lambda: actions.withdraw_invitation(MAL, db.session.scalar(select(Invitation.id)), at=AT),
    ):
        with pytest.raises(NotFound):
            act()
    assert entries() == ["organisation:invitation:sent"]


@pytest.mark.slow
def test_changed_roles_leave_one_entry_and_the_same_roles_none():
    row = membership_of(BEN)
    actions.change_roles(ADA, row.id, ["support_engineer", "support_lead"], at=AT)
    assert entries() == []
    actions.change_roles(ADA, row.id, ["auditor"], at=AT)
    assert membership_of(BEN).roles == "auditor"
    assert entries() == ["organisation:member:roles_changed"]


def test_ending_a_membership_ends_its_sessions_in_the_same_transaction():
    accounts.start_sign_in(BEN.person_id, address="a", agent="", at=AT)
    before = len(entries())
    actions.end_membership(ADA, membership_of(BEN).id, at=AT)
    assert membership_of(BEN).ended_at == AT
    assert db.session.scalars(select(SignIn.ended_at)).all() == [AT]
    assert len(entries()) == before + 1
    with pytest.raises(NotFound):
        actions.end_membership(ADA, membership_of(BEN).id, at=AT)


def test_the_only_administrator_stays_one():
    row = membership_of(ADA)
    with pytest.raises(Refused, match="only organisation administrator"):
        actions.end_membership(ADA, row.id, at=AT)
    with pytest.raises(Refused, match="only organisation administrator"):
        actions.change_roles(ADA, row.id, ["legal"], at=AT)
    assert entries() == [] and membership_of(ADA).ended_at is None
    actions.change_roles(ADA, membership_of(BEN).id, ["org_admin"], at=AT)
    actions.change_roles(ADA, row.id, ["legal"], at=AT)
    assert membership_of(ADA).roles == "legal"


def test_who_does_not_meet_the_rule_is_known():
    zoe = accounts.create_person("zoe@northwind.example", "Zoe", PASSWORD, AT)
    accounts.add_member(zoe, queries.organisation_by_id(ADA.organisation_id), ["legal"], AT)
    legal = {"legal": MfaRule.REQUIRED}
    assert short_of(ADA.organisation_id, {}) == []
    short = [(row.person.name, rule) for row, rule in short_of(ADA.organisation_id, legal)]
    assert short == [("Zoe", MfaRule.REQUIRED)]
    assert db.session.get(Person, zoe.id).has_factor is False
