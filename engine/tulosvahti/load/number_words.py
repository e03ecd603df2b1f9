"""Exact decimals and days of a whole column at once: eight characters are proven to be digits, and become a number, in one word.

Of a text of up to twelve bytes Arrow, and Polars with it, keeps length and bytes in sixteen bytes of their own, the rest
zeros. A few operations on columns of such words take what is plain: digits, one decimal mark or none among them, perhaps a
minus before them; a day of ten characters. What is written in any other way is left: it is for ``block_columns``.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Words = npt.NDArray[np.uint64]

_INLINE = 12
_WORD = 8
_PLACES = 6
_LONG = 10
"""Characters of a day."""
_MONTHS = 12
_FORM = re.compile("%Y(?P<a>[-./])%m(?P<b>[-./])%d|%d(?P<c>[-./])%m(?P<d>[-./])%Y")
_ROWS = 1 << 14
"""Texts at a time: their words stay in the processor's cache."""


def _word(number: int) -> np.uint64:
    return np.uint64(number & ((1 << 64) - 1))


_THREE, _EIGHT, _HALF, _LAST, _SIXTY_FOUR = map(_word, (3, 8, 32, 56, 64))
_BYTE, _SIZE, _MINUS = _word(0xFF), _word(0xFFFFFFFF), _word(ord("-"))
_ZEROS, _OVER, _HIGH = (_word(byte * 0x0101010101010101) for byte in (0x30, 0x76, 0x80))
_STEPS = tuple((_word(mask), _word(times), _word(bits)) for mask, times, bits in (
    (0x0F0F0F0F0F0F0F0F, 2561, 8), (0x00FF00FF00FF00FF, 6553601, 16), (0x0000FFFF0000FFFF, 42949672960001, 32),
))  # fmt: skip
"""Neighbours become one number: ten times the first and the second, then of two digits, then of four."""
_FILL = np.array([_word(int(_ZEROS) & ((1 << 8 * (_WORD - digits)) - 1)) for digits in range(_WORD + 1)])
"""By digits of a word: the zeros that stand before them."""
_AFTER = np.array([_word(-1), *(_word(-1 << 8 * (_WORD - places)) for places in range(1, _PLACES + 1))])
_BEFORE = np.array([_word(0), *(_word((1 << 8 * (_WORD - 1 - places)) - 1) for places in range(1, _PLACES + 1))])
"""By decimals of a word: what stands after the decimal mark, and before it."""
_POWERS = 10 ** np.arange(_PLACES + 1, dtype=np.int64)


def decimals_of(texts: pl.Series, mark: str, dtype: pl.Decimal) -> pl.Series | None:
    """Give the values of what is plain, anything else as null; None: this form of numbers is not read here.

    ``dtype``: precision and scale; a text with more digits before or after the mark is left too.
    """
    places, precision = dtype.scale, dtype.precision or 0
    if not 0 < places <= _PLACES or len(mark) != 1 or not mark.isascii():
        return None
    words = _words(texts)
    if words is None:
        return None
    import pyarrow as pa  # noqa: PLC0415 - only where a large text has decimals

    values = np.empty((len(texts), 2), np.int64)
    plain = np.empty(len(texts), bool)
    for start in range(0, len(texts), _ROWS):
        rows = slice(start, start + _ROWS)
        values[rows, 0], plain[rows] = _read(words[rows], _word(ord(mark)), places, precision - places)
    # The upper half of 128 bits.
    np.right_shift(values[:, 0], 63, out=values[:, 1])
    return _column(texts, pa.decimal128(precision, places), values, plain)


def days_of(texts: pl.Series, form: str) -> pl.Series | None:
    """Give the days of what is written as ``form`` says, with all its zeros, anything else as null; None: another form."""
    found = _FORM.fullmatch(form)
    words = _words(texts) if found else None
    if found is None or words is None:
        return None
    import pyarrow as pa  # noqa: PLC0415 - only where a large text has days

    marks = [ord(mark) for mark in (found["a"] or found["c"], found["b"] or found["d"])]
    values = np.empty(len(texts), np.int32)
    plain = np.empty(len(texts), bool)
    for start in range(0, len(texts), _ROWS):
        rows = slice(start, start + _ROWS)
        values[rows], plain[rows] = _read_days(words[rows], marks, year_first=bool(found["a"]))
    return _column(texts, pa.date32(), values, plain)


def _words(texts: pl.Series) -> Words | None:
    """Give length and bytes of each text, two words of it; None: they are not laid out so."""
    import pyarrow as pa  # noqa: PLC0415

    views = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    if views.type != pa.string_view() or sys.byteorder != "little":
        return None
    return np.frombuffer(views.buffers()[1], np.uint64)[2 * views.offset :][: 2 * len(texts)].reshape(-1, 2)


