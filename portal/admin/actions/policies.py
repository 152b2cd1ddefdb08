"""Changing the rule on codes, the allowed regions and the HIPAA profile: two people, and a day."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts import queries as people
from portal.accounts.models import MfaPolicy, Organisation
from portal.accounts.queries import chosen_mfa_rules, is_hipaa, organisation_by_id
from portal.accounts.rules import Actor, MfaRule, demand
from portal.admin import queries, rules
from portal.admin.actions.letters import keepers_of, tell_keepers, tell_one
from portal.admin.models import PolicyChange
from portal.admin.rules import Kind, Plan
from portal.audit.actions import record
from portal.audit.rules import PORTAL
from portal.audit.rules import Actor as LogActor
from portal.kit.db import db, transaction
from portal.kit.errors import Refused
from portal.kit.refs import new_id
from portal.kit.words import say
from portal.notices.models import MailRule

LINKS = {
    Kind.MFA: "/organisation/mfa",
    Kind.REGIONS: "/organisation/regions",
    Kind.HIPAA: "/organisation/hipaa",
    Kind.RETENTION: "/organisation/retention",
}
ABOUT = {
    Kind.MFA: say("sign-in codes"),
    Kind.REGIONS: say("regions"),
    Kind.RETENTION: say("how long records are kept"),
}


def ask_for_mfa(
    actor: Actor, wanted: Mapping[str, MfaRule], *, days: int = 0, at: datetime
) -> PolicyChange | None:
    """Ask for other MFA rules by role ("*" is every role); None where nothing would change.

    Stricter rules hold at once, or after `days`, and whoever does not meet them yet is told the
    day. Weaker ones wait for a second administrator.
    """
    demand(actor, "policy:edit")
    with transaction(db.session) as session:
        if is_hipaa(actor.organisation_id):
            raise Refused(
                say("The HIPAA profile asks a code of everybody, and no rule can ask less.")
            )
        before = chosen_mfa_rules(actor.organisation_id)
        after = {role: rule for role, rule in wanted.items() if rule is not MfaRule.OPTIONAL}
        plan = rules.plan_mfa(before, wanted, days=days, at=at)
        if before == after:
            return None
        row = _ask(session, actor, Kind.MFA, after, plan, at)
        if not plan.weaker:
            _tell_short(actor, row, at)
        return row


def ask_for_regions(
    actor: Actor, wanted: Collection[str], *, configured: Collection[str], at: datetime
) -> PolicyChange | None:
    """Ask for other regions in which new contracts may live; None where nothing would change."""
    demand(actor, "policy:edit")
    with transaction(db.session) as session:
        before = organisation_by_id(actor.organisation_id).allowed_regions
        after = sorted(set(wanted))
        plan = rules.plan_regions(before, after, configured=configured, at=at)
        if set(before) == set(after):
            return None
        return _ask(session, actor, Kind.REGIONS, after, plan, at)


def ask_for_hipaa(
    actor: Actor, *, on: bool, hindrances: Collection[str], at: datetime
) -> PolicyChange | None:
    """Ask to put the HIPAA profile on or off; None where it stands so already.

    `hindrances` say what keeps the whole of it from holding, or from being given up.
    """
    demand(actor, "policy:edit")
    with transaction(db.session) as session:
        if is_hipaa(actor.organisation_id) == on:
            return None
        return _ask(session, actor, Kind.HIPAA, on, rules.plan_hipaa(hindrances), at)


def ask_for_years(actor: Actor, years: int, *, at: datetime) -> PolicyChange | None:
    """Ask that records be kept other years after a contract's end; None where nothing changes."""
    demand(actor, "policy:edit")
    with transaction(db.session) as session:
        organisation = organisation_by_id(actor.organisation_id)
        before = organisation.retention_years
        plan = rules.plan_retention(before, years, hipaa=organisation.is_hipaa, at=at)
        if before == years:
            return None
        return _ask(session, actor, Kind.RETENTION, years, plan, at)


