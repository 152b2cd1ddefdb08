"""Generated values of every type, for the property tests."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from portal.terms.rules import Shape, Unreadable, normal
from portal.terms.rules.durations import DAY
from portal.terms.rules.numbers import MINOR_DIGITS
from portal.terms.rules.schedules import DAYS

ZONES = ["America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]

_SEEN = st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"])
_LIKELY = st.sampled_from(list("ab|\\;,-–\"'<>&é 9%:."))


def texts(longest: int) -> st.SearchStrategy[str]:
    return st.text(st.one_of(_SEEN, _LIKELY), min_size=1, max_size=min(longest, 40))


def clock_times() -> st.SearchStrategy[str]:
    minutes = st.integers(0, DAY - 1)
    return minutes.map(lambda m: f"{m // 60:02}:{m % 60:02}")


def days() -> st.SearchStrategy[list[str]]:
    chosen = st.sets(st.sampled_from(DAYS), min_size=1)
    return chosen.map(lambda codes: [day for day in DAYS if day in codes])


def spans() -> st.SearchStrategy[tuple[str, str]]:
    ends = st.one_of(clock_times(), st.just("24:00"))
    pair = st.tuples(clock_times(), ends)
    return pair.filter(lambda p: p[0] != p[1] and p[1] != "00:00")


@st.composite
def schedules(draw: st.DrawFn) -> Any:
    entries = draw(st.lists(st.tuples(days(), spans()), min_size=1, max_size=4))
    told = [{"days": d, "from": s[0], "to": s[1]} for d, s in entries]
    return {"tz": draw(st.sampled_from(ZONES)), "days": told}


@st.composite
def slots(draw: st.DrawFn) -> Any:
    zone = draw(st.one_of(st.none(), st.sampled_from(ZONES)))
    start, end = draw(spans())
    freq = draw(st.sampled_from(["weekly", "monthly", "yearly", "quarter_end", "once"]))
    match freq:
        case "weekly":
            slot = {"days": draw(days()), "from": start, "to": end}
        case "monthly":
            nth, day = draw(st.sampled_from([1, 2, 3, 4, -1])), draw(st.sampled_from(DAYS))
            slot = {"nth": nth, "day": day, "from": start, "to": end}
        case "yearly":
            ends = draw(st.lists(st.dates(), min_size=2, max_size=2))
            slot = {"from": f"{ends[0]:%m-%d}", "to": f"{ends[1]:%m-%d}"}
        case "once":
            first, last = sorted(
                draw(st.lists(st.dates(_date(2000), _date(2100)), min_size=2, max_size=2))
            )
            slot = {"start": first.isoformat(), "end": last.isoformat(), "from": start, "to": end}
        case _:
            low, high = sorted(draw(st.lists(st.integers(-60, 60), min_size=2, max_size=2)))
            freq = draw(st.sampled_from(["quarter_end", "month_end", "year_end"]))
            slot = {"from": low, "to": high, "unit": draw(st.sampled_from(["bd", "d"]))}
    return {"freq": freq, "tz": zone, **slot}


def _date(year: int) -> Any:
    from datetime import date

    return date(year, 1, 1)


def lengths() -> st.SearchStrategy[Any]:
    plain = st.tuples(st.integers(0, 600_000), st.sampled_from(["min", "h", "bh", "bd", "d", "mo"]))
    clocked = st.tuples(
        st.integers(0, 600_000), st.sampled_from(["min", "h"]), st.sampled_from(["24x5", "24x7"])
    )
    business = st.integers(0, 9999).map(lambda n: (n, "min", "support_hours"))
    return st.one_of(plain, clocked, business).map(
        lambda parts: dict(zip(("n", "unit", "clock"), parts, strict=False))
    )


@st.composite
def amounts(draw: st.DrawFn) -> dict[str, str]:
    currency = draw(st.sampled_from(sorted(MINOR_DIGITS)))
    places = MINOR_DIGITS[currency]
    amount = Decimal(draw(st.integers(0, 10**12))).scaleb(-places)
    return {"amount": f"{amount:.{places}f}", "currency": currency}


def decimals(most: int) -> st.SearchStrategy[str]:
    return st.decimals(0, most, places=3).map(lambda d: f"{d:f}")


def caps() -> st.SearchStrategy[Any]:
    multiple = decimals(100)
    return st.one_of(
        multiple.map(lambda m: {"basis": "multiple", "multiple": m}),
        amounts().map(lambda a: {"basis": "amount", "amount": a}),
        st.tuples(multiple, amounts()).map(
            lambda p: {"basis": "greater", "multiple": p[0], "amount": p[1]}
        ),
    )


def references(longest: int) -> st.SearchStrategy[Any]:
    part = texts(longest).filter(lambda t: "|" not in t)
    rest = st.one_of(st.none(), part)
    return st.fixed_dictionaries({"name": part, "version": rest, "target": rest})


def raw_values(shape: Shape) -> st.SearchStrategy[Any]:
    """Structures of a shape, not always in their usual form."""
    codes = [option.code for option in shape.options]
    words = st.sampled_from(codes) if codes else st.nothing()
    match shape.type:
        case "text" | "prose":
            return texts(shape.max_length)
        case "int":
            return st.one_of(st.integers(0, 1_000_000_000), words)
        case "pct" | "factor":
            return decimals(999)
        case "money":
            return amounts()
        case "cap":
            return caps()
        case "bool":
            return st.booleans()
        case "enum":
            return words
        case "multi":
            return st.lists(words, min_size=1, max_size=6)
        case "date":
            return st.dates(_date(2000), _date(2100)).map(lambda d: d.isoformat())
        case "dur":
            return st.one_of(lengths(), words)
        case "sched":
            return schedules()
        case "window":
            return st.lists(slots(), min_size=1, max_size=4)
        case "ref":
            return references(shape.max_length)
        case _:
            return rows(shape)


def rows(shape: Shape) -> st.SearchStrategy[Any]:
    cells = {c.name: st.one_of(st.none(), raw_values(c)) for c in shape.columns}
    return st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=3)


def settled(shape: Shape) -> st.SearchStrategy[Any]:
    """Values in their usual form; what the type refuses is left out."""

    def one(raw: Any) -> Any:
        try:
            return normal(shape, raw)
        except Unreadable:
            return None

    return raw_values(shape).map(one)
