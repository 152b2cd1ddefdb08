"""The demo's safeguards: profiles that are asked for, a legal hold, and one emergency access."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from portal.accounts.rules import EMERGENCY_LIFE, Actor, Emergency, Role
from portal.admin import actions as administration
from portal.cli.demo.people import PLAYERS
from portal.contracts.models import Contract
from portal.contracts.rules.life import Side
from portal.kit.db import db
from portal.profiles import actions as profiles
from portal.profiles.rules import Profile
from portal.residency.databases import Regions
from portal.retention import actions as retention


def tell(cast: Mapping[str, Actor], regions: Regions, *, title: str, now: datetime) -> None:
    """Harbour asks for regulated signatures and keeps records longer; Northwind holds a contract.

    `title` names a contract in the EU. Once, an operator looked at it in an emergency.
    """
    nia, dov = cast["nia"], cast["dov"]
    session, database = regions.session("eu"), regions["eu"]
    contract = next(one for one in session.scalars(select(Contract)) if one.title == title)
    second = replace(nia, roles=nia.roles | {Role.ORG_ADMIN})
    administration.ask_for_hipaa(second, on=True, hindrances=[], at=now - timedelta(hours=20))
    administration.ask_for_years(dov, 10, at=now - timedelta(days=6))
    profiles.ask_for_turn(
        session, dov, contract, Profile.REGULATED, on=True, hindrances=[],
        at=now - timedelta(hours=7),
    )  # fmt: skip
    retention.set_hold(
        session, nia, contract, reason="Claim over the outage of October is being looked into",
        at=now - timedelta(days=4),
    )  # fmt: skip
    opened = now - timedelta(days=2)
    operator = next(one for one in PLAYERS if one.company is None)
    access = administration.break_glass(
        session, contract.id, email=operator.email, side=Side.VENDOR, at=opened,
        reason="Mail of the portal was down, and a severity 1 incident had to be answered",
    )  # fmt: skip
    reader = Actor(
        access.person_id, operator.name, operator.email, contract.vendor_id, contract.vendor_name,
        frozenset({Role.AUDITOR}), Emergency(access.id, contract.id, opened + EMERGENCY_LIFE),
    )  # fmt: skip
    db.session.rollback()
    for minutes, record in ((1, ""), (2, "incidents"), (4, "incidents/1")):
        profiles.note_view(
            database, contract.id, reader.log, what=record, at=opened + timedelta(minutes=minutes)
        )
    db.session.rollback()
