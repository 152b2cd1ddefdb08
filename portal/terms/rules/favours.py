"""Who gains when a term moves from one value to another."""

from decimal import Decimal
from math import inf
from typing import Literal

from portal.terms.rules.caps import cap_order
from portal.terms.rules.durations import longest
from portal.terms.rules.shape import Shape, Value
from portal.terms.rules.spans import (
    REFERENCE_YEAR,
    Stretches,
    schedule_year,
    windows_year,
    without,
    years_of,
)
from portal.terms.rules.tables import Row, row_key

Gain = Literal["customer", "vendor", "neutral", "same"]


def favours(term: Shape, old: Value, new: Value) -> Gain:
    """Say who benefits from the move; "neutral" where the values alone cannot tell."""
    if old == new:
        return "same"
    if old is None or new is None:
        return _gain_by_none(term, losing=new is None)
    if term.type in ("table", "people"):
        return _gain_by_rows(term, old, new)
    order = None if term.better_for_customer == "neutral" else _order(term, old, new)
    if not order:
        return "neutral"
    return "customer" if (order > 0) == (term.better_for_customer == "higher") else "vendor"


def _gain_by_none(shape: Shape, *, losing: bool) -> Gain:
    """Where nothing else is said, a promise that is dropped favours the vendor."""
    directed = shape.better_for_customer != "neutral"
    side = shape.none_favours or ("vendor" if directed else "neutral")
    if side == "neutral":
        return "neutral"
    return "customer" if (side == "customer") == losing else "vendor"


def _order(shape: Shape, old: Value, new: Value) -> int | None:
    """Return 1 if the new value is more than the old, -1 if less, else 0 or None."""
    match shape.type:
        case "pct" | "factor" | "int" | "dur":
            return _sign(_size(shape, old), _size(shape, new))
        case "money":
            same = old["currency"] == new["currency"]
            return _sign(Decimal(old["amount"]), Decimal(new["amount"])) if same else None
        case "cap":
            return cap_order(new, old)
        case "bool":
            return 1 if new else -1
        case "enum":
            codes = [option.code for option in shape.options]
            return _sign(codes.index(old), codes.index(new))
        case "multi":
            return _superset(set(old) <= set(new), set(new) <= set(old))
        case "date":
            return 1 if new > old else -1
        case "sched":
            return _covers(_hours(old), _hours(new))
        case "window":
            return _windows_order(old, new)
        case _:
            return None


def _sign(old: float | Decimal | None, new: float | Decimal | None) -> int | None:
    return None if old is None or new is None else (new > old) - (new < old)


def _size(shape: Shape, value: Value) -> float | Decimal | None:
    """Place a number, a length or a word such as "unlimited" on one scale."""
    option = shape.option(value) if isinstance(value, str) else None
    if option is not None:
        return {"most": inf, "least": -inf}.get(option.stands_for or "")
    return longest(value) if shape.type == "dur" else Decimal(value)


def _superset(grows: object, shrinks: object) -> int | None:
    if bool(grows) == bool(shrinks):
        return 0 if grows else None
    return 1 if grows else -1


def _covers(old: Stretches, new: Stretches) -> int | None:
    return _superset(not without(old, new), not without(new, old))


def _hours(schedule: Value) -> Stretches:
    return schedule_year(schedule, REFERENCE_YEAR)


def _windows_order(old: Value, new: Value) -> int | None:
    def over(windows: Value, year: int) -> Stretches:
        return windows_year(windows, year, zone="UTC", holidays=frozenset())

    orders = {_covers(over(old, year), over(new, year)) for year in years_of(old, new)} - {0}
    return next(iter(orders)) if len(orders) == 1 else None


# ---- tables --------------------------------------------------------------------------------------


def _gain_by_rows(shape: Shape, old: list[Row], new: list[Row]) -> Gain:
    """Let each changed cell and each row that came or went vote; only a clear vote counts."""
    before = {row_key(shape, row): row for row in old}
    after = {row_key(shape, row): row for row in new}
    if len(before) != len(old) or len(after) != len(new):
        return "neutral"
    votes = {_row_vote(shape, before.get(key), after.get(key)) for key in before | after}
    votes.discard("same")
    return votes.pop() if len(votes) == 1 else "neutral"


def _row_vote(shape: Shape, old: Row | None, new: Row | None) -> Gain:
    if old is None or new is None:
        return _more_rows(shape, came=old is None)
    votes = {
        favours(column, old[column.name], new[column.name])
        for column in shape.columns
        # Words beside the numbers, such as an owner's name, do not tip the balance.
        if column.type != "text"
    }
    votes.discard("same")
    if not votes:
        return "same" if old == new else "neutral"
    return votes.pop() if len(votes) == 1 else "neutral"


def _more_rows(shape: Shape, *, came: bool) -> Gain:
    if shape.better_for_customer == "neutral":
        return "neutral"
    return "customer" if (shape.better_for_customer == "higher") == came else "vendor"
