"""What must hold before the terms are frozen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from portal.contracts.rules.life import Side
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
        *(Condition(f"{names[r.side]} is ready", r.ready, r.state, r.look_at) for r in readiness),
        *_signers(slots, names),
    ]


def _terms(found: Mapping[str, Standing]) -> Condition:
    agreed = sum(standing.status is Status.AGREED for standing in found.values())
    holds = bool(found) and agreed == len(found)
    return Condition("Every term is agreed", holds, f"{agreed} of {len(found)}", "terms")


def _checks(findings: Collection[Finding]) -> Condition:
    errors = sum(finding.level == "error" for finding in findings)
    state = "None found" if errors == 0 else f"{errors} to settle"
    return Condition("No two terms contradict each other", errors == 0, state, "findings")


def _comments(count: int) -> Condition:
    state = "None open" if count == 0 else f"{count} open"
    return Condition("Every shared comment is resolved", count == 0, state, "comments")


def _signers(slots: Sequence[tuple[Side, str]], names: Mapping[Side, str]) -> list[Condition]:
    persons = [person for _, person in slots]
    rows = []
    for side in Side:
        count = sum(slot_side is side for slot_side, _ in slots)
        state = f"{count} named" if count else "Nobody yet"
        rows.append(Condition(f"{names[side]} has named who signs", count > 0, state, "people"))
    if len(set(persons)) != len(persons):
        rows.append(Condition("Each signer signs once", False, "One is named twice", "people"))
    return rows


def missing(found: Collection[Condition]) -> str | None:
    """Say in one sentence what a freeze still lacks; None when it may be done."""
    lacking = [f"{row.label} ({row.state.lower()})" for row in found if not row.holds]
    return f"The terms cannot be frozen yet. Needed: {'; '.join(lacking)}." if lacking else None
