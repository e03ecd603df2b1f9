"""Exact numbers: decimals as people write them, fractions inside, decimals again for reading.

Nothing here is a binary float. A quotient is kept as a ``Fraction`` and becomes a decimal only to be shown.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SPACES = "\u0020\u00a0\u2007\u2009\u202f\u205f"
"""Characters that people and programs use between groups of digits."""
MINUS = "\u2212\u2013\ufe63\uff0d"
"""Characters that stand for the hyphen-minus: minus sign, en dash, small and full-width hyphen."""
APOSTROPHES = "'\u2019\u02bc"
EXACT_PLACES = 6
SHOWN_PLACES = 2
MOST_PLACES = 30
_HALVES = {"\u00bd": "5", "\u00bc": "25", "\u00be": "75"}


class NumberTextError(ValueError):
    """A text that is not a number in the declared form; the message says why, without the text itself."""


def read_number(text: str, *, decimal_char: str = ".", group_char: str = "") -> Decimal:
    """Read a decimal exactly as declared; a misplaced separator is an error, never another number.

    Leading or trailing minus, parentheses and the Unicode minus are read as a sign. ``group_char`` of a space or an
    apostrophe stands for every character of its family.

    Raises:
        NumberTextError: with the reason.

    """
    body = text.strip(SPACES + "\t")
    for mark in MINUS:
        body = body.replace(mark, "-")
    negative = False
    if body.startswith("(") and body.endswith(")"):
        negative, body = True, body[1:-1].strip(SPACES)
    if body.endswith("-"):
        if negative or body.startswith("-"):
            msg = "two signs"
            raise NumberTextError(msg)
        negative, body = True, body[:-1].rstrip(SPACES)
    elif body[:1] in {"-", "+"}:
        if negative:
            msg = "two signs"
            raise NumberTextError(msg)
        negative, body = body[0] == "-", body[1:].lstrip(SPACES)
    whole, mark, fraction = body.partition(decimal_char)
    digits = _ungrouped(whole, group_char)
    if mark and not fraction.isdecimal():
        msg = "two decimal marks" if decimal_char in fraction else "no digits after the decimal mark"
        if fraction and decimal_char not in fraction:
            msg = f"unexpected character {_first_stranger(fraction)!r}"
        raise NumberTextError(msg)
    if not digits and not (mark and fraction):
        msg = "no digits"
        raise NumberTextError(msg)
    if not (digits + fraction).isascii():
        msg = "digits of another script"
        raise NumberTextError(msg)
    value = Decimal(f"{digits or '0'}.{fraction}" if fraction else digits or "0")
    return -value if negative and value else value


def _ungrouped(whole: str, group_char: str) -> str:
    family = _family(group_char)
    if not whole:
        return ""
    if whole.isdecimal():
        return whole
    strangers = [c for c in whole if not c.isdecimal() and c not in family]
    if strangers:
        msg = f"unexpected character {strangers[0]!r}"
        raise NumberTextError(msg)
    groups = re.split(f"[{re.escape(family)}]", whole)
    if not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:]):  # noqa: PLR2004
        msg = "thousands are not in groups of three digits"
        raise NumberTextError(msg)
    return "".join(groups)


def _family(group_char: str) -> str:
    if group_char and group_char in SPACES:
        return SPACES
    return APOSTROPHES if group_char and group_char in APOSTROPHES else group_char


def _first_stranger(text: str) -> str:
    return next((c for c in text if not c.isdecimal()), text[:1])


def read_agreed_number(text: str) -> Decimal:
    """Read a number as an agreement prints it: spaces in thousands, decimal comma or point, ``½``.

    Raises:
        NumberTextError: with the reason.

    """
    body = text.strip(SPACES + "\t")
    for sign, digits in _HALVES.items():
        if body.endswith(sign):
            body = f"{body[:-1] or '0'},{digits}"
    decimal_char = "," if "," in body else "."
    return read_number(body, decimal_char=decimal_char, group_char=" ")


def decimal_of(value: Fraction, places: int) -> Decimal:
    """Round half to even to ``places`` decimals (for showing only)."""
    with localcontext() as context:
        context.prec = MOST_PLACES + len(str(abs(value.numerator))) + len(str(value.denominator))
        quotient = Decimal(value.numerator) / Decimal(value.denominator)
        return quotient.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)


def shown(value: Fraction, same_side: Callable[[Fraction], bool] | None = None) -> Decimal:
    """Give the decimal that is printed for ``value``.

    Exact where that takes at most six decimals; else two, and more until ``same_side`` holds for the printed number
    too, so that 99.81 is never printed as 100 beside "missed".
    """
    exact = exact_decimal(value, EXACT_PLACES)
    if exact is not None:
        return exact
    places = SHOWN_PLACES
    result = decimal_of(value, places)
    while places < MOST_PLACES and (
        (result == 0 and value != 0) or (same_side is not None and not same_side(Fraction(result)))
    ):
        places += 1
        result = decimal_of(value, places)
    return result


def exact_decimal(value: Fraction, places: int) -> Decimal | None:
    """Give ``value`` as a decimal with at most ``places`` decimals, or None where it is not one."""
    scaled = value * 10**places
    if scaled.denominator != 1:
        return None
    result = Decimal(scaled.numerator).scaleb(-places)
    return plain_decimal(result)


def plain_decimal(value: Decimal) -> Decimal:
    """Drop trailing zeros without going into exponents: 90.00 becomes 90, 100 stays 100."""
    if value == 0:
        return Decimal(0)
    normal = value.normalize()
    exponent = normal.as_tuple().exponent
    return normal.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else normal


def plain(value: Decimal) -> str:
    """Write a decimal without exponent, as JSON and SQL take it."""
    return f"{value:f}"


def last_digit_unit(value: Decimal) -> Decimal:
    """Give the unit of the last printed digit: 1 for ``12``, 0.01 for ``12.30``."""
    exponent = value.as_tuple().exponent
    return Decimal(1).scaleb(min(int(exponent), 0)) if isinstance(exponent, int) else Decimal(1)


def shortest(value: float) -> Decimal:
    """Give a float as the decimal it came from, at 12 digits: for comparing digits, never for a verdict."""
    return Decimal(format(value, ".12g"))
