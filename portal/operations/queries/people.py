"""People who should be there, and factors that should be set up."""

from collections.abc import Iterator

from sqlalchemy import select

from portal.accounts.models import Membership, MfaPolicy, Organisation, Person
from portal.accounts.rules import MfaRule, Role, mfa_rule_for
from portal.kit.db import db
from portal.operations.queries.subject import Subject
from portal.operations.rules import Check, Level, judged


def checks(subject: Subject) -> Iterator[Check]:
    """Yield the checks of administrators and factors; three queries."""
    operators = db.session.scalars(
        select(Person).where(Person.operator == 1, Person.deactivated_at.is_(None))
    ).all()
    yield judged(
        "portal administrators", str(len(operators)), holds=bool(operators),
        otherwise=Level.WARNING, mend="name one: somebody must see alerts",
    )  # fmt: skip
    bare = [person for person in operators if not person.has_factor]
    yield judged(
        "administrators with a factor", f"{len(operators) - len(bare)} of {len(operators)}",
        holds=not bare, mend="let each set up codes on their security page",
    )  # fmt: skip
    rows = db.session.execute(
        select(Membership.organisation_id, Membership.roles, Person.totp_confirmed_at)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.ended_at.is_(None), Person.deactivated_at.is_(None))
    ).all()
    yield from _organisations(rows)
    yield from _factors(rows)


def _organisations(rows: object) -> Iterator[Check]:
    led = {row[0] for row in rows if Role.ORG_ADMIN in row[1].split(",")}  # type: ignore[attr-defined]
    every = set(db.session.scalars(select(Organisation.id).where(Organisation.kept_by.is_(None))))
    alone = len(every - led)
    yield judged(
        "organisation administrators", f"{len(every) - alone} of {len(every)} have one",
        holds=not alone, otherwise=Level.WARNING,
        mend="invite one for each: nobody else can change its members",
    )  # fmt: skip


def _factors(rows: object) -> Iterator[Check]:
    policies: dict[str, dict[str, MfaRule]] = {}
    for row in db.session.scalars(select(MfaPolicy)):
        policies.setdefault(row.organisation_id, {})[row.role] = MfaRule(row.rule)
    unmet, unready = 0, 0
    for organisation_id, roles, confirmed in rows:  # type: ignore[attr-defined]
        held = [Role(name) for name in roles.split(",") if name]
        rule = mfa_rule_for(policies.get(organisation_id, {}), held)
        unmet += rule is MfaRule.REQUIRED and confirmed is None
        unready += Role.SIGNATORY in held and confirmed is None
    yield judged(
        "factors the policy asks for", f"{unmet} missing", holds=not unmet,
        otherwise=Level.WARNING, mend="they are led to the set-up page at their next sign-in",
    )  # fmt: skip
    yield judged(
        "signatories with a factor", f"{unready} without", holds=not unready,
        otherwise=Level.WARNING, mend="remind them: nobody signs without a code",
    )  # fmt: skip
