"""Coherence: the thirteen checks between terms, in order."""

from collections.abc import Callable, Iterator, Mapping

from portal.terms.rules.checks.dates import check_notice, check_renewal, check_reviews
from portal.terms.rules.checks.facts import Facts, Finding
from portal.terms.rules.checks.hours import check_downtime, check_maintenance, check_support_hours
from portal.terms.rules.checks.money import check_ladder, check_liability
from portal.terms.rules.checks.scope import check_responsibilities, check_scope
from portal.terms.rules.checks.targets import check_commitments, check_escalation, check_targets
from portal.terms.rules.schema import Schema
from portal.terms.rules.shape import Value

CHECKS: Mapping[int, Callable[[Facts], Iterator[Finding]]] = {
    1: check_targets,
    2: check_support_hours,
    3: check_maintenance,
    4: check_ladder,
    5: check_downtime,
    6: check_liability,
    7: check_notice,
    8: check_renewal,
    9: check_escalation,
    10: check_reviews,
    11: check_commitments,
    12: check_scope,
    13: check_responsibilities,
}


def coherence(schema: Schema, values: Mapping[str, Value]) -> list[Finding]:
    """List what the terms cannot all say at once, errors before warnings in each check.

    Values must be valid one by one; terms that are absent are unknown and are not judged.
    """
    facts = Facts(schema, values)
    found = [finding for check in CHECKS.values() for finding in check(facts)]
    return sorted(found, key=lambda finding: (finding.number, finding.level))
