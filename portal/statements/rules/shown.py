"""Exact numbers of the figures as people read them."""

from decimal import Decimal
from fractions import Fraction
from functools import reduce

from portal.kit.words import Words, say, say_n


def minutes_shown(text: str) -> str:
    """Return exact minutes as people read them: whole minutes, or with one decimal."""
    number = Fraction(text)
    return str(number) if number.denominator == 1 else f"{float(number):.1f}"


def percent_shown(text: str) -> str:
    """Return an exact percentage of the fee as people read it."""
    number = Fraction(text)
    whole = Decimal(number.numerator) / Decimal(number.denominator)
    return f"{whole.quantize(Decimal('0.01')).normalize():f}"


def time_shown(text: str) -> Words:
    """Return exact minutes as a length people read: days, hours and minutes, rounded up."""
    minutes = -(-Fraction(text) // 1)
    days, hours = minutes // (24 * 60), minutes // 60 % 24
    said = []
    if days:
        said.append(say_n("%(num)s day", "%(num)s days", days))
    if hours:
        said.append(say_n("%(num)s hour", "%(num)s hours", hours))
    if minutes % 60 or not minutes:
        said.append(say_n("%(num)s minute", "%(num)s minutes", minutes % 60))
    return reduce(lambda one, next: say("%(larger)s %(smaller)s", larger=one, smaller=next), said)
