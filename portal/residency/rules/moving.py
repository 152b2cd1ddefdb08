"""How a contract moves: which rows belong to it, the steps, and how the copy is compared."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from portal.kit.words import say

# What names the contract in a table; the first that a table has decides.
BELONGS_BY = ("contract_id", "chain", "owner")
BY_ID = frozenset({"contracts", "data_keys"})
# Tables that stay: a region's own, and rows that are no contract's.
STAYS = frozenset(
    {
        "batch_rows",
        "batches",
        "branches",
        "checkpoint_stamps",
        "checkpoints",
        "deletions",
        "moves",
        "region_identity",
        "spent_codes",
        "walks",
        "webhook_deliveries",
        "webhook_endpoints",
        "webhook_tries",
    }
)
# The log is never removed: it names nobody and says nothing of the content.
LOG = frozenset({"entries", "leaves"})
# What differs between the two copies by its nature: the wall, the key's wrapping, the order.
OWN_TO_A_REGION = {"data_keys": {"wrapped", "wrapped_before"}, "leaves": {"place"}}


class Step(StrEnum):
    """How far a move has come; each is durable, and the next begins from it after any crash."""

    ASKED = "asked"
    AGREED = "agreed"
    FROZEN = "frozen"
    ARRIVED = "arrived"
    LEFT = "left"
    DONE = "done"
    WITHDRAWN = "withdrawn"


STEP_WORDS = {
    Step.ASKED: say("The other side must agree"),
    Step.AGREED: say("Waits for the worker"),
    Step.FROZEN: say("Being copied; nothing can be changed"),
    Step.ARRIVED: say("Lives in the new region; the old one is told"),
    Step.LEFT: say("Lives in the new region; the old one is emptied"),
    Step.DONE: say("Moved"),
    Step.WITHDRAWN: say("Withdrawn"),
}


def column_of(table: str, columns: Iterable[str]) -> str | None:
    """Return the column by which rows of a table belong to a contract; None: the table stays."""
    if table in STAYS:
        return None
    if table in BY_ID:
        return "id"
    known = set(columns)
    found = next((name for name in BELONGS_BY if name in known), None)
    if found is None:
        raise LookupError(f"{table}: say in STAYS that it belongs to no contract")
    return found


def digest_of(table: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the SHA-256 over rows of a table, whatever their order, without what must differ."""
    skipped = OWN_TO_A_REGION.get(table, set()) | {"region"}
    lines = sorted(
        json.dumps(
            {name: _plain(value) for name, value in row.items() if name not in skipped},
            sort_keys=True,
        )
        for row in rows
    )
    return hashlib.sha256("\n".join([table, *lines]).encode()).hexdigest()


def digest_over(digests: Mapping[str, str]) -> str:
    """Return one SHA-256 over the digests of all tables."""
    said = "\n".join(f"{name} {digests[name]}" for name in sorted(digests))
    return hashlib.sha256(said.encode()).hexdigest()


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> Sequence[str]:
    """Return the tables whose copies are not the same."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value
