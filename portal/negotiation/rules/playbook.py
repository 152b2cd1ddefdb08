"""An organisation's own limits: what it takes as it stands, what somebody must approve, and where
it walks away. Private to one side; nothing here may reach what the other side reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from portal.contracts.rules.life import Side
from portal.kit.words import say
from portal.negotiation.rules.standing import Kind, Standing, Status, Word
from portal.terms.rules import Schema, Term, Value, favours, value_sha256

MOST_FALLBACKS = 3


@dataclass(frozen=True)
class Rung:
    """A value an organisation may fall back to, and the role that approves it."""

    value: Value
    role: str


@dataclass(frozen=True)
class Limits:
    """What an organisation says of one term: its standard, its fallbacks in order, its end."""

    standard: Value
    fallbacks: tuple[Rung, ...]
    walk_away: Rung | None
    override_role: str


@dataclass(frozen=True)
class Need:
    """That a value of a term takes the approval of a role; an override is beyond every rung."""

    term: str
    value: Value
    sha256: str
    role: str
    level: str
    override: bool
    proposer: str | None = None


@dataclass(frozen=True)
class Given:
    """An approval as it was given: for one term and the hash of one value."""

    term: str
    sha256: str


def limits_of(content: Mapping[str, Any], side: Side) -> dict[str, Limits]:
    """Read the stored content of a playbook: the limits an organisation has on one side."""
    return {
        term: Limits(
            standard=entry["standard"],
            fallbacks=tuple(Rung(r["value"], r["role"]) for r in entry["fallbacks"]),
            walk_away=Rung(entry["walk_away"]["value"], entry["walk_away"]["role"])
            if entry["walk_away"]
            else None,
            override_role=entry["override_role"],
        )
        for term, entry in content.get(side.value, {}).items()
    }


def content_of(limits: Mapping[str, Limits]) -> dict[str, Any]:
    """Return the limits of one side as they are stored and hashed."""
    return {
        term: {
            "standard": one.standard,
            "fallbacks": [{"value": r.value, "role": r.role} for r in one.fallbacks],
            "walk_away": {"value": one.walk_away.value, "role": one.walk_away.role}
            if one.walk_away
            else None,
            "override_role": one.override_role,
        }
        for term, one in limits.items()
    }


def limits_problem(term: Term, limits: Limits, side: Side) -> str | None:
    """Say why a ladder makes no sense: each rung gives more away than the one before."""
    values = [limits.standard, *(rung.value for rung in limits.fallbacks)]
    if limits.walk_away:
        values.append(limits.walk_away.value)
    if len({value_sha256(value) for value in values}) < len(values):
        return say("Each rung needs a value of its own.")
    for better, worse in pairwise(values):
        if favours(term, better, worse) == side.value:
            return say("A rung further down is better for you than the one above it.")
    return None


def covers(term: Term, rung: Value, value: Value, side: Side) -> bool:
    """Say whether a value is the rung's, or better for this side."""
    return value_sha256(rung) == value_sha256(value) or favours(term, rung, value) == side.value


def need_of(
    term: Term, limits: Limits, value: Value, side: Side, *, proposer: str | None = None
) -> Need | None:
    """Return the approval a value takes, or None where the standard covers it."""
    if covers(term, limits.standard, value, side):
        return None
    rungs = [
        (say("Fallback %(number)s", number=n), rung) for n, rung in enumerate(limits.fallbacks, 1)
    ]
    if limits.walk_away:
        rungs.append((say("The walk-away value"), limits.walk_away))
    sha256 = value_sha256(value)
    for level, rung in rungs:
        if covers(term, rung.value, value, side):
            return Need(term.id, value, sha256, rung.role, level, False, proposer)
    role = limits.override_role
    return Need(term.id, value, sha256, role, say("Beyond your limits"), True, proposer)


@dataclass(frozen=True)
class Commitment:
    """A value one side stands by, and the person who wrote it, if that is known."""

    value: Value
    author: str | None


def commitments(
    found: Mapping[str, Standing], words: Mapping[str, Word], side: Side
) -> dict[str, Commitment]:
    """Return the value this side offers, would accept or has agreed to, by term."""
    held: dict[str, Commitment] = {}
    for term, standing in found.items():
        word = words.get(term)
        if word is not None and word.kind is Kind.OFFER:
            held[term] = Commitment(word.value, word.author)
        elif word is not None and word.kind is Kind.ACCEPT:
            held[term] = Commitment(standing.value, word.author)
        elif standing.offer is not None and (
            standing.status is Status.AGREED or standing.offer.side is side
        ):
            held[term] = Commitment(standing.value, _author(standing, side))
    return held


def _author(standing: Standing, side: Side) -> str | None:
    mine = [
        m for m in standing.moves if m.side is side and m.word.kind in (Kind.OFFER, Kind.ACCEPT)
    ]
    return mine[-1].word.author if mine else None


def needs(
    schema: Schema,
    limits: Mapping[str, Limits],
    held: Mapping[str, Commitment],
    side: Side,
) -> list[Need]:
    """Return every approval that the values a side stands by take, in the order of the contract."""
    found = []
    for term in schema.terms.values():
        if term.id in limits and term.id in held:
            one = held[term.id]
            need = need_of(term, limits[term.id], one.value, side, proposer=one.author)
            if need is not None:
                found.append(need)
    return found


def outstanding(wanted: Sequence[Need], given: Sequence[Given]) -> list[Need]:
    """Return the needs no approval covers: one binds to the term and the value's hash."""
    bound = {(one.term, one.sha256) for one in given}
    return [need for need in wanted if (need.term, need.sha256) not in bound]


def fallen(wanted: Sequence[Need], given: Sequence[Given]) -> set[str]:
    """Return the terms whose approval fell: one was given, and the value is another now."""
    missing = {need.term for need in outstanding(wanted, given)}
    return missing & {one.term for one in given}


def why_not_approve(
    need: Need, *, person: str, roles: frozenset[str], reason: str | None
) -> str | None:
    """Say why this person may not approve this; None where they may."""
    if need.proposer == person:
        return say("You proposed this value yourself. Somebody else approves it.")
    if need.role not in roles:
        return say("This takes another role than yours.")
    if need.override and not (reason or "").strip():
        return say("This is beyond your limits. Give the reason for the override.")
    return None
