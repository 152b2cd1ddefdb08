"""Checks 7, 8 and 10: notice, renewal, and when reviews and analyses are due."""

from collections.abc import Iterator

from portal.kit.words import say
from portal.terms.rules.checks.facts import Facts, Finding, error, warning
from portal.terms.rules.durations import is_length
from portal.terms.rules.shape import Value
from portal.terms.rules.tables import write_cell


def fewest_days(months: int) -> int:
    """Return the fewest days so many calendar months can have."""
    years, rest = divmod(months, 12)
    # The fewest days of 0, 1, 2 … 11 months in a row, February among them.
    in_a_row = (0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334)
    return 365 * years + in_a_row[rest]


def most_days(months: int) -> int:
    """Return the most days so many calendar months can have."""
    years, rest = divmod(months, 12)
    in_a_row = (0, 31, 62, 92, 123, 153, 184, 215, 245, 276, 306, 337)
    return 365 * years + in_a_row[rest]


def _shorter_for_sure(one: Value, other: Value) -> bool:
    """Say whether one time is shorter than the other, whatever the months."""
    if one["unit"] == other["unit"]:
        return bool(one["n"] < other["n"])
    return _days(one, most=True) < _days(other, most=False)


def _days(value: Value, *, most: bool) -> int:
    if value["unit"] == "mo":
        return most_days(value["n"]) if most else fewest_days(value["n"])
    if value["unit"] == "bd":
        # A week has five business days; holidays can only add to this.
        return int(value["n"] + 2 * (-(-value["n"] // 5) if most else value["n"] // 5))
    return int(value["n"])


def check_notice(facts: Facts) -> Iterator[Finding]:
    """Check 7: notice fits into the term, and the price is known before notice is due."""
    if is_length(facts.get("P6")):
        yield from _notice_fits(facts, facts.get("P6"))
        yield from _price_in_time(facts, facts.get("P6"))
    if facts.get("A4") == "fixed_date" and facts.has("A4.date", "A5"):
        yield from _support_starts(facts)


def _support_starts(facts: Facts) -> Iterator[Finding]:
    if facts.get("A5") < facts.get("A4.date"):
        yield error(
            7,
            ("A5", "A4.date", "A4"),
            say(
                "Support starts on %(a5)s, before the contract does on %(a4_date)s.",
                a5=facts.told("A5"),
                a4_date=facts.told("A4.date"),
            ),
        )


def _notice_fits(facts: Facts, notice: Value) -> Iterator[Finding]:
    for term_id in ("P1", "P4"):
        runs = term_id == "P1" or facts.get("P3") != "expires"
        length = facts.get(term_id)
        if runs and is_length(length) and not _shorter_for_sure(notice, length):
            yield error(
                7,
                ("P6", term_id),
                _not_shorter(facts, term_id),
            )


def _not_shorter(facts: Facts, term_id: str) -> str:
    notice, length = facts.told("P6"), facts.told(term_id)
    if term_id == "P1":
        return say(
            "Notice period (%(notice)s) is not shorter than the initial term (%(length)s): "
            "the notice date would lie before the term begins.",
            notice=notice, length=length,
        )  # fmt: skip
    return say(
        "Notice period (%(notice)s) is not shorter than the renewal term (%(length)s): "
        "the notice date would lie before the term begins.",
        notice=notice, length=length,
    )  # fmt: skip


def _price_in_time(facts: Facts, notice: Value) -> Iterator[Finding]:
    price = facts.get("P12")
    if is_length(price) and price != notice and _shorter_for_sure(price, notice):
        yield error(
            7,
            ("P12", "P6"),
            say(
                "The new price is told %(p12)s before the term ends, but notice is "
                "due %(p6)s before: the customer would have to decide without the "
                "price.",
                p12=facts.told("P12"),
                p6=facts.told("P6"),
            ),
        )


def check_renewal(facts: Facts) -> Iterator[Finding]:
    """Check 8: a renewal does not bind longer, or cost more, than anyone expects."""
    first, again = facts.get("P1"), facts.get("P4")
    renews = facts.get("P3") != "expires"
    if renews and is_length(first) and is_length(again) and again["n"] > first["n"]:
        yield warning(
            8,
            ("P4", "P1"),
            say(
                "Each renewal binds for %(p4)s, longer than the initial term of %(p1)s.",
                p4=facts.told("P4"),
                p1=facts.told("P1"),
            ),
        )
    if facts.get("P3") == "auto" and _uncapped(facts):
        yield warning(
            8,
            ("P10", "P10.percent", "P3"),
            say(
                "The contract renews by itself and the price %(p10)s without a "
                "limit: nobody knows what the next term costs.",
                p10=facts.told("P10"),
            ),
        )
    if renews and facts.get("P11") == "per_year" and is_length(again) and again["n"] > 12:
        yield warning(
            8,
            ("P11", "P4"),
            say(
                "The price rises each contract year and a renewal runs %(p4)s: it "
                "rises several times within one renewal.",
                p4=facts.told("P4"),
            ),
        )


def _uncapped(facts: Facts) -> bool:
    mode = facts.get("P10")
    limited = mode in (None, "fixed", "up_to", "index_capped")
    return mode == "index" or (
        mode is not None and limited and facts.knows("P10.percent") and not facts.has("P10.percent")
    )


# ---- check 10 ------------------------------------------------------------------------------------


def check_reviews(facts: Facts) -> Iterator[Finding]:
    """Check 10: the full account comes after the first, and reviews follow the sales cycle."""
    columns = {column.name: column for column in facts.schema.terms["N3"].columns}
    for row in facts.rows("N3"):
        first, full = row["preliminary"], row["final"]
        known = is_length(first) and is_length(full)
        if known and facts.minutes(full) <= facts.minutes(first):
            yield error(
                10,
                ("N3",),
                say(
                    "%(severity)s: the full root cause analysis is due after %(full)s, "
                    "not later than the first account (%(first)s).",
                    severity=row["severity"],
                    full=write_cell(columns["final"], full),
                    first=write_cell(columns["preliminary"], first),
                ),
            )
    if facts.has("N5", "B5") and facts.knows("N5.anchor") and not _anchored(facts):
        yield warning(
            10,
            ("N5", "N5.anchor", "B5"),
            say(
                "The service review (%(n5)s) is timed by %(n5_anchor)s, not by a "
                "peak period: it may come too late to change anything before the "
                "peak.",
                n5=facts.told("N5"),
                n5_anchor=facts.told("N5.anchor"),
            ),
        )


def _anchored(facts: Facts) -> bool:
    anchor = facts.get("N5.anchor")
    if anchor == "quarter_close":
        slots = [slot for row in facts.rows("B5") for slot in row["window"] or ()]
        return any(slot["freq"] in ("quarter_end", "month_end") for slot in slots)
    return anchor in ("before_peak", "after_peak")
