"""Checks 4 and 6: the credit ladder, and the limits of liability."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from portal.kit.words import say
from portal.terms.rules.caps import cap_order
from portal.terms.rules.checks.facts import Facts, Finding, error, warning
from portal.terms.rules.durations import length_of
from portal.terms.rules.numbers import plain
from portal.terms.rules.shape import Value
from portal.terms.rules.tables import Row, write_cell

_YEAR_MONTHS = 12
MINUTE = timedelta(minutes=1)


# What each form of credit needs beside the term that names the form.
_NEEDS = {
    ("K1.shape", "extension"): ("K1.extension",),
    ("K1.shape", "step"): ("K1.step", "K1.unit"),
}


def check_ladder(facts: Facts) -> Iterator[Finding]:
    """Check 4: the ladder has no gap, pays more for worse months, and its caps leave it room."""
    yield from _complete(facts)
    shape = facts.get("K1.shape") or "bands"
    if shape == "bands":
        yield from _laddered(facts, "K1", "credit")
        yield from _capped(facts)
    elif shape == "extension":
        yield from _laddered(facts, "K1.extension", "time")
    yield from _earned_back(facts)


def _complete(facts: Facts) -> Iterator[Finding]:
    """Find a form of uptime credit that lacks what it is reckoned from."""
    for (term, form), needed in _NEEDS.items():
        if facts.get(term) != form:
            continue
        for other in needed:
            if facts.knows(other) and facts.get(other) is None:
                yield error(
                    4,
                    (term, other),
                    say(
                        "%(term_label)s %(term)s, but %(other_label)s is none: this form "
                        "of credit cannot be reckoned without it.",
                        term_label=facts.label(term),
                        term=facts.told(term),
                        other_label=facts.label(other),
                    ),
                )


def _earned_back(facts: Facts) -> Iterator[Finding]:
    if not facts.get("K15"):
        return
    for needed in ("K15.months", "K15.share"):
        if facts.knows(needed) and facts.get(needed) is None:
            yield error(
                4,
                ("K15", needed),
                say(
                    "Credits can be earned back, but %(needed_label)s is none: nobody "
                    "could say when or how much.",
                    needed_label=facts.label(needed),
                ),
            )


def _laddered(facts: Facts, term: str, gives: str) -> Iterator[Finding]:
    whole = [r for r in facts.rows(term) if None not in (r["from"], r["to"], r[gives])]
    rungs = sorted(whole, key=lambda r: (Decimal(r["to"]), Decimal(r["from"])), reverse=True)
    if not rungs:
        return
    yield from _turned(term, rungs)
    for upper, lower in pairwise(rungs):
        yield from _joined(facts, term, gives, upper, lower)
    if facts.has("D1") and Decimal(rungs[0]["to"]) != Decimal(facts.get("D1")):
        yield error(
            4,
            (term, "D1"),
            say(
                "The ladder begins at %(top)s %% but uptime is promised at "
                "%(d1)s: the top of the ladder must be the promise.",
                top=rungs[0]["to"],
                d1=facts.told("D1"),
            ),
        )
    if Decimal(rungs[-1]["from"]) > 0:
        yield warning(
            4,
            (term,),
            say(
                "The ladder ends at %(bottom)s %%: below that, the worst months earn no credit.",
                bottom=rungs[-1]["from"],
            ),
        )


def _turned(term: str, rungs: list[Row]) -> Iterator[Finding]:
    for rung in rungs:
        if Decimal(rung["from"]) >= Decimal(rung["to"]):
            yield error(
                4,
                (term,),
                say("%(band)s is upside down: write the lower uptime first.", band=_band(rung)),
            )


def _band(rung: Row) -> str:
    return say(
        "The band %(lowest)s %% to %(highest)s %%", lowest=rung["from"], highest=rung["to"]
    )  # fmt: skip


def _joined(facts: Facts, term: str, gives: str, upper: Row, lower: Row) -> Iterator[Finding]:
    edge, start = Decimal(lower["to"]), Decimal(upper["from"])
    if edge != start:
        yield error(
            4,
            (term,),
            _apart(upper, lower, gap=edge < start),
        )
    if _worth(lower[gives]) < _worth(upper[gives]):
        said = {row["from"]: _said(facts, term, gives, row) for row in (upper, lower)}
        yield error(
            4,
            (term,),
            _worse_earns_less(_band(lower), said[lower["from"]], said[upper["from"]], gives),
        )


def _apart(upper: Row, lower: Row, *, gap: bool) -> str:
    between = {"upper": _band(upper), "lowest": lower["from"], "highest": lower["to"]}
    if gap:
        return say(
            "%(upper)s leaves a gap to the band %(lowest)s %% to %(highest)s %%: each band must "
            "begin where the next one ends.",
            **between,
        )  # fmt: skip
    return say(
        "%(upper)s overlaps the band %(lowest)s %% to %(highest)s %%: each band must begin where "
        "the next one ends.",
        **between,
    )  # fmt: skip


def _worse_earns_less(band: str, given: str, above: str, gives: str) -> str:
    if gives == "credit":
        return say(
            "%(band)s pays %(given)s, less than the %(above)s of the band above it: a worse month "
            "must not pay less.",
            band=band, given=given, above=above,
        )  # fmt: skip
    return say(
        "%(band)s gives %(given)s, less than the %(above)s of the band above it: a worse month "
        "must not give less.",
        band=band, given=given, above=above,
    )  # fmt: skip


def _worth(gift: Value) -> Decimal:
    length = length_of(gift)
    return Decimal(gift) if length is None else Decimal(length / MINUTE)


def _said(facts: Facts, term: str, gives: str, row: Row) -> str:
    column = next(c for c in facts.schema.terms[term].columns if c.name == gives)
    return write_cell(column, row[gives])


def _capped(facts: Facts) -> Iterator[Finding]:
    rungs = sorted(
        (r for r in facts.rows("K1") if None not in (r["from"], r["to"], r["credit"])),
        key=lambda r: Decimal(r["to"]),
        reverse=True,
    )
    if not rungs:
        return
    if facts.has("K5"):
        over = [r for r in rungs if Decimal(r["credit"]) > Decimal(facts.get("K5"))]
        if over:
            said = ", ".join(f"{r['credit']} %" for r in over)
            yield warning(
                4,
                ("K1", "K5"),
                say(
                    "The ladder promises %(said)s but credits in a month stop at "
                    "%(k5)s: those rungs are never paid in full.",
                    said=said,
                    k5=facts.told("K5"),
                ),
            )
    if not facts.has("K6"):
        return
    months = facts.get("P1")["n"] if facts.has("P1") else _YEAR_MONTHS
    typical = Decimal(rungs[0]["credit"])
    bad_year, cap = _YEAR_MONTHS * typical, Decimal(facts.get("K6")) * months
    if bad_year > cap:
        yield warning(
            4,
            ("K1", "K6", "P1"),
            say(
                "A bad year at the first rung (%(credit)s %% a month) "
                "comes to %(bad_year)s %% of a monthly fee, but credits in a term "
                "of %(months)s months stop at %(k6)s (%(cap)s %% of a monthly fee).",
                credit=rungs[0]["credit"],
                bad_year=plain(bad_year),
                months=months,
                k6=facts.told("K6"),
                cap=plain(cap),
            ),
        )


# ---- check 6 -------------------------------------------------------------------------------------


def check_liability(facts: Facts) -> Iterator[Finding]:
    """Check 6: the higher limit is higher, each claim has one limit, and credits fit under it."""
    if facts.has("L3") and facts.knows("L1") and cap_order(facts.get("L3"), facts.get("L1")) != 1:
        yield from _higher_limit(facts)
    both = [c for c in facts.get("L2") or () if c in (facts.get("L4") or ())]
    if both:
        options = facts.schema.terms["L2"].options
        said = ", ".join(o.label for o in options if o.code in both)
        yield error(
            6,
            ("L2", "L4"),
            say(
                "%(said)s: both under the higher limit and without a limit. A "
                "claim stands in one place only.",
                said=said,
            ),
        )
    yield from _credits_over_limit(facts)


def _higher_limit(facts: Facts) -> Iterator[Finding]:
    order = cap_order(facts.get("L3"), facts.get("L1"))
    said = say("%(label)s (%(value)s)", label=facts.label("L3"), value=facts.told("L3"))
    ordinary = say("%(label)s (%(value)s)", label=facts.label("L1"), value=facts.told("L1"))
    if order is None:
        yield warning(
            6,
            ("L3", "L1"),
            say(
                "Whether %(said)s is above %(ordinary)s depends on the fees: write "
                "both in the same way.",
                said=said,
                ordinary=ordinary,
            ),
        )
        return
    yield error(
        6,
        ("L3", "L1"),
        say(
            "%(said)s is not above %(ordinary)s: graver claims need the greater limit.",
            said=said,
            ordinary=ordinary,
        ),
    )


def _credits_over_limit(facts: Facts) -> Iterator[Finding]:
    """Compare the most credits of a term with the general limit, both in months of fees."""
    if not facts.has("K6", "L1"):
        return
    months = facts.get("P1")["n"] if facts.has("P1") else _YEAR_MONTHS
    limit = _limit_in_months(facts)
    credits_at_most = Decimal(facts.get("K6")) * months / 100
    if limit is not None and credits_at_most > limit:
        yield warning(
            6,
            ("K6", "L1", "P1"),
            say(
                "Credits in a term may reach %(k6)s of %(months)s months' fees "
                "(%(most)s months), more than the limit of "
                "liability (%(l1)s): the limit would cut the credits.",
                k6=facts.told("K6"),
                months=months,
                most=plain(round(credits_at_most, 2)),
                l1=facts.told("L1"),
            ),
        )


def _limit_in_months(facts: Facts) -> Decimal | None:
    """Return the general limit in monthly fees, where it can be told."""
    cap, found = facts.get("L1"), []
    if "multiple" in cap:
        found.append(Decimal(cap["multiple"]) * _YEAR_MONTHS)
    if "amount" in cap:
        fee = _monthly_fee(facts, cap["amount"]["currency"])
        if not fee:
            return None
        found.append(Decimal(cap["amount"]["amount"]) / fee)
    return max(found)


def _monthly_fee(facts: Facts, currency: str) -> Decimal | None:
    if not facts.has("O1", "O1.period") or facts.get("O1")["currency"] != currency:
        return None
    months = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}[facts.get("O1.period")]
    return Decimal(facts.get("O1")["amount"]) / months
