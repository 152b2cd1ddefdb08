"""What weakens a policy, and who may agree to it: every pair of rules, every pair of regions."""

from datetime import UTC, datetime, timedelta
from itertools import chain, combinations, product

import pytest

from portal.accounts.rules import EVERY_ROLE, MFA_ORDER, MfaRule, Role, mfa_rule_for
from portal.admin import rules
from portal.kit.errors import Refused

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ROLES = [EVERY_ROLE, Role.SIGNATORY, Role.LEGAL]
POLICIES = [dict(zip(ROLES, chosen, strict=True)) for chosen in product(MFA_ORDER, repeat=3)]


def _strength(policy: dict[str, MfaRule], role: Role) -> int:
    return MFA_ORDER.index(mfa_rule_for(policy, [role]))


@pytest.mark.parametrize("before", POLICIES)
def test_a_rule_that_asks_less_of_any_role_waits_for_a_second_person(
    before: dict[str, MfaRule],
) -> None:
    for after in POLICIES:
        weaker = any(_strength(after, role) < _strength(before, role) for role in Role)
        for days in rules.START_DAYS:
            plan = rules.plan_mfa(before, after, days=days, at=AT)
            assert plan.weaker == weaker
            assert plan.holds_from == (None if weaker else AT + timedelta(days=days))


def test_to_allow_one_region_more_is_the_weaker_policy() -> None:
    names = ["ap", "eu", "us"]
    sets = list(chain.from_iterable(combinations(names, n) for n in range(1, 4)))
    for before, after in product(sets, sets):
        plan = rules.plan_regions(before, after, configured=names, at=AT)
        assert plan.weaker == bool(set(after) - set(before))
        assert plan.holds_from == (None if plan.weaker else AT)


@pytest.mark.parametrize("after", [[], ["moon"]])
def test_no_region_or_an_unknown_one_is_refused(after: list[str]) -> None:
    with pytest.raises(Refused):
        rules.plan_regions(["eu"], after, configured=["eu"], at=AT)


def test_a_second_yes_comes_from_another_person_and_not_from_whom_it_is_about() -> None:
    rules.demand_second(asked_by="a", confirmer="b", about="c")
    for confirmer in ("a", "c"):
        with pytest.raises(Refused):
            rules.demand_second(asked_by="a", confirmer=confirmer, about="c")
    with pytest.raises(Refused, match="two organisation administrators"):
        rules.demand_two(1)
    rules.demand_two(2)
