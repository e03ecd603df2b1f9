"""Columns of a large text, typed block after block: what is written as declared at once, every other text by ``cells``.

Nothing is read here that ``cells`` would read otherwise: a vectorised cast takes only what a pattern lets through, and each
text that is left is read, once, by the reader of its field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from tulosvahti.core.contract import Field, FieldType
from tulosvahti.core.kept_rows import words_of
from tulosvahti.core.quantity import APOSTROPHES, SPACES
from tulosvahti.load.cells import DIGITS, DTYPES, CellError, is_unusual, read_text, words_in
from tulosvahti.load.number_forms import MOST_TEXTS
from tulosvahti.load.number_words import days_of, decimals_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NUMBERS = frozenset({FieldType.NUMBER, FieldType.INTEGER})
_SHORT = 18
_MOST_KNOWN = 100_000
_FEW = 8
"""Texts that are compared one by one faster than they are looked up."""
_MOST_ODD = 200_000
"""Different texts of one block that are read one by one."""


class RescaleError(Exception):
    """A number has more digits than the column's type holds; the type is in ``Scale``."""


class TooOddError(Exception):
    """So many texts are unlike their field that the strict reader is as fast."""


@dataclass
class Scale:
    """The type of a column of exact numbers: digits before and after the decimal mark so far."""

    whole: int = 1
    places: int = 0
    settled: bool = False
    """True from the second reading on: the whole text was looked at."""

    def see(self, whole: int, places: int) -> None:
        """Take a number's digits into account."""
        if whole + places <= DIGITS:
            self.whole, self.places = max(self.whole, whole), max(self.places, places)

    @property
    def dtype(self) -> pl.Decimal:
        """The narrowest type that holds them."""
        return pl.Decimal(_SHORT if self.whole + self.places <= _SHORT else DIGITS, self.places)

    @property
    def room(self) -> int:
        """Digits that stand before the decimal mark at most."""
        return (self.dtype.precision or DIGITS) - self.places


@dataclass
class Typed:
    """A column of a block: its values, and faults by position with their reasons and texts."""

    values: pl.Series
    faults: dict[int, tuple[str, str]] = field(default_factory=dict)
    words: pl.Series | None = None
    """Of a field that allows it: what stands in place of numbers."""


