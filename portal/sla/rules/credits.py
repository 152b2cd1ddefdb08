"""What a missed promise is worth: the seven shapes of credit seen in the field, and the caps.

A shape turns a measurement into an award, a share of the fee in percent, more time, or a right to
leave. Everything is exact (`Fraction`, `Decimal`); money is rounded once, at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction

from portal.sla.rules.ladders import Ladder

HUNDRED = Fraction(100)
NO_TIME = timedelta(0)


@dataclass(frozen=True)
class Award:
    """What is due: a percentage of the period's fee, more time, or the right to end."""

    percent: Fraction = Fraction(0)
    extension: timedelta = NO_TIME
    may_end: bool = False


NOTHING = Award()


class Units(StrEnum):
    """Whether a unit that has only begun counts."""

    FULL = "full"
    BEGUN = "begun"


@dataclass(frozen=True)
class Banded:
    """One band of a ladder applies: a percentage of the fee, or an extension of the term."""

    ladder: Ladder

    def award(self, measured: Fraction) -> Award:
        """Return what the band of a measured percentage gives; bands do not add up."""
        found = self.ladder.band_of(measured)
        if found is None:
            return NOTHING
        if isinstance(found.gives, timedelta):
            return Award(extension=found.gives)
        return Award(percent=Fraction(found.gives))


class InPlaceOf(StrEnum):
    """The form a pro-rata credit takes, at the customer's choice."""

    MONEY = "money"
    TIME = "time"


@dataclass(frozen=True)
class ProRata:
    """Each minute short is paid back at the price of a minute, or added to the term."""

    target: Decimal
    form: InPlaceOf = InPlaceOf.MONEY

    def award(self, measured: Fraction, *, period: timedelta) -> Award:
        """Return the award for an uptime measured over a period."""
        short = max(Fraction(0), Fraction(self.target) - measured)
        if self.form is InPlaceOf.MONEY:
            return Award(percent=short)
        micros = short / HUNDRED * (period // timedelta(microseconds=1))
        return Award(extension=timedelta(microseconds=round(micros)))


@dataclass(frozen=True)
class StepPerUnit:
    """So much for each unit of time late or down, up to a limit."""

    percent: Decimal
    unit: timedelta
    units: Units = Units.FULL
    most: Decimal | None = None

    def award(self, late: timedelta) -> Award:
        """Return the award for a time late; not late at all earns nothing."""
        if late <= NO_TIME:
            return NOTHING
        steps, rest = divmod(late, self.unit)
        steps += 1 if rest and self.units is Units.BEGUN else 0
        return Award(percent=_at_most(Fraction(self.percent) * steps, self.most))


@dataclass(frozen=True)
class FlatPerFailure:
    """The same for each failure after the first few, up to a limit."""

    percent: Decimal
    free: int = 0
    most: Decimal | None = None

    def award(self, failures: int) -> Award:
        """Return the award for a number of failures."""
        counted = max(0, failures - self.free)
        return Award(percent=_at_most(Fraction(self.percent) * counted, self.most))


@dataclass(frozen=True)
class LinearPerPoint:
    """So much for each full point of attainment below a threshold, up to a limit."""

    threshold: Decimal
    percent: Decimal
    most: Decimal | None = None

    def award(self, attained: Fraction) -> Award:
        """Return the award for a share of targets met, in percent."""
        points = max(0, (Fraction(self.threshold) - attained) // 1)
        return Award(percent=_at_most(Fraction(self.percent) * points, self.most))


@dataclass(frozen=True)
class Chronic:
    """A right to end the contract after `count` missed periods among any `within` in a row."""

    count: int
    within: int

    def award(self, missed: Sequence[bool]) -> Award:
        """Return whether the latest `within` periods, oldest first, give the right to end."""
        return Award(may_end=sum(missed[-self.within :]) >= self.count)


def _at_most(percent: Fraction, most: Decimal | None) -> Fraction:
    return percent if most is None else min(percent, Fraction(most))


@dataclass(frozen=True)
class Capped:
    """A sum of percentages of the monthly fee before and after the caps."""

    earned: Fraction
    due: Fraction
    cut_by_month: Fraction
    cut_by_term: Fraction


def cap(
    earned: Fraction, *, monthly: Decimal | None, term: Decimal | None, used: Fraction, months: int
) -> Capped:
    """Return what is left of a month's credits under both caps, applied after all factors.

    `monthly` is a share of one month's fee and `term` of the fees of all `months`; `used` is what
    earlier months of the term already gave, in percent of one monthly fee.
    """
    after_month = _at_most(earned, monthly)
    room = earned if term is None else max(Fraction(0), Fraction(term) * months - used)
    due = min(after_month, room) if term is not None else after_month
    return Capped(earned, due, earned - after_month, after_month - due)


def with_peak_factor(percent: Fraction, *, factor: Decimal, share: Fraction) -> Fraction:
    """Return a credit multiplied by the peak factor for the share of its cause inside peaks."""
    return percent * (1 + (Fraction(factor) - 1) * share)


def money(percent: Fraction, fee: Decimal, *, digits: int = 2) -> Decimal:
    """Return a share of a fee, rounded to the currency's smallest unit, half a unit up."""
    exact = Fraction(fee) * percent / HUNDRED
    # Two more digits than any currency prints, then once to its smallest unit.
    unit = Decimal(1).scaleb(-digits)
    whole = Decimal(exact.numerator) / Decimal(exact.denominator)
    return whole.quantize(unit, rounding=ROUND_HALF_UP)
