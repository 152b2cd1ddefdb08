"""What may be amended, what may change by agreement in the portal alone, and who may agree it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from portal.kit.words import say
from portal.terms.rules import Finding, Schema, Term, Value, coherence

# In an amendment this term says from when the amended terms hold; the rest makes the contract
# what it is: other parties, another beginning or another tier are another contract.
FROM = "A5"
FROM_LABEL = say("The amended terms hold from")
FROM_HELP = say("None: from the day after the amendment is sealed, which is also the earliest day.")
FIXED = frozenset({"A1", "A2", "A4", "A4.date", "A5", "A11", "A12"})
INTERIM_TERMS = "Q2"
INTERIM_ROLES = "Q2.roles"
LONGEST_INTERIM = timedelta(days=366)


class Decision(StrEnum):
    """What became of a proposed change of a schedule."""

    AGREED = "agreed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


def narrowed(schema: Schema, ids: Collection[str] | None) -> Schema:
    """Return the schema with these terms alone; all of it where none are named."""
    if ids is None:
        return schema
    kept = {
        term.id: replace(term, label=FROM_LABEL, help=FROM_HELP) if term.id == FROM else term
        for term in schema.terms.values()
        if term.id in ids
    }
    groups = {term.group for term in kept.values()}
    return replace(
        schema, terms=kept, groups=tuple(group for group in schema.groups if group.code in groups)
    )


def amendable(schema: Schema, locked: Collection[str]) -> list[Term]:
    """Return the terms an amendment may name, in the order of the contract."""
    closed = FIXED | set(locked)
    return [term for term in schema.terms.values() if term.id not in closed]


def naming_problem(schema: Schema, ids: Collection[str], *, locked: Collection[str]) -> str | None:
    """Say why these terms cannot be amended, or None."""
    if not ids:
        return say("Choose at least one term to amend.")
    open_to_change = {term.id for term in amendable(schema, locked)}
    closed = next((term_id for term_id in ids if term_id not in open_to_change), None)
    if closed is None:
        return None
    known = schema.terms.get(closed)
    return say("%(closed)s cannot be amended.", closed=known.label if known else closed)


def named(schema: Schema, ids: Collection[str]) -> list[str]:
    """Return what an amendment negotiates: the named terms, and the day they hold from."""
    wanted = {*ids, FROM}
    return [term_id for term_id in schema.terms if term_id in wanted]


def interim_terms(terms: Mapping[str, Value]) -> list[str]:
    """Return the terms this contract lets change by agreement in the portal alone."""
    return list(terms.get(INTERIM_TERMS) or ())


def interim_roles(terms: Mapping[str, Value]) -> frozenset[str]:
    """Return the roles that agree such a change."""
    return frozenset(terms.get(INTERIM_ROLES) or ())


def may_agree(roles: Iterable[str], terms: Mapping[str, Value]) -> bool:
    """Return whether somebody with these roles may propose or agree such a change."""
    return bool(interim_roles(terms) & {str(role) for role in roles})


@dataclass(frozen=True)
class Wish:
    """A change of one schedule, or of several at once, somebody wishes for: all or none of it."""

    values: Mapping[str, Value]
    starts: date
    ends: date | None


def packed(values: Mapping[str, Value]) -> Value:
    """Return what is stored and hashed of a wish: one term's plain value, several by their ids."""
    return next(iter(values.values())) if len(values) == 1 else dict(values)


def unpacked(terms: Sequence[str], stored: Value) -> dict[str, Value]:
    """Return the values of a wish by term, as they were packed."""
    return {terms[0]: stored} if len(terms) == 1 else dict(stored)


def moved(values: Mapping[str, Value], terms: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values that say something else than the terms that hold."""
    return {term: value for term, value in values.items() if value != terms.get(term)}


def wish_problem(
    schema: Schema, terms: Mapping[str, Value], wish: Wish, *, today: date
) -> tuple[str, str] | None:
    """Say what is wrong with a wished change, as (field or term, sentence), or None.

    `terms` are those that hold on its first day.
    """
    closed = next((term for term in wish.values if term not in interim_terms(terms)), None)
    if closed is not None:
        return closed, say("This contract lets that term change by an amendment only (term Q2).")
    if not wish.values:
        return "terms", say("Choose at least one schedule to change.")
    if wish.starts <= today:
        return "starts", say("A change never reaches back. Choose a day after today.")
    if wish.ends is not None and wish.ends <= wish.starts:
        return "ends", say("The last day comes before the first.")
    if wish.ends is not None and wish.ends - wish.starts > LONGEST_INTERIM:
        return "ends", say("For more than a year, amend the contract.")
    same = next((term for term in wish.values if term not in moved(wish.values, terms)), None)
    if same is not None:
        return same, say("This is what holds already. Change something.")
    found = new_errors(schema, terms, wish.values)
    if not found:
        return None
    joined = next((term for term in wish.values if term in found[0].terms), next(iter(wish.values)))
    return joined, found[0].message


def new_errors(
    schema: Schema, terms: Mapping[str, Value], changed: Mapping[str, Value]
) -> list[Finding]:
    """Return the errors a change would bring in: what terms could then not say together."""
    before = {(f.check, f.message) for f in coherence(schema, terms) if f.level == "error"}
    after = coherence(schema, {**terms, **changed})
    return [f for f in after if f.level == "error" and (f.check, f.message) not in before]
