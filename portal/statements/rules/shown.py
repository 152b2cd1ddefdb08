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