def _ask(
    session: Session, actor: Actor, kind: Kind, after: Any, plan: Plan, at: datetime
) -> PolicyChange:
    if plan.weaker:
        rules.demand_two(len(keepers_of(actor.organisation_id)))
    row = PolicyChange(
        id=new_id(at), organisation_id=actor.organisation_id, kind=kind,
        after=json.dumps(after, sort_keys=True), weaker=int(plan.weaker),
        asked_by=actor.person_id, asked_at=at, holds_from=plan.holds_from,
    )  # fmt: skip
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Refused(say("Another change waits already. Withdraw it first.")) from error
    if plan.holds_from == at:
        _apply(session, row, actor.log, at)
        return row
    record(
        session, actor.organisation_id, "organisation:policy:asked", actor=actor.log, at=at,
        facts={"kind": kind, "weaker": plan.weaker, "change": row.id},
    )  # fmt: skip
    if plan.weaker:
        tell_keepers(
            [actor.organisation_id], "organisation:policy:asked", link=LINKS[kind],
            by=actor.person_id, at=at, organisation=actor.organisation_name, asker=actor.name,
        )  # fmt: skip
    return row


def _tell_short(actor: Actor, row: PolicyChange, at: datetime) -> None:
    if row.holds_from is None or row.holds_from == at:
        return
    wanted = queries.mfa_of(row)
    for member, rule in people.short_of(actor.organisation_id, wanted):
        tell_one(
            member.person, actor.organisation_id, "person:factor:wanted", link="/security/totp",
            by=actor.person_id, at=at, organisation=actor.organisation_name,
            begins=row.holds_from, shut_out=rule is MfaRule.REQUIRED,
        )  # fmt: skip


def confirm_change(
    actor: Actor, change_id: str, *, partners: Iterable[str], at: datetime,
    hindrances: Collection[str] = (),
) -> None:  # fmt: skip
    """Say the second "yes": a weaker policy holds a day later, and both parties are told.

    `partners` are the organisations that share a contract with this one; `hindrances` what keeps a
    profile from being changed now.
    """
    demand(actor, "policy:edit")
    with transaction(db.session) as session:
        row = queries.find_change(actor, change_id)
        if hindrances:
            raise Refused(" ".join(hindrances))
        rules.demand_waiting(confirmed=row.holds_from is not None, ended=_ended(row))
        rules.demand_second(asked_by=row.asked_by, confirmer=actor.person_id)
        row.confirmed_by, row.confirmed_at = actor.person_id, at
        puts_on = row.kind == Kind.HIPAA and queries.is_put_on(row)
        row.holds_from = rules.holds_from(kind=row.kind, puts_on=puts_on, at=at)
        both = {actor.organisation_id, *partners}
        told = tell_keepers(
            both, _told_as(row), link="/inbox", by=actor.person_id, at=at,
            organisation=actor.organisation_name, changer=actor.name, begins=row.holds_from,
            about=ABOUT.get(Kind(row.kind), ""), on=puts_on,
        )  # fmt: skip
        record(
            session, actor.organisation_id, "organisation:policy:confirmed", actor=actor.log,
            at=at, facts={"kind": row.kind, "change": row.id, "told": told,
                          "organisations": len(both)},
        )  # fmt: skip
        if row.holds_from == at:
            _apply(session, row, actor.log, at)


def _told_as(row: PolicyChange) -> str:
    profile = row.kind == Kind.HIPAA
    return "organisation:profile:confirmed" if profile else "organisation:policy:weakened"


def withdraw_change(actor: Actor, change_id: str, *, at: datetime) -> None:
    """End a change that does not hold yet; one administrator is enough to stay safe."""
    demand(actor, "policy:edit")
    with transaction(db.session) as session:
        row = queries.find_change(actor, change_id)
        rules.demand_waiting(confirmed=False, ended=_ended(row))
        row.withdrawn_by, row.withdrawn_at = actor.person_id, at
        record(
            session, actor.organisation_id, "organisation:policy:withdrawn", actor=actor.log,
            at=at, facts={"kind": row.kind, "change": row.id},
        )  # fmt: skip


