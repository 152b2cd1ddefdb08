"""What must hold before the terms are frozen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from portal.contracts.rules.life import Side
from portal.kit.words import in_a_row, say
from portal.negotiation.rules.standing import Standing, Status
from portal.terms.rules import Finding


@dataclass(frozen=True)
class Condition:
    """One thing a freeze needs, whether it holds, and where to look if it does not."""

    label: str
    holds: bool
    state: str
    look_at: str


@dataclass(frozen=True)
class Readiness:
    """Whether a side's own go-aheads are there. Of the other side one learns no more than that."""

    side: Side
    ready: bool
    state: str
    look_at: str = "approvals"


def conditions(
    found: Mapping[str, Standing],
    findings: Collection[Finding],
    slots: Sequence[tuple[Side, str]],
    *,
    names: Mapping[Side, str],
    open_comments: int = 0,
    readiness: Sequence[Readiness] = (),
) -> list[Condition]:
    """List what a freeze needs; slots are (side, person) pairs."""
    return [
        _terms(found),
        _checks(findings),
        _comments(open_comments),
        *(
            Condition(say("%(name)s is ready", name=names[r.side]), r.ready, r.state, r.look_at)
            for r in readiness
        ),
        *_signers(slots, names),
    ]


def _terms(found: Mapping[str, Standing]) -> Condition:
    agreed = sum(standing.status is Status.AGREED for standing in found.values())
    holds = bool(found) and agreed == len(found)
    return Condition(
        say("Every term is agreed"),
        holds,
        say("%(count)s of %(all)s", count=agreed, all=len(found)),
        "terms",
    )


def _checks(findings: Collection[Finding]) -> Condition:
    errors = sum(finding.level == "error" for finding in findings)
    state = say("None found") if errors == 0 else say("%(count)s to settle", count=errors)
    return Condition(say("No two terms contradict each other"), errors == 0, state, "findings")


def _comments(count: int) -> Condition:
    state = say("None open") if count == 0 else say("%(count)s open", count=count)
    return Condition(say("Every shared comment is resolved"), count == 0, state, "comments")


def _signers(slots: Sequence[tuple[Side, str]], names: Mapping[Side, str]) -> list[Condition]:
    persons = [person for _, person in slots]
    rows = []
    for side in Side:
        count = sum(slot_side is side for slot_side, _ in slots)
        state = say("%(count)s named", count=count) if count else say("Nobody yet")
        rows.append(
            Condition(
                say("%(name)s has named who signs", name=names[side]), count > 0, state, "people"
            )
        )
    if len(set(persons)) != len(persons):
        rows.append(
            Condition(say("Each signer signs once"), False, say("One is named twice"), "people")
        )
    return rows


def missing(found: Collection[Condition]) -> str | None:
    """Say in one sentence what a freeze still lacks; None when it may be done."""
    lacking = [
        say("%(label)s (%(state)s)", label=row.label, state=row.state)
        for row in found
        if not row.holds
    ]
    if not lacking:
        return None
    return say(
        "The terms cannot be frozen yet. Needed: %(lacking)s.", lacking=in_a_row(lacking, "; ")
    )