class BlockColumn:
    """Types one field."""

    def __init__(self, item: Field, scale: Scale, *, form_open: bool) -> None:
        """Know the field as it is to be read; ``scale`` of a number may be shared by several readings.

        ``form_open``: the form of its numbers was told from the text.
        """
        self.item = item
        self._open = form_open
        self.scale = scale
        self.unusual = 0
        self.first_unusual: tuple[int, str, Any] | None = None
        """Position in its block, text and value."""
        self.fresh_unusual = False
        self.marked: dict[str, None] = {}
        """Texts that tell the form of numbers, where the contract leaves it open, in their order."""
        self._missing = {text.strip() for text in item.missing_values}
        self._known: dict[str, tuple[Any, str]] = {}
        self._words: dict[str, str] = {}
        """What texts say that stand in place of numbers."""
        self._remembers: tuple[pl.Series, pl.Series] | None = None
        """Texts that were read, and their values, of a type whose texts come again."""
        self._measured = False
        self._short = item.short_code
        self._symbols = [text for text in item.missing_values if text.strip()]
        self._dtype: Any = None if item.type is FieldType.NUMBER else DTYPES[item.type]

    def read(self, texts: pl.Series) -> Typed:
        """Type a block; null is a cell without text.

        Raises:
            RescaleError: the type of the column is too narrow for a number.
            TooOddError: too many texts have to be read one by one.

        """
        typed = self._typed(texts.alias(self.item.name))
        if self.item.worded:
            typed.words = self._in_place(texts)
        return typed

    def _in_place(self, texts: pl.Series) -> pl.Series:
        name = words_of(self.item.name)
        if not self._words or texts.dtype != pl.String:
            return pl.repeat(None, len(texts), dtype=pl.String, eager=True).alias(name)
        keys, words = (pl.Series(list(part), dtype=pl.String) for part in (self._words, self._words.values()))
        return texts.replace_strict(keys, words, default=None, return_dtype=pl.String).alias(name)

    def _typed(self, texts: pl.Series) -> Typed:
        self.fresh_unusual = False
        if texts.dtype != pl.String:
            # A column of a file that has types, and this one.
            return Typed(texts)
        if self.item.type is FieldType.STRING:
            return self._strings(texts)
        plain = self._plain(texts)
        if plain is None:
            return self._mapped(texts, None, texts)
        odd = texts.filter(plain.is_null() & texts.is_not_null())
        if "" not in self._missing and texts.null_count():
            odd = odd.extend(pl.Series(texts.name, [""]))
        return Typed(plain) if not len(odd) else self._mapped(texts, plain, odd)

    def _strings(self, texts: pl.Series) -> Typed:
        values = texts if "" in self._missing else texts.fill_null("")
        gone = self._gone(values)
        if gone is not None:
            values = values.to_frame().select(pl.when(~pl.lit(gone)).then(pl.col(values.name)).alias(values.name)).to_series()
        short = values.str.contains(self._short).fill_null(value=False) if self._short else None
        if short is not None and short.any():
            filled = values.str.zfill(self.item.code_length)
            values = values.to_frame().select(pl.when(pl.lit(short)).then(pl.lit(filled)).otherwise(pl.col(values.name)).alias(values.name)).to_series()
            self._count_unusual(texts, values, short.arg_true())
        return Typed(values)

    def _gone(self, values: pl.Series) -> pl.Series | None:
        """Tell which texts stand for nothing; None: none of them."""
        symbols = sorted(self._missing)
        if self._missing <= {""}:
            # What is blank starts with a space: before all that is shown in ASCII, or behind it.
            spaced = values.filter((values < "!") | (values > "~"))
            if not spaced.str.strip_chars().is_in(symbols).any():
                return None
        gone = values.str.strip_chars().is_in(symbols)
        return gone if gone.any() else None

    def _plain(self, texts: pl.Series) -> pl.Series | None:
        """Cast what is written plainly or was read before; None: nothing is known yet of a type that is read text by text."""
        item = self.item
        if item.type is FieldType.INTEGER:
            values = texts.cast(pl.Int64, strict=False)
        elif item.type is FieldType.NUMBER:
            values = self._decimals(texts)
        else:
            found = self._days(texts) if item.type is FieldType.DATE else self._remembered(texts)
            if found is None:
                return None
            values = found
        # A symbol for a missing value may look like a number: -9.
        if self._symbols:
            gone = texts.is_in(self._symbols)
            if gone.any():
                values = values.to_frame().select(pl.when(~pl.lit(gone)).then(pl.col(values.name)).alias(values.name)).to_series()
        return values

    def _remembered(self, texts: pl.Series) -> pl.Series | None:
        """Give what texts that stood in an earlier block are."""
        if self._remembers is None:
            return None
        keys, values = self._remembers
        if len(keys) > _FEW:
            return texts.replace_strict(keys, values, default=None, return_dtype=self._dtype)
        found: Any = pl
        for key, value in zip(keys, values, strict=True):
            found = found.when(pl.col(texts.name) == key).then(pl.lit(value, self._dtype))
        return texts.to_frame().select(found.otherwise(None).alias(texts.name)).to_series()

    def _days(self, texts: pl.Series) -> pl.Series | None:
        found = days_of(texts, self.item.date_format)
        if found is None:
            return self._remembered(texts)
        return found if self._remembers is None else _filled(found, texts, self._remembered)

    def _decimals(self, texts: pl.Series) -> pl.Series:
        if not self.scale.settled and not self._measured:
            self._measured = True
            self._measure(texts)
        found = decimals_of(texts, self.item.decimal_char, self.scale.dtype)
        return self._cast(texts) if found is None else _filled(found, texts, self._cast)

    def _cast(self, texts: pl.Series) -> pl.Series:
        """Cast the numbers that a pattern lets through."""
        mark = self.item.decimal_char
        places, room = self.scale.places, self.scale.room
        tail = f"(?:{re.escape(mark)}[0-9]{{1,{places}}})?" if places else ""
        digits = f"[0-9]{{1,{room}}}"
        group = _group(self.item.group_char)
        if group:
            digits = f"(?:{digits}|[0-9]{{1,3}}(?:[{group}][0-9]{{3}}){{1,{max((room - 1) // 3, 1)}}})"
        fits = texts.str.contains(f"^-?{digits}{tail}$")
        bodies = texts
        if group:
            bodies = bodies.str.replace_all(f"[{group}]", "")
        if mark != ".":
            bodies = bodies.str.replace(mark, ".", literal=True)
        bodies = bodies.to_frame().select(pl.when(pl.lit(fits)).then(pl.col(texts.name)).alias(texts.name)).to_series()
        return bodies.cast(self.scale.dtype, strict=False)

    def _measure(self, texts: pl.Series) -> None:
        """Take the digits of the first block's plain numbers into account."""
        mark = re.escape(self.item.decimal_char)
        plain = texts.filter(~texts.is_in(self._symbols)) if self._symbols else texts
        found = plain.str.extract(f"^-?[0-9]+{mark}([0-9]+)$")
        places = found.str.len_bytes().max()
        if isinstance(places, int):
            self.scale.see(1, places)

    def _mapped(self, texts: pl.Series, plain: pl.Series | None, odd: pl.Series) -> Typed:
        """Read the different texts that are left one by one, and put their values in their places."""
        different = odd.unique(maintain_order=True).to_list()
        if len(different) > _MOST_ODD:
            raise TooOddError
        known = {text: self._read("" if text is None else text) for text in different}
        dtype = self.scale.dtype if self._dtype is None else self._dtype
        keys = [text for text in known if text is not None]
        values = pl.Series("value", [known[text][0] for text in keys], dtype=dtype)
        mapped = texts.replace_strict(pl.Series("key", keys, dtype=pl.String), values, default=None, return_dtype=dtype)
        if plain is not None:
            mapped = pl.select(pl.coalesce(pl.lit(plain), pl.lit(mapped)).alias(texts.name)).to_series()
        mapped = mapped.alias(texts.name)
        faults: dict[int, tuple[str, str]] = {}
        bad = [text for text in keys if known[text][1]]
        if bad:
            for at in texts.is_in(bad).arg_true().to_list():
                faults[at] = known[texts[at]][1], texts[at]
        blank = known.get(None) or known.get("")
        if blank and blank[1]:
            for at in texts.is_null().arg_true().to_list():
                faults[at] = blank[1], ""
        sound = [text for text in keys if known[text][0] is not None]
        self._note_unusual(texts, mapped, sound)
        self._remember(sound, [known[text][0] for text in sound])
        return Typed(mapped, faults)

    def _remember(self, texts: list[str], values: list[Any]) -> None:
        """Keep what texts are for the next blocks; of numbers, those that are left are looked at in each."""
        if self.item.type in NUMBERS or not texts:
            return
        fresh = pl.Series(texts, dtype=pl.String), pl.Series(values, dtype=self._dtype)
        if self._remembers is None:
            self._remembers = fresh
        elif len(self._remembers[0]) + len(texts) <= _MOST_KNOWN:
            keys, before = self._remembers
            self._remembers = pl.concat([keys, fresh[0]]), pl.concat([before, fresh[1]])

    def _note_unusual(self, texts: pl.Series, values: pl.Series, read: Iterable[str]) -> None:
        if self.item.type not in NUMBERS:
            return
        found = [text for text in read if is_unusual(self.item, text)]
        if not found:
            return
        self._count_unusual(texts, values, texts.is_in(found).arg_true())

    def _count_unusual(self, texts: pl.Series, values: pl.Series, places: pl.Series) -> None:
        self.unusual += len(places)
        if self.first_unusual is None:
            at = int(places[0])
            self.first_unusual = at, texts[at], values[at]
            self.fresh_unusual = True

    def _read(self, text: str) -> tuple[Any, str]:
        found = self._known.get(text)
        if found is None:
            if len(self._known) > _MOST_KNOWN:
                self._known.clear()
            found = self._known[text] = self._read_anew(text)
        return found

    def _read_anew(self, text: str) -> tuple[Any, str]:
        if text.strip() in self._missing:
            return None, ""
        try:
            if self.item.worded and (words := words_in(self.item, text)):
                self._words[text] = words
                return None, ""
            value = read_text(self.item, text)
        except CellError as error:
            return None, str(error)
        if isinstance(value, Decimal) and self.item.type is FieldType.NUMBER:
            whole, places = sizes_of(value)
            if whole + places > DIGITS or (self.scale.settled and whole + self.scale.places > DIGITS):
                return None, f"number has more digits than can be kept exactly; allowed: at most {DIGITS} digits"
            if places > self.scale.places or whole > self.scale.room:
                raise RescaleError
        return value, ""

    def see_all(self, texts: pl.Series) -> None:
        """Take the digits of all numbers of a block into account, for the second reading."""
        for text in texts.drop_nulls().unique().to_list():
            if text.strip() in self._missing:
                continue
            try:
                value = read_text(self.item, text)
            except CellError:
                continue
            self.scale.see(*sizes_of(value))

    def see_marked(self, texts: pl.Series) -> None:
        """Collect the texts that tell the form of the numbers, as many as ``number_forms`` looks at."""
        if not self._open or self.item.type not in NUMBERS or len(self.marked) >= MOST_TEXTS:
            return
        for text in telling(texts):
            self.marked.setdefault(text)


