"""Exact numbers of the figures as people read them."""

from decimal import Decimal
from fractions import Fraction


def minutes_shown(text: str) -> str:
    """Return exact minutes as people read them: whole minutes, or with one decimal."""
    number = Fraction(text)
    return str(number) if number.denominator == 1 else f"{float(number):.1f}"


def percent_shown(text: str) -> str:
    """Return an exact percentage of the fee as people read it."""
    number = Fraction(text)
    whole = Decimal(number.numerator) / Decimal(number.denominator)
    return f"{whole.quantize(Decimal('0.01')).normalize():f}"


def time_shown(text: str) -> str:
    """Return exact minutes as a length people read: days, hours and minutes, rounded up."""
    minutes = -(-Fraction(text) // 1)
    days, hours = minutes // (24 * 60), minutes // 60 % 24
    parts = ((days, "day"), (hours, "hour"), (minutes % 60, "minute"))
    said = [f"{n} {word}{'' if n == 1 else 's'}" for n, word in parts if n]
    return " ".join(said) or "0 minutes"
