"""The rows of one Excel sheet, from its XML as it streams in.

Convention: rows and columns count from 0. The methods that the XML parser calls are called for each of millions of
cells: they do little, and look at the commonest case first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tulosvahti.core.sheet import Area, Notice, a1, column_index
from tulosvahti.load.sheets.archive import parser
from tulosvahti.load.sheets.number_format import NumberFormat, compiled
from tulosvahti.load.sheets.numerals import is_numeral, moment, plain, stored
from tulosvahti.load.sheets.ooxml_book import Book, unescaped
from tulosvahti.load.sheets.reading import BrokenSheetError
from tulosvahti.load.sheets.shared_formula import COLUMNS, ROWS, SharedFormula
from tulosvahti.load.sheets.wire import DATE, ERROR, NUMBER, TEXT, TRUTH

if TYPE_CHECKING:
    from tulosvahti.load.sheets.wire import WireCell, Writer

_AREA = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?")
_NEW_FUNCTIONS = re.compile(r"_xl(?:fn|ws|pm)\.")
_DIGITS = "0123456789"
_PLAIN = compiled("")


class RowReader:
    """Takes the elements of a sheet and gives its rows to the writer."""

    def __init__(self, book: Book, out: Writer) -> None:
        """Begin a sheet."""
        self._book, self._out = book, out
        self._row, self._cells, self._column = -1, [], -1  # type: int, list[WireCell], int
        self._numerals: list[tuple[int, str]] = []
        self._cell: dict[str, str] = {}
        self._texts: list[str] | None = None
        self._value: str | None = None
        self._formula: str | None = None
        self._formula_marks: dict[str, str] = {}
        self._reading_beside = 0
        self._shared: dict[str, SharedFormula] = {}
        self._formulas = self._zeros = 0
        self._merged: list[Area] = []
        self._hidden_rows: list[tuple[int, int]] = []
        self._hidden_columns: list[tuple[int, int]] = []
        self._lost: dict[str, list[str]] = {}
        self._styles: dict[str, tuple[NumberFormat, int]] = {}
        self._prefix = ""
        self.parser = parser()
        self.parser.StartElementHandler = self._root
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data

    def _root(self, tag: str, marks: dict[str, str]) -> None:
        del marks
        prefix, _, name = tag.rpartition(":")
        if name != "worksheet":
            msg = f"it is a {name}, not a sheet"
            raise BrokenSheetError(msg)
        if prefix:
            self._prefix = f"{prefix}:"
            self.parser.StartElementHandler = self._start_prefixed
            self.parser.EndElementHandler = self._end_prefixed
        else:
            self.parser.StartElementHandler = self._start

    def _start_prefixed(self, tag: str, marks: dict[str, str]) -> None:
        if tag.startswith(self._prefix):
            self._start(tag[len(self._prefix) :], marks)

    def _end_prefixed(self, tag: str) -> None:
        if tag.startswith(self._prefix):
            self._end(tag[len(self._prefix) :])

    def _start(self, tag: str, marks: dict[str, str]) -> None:
        if tag == "c":
            self._cell = marks
            self._value = self._formula = None
        elif tag == "v":
            self._texts = []
        elif tag == "row":
            self._begin_row(marks)
        elif tag == "f":
            self._texts, self._formula_marks = [], marks
        elif tag == "t":
            if not self._reading_beside:
                self._texts = []
        elif tag == "rPh":
            self._reading_beside += 1
        elif tag == "mergeCell":
            self._merge(marks.get("ref", ""))
        elif tag == "col" and (_yes(marks.get("hidden")) or marks.get("width") == "0"):
            self._hidden_columns.append((int(marks.get("min", "0")) - 1, int(marks.get("max", "0")) - 1))

    def _data(self, text: str) -> None:
        if self._texts is not None:
            self._texts.append(text)

    def _end(self, tag: str) -> None:
        if tag == "c":
            if self._value is not None or self._formula is not None:
                self._add()
            else:
                self._column = self._place()
        elif tag == "v":
            self._value, self._texts = "".join(self._texts or ()), None
        elif tag == "f":
            self._formula, self._texts = "".join(self._texts or ()), None
        elif tag == "t" and self._texts is not None:
            self._value, self._texts = (self._value or "") + "".join(self._texts), None
        elif tag == "rPh":
            self._reading_beside -= 1
        elif tag == "row":
            self._out.row(self._cells, numerals=self._numerals)

    def _begin_row(self, marks: dict[str, str]) -> None:
        row = int(marks["r"]) - 1 if "r" in marks else self._row + 1
        if not self._row < row < ROWS:
            msg = f"row {row + 1} comes after row {self._row + 1}"
            raise BrokenSheetError(msg)
        blank = row - self._out.rows
        if blank:
            self._out.row([], blank)
        self._row, self._column = row, -1
        self._cells, self._numerals = [], []
        if _yes(marks.get("hidden")) or marks.get("ht") == "0":
            self._hidden_rows.append((row, row))

    def _place(self) -> int:
        """Give the column of the cell."""
        name = self._cell.get("r")
        column = column_index(name.rstrip(_DIGITS)) if name else self._column + 1
        if not 0 <= column < COLUMNS:
            msg = f"there is no cell {name}"
            raise BrokenSheetError(msg)
        return column

    def _add(self) -> None:
        column = self._column = self._place()
        cells = self._cells
        if column > len(cells):
            cells.extend([0] * (column - len(cells)))
        if self._formula is not None:
            made = self._typed(self._formula_text(column), column)
        elif self._cell.get("t", "n") == "n":
            made = self._number(self._value or "", "")
        else:
            made = self._typed("", column)
        if column < len(cells):
            cells[column] = made
        else:
            cells.append(made)

    def _typed(self, formula: str, column: int) -> WireCell:
        kind, text = self._cell.get("t", "n"), self._value
        if formula:
            self._formulas += 1
            self._zeros += text == "0"
            if text is None or (not text and kind != "str"):
                return ["", TEXT, "", self._format()[1], formula, 0]
        if text is None:
            text = ""
        if kind == "n":
            return self._number(text, formula)
        if kind == "s":
            text = self._string(text, column)
        elif kind == "b":
            return _cut("TRUE" if text.strip() in ("1", "true") else "FALSE", TRUTH, formula)
        elif kind == "e":
            return _cut(text or "#VALUE!", ERROR, formula)
        elif kind == "d":
            return _cut(text.replace("T00:00:00", "").replace("T", " "), DATE, formula)
        elif "_x" in text:
            text = unescaped(text)
        if formula:
            return _cut(text, TEXT, formula)
        if is_numeral(text):
            self._numerals.append((column, text))
        return text

    def _number(self, text: str, formula: str) -> WireCell:
        number = stored(text)
        if number is None:
            return _cut(text, TEXT, formula)
        style, code = self._format()
        kind = NUMBER
        if style.kind == "number":
            shown = style.shown(number)
        elif (date := moment(number, style.code, from_1904=self._book.from_1904)) is not None:
            shown, kind, number = date, DATE, ""
        else:
            shown = plain(number)
        return [shown, kind, number, code, formula] if formula else [shown, kind, number, code]

    def _format(self) -> tuple[NumberFormat, int]:
        """Give the number format of the cell, and its place among those that were sent."""
        name = self._cell.get("s", "0")
        known = self._styles.get(name)
        if known is None:
            try:
                style = self._book.formats[int(name)]
            except (LookupError, ValueError):
                style = _PLAIN
            known = self._styles[name] = style, self._out.format(style.code)
        return known

    def _string(self, text: str, column: int) -> str:
        try:
            return self._book.strings[int(text)]
        except (LookupError, ValueError):
            self._lost.setdefault("text_lost", []).append(a1(self._row, column))
            return ""

    def _formula_text(self, column: int) -> str:
        """Give the formula with its ``=``; a shared one as it stands in this cell."""
        text = self._formula or ""
        if self._formula_marks.get("t") == "shared":
            name = self._formula_marks.get("si", "")
            if text:
                self._shared[name] = SharedFormula(text, self._row, column)
            elif name in self._shared:
                text = self._shared[name].at(self._row, column)
            else:
                self._lost.setdefault("formula_lost", []).append(a1(self._row, column))
        if "_xl" in text:
            text = _NEW_FUNCTIONS.sub("", text)
        return f"={text}" if text else ""

    def _merge(self, name: str) -> None:
        match = _AREA.fullmatch(name)
        if match and match[3]:
            top, bottom = sorted((int(match[2]) - 1, int(match[4]) - 1))
            left, right = sorted((column_index(match[1]), column_index(match[3])))
            self._merged.append(Area(top, left, bottom, right))

    @property
    def row(self) -> int:
        """The last row that came, from 0; -1 before the first."""
        return self._row

    @row.setter
    def row(self, row: int) -> None:
        """Go on after a row: those before it were read otherwise."""
        self._row = row

    @property
    def hidden(self) -> list[tuple[int, int]]:
        """First and last of the hidden rows that came."""
        return self._hidden_rows

    def count_formulas(self, formulas: int, zeros: int) -> None:
        """Count formulas that were read otherwise, and those of them whose result is 0."""
        self._formulas += formulas
        self._zeros += zeros

    def cell(self, marks: dict[str, str], text: str) -> WireCell:
        """Give a cell without a formula from its attributes and its text."""
        self._cell, self._value = marks, text
        return self._typed("", 0)

    def end(self) -> None:
        """End the sheet."""
        # Programs that cannot calculate store 0 as the result of every formula, and ask for calculation on opening.
        stale = self._book.stale and self._formulas > 0 and self._zeros == self._formulas
        self._out.end(
            merged=self._merged,
            hidden_rows=self._hidden_rows,
            hidden_columns=self._hidden_columns,
            stale=stale,
            notices=[Notice(code, tuple(where)) for code, where in self._lost.items()],
        )


def _yes(text: str | None) -> bool:
    return text in ("1", "true")


def _cut(text: str, kind: int, formula: str) -> WireCell:
    return [text, kind, "", -1, formula] if formula else [text, kind]
