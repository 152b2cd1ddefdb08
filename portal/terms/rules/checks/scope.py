"""Checks 12 and 13: what is supported, and who answers for what."""

from collections.abc import Iterator

from portal.kit.words import say
from portal.terms.rules.checks.facts import Facts, Finding, error, warning


def check_scope(facts: Facts) -> Iterator[Finding]:
    """Check 12: each module has a weight, and full support has something behind it."""
    promised = {(row["module"] or "").casefold() for row in facts.rows("D5")}
    for row in facts.rows("I1"):
        module = row["module"] or ""
        if module.casefold() not in promised and not row["criticality"] and facts.knows("D5"):
            yield warning(
                12,
                ("I1", "D5"),
                say(
                    "%(module)s is supported but has neither an uptime of its own nor "
                    "a criticality: nobody knows how much it matters.",
                    module=module,
                ),
            )
    for row in facts.rows("I3"):
        if row["support"] == "full" and not row["pass_through"]:
            yield warning(
                12,
                ("I3",),
                say(
                    "%(product)s has full support without a promise from its maker "
                    "passed through: the vendor promises what it cannot do itself.",
                    product=row["product"],
                ),
            )


def check_responsibilities(facts: Facts) -> Iterator[Finding]:
    """Check 13: exactly one party answers for each activity."""
    for row in facts.rows("H1"):
        count = sum("A" in (row[side] or ()) for side in ("vendor", "customer"))
        if count != 1:
            yield error(
                13,
                ("H1",),
                _answers(row["activity"], count),
            )


def _answers(activity: str, count: int) -> str:
    if count == 0:
        return say(
            "%(activity)s: nobody answers (A). Exactly one party must answer for it.",
            activity=activity,
        )
    return say(
        "%(activity)s: both parties answer (A). Exactly one party must answer for it.",
        activity=activity,
    )
