"""Special terms: free clauses of the parties' own, answered like any other term.

They belong to a contract and not to the schema: X1, X2, ... in the order they were proposed. A
clause is its title and its text; none means that the contract has no such clause.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from portal.kit.words import say
from portal.terms.rules.clauses import LONGEST_TEXT
from portal.terms.rules.schema import Schema
from portal.terms.rules.shape import Group, Term, Value

GROUP = Group("X", say("Special terms"))

_ID = re.compile(r"X[1-9][0-9]{0,2}", re.ASCII)


def is_special(term_id: str) -> bool:
    """Say whether this is the id of a special term."""
    return _ID.fullmatch(term_id) is not None


def number_of(term_id: str) -> int:
    """Return the number of a special term."""
    return int(term_id[1:])


def next_special(ids: Iterable[str]) -> str:
    """Return the id of the next special term of a contract."""
    return f"X{max((number_of(i) for i in ids if is_special(i)), default=0) + 1}"


def special_term(term_id: str, value: Value = None) -> Term:
    """Return a special term as the rules know terms, labelled by its title where it has one."""
    title = value["title"] if isinstance(value, dict) else None
    return Term(
        id=term_id,
        group=GROUP.code,
        type="clause",
        name=f"special_{number_of(term_id)}",
        label=title or say("Special term %(number)s", number=number_of(term_id)),
        help=say("A clause of your own. It stands before the agreed terms and the standard terms."),
        max_length=LONGEST_TEXT,
        owners_customer=("legal",),
        owners_vendor=("legal",),
    )


def with_special(schema: Schema, values: Mapping[str, Value]) -> Schema:
    """Return the schema of one contract: the terms of the version and its special terms."""
    ids = sorted((i for i in values if is_special(i)), key=number_of)
    if not ids:
        return schema
    terms = {**schema.terms, **{i: special_term(i, values[i]) for i in ids}}
    return replace(schema, groups=(*schema.groups, GROUP), terms=terms)


def frozen_clauses(values: Mapping[str, Value]) -> list[dict[str, Any]]:
    """Return the agreed special terms as the document holds them, numbered in their order."""
    ids = sorted((i for i in values if is_special(i) and values[i] is not None), key=number_of)
    return [{"number": i, "title": values[i]["title"], "text": values[i]["text"]} for i in ids]
