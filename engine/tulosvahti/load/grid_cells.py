"""Cells of one field of a large sheet: what ``typed_cells`` makes of each of them, made of columns.

A number that is written plainly, and a text in a text's place, is what it says; every other cell is looked at by
``value_of``, the same one once.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from tulosvahti.core.contract import FieldType
from tulosvahti.core.sheet import a1
from tulosvahti.load.block_columns import Scale, sizes_of
from tulosvahti.load.cells import DIGITS
from tulosvahti.load.mixed_columns import MIXED, ODD, TEXT, TYPED, see_values
from tulosvahti.load.records import Odd, text_of_value
from tulosvahti.load.sheets.number_format import GENERAL
from tulosvahti.load.sheets.numerals import of_float
from tulosvahti.load.text_blocks import IrregularError
from tulosvahti.load.typed_cells import PERCENT, Said, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tulosvahti.core.contract import Field
    from tulosvahti.core.sheet import Cell
    from tulosvahti.load.sheets.number_format import NumberFormat
    from tulosvahti.load.sheets.wire import WireCell
    from tulosvahti.load.typed_cells import Book

    Make = Callable[[str, str, str], Cell]
    """Give a cell from its kind, style and text."""

SPACES = "".join(mark for mark in map(chr, range(0x3001)) if mark.isspace())
"""All that Python strips."""
_NUMBERS = frozenset({FieldType.NUMBER, FieldType.INTEGER})
_PLAIN = {
    FieldType.NUMBER: "^-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?$",
    FieldType.INTEGER: "^(?:0|-?[1-9][0-9]*)$",
    FieldType.STRING: "^(?:0|[1-9][0-9]*)$",
}
_EXACT = 16
"""Digits from which a stored number is rounded to what a spreadsheet keeps."""
_LONG = "^-?[0-9]{1,15}[.][0-9]{1,30}$"
_NOTES = ("percent", "as_text", "serial", "filled")
_SHOWN = 5
_MOST_KNOWN = 50_000
_Known = tuple[str | None, int, str | None, str]
"""Text, kind, reason, and what is to be said of it."""


class FieldCells:
    """The cells of one field, piece after piece."""

    def __init__(self, item: Field, place: int, book: Book, formats: Callable[[str], NumberFormat], *, exact: bool = False) -> None:
        """Know the field and its column from 0; ``formats`` gives the number format of a style, ``exact`` numbers keep all digits."""
        self.item, self.place = item, place
        self._exact = exact
        self._book, self._formats = book, formats
        self._known: dict[object, _Known] = {}
        self._first: dict[str, list[int]] = {note: [] for note in _NOTES}
        self._counts = dict.fromkeys((*_NOTES, "bare"), 0)
        self.scale = Scale()
        self.kinds: set[int] = set()

    def bulk(self, cells: pl.DataFrame, numbers: pl.Series, make: Make) -> pl.DataFrame:
        """Give ``row`` and a column of mixed cells; ``cells``: as ``Bulk`` has them, of this column, ``numbers``: of its rows."""
        cells = cells.with_columns(pl.col("kind", "style").fill_null(""))
        if self.item.type is FieldType.NUMBER and not self._exact:
            cells = self._rounded(cells)
        plain = self._plain(cells)
        texts = pl.Series("plain", [], dtype=pl.Boolean)
        if self.item.type not in _NUMBERS:
            texts = cells["kind"].is_in(["s", "str", "inlineStr"])
            stripped = cells["text"].str.strip_chars(SPACES) == ""
            cells = cells.with_columns(pl.when(texts & stripped).then(None).otherwise("text").alias("text"))
            plain = plain | texts
        kind = TEXT if self.item.type is FieldType.STRING else TYPED
        if self.item.type in _NUMBERS:
            self._counts["bare"] += int(plain.sum())
        taken = cells.filter(plain).select("row", "text", (pl.lit(kind) if not len(texts) else pl.when(texts.filter(plain)).then(TEXT).otherwise(kind)).cast(pl.UInt8).alias("kind"), pl.lit(None, dtype=pl.String).alias("reason"))
        rest = cells.filter(~plain)
        if not rest.height:
            return self._mixed(taken)
        keys = rest.select("kind", "style", "text").unique(maintain_order=True)
        known = [self._learnt(key, lambda key=key: make(*key)) for key in keys.rows()]  # type: ignore[misc]
        learnt = keys.with_columns(
            pl.Series("told", [one[0] for one in known], dtype=pl.String),
            pl.Series("sort", [one[1] for one in known], dtype=pl.UInt8),
            pl.Series("reason", [one[2] for one in known], dtype=pl.String),
            pl.Series("note", [one[3] for one in known], dtype=pl.String),
        )
        rest = rest.join(learnt, on=["kind", "style", "text"], how="left", maintain_order="left")
        self._say(rest, numbers)
        rest = rest.select("row", pl.col("told").alias("text"), pl.col("sort").alias("kind"), "reason")
        return self._mixed(pl.concat([taken, rest]) if taken.height else rest)

    def parsed(self, cells: Sequence[tuple[int, object, WireCell]], make: Callable[[WireCell], Cell]) -> pl.DataFrame:
        """Do the same for rows from the parser: number of the row, what tells the cell from others, and the cell."""
        found = [(row, *self._learnt(key, partial(make, cell))) for row, key, cell in cells]
        frame = pl.DataFrame(found, schema={"row": pl.Int64, "text": pl.String, "kind": pl.UInt8, "reason": pl.String, "note": pl.String}, orient="row")
        self._say(frame, None)
        return self._mixed(frame.drop("note"))

    def said(self) -> Said:
        """Give what was noticed."""
        first = {note: [a1(row, self.place) for row in rows] for note, rows in self._first.items()}
        lists = {note: [*first[note], *[""] * (self._counts[note] - len(first[note]))] for note in _NOTES}
        return Said(**lists, bare=self._counts["bare"])

    def _plain(self, cells: pl.DataFrame) -> pl.Series:
        """Tell the numbers that are what they say."""
        pattern = _PLAIN.get(self.item.type)
        if pattern is None:
            return pl.repeat(value=False, n=cells.height, eager=True)
        styles = [style for style in cells["style"].unique().to_list() if self._is_plain(self._formats(style or "0"))]
        text = cells["text"]
        size = text.str.len_bytes()
        plain = cells["kind"].is_in(["", "n"]) & cells["style"].is_in(styles) & text.str.contains(pattern) & (size < _EXACT)
        return plain & (size >= self.item.code_length) if self.item.type is FieldType.STRING else plain

    def _rounded(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Round long fractions to what a spreadsheet keeps: ``0.56999999999999995`` is 0.57."""
        long = cells["kind"].is_in(["", "n"]) & (cells["text"].str.len_bytes() >= _EXACT) & cells["text"].str.contains(_LONG)
        if not long.any():
            return cells
        rounded = pl.Series([of_float(float(text)) for text in cells["text"].filter(long).to_list()], dtype=pl.String)
        return cells.with_columns(cells["text"].scatter(long.arg_true(), rounded).alias("text"))

    def _is_plain(self, style: NumberFormat) -> bool:
        if self.item.type is FieldType.STRING:
            return style.code == GENERAL
        return style.kind == "number" and not PERCENT.search(style.code)

    def _learnt(self, key: object, make: Callable[[], Cell]) -> _Known:
        known = self._known.get(key)
        if known is None:
            if len(self._known) > _MOST_KNOWN:
                self._known.clear()
            known = self._known[key] = self._learn(make())
        return known

    def _learn(self, cell: Cell) -> _Known:
        said = Said()
        value = "" if cell.blank else value_of(self.item, cell, self._book, said, lambda: "")
        note = next((name for name in _NOTES if getattr(said, name)), "bare" if said.bare else "")
        if isinstance(value, Odd):
            return value.text, ODD, value.reason, note
        if isinstance(value, str):
            return value or None, TEXT, None, note
        if self.item.type is FieldType.NUMBER and sum(sizes_of(value)) > DIGITS:  # type: ignore[arg-type]
            # The strict reader has a sentence for it.
            raise IrregularError
        return text_of_value(value), TYPED, None, note

    def _say(self, cells: pl.DataFrame, numbers: pl.Series | None) -> None:
        for (note,), part in cells.group_by("note", maintain_order=True):
            if not note:
                continue
            name = str(note)
            self._counts[name] += part.height
            first = self._first.get(name)
            if first is not None and len(first) < _SHOWN:
                rows = part["row"].sort().head(_SHOWN - len(first))
                rows = rows if numbers is None else numbers.gather(rows)
                first += rows.to_list()

    def _mixed(self, cells: pl.DataFrame) -> pl.DataFrame:
        numbers = cells.filter(pl.col("kind") == TYPED)["text"]
        # The first time makes room where the digits of all of them can be kept.
        if self.item.type is FieldType.NUMBER and not see_values(self.scale, numbers) and not see_values(self.scale, numbers):
            raise IrregularError
        self.kinds.update(cells["kind"].unique().to_list())
        return cells.select("row", pl.struct("text", "kind", "reason").cast(MIXED).alias(self.item.name))