def _ended(row: PolicyChange) -> bool:
    return row.applied_at is not None or row.withdrawn_at is not None


def apply_due(*, at: datetime) -> int:
    """Let every change hold whose day has come, each in a transaction; return how many."""
    due = [row.id for row in queries.due_changes(at=at)]
    db.session.rollback()
    for change_id in due:
        with transaction(db.session) as session:
            row = session.get_one(PolicyChange, change_id)
            if not _ended(row):
                _apply(session, row, PORTAL, at)
    return len(due)


def _apply(session: Session, row: PolicyChange, actor: LogActor, at: datetime) -> None:
    row.applied_at = at
    if row.kind == Kind.REGIONS:
        _apply_regions(session, row, actor, at)
        return
    if row.kind == Kind.RETENTION:
        _apply_years(session, row, actor, at)
        return
    if row.kind == Kind.HIPAA:
        _apply_hipaa(session, row, actor, at)
        return
    before, after = chosen_mfa_rules(row.organisation_id), queries.mfa_of(row)
    changed = sorted(r for r in {*before, *after} if before.get(r) != after.get(r))
    for role in changed:
        _write_rule(session, row.organisation_id, role, after.get(role))
    optional = MfaRule.OPTIONAL
    steps = [
        {"role": r, "from": before.get(r, optional), "to": after.get(r, optional)} for r in changed
    ]
    record(
        session, row.organisation_id, "organisation:mfa_rules:changed", actor=actor, at=at,
        facts={"changes": steps, "lowered": bool(row.weaker), "change": row.id},
    )  # fmt: skip


def _apply_regions(session: Session, row: PolicyChange, actor: LogActor, at: datetime) -> None:
    organisation = session.get_one(Organisation, row.organisation_id)
    before, after = organisation.allowed_regions, queries.regions_of(row)
    organisation.regions = ",".join(after)
    record(
        session, row.organisation_id, "organisation:regions:changed", actor=actor, at=at,
        facts={"before": before, "after": after, "change": row.id},
    )  # fmt: skip


def _apply_years(session: Session, row: PolicyChange, actor: LogActor, at: datetime) -> None:
    organisation = session.get_one(Organisation, row.organisation_id)
    before, after = organisation.retention_years, queries.years_of(row)
    if organisation.is_hipaa:
        after = max(after, rules.HIPAA_YEARS)
    organisation.retention_years = after
    record(
        session, row.organisation_id, "organisation:retention:changed", actor=actor, at=at,
        facts={"before": before, "after": after, "change": row.id},
    )  # fmt: skip


def _apply_hipaa(session: Session, row: PolicyChange, actor: LogActor, at: datetime) -> None:
    """Turn the one switch, in one transaction: the rest of the profile is read from it.

    Mail is told by a mark of its own, for the room of notices knows no organisations.
    """
    on = queries.is_put_on(row)
    organisation = session.get_one(Organisation, row.organisation_id)
    organisation.hipaa_since = at if on else None
    rule = session.get(MailRule, row.organisation_id)
    if rule is None:
        rule = MailRule(organisation_id=row.organisation_id, thin=0)
        session.add(rule)
    rule.kept_thin = int(on)
    record(
        session, row.organisation_id, "organisation:profile:changed", actor=actor, at=at,
        facts={"profile": Kind.HIPAA, "on": on, "change": row.id},
    )  # fmt: skip


def _write_rule(session: Session, organisation_id: str, role: str, rule: MfaRule | None) -> None:
    row = session.get(MfaPolicy, (organisation_id, role))
    if rule is None:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(MfaPolicy(organisation_id=organisation_id, role=role, rule=rule))
    else:
        row.rule = rule
