"""Exact decimals of a whole column at once: eight characters are proven to be digits, and become a number, in one word.

Of a text of up to twelve bytes Arrow, and Polars with it, keeps length and bytes in sixteen bytes of their own, the rest
zeros. A few operations on columns of such words take what is plain: digits, one decimal mark or none among them, perhaps a
minus before them. What is longer, or written in any other way, is left: it is for ``block_columns``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    import numpy.typing as npt

    Words = npt.NDArray[np.uint64]

_INLINE = 12
_WORD = 8
_PLACES = 6
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
    if not 0 < places <= _PLACES or len(mark) != 1 or not mark.isascii() or sys.byteorder != "little":
        return None
    import pyarrow as pa  # noqa: PLC0415 - only where a large text has decimals

    views = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    if views.type != pa.string_view():
        return None
    words = np.frombuffer(views.buffers()[1], np.uint64)[2 * views.offset :][: 2 * len(texts)].reshape(-1, 2)
    values = np.empty((len(texts), 2), np.int64)
    plain = np.empty(len(texts), bool)
    for start in range(0, len(texts), _ROWS):
        rows = slice(start, start + _ROWS)
        values[rows, 0], plain[rows] = _read(words[rows], _word(ord(mark)), places, precision - places)
    # The upper half of 128 bits.
    np.right_shift(values[:, 0], 63, out=values[:, 1])
    if texts.null_count():
        plain &= texts.is_not_null().to_numpy()
    valid = pa.py_buffer(np.packbits(plain, bitorder="little"))
    found: Any = pa.Array.from_buffers(pa.decimal128(precision, places), len(texts), [valid, pa.py_buffer(values)])
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


def _number(words: Words, digits: Words) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Give the number that so many characters at the end of a word are, and whether all of them are digits."""
    found = (words | _FILL.take(digits.astype(np.intp))) ^ _ZEROS
    right = (found | (found + _OVER)) & _HIGH == 0
    for mask, times, bits in _STEPS:
        found = ((found & mask) * times) >> bits
    return found.astype(np.int64), right
