"""Numbers: whole numbers, factors, percentages and money. Decimals are stored as strings."""

import re
from decimal import Decimal

from portal.kit.words import listed, say
from portal.terms.rules.shape import Kind, Shape, Unreadable, Value, or_less, or_more
from portal.terms.rules.text import clean_line

LARGEST = 1_000_000_000
_DECIMAL = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)

# ISO 4217: active codes whose minor unit is not two digits.
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
# ISO 4217: active codes with two digits.
_TWO_DIGITS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD "
    "CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ "
    "GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL "
    "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR "
    "PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT "
    "TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW"
)
MINOR_DIGITS = {
    code: digits
    for codes, digits in ((_NO_DIGITS, 0), (_TWO_DIGITS, 2), (_THREE_DIGITS, 3))
    for code in codes.split()
}
CURRENCIES = frozenset(MINOR_DIGITS)


def plain(number: Decimal) -> str:
    """Write a decimal in its one canonical form: no exponent, no trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimal(text: str, *, places: int, message: str) -> Decimal:
    text = text.replace(",", "") if _GROUPED.fullmatch(text) else text
    if not _DECIMAL.fullmatch(text):
        raise Unreadable(message)
    number = Decimal(text)
    if number != round(number, places):
        raise Unreadable(say("Use at most %(places)s digits after the point.", places=places))
    return number


def _digits(value: Value, message: str) -> str:
    """Return a stored number as text; whole numbers are taken, anything else is refused."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST:
        return str(value)
    if not isinstance(value, str):
        raise Unreadable(message)
    return value


def word_of(shape: Shape, text: str) -> str | None:
    """Return the code of the option word this text is, such as "unlimited"."""
    folded = text.casefold()
    match = (o.code for o in shape.options if folded in (o.code.casefold(), o.label.casefold()))
    return next(match, None)


def label_of(shape: Shape, value: Value) -> str | None:
    """Return the label when the value is one of the shape's option words."""
    option = shape.option(value) if isinstance(value, str) else None
    return option.label if option else None


def outside(shape: Shape, number: Decimal, *, written: str) -> list[str]:
    """Say that a number is out of the hard range; `written` is a format such as "{} %"."""
    low, high = shape.hard_min, shape.hard_max
    if low is not None and number < Decimal(str(low)):
        return [or_more(written.format(low))]
    if high is not None and number > Decimal(str(high)):
        return [or_less(written.format(high))]
    return []


# ---- whole numbers -------------------------------------------------------------------------------


def _int_message(shape: Shape) -> str:
    words = [f'"{option.label}"' for option in shape.options]
    return say(
        "Write a whole number such as %(examples)s.", examples=listed(['"5"', *words], either=True)
    )


def _read_int(shape: Shape, text: str) -> Value:
    text = clean_line(text, 60)
    word = word_of(shape, text)
    if word is not None:
        return word
    digits = text.replace(",", "") if _GROUPED.fullmatch(text) else text
    if not re.fullmatch(r"\d{1,10}", digits, re.ASCII) or int(digits) > LARGEST:
        raise Unreadable(_int_message(shape))
    return int(digits)


def _normal_int(shape: Shape, value: Value) -> Value:
    return _read_int(shape, _digits(value, _int_message(shape)))


def _write_int(shape: Shape, value: Value) -> str:
    return label_of(shape, value) or str(value)


def _int_problems(shape: Shape, value: Value) -> list[str]:
    return outside(shape, Decimal(value), written="{}") if isinstance(value, int) else []


# ---- percentages ---------------------------------------------------------------------------------

_PCT_MESSAGE = say('Write a percentage such as "99.95 %".')


def _read_pct(shape: Shape, text: str) -> Value:
    text = clean_line(text, 60)
    word = word_of(shape, text)
    if word is not None:
        return word
    text = text.removesuffix("%").removesuffix("percent").removesuffix("per cent").strip()
    text = re.sub(r"^(\d+),(\d+)$", r"\1.\2", text)
    return plain(_decimal(text, places=3, message=_PCT_MESSAGE))


def _normal_pct(shape: Shape, value: Value) -> Value:
    return _read_pct(shape, _digits(value, _PCT_MESSAGE))


def _write_pct(shape: Shape, value: Value) -> str:
    return label_of(shape, value) or f"{value} %"


def _pct_problems(shape: Shape, value: Value) -> list[str]:
    if label_of(shape, value):
        return []
    problems = outside(shape, Decimal(value), written="{} %")
    if not problems and shape.hard_max is None and Decimal(value) > 100:
        return [or_less("100 %")]
    return problems


# ---- factors -------------------------------------------------------------------------------------

_FACTOR_MESSAGE = say('Write a factor such as "3 times" or "1.5 times".')


def _read_factor(_shape: Shape, text: str) -> Value:
    text = clean_line(text, 60).casefold()
    for ending in ("times", "x", "×"):
        text = text.removesuffix(ending)
    return plain(_decimal(text.strip(), places=3, message=_FACTOR_MESSAGE))


def _normal_factor(shape: Shape, value: Value) -> Value:
    return _read_factor(shape, _digits(value, _FACTOR_MESSAGE))


def _write_factor(_shape: Shape, value: Value) -> str:
    return f"{value} times"


def _factor_problems(shape: Shape, value: Value) -> list[str]:
    return outside(shape, Decimal(value), written="{} times")


# ---- money ---------------------------------------------------------------------------------------

_MONEY_MESSAGE = say('Write an amount with its currency, such as "180.00 USD".')
_MONEY = re.compile(r"(?:(?P<a>[A-Za-z]{3}) ?)?(?P<n>[\d.,]+)(?: ?(?P<b>[A-Za-z]{3}))?", re.ASCII)


def read_money(text: str) -> dict[str, str]:
    """Read an amount such as "180.00 USD"."""
    match = _MONEY.fullmatch(clean_line(text, 60))
    if match is None or bool(match["a"]) == bool(match["b"]):
        raise Unreadable(_MONEY_MESSAGE)
    currency = (match["a"] or match["b"]).upper()
    if currency not in CURRENCIES:
        raise Unreadable(
            say(
                '"%(currency)s" is not a currency code. %(advice)s',
                currency=currency,
                advice=_MONEY_MESSAGE,
            )
        )
    places = MINOR_DIGITS[currency]
    amount = _decimal(match["n"], places=places, message=_MONEY_MESSAGE)
    return {"amount": f"{amount:.{places}f}", "currency": currency}


def normal_money(value: Value) -> dict[str, str]:
    """Bring an amount to its one form, or refuse it."""
    if not isinstance(value, dict) or set(value) != {"amount", "currency"}:
        raise Unreadable(_MONEY_MESSAGE)
    if not all(isinstance(part, str) for part in value.values()):
        raise Unreadable(_MONEY_MESSAGE)
    return read_money(f"{value['amount']} {value['currency']}")


def write_money(value: Value) -> str:
    """Write an amount such as "180.00 USD"."""
    return f"{value['amount']} {value['currency']}"


def _money_problems(shape: Shape, value: Value) -> list[str]:
    written = "{} " + value["currency"].replace("{", "")
    return outside(shape, Decimal(value["amount"]), written=written)


INT = Kind(_read_int, _write_int, _normal_int, _int_problems)
PCT = Kind(_read_pct, _write_pct, _normal_pct, _pct_problems)
FACTOR = Kind(_read_factor, _write_factor, _normal_factor, _factor_problems)
MONEY = Kind(
    lambda _shape, text: read_money(text),
    lambda _shape, value: write_money(value),
    lambda _shape, value: normal_money(value),
    _money_problems,
)