def _column(texts: pl.Series, kind: Any, values: npt.NDArray[Any], plain: npt.NDArray[np.bool_]) -> pl.Series:  # noqa: ANN401 (of Arrow)
    """Make a column of values, of which those that are not plain are null."""
    import pyarrow as pa  # noqa: PLC0415

    if texts.null_count():
        plain &= texts.is_not_null().to_numpy()
    valid = pa.py_buffer(np.packbits(plain, bitorder="little"))
    found: Any = pa.Array.from_buffers(kind, len(texts), [valid, pa.py_buffer(values)])
    return pl.Series(texts.name, found)


def _read(words: Words, mark: np.uint64, places: int, room: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Read texts: numbers of their last decimals, and which of them are right."""
    head, tail = np.ascontiguousarray(words[:, 0]), np.ascontiguousarray(words[:, 1])
    lengths = head & _SIZE
    inline = lengths <= _INLINE
    first, rest = (head >> _HALF) | (tail << _HALF), tail >> _HALF
    negative = (first & _BYTE) == _MINUS
    signed = bool(negative.any())
    if signed:
        first = np.where(negative, (first >> _EIGHT) | (rest << _LAST), first)
        rest = np.where(negative, rest >> _EIGHT, rest)
        lengths -= negative
    # The last eight characters, ending with the highest byte, and the few before them.
    lower, upper = first << ((_EIGHT - np.minimum(lengths, _EIGHT)) << _THREE), None
    if lengths.max() > _EIGHT:
        beyond = (np.clip(lengths, _EIGHT, _INLINE) - _EIGHT) << _THREE
        upper = np.where(beyond > 0, first << (_SIXTY_FOUR - beyond), 0)
        lower = np.where(beyond > 0, (first >> beyond) | (rest << (_SIXTY_FOUR - beyond)), lower)
    decimals = np.zeros(len(words), np.intp)
    for count in range(1, places + 1):
        np.copyto(decimals, count, where=(lower >> _word(8 * (_WORD - 1 - count))) & _BYTE == mark)
    digits = lengths - (decimals > 0)
    lower = (lower & _AFTER.take(decimals)) | ((lower & _BEFORE.take(decimals)) << _EIGHT)
    if upper is not None:
        lower |= np.where(decimals > 0, upper >> _LAST, 0)
        upper = np.where(decimals > 0, upper << _EIGHT, upper)
    values, right = _number(lower, np.minimum(digits, _EIGHT))
    if upper is not None:
        more, fine = _number(upper, np.clip(digits, _EIGHT, _EIGHT + _EIGHT) - _EIGHT)
        values += more * 10**_WORD
        right &= fine
    whole = digits.astype(np.int64) - decimals
    right &= inline & (whole >= 1) & (whole <= room)
    values *= _POWERS.take(places - decimals)
    return np.where(negative, -values, values) if signed else values, right


def _read_days(words: Words, marks: Sequence[int], *, year_first: bool) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Read days: how many after the first of 1970, and which of them there are."""
    head, tail = np.ascontiguousarray(words[:, 0]), np.ascontiguousarray(words[:, 1])
    first = (head >> _HALF) | (tail << _HALF)
    # What stands between the marks is closed up; the last two characters follow.
    places, parts = ((4, 7), (0xFFFFFFFF, 0xFFFF << 32, 0)) if year_first else ((2, 5), (0xFFFF, 0xFFFF << 16, 0xFFFF << 32))
    closed = (tail >> _HALF) << _word(48)
    for at, part in enumerate(parts):
        if part:
            closed |= (first >> _word(8 * at)) & _word(part)
    number, right = _number(closed, None)
    right &= (head & _SIZE) == _LONG
    for place, mark in zip(places, marks, strict=True):
        right &= (first >> _word(8 * place)) & _BYTE == _word(mark)
    upper, lower = _halves(np.where(right, number, 0).astype(np.uint32), 10_000)
    year = upper if year_first else lower
    first_of_two, second = _halves(lower if year_first else upper, 100)
    month, day = (first_of_two, second) if year_first else (second, first_of_two)
    starts, lengths = _months()
    right &= (month >= 1) & (month <= _MONTHS)
    index = np.where(right, year * _MONTHS + month - 1, 0).astype(np.intp)
    right &= (day >= 1) & (day <= lengths.take(index))
    return starts.take(index) + day.astype(np.int32) - 1, right


def _halves(numbers: npt.NDArray[np.uint32], by: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Divide; the remainder by multiplying, which is faster than dividing twice."""
    found = numbers // np.uint32(by)
    return found, numbers - found * np.uint32(by)


@cache
def _months() -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Give the first day of each month from the year 0 on, of which there is none, and how many days it has."""
    starts = np.arange("0000-01", "10000-02", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int32)
    lengths = np.diff(starts)
    lengths[:_MONTHS] = 0
    return starts, lengths


def _number(words: Words, digits: Words | None) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Give the number that so many characters at the end of a word are, all if None, and whether all of them are digits."""
    found = (words if digits is None else words | _FILL.take(digits.astype(np.intp))) ^ _ZEROS
    right = (found | (found + _OVER)) & _HIGH == 0
    for mask, times, bits in _STEPS:
        found = ((found & mask) * times) >> bits
    return found.astype(np.int64), right