def telling(texts: pl.Series) -> list[str]:
    """Give the different texts that may tell the form of numbers; a whole number is one number in every form."""
    if texts.dtype != pl.String:
        return []
    other = texts.filter(texts.cast(pl.Int64, strict=False).is_null())
    return [text for text in other.drop_nulls().unique(maintain_order=True).to_list() if not text.strip().isdecimal()]


def _filled(found: pl.Series, texts: pl.Series, read: Callable[[pl.Series], pl.Series | None]) -> pl.Series:
    """Read otherwise what is a text and has no value yet."""
    left = found.is_null() & texts.is_not_null()
    if not left.any():
        return found
    rest = read(texts.to_frame().select(pl.when(pl.lit(left)).then(pl.col(texts.name)).alias(texts.name)).to_series())
    return pl.select(pl.coalesce(pl.lit(found), pl.lit(rest)).alias(texts.name)).to_series()


def sizes_of(value: Decimal) -> tuple[int, int]:
    """Give the digits before and after the decimal mark."""
    _, digits, exponent = value.as_tuple()
    places = max(-int(exponent), 0)
    return max(len(digits) + int(exponent), 1), places


def _group(mark: str) -> str:
    """Give the marks of a thousands separator's family, as a pattern has them inside brackets; empty: none is read here."""
    if not mark:
        return ""
    family = SPACES if mark in SPACES else APOSTROPHES if mark in APOSTROPHES else mark
    return "".join(f"\\x{{{ord(one):x}}}" for one in family)
