"""What one side keeps to itself: notes, playbooks, approvals. None of it reaches the other."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from portal.audit.queries import lines
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.kit import clock
from portal.kit.db import db
from portal.kit.errors import NotAllowed, NotFound
from portal.negotiation import actions, rules
from portal.negotiation.models import Approval, ApprovalCall, Note, Playbook
from portal.negotiation.queries import board_of, negotiation_of, notes_of
from portal.negotiation.rules.playbook import Limits, Rung, limits_problem, need_of
from portal.notices.models import RegionNotice
from tests import cast
from tests.negotiation.table import (
    SCHEMA,
    agree_all,
    at_table,
    events,
    offer_all,
    say,
    send,
    settle,
)
from tests.negotiation.test_actions import refused, value

ADA, NIA, CLEO, LENA = (cast.actor(key) for key in ("ada", "nia", "cleo", "lena"))
UPTIME = SCHEMA.terms["D1"]
PLANTS = 200


def pct(text: str) -> Any:
    return value(text, "D1")


LADDER = Limits(pct("99.5 %"), (Rung(pct("99.9 %"), "legal"),), Rung(pct("99.95 %"), "signatory"),
                "signatory")  # fmt: skip


def limit(key: str, side: Side, term: str = "D1", own: Limits = LADDER, seen: int = 0) -> int:
    return actions.set_limits(cast.actor(key), side, term, own, seen_number=seen, at=clock.now())


# Limits, by the rules


@pytest.mark.parametrize(
    ("text", "role", "override"),
    [
        ("99 %", None, False), ("99.5 %", None, False), ("99.6 %", "legal", False),
        ("99.9 %", "legal", False), ("99.95 %", "signatory", False), ("99.99 %", "signatory", True),
    ],
)  # fmt: skip
def test_the_first_rung_that_covers_a_value_names_who_approves_it(
    text: str, role: str | None, override: bool
) -> None:
    need = need_of(UPTIME, LADDER, pct(text), Side.VENDOR)
    assert (need and need.role) == role and (need is not None and need.override) == override


def test_a_ladder_gives_more_away_at_each_rung() -> None:
    assert limits_problem(UPTIME, LADDER, Side.VENDOR) is None
    assert limits_problem(UPTIME, LADDER, Side.CUSTOMER) is not None
    twice = Limits(pct("99.5 %"), (Rung(pct("99.5 %"), "legal"),), None, "legal")
    assert limits_problem(UPTIME, twice, Side.VENDOR) is not None


# Playbooks


def test_a_playbook_grows_by_versions_that_never_change(context: Flask) -> None:
    assert limit("nia", Side.VENDOR) == 1
    assert limit("nia", Side.VENDOR, "E4", Limits(None, (), None, "legal"), seen=1) == 2
    with pytest.raises(rules.Stale):
        limit("nia", Side.VENDOR, seen=1)
    with pytest.raises(DatabaseError, match="never changed"):
        db.session.execute(update(Playbook).values(number=9))
    db.session.rollback()
    with pytest.raises(NotAllowed):
        limit("ben", Side.VENDOR, seen=2)
    chain = [line.event for line in lines(db.session(), NIA.organisation_id)]
    assert chain == ["organisation:playbook:changed"] * 2


# Approvals


def held(session: Session, contract: Contract, text: str) -> None:
    """Let the vendor stand by an uptime, and Harbour have opened the round."""
    offer_all(session, contract)
    say(session, contract, "cleo", "D1", "offer", pct("99.99 %"))
    send(session, contract, "cleo")
    say(session, contract, "ada", "D1", "offer", pct(text))
    send(session, contract, "ada")


def approve(session: Session, contract: Contract, key: str, reason: str | None = None) -> None:
    found = at_table(session, contract, key)
    need = next(n for n in board_of(session, found).outstanding if n.term == "D1")
    settle(session)
    actions.approve(
        session, contract, cast.actor(key), "D1", seen_sha256=need.sha256, reason=reason,
        at=clock.now(),
    )  # fmt: skip
    settle(session)


def missing(session: Session, contract: Contract, key: str = "ada") -> list[str]:
    found = board_of(session, at_table(session, contract, key)).outstanding
    settle(session)
    return [need.term for need in found]


@pytest.mark.slow
def test_an_approval_binds_to_the_value_and_falls_when_it_changes(
    eu: Session, contract: Contract
) -> None:
    limit("nia", Side.VENDOR)
    held(eu, contract, "99.9 %")
    assert missing(eu, contract) == ["D1"]
    approve(eu, contract, "nia")
    assert missing(eu, contract) == []
    limit("nia", Side.VENDOR, "E4", Limits(None, (), None, "legal"), seen=1)
    assert "D1" not in missing(eu, contract)
    say(eu, contract, "cleo", "D1", "offer", pct("99.95 %"))
    send(eu, contract, "cleo")
    say(eu, contract, "ada", "D1", "offer", pct("99.8 %"))
    found = at_table(eu, contract, "ada")
    board = board_of(eu, found)
    assert [n.term for n in board.outstanding if n.term == "D1"] == ["D1"]
    assert "D1" in board.fallen
    settle(eu)
    approve(eu, contract, "nia")
    assert "D1" not in missing(eu, contract)
    kept = [(row.playbook, row.role, row.override) for row in eu.scalars(select(Approval))]
    assert kept == [(1, "legal", 0), (2, "legal", 0)]


@pytest.mark.slow
def test_the_approver_is_not_the_proposer_and_holds_the_role(
    eu: Session, contract: Contract
) -> None:
    limit("nia", Side.VENDOR)
    held(eu, contract, "99.95 %")
    error = refused(eu, contract, lambda: approve(eu, contract, "ada"))
    assert "proposed this value yourself" in error.message
    error = refused(eu, contract, lambda: approve(eu, contract, "ben"))
    assert "another role" in error.message
    approve(eu, contract, "nia")


@pytest.mark.slow
def test_an_override_carries_its_reason(eu: Session, contract: Contract) -> None:
    limit("nia", Side.VENDOR)
    held(eu, contract, "99.97 %")
    error = refused(eu, contract, lambda: approve(eu, contract, "nia", "  "))
    assert "reason for the override" in error.message
    approve(eu, contract, "nia", "The board agreed on Tuesday")
    row = eu.scalars(select(Approval)).one()
    assert (row.override, row.reason) == (1, "The board agreed on Tuesday")
    with pytest.raises(DatabaseError, match="never changed"):
        eu.execute(update(Approval).values(override=0))
    eu.rollback()


@pytest.mark.slow
def test_a_freeze_waits_for_both_sides_approvals_and_names_none(
    eu: Session, contract: Contract
) -> None:
    limit(
        "nia", Side.VENDOR, own=Limits(pct("99 %"), (Rung(pct("99.9 %"), "legal"),), None, "legal")
    )
    agree_all(eu, contract)
    theirs = refused(eu, contract, lambda: actions.freeze(eu, contract, CLEO, at=clock.now()))
    assert "Northwind Systems Ltd is ready (Not yet)" in theirs.message
    assert "approve" not in theirs.message and "Uptime" not in theirs.message
    ours = refused(eu, contract, lambda: actions.freeze(eu, contract, ADA, at=clock.now()))
    assert "1 to approve" in ours.message
    approve(eu, contract, "nia", "fine")
    actions.freeze(eu, contract, CLEO, at=clock.now())


@pytest.mark.slow
def test_approvers_are_asked_at_once_and_reminded_until_it_is_done(
    eu: Session, contract: Contract
) -> None:
    limit("nia", Side.VENDOR)
    held(eu, contract, "99.9 %")
    asked = lambda: [  # noqa: E731
        n.person_id for n in eu.scalars(
            select(RegionNotice).where(RegionNotice.event == "negotiation:approval:asked"))
    ]  # fmt: skip
    # Each round that leaves something unapproved asks: the first offered 99.9 % too.
    assert asked() == [NIA.person_id] * 2
    settle(eu)
    later = clock.now() + timedelta(hours=49)
    assert actions.remind_approvers(eu, at=later) == 1 and len(asked()) == 3
    settle(eu)
    assert actions.remind_approvers(eu, at=later) == 0
    approve(eu, contract, "nia")
    assert actions.remind_approvers(eu, at=later + timedelta(hours=49)) == 0
    assert eu.scalars(select(ApprovalCall)).one().due_at is None


# Notes and comments


@pytest.mark.slow
def test_a_note_is_read_by_its_own_side_and_leaves_no_trace_on_the_shared_chain(
    eu: Session, contract: Contract
) -> None:
    offer_all(eu, contract)
    before = events(eu, contract)
    note = actions.write_note(
        eu, contract, ADA, text="They will take 30", term="D1", at=clock.now()
    )
    assert events(eu, contract) == before
    private = [line.event for line in lines(eu, f"{contract.id}/vendor")]
    assert private == ["negotiation:note:written"]
    settle(eu)
    assert [n.text for n in notes_of(eu, contract, Side.VENDOR)] == ["They will take 30"]
    assert notes_of(eu, contract, Side.CUSTOMER) == []
    settle(eu)
    for act in (actions.share_note, actions.resolve):
        with pytest.raises(NotFound):
            act(eu, contract, CLEO, note.id, at=clock.now())
        settle(eu)


@pytest.mark.slow
def test_sharing_is_an_act_of_its_own_done_once(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    note = actions.write_note(eu, contract, ADA, text="Shall we talk @cleo?", at=clock.now())
    comment = actions.share_note(eu, contract, ADA, note.id, at=clock.now())
    assert events(eu, contract)[-1] == "negotiation:comment:shared"
    refused(eu, contract, lambda: actions.share_note(eu, contract, ADA, note.id, at=clock.now()))
    agreeable = refused(eu, contract, lambda: actions.freeze(eu, contract, ADA, at=clock.now()))
    assert "Every shared comment is resolved (1 open)" in agreeable.message
    actions.resolve(eu, contract, CLEO, comment.id, at=clock.now())
    assert events(eu, contract)[-1] == "negotiation:comment:resolved"
    told = eu.scalars(
        select(RegionNotice.person_id).where(RegionNotice.event == "negotiation:person:mentioned")
    ).all()
    assert told == [CLEO.person_id]


@pytest.mark.slow
def test_a_mention_in_a_note_reaches_own_members_only(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    actions.write_note(eu, contract, ADA, text="@nia look, and @cleo must not", at=clock.now())
    told = eu.scalars(
        select(RegionNotice.person_id).where(RegionNotice.event == "negotiation:person:mentioned")
    ).all()
    assert told == [NIA.person_id]


def test_what_was_said_stays(eu: Session, contract: Contract) -> None:
    offer_all(eu, contract)
    actions.write_note(eu, contract, ADA, text="kept", at=clock.now())
    for statement in (update(Note).values(term="D1"), Note.__table__.delete()):
        with pytest.raises(DatabaseError, match="what was said"):
            eu.execute(statement)
        eu.rollback()


@pytest.mark.slow
def test_the_counts_the_other_side_reads_do_not_move_with_notes(
    eu: Session, contract: Contract, client_as: Callable[[str], FlaskClient]
) -> None:
    settle(eu)
    offer_all(eu, contract)
    cleo = client_as("cleo")
    pages = ("terms?show=all", "terms/D1", "comments", "approvals", "compare", "freeze", "log")

    def seen() -> list[str]:
        got = [cleo.get(f"/contracts/{contract.id}/{page}").text for page in pages]
        settle(eu)
        return [re.sub(r'name="csrf_token" value="[^"]*"', "", text) for text in got]

    before = seen()
    actions.write_note(eu, contract, ADA, text="between us @nia", term="D1", at=clock.now())
    settle(eu)
    limit("nia", Side.VENDOR, own=Limits(pct("99 %"), (), None, "legal"))
    settle(eu)
    assert seen() == before
    found = negotiation_of(eu, contract, CLEO, at=clock.now())
    assert found.waiting is None
