"""The demo's administration: a second administrator, rules that wait, a move that is asked for."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from portal.accounts import actions as accounts
from portal.accounts.models import Membership
from portal.accounts.rules import Actor, MfaRule, Role
from portal.admin import actions
from portal.contracts.models import Contract
from portal.kit.db import db
from portal.residency.databases import Regions


def tell(cast: Mapping[str, Actor], regions: Regions, *, title: str, now: datetime) -> None:
    """Northwind asks codes of everyone and wants less of support; Harbour asks to move a contract.

    `title` names a contract that lives in the US; everything waits for somebody's answer.
    """
    ada, dov, nia = cast["ada"], cast["dov"], cast["nia"]
    mine = select(Membership.id).where(Membership.person_id == nia.person_id)
    roles = [*nia.roles, Role.ORG_ADMIN]
    actions.change_roles(ada, str(db.session.scalar(mine)), roles, at=now - timedelta(days=30))
    high = {"*": MfaRule.REQUIRED_TO_SIGN, "support_engineer": MfaRule.REQUIRED}
    actions.ask_for_mfa(ada, high, at=now - timedelta(days=29))
    second = replace(nia, roles=nia.roles | {Role.ORG_ADMIN})
    low = {"*": MfaRule.REQUIRED_TO_SIGN}
    actions.ask_for_mfa(second, low, at=now - timedelta(hours=3))
    stricter = {"*": MfaRule.REQUIRED}
    actions.ask_for_mfa(dov, stricter, days=7, at=now - timedelta(hours=5))
    for hours in (49, 26, 26):
        failed = now - timedelta(hours=hours)
        accounts.check_password(nia.email, "not my password", address="203.0.113.9", at=failed)
    session = regions.session("us")
    contract = next(one for one in session.scalars(select(Contract)) if one.title == title)
    actions.ask_to_move(session, dov, contract, to="eu", regions=regions, at=now)
    db.session.rollback()
