"""The table of a sheet: which cells are headers and labels, and what the others say as numbers.

Convention: rows and columns are the sheet's own, counted from 0. A sheet is one table, however many headers it has,
because figures of one block are often computed from another's. Years and ordinal numbers of a header are labels, not
figures. A dash, a blank or ``N/A`` is absent, never 0.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from tulosvahti.core.printed import Printed, evidence, is_dash, read_column, readings
from tulosvahti.core.quantity import last_digit_unit
from tulosvahti.core.sheet import Notice, column_letters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tulosvahti.core.printed import Mark
    from tulosvahti.core.sheet import Cell, Sheet

YEARS = range(1800, 2201)
LONGEST_MARK = 4
"""A text of at most so many characters among figures stands for one (``N/A``, ``..``), it is no label."""
_CODE = re.compile(r"0\d+|\d+(\.\d+){2,}|\d{1,2}\.\d{1,2}\.\d{2,4}|\d{4}-\d{2}-\d{2}")
_GLUED = re.compile(r"(?<=[^\W\d])\s?(\d{1,2}\)?|[¹²³⁴⁵⁶⁷⁸⁹*†‡]+)$")
"""A footnote mark glued to a label."""
_NOTE = re.compile(r"\s*(\d{1,2}\)|[¹²³⁴⁵⁶⁷⁸⁹]|\*+|†|‡|\d{1,2}\s(?=[^\W\d]{3,}))")
_FIGURE_LIKE = re.compile(r"(?=(?:[^0-9]*[0-9]){2})[-+−(]*[0-9.,' \u00a0\u2009\u202f]*[A-Za-z]?[0-9.,' \u00a0\u2009\u202f]+[)%-]*")
_YEAR_WORDS = re.compile(r"\b(vuosi|vuodet|year|år|jahr|book)\b", re.IGNORECASE)
LABEL_COLUMNS = 3
HEADER_ROWS = 6


@dataclass(frozen=True)
class Number:
    """A figure as read: ``unit`` is that of its last digit; ``percent``: printed with the sign."""

    value: Decimal
    unit: Decimal
    percent: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """All rows of a sheet; ``body`` is the first row below the (first) header, ``headers`` the later header rows.

    ``numbers``: by (row, column). ``decimals``: the decimal mark of each column that shows one.
    """

    sheet: Sheet
    body: int
    width: int
    headers: tuple[int, ...]
    numbers: dict[tuple[int, int], Number]
    decimals: dict[int, Mark] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.sheet.rows)

    @cached_property
    def row_labels(self) -> tuple[str, ...]:
        """Name each row by the texts in its first columns, else by its year or number."""
        return tuple(self._words((r, c) for c in range(self.width)) or self._number_label(r) for r in range(self.height))

    def _number_label(self, row: int) -> str:
        texts = (self.sheet.at(row, c).text.strip() for c in range(min(LABEL_COLUMNS, self.width)) if (row, c) not in self.numbers)
        return next((text for text in texts if text and not is_dash(text)), "")

    @cached_property
    def column_labels(self) -> tuple[str, ...]:
        """Name each column by its first header's texts (or years), else by its letter."""
        return tuple(self._column_label(range(self.body), c) for c in range(self.width))

    def _column_label(self, rows: range, column: int) -> str:
        words = self._words(((r, column) for r in rows), most=HEADER_ROWS)
        texts = [text for r in rows if (text := self.sheet.at(r, column).text.strip())]
        if words:
            return " ".join([words, *(text for text in texts if text.isdecimal() and int(text) in YEARS)])
        return " ".join(texts) or column_letters(column)

    def column_label(self, row: int, column: int) -> str:
        """Name a column by the nearest header above a row."""
        above = max((r for r in self.headers if r < row), default=None)
        return self.column_labels[column] if above is None else self._column_label(range(above, above + 1), column)

    @cached_property
    def notes(self) -> dict[str, str]:
        """Notes below the figures, by the mark they begin with."""
        result: dict[str, str] = {}
        for r in range(self.body, self.height):
            for c in range(min(2, self.width)):
                text = " ".join(self.sheet.at(r, c).text.split())
                mark = note_mark(text)
                if mark and not any((r, k) in self.numbers for k in range(self.width)):
                    result.setdefault(mark, text)
        return result

    def note_of(self, row: int) -> str:
        """Give the note whose mark is glued to a row's label, empty where there is none."""
        for c in range(min(LABEL_COLUMNS, self.width)):
            found = _GLUED.search(self.sheet.at(row, c).text.rstrip())
            if found and (row, c) not in self.numbers:
                return self.notes.get(found[1].strip(" )"), "")
        return ""

    def _words(self, cells: object, most: int = LABEL_COLUMNS) -> str:
        words: list[str] = []
        for r, c in cells:  # type: ignore[attr-defined]
            text = " ".join(self.sheet.at(r, c).text.split())
            if self.notes and text:
                text = _GLUED.sub("", text)
            if text and (r, c) not in self.numbers and not is_dash(text) and not readings(text):
                words.append(text)
            if len(words) == most:
                break
        return " ".join(words)

    def row_label(self, row: int) -> str:
        """Name a row."""
        return self.row_labels[row]

    def filled(self, row: int, column: int) -> bool:
        """Tell whether something stands here that is not a label: a figure, a dash, ``N/A``."""
        text = self.sheet.at(row, column).text.strip()
        return (row, column) in self.numbers or (bool(text) and row >= self.body and (is_dash(text) or len(text) < LONGEST_MARK))

    @property
    def source(self) -> str:
        """Where the table lies."""
        return self.sheet.source


def note_mark(text: str) -> str:
    """Give the mark that a note below a table begins with (``1)``, ``*``), empty for other texts."""
    found = _NOTE.match(text)
    return found[1].strip(" )") if found and len(text) > 12 else ""


def table_of(sheet: Sheet) -> Table:
    """Read a sheet's figures and tell them from headers and labels."""
    width = max((len(row) for row in sheet.rows), default=0)
    body = _body(sheet, 0)
    later = tuple(r for r in _later_headers(sheet) if r >= body)
    skipped = {row for r in later for row in range(r, _body(sheet, r)) if row - r < HEADER_ROWS}
    return _read(sheet, body, width, later, frozenset(skipped))


def _numeric(cell: Cell) -> bool:
    return cell.value is not None or (cell.kind == "text" and bool(readings(cell.text)) and not _CODE.fullmatch(cell.text.strip()))


def _wordy(cell: Cell) -> bool:
    text = cell.text.strip()
    return len(text) >= LONGEST_MARK and cell.value is None and any(c.isalpha() for c in text) and not readings(text)


def _later_headers(sheet: Sheet) -> list[int]:
    """Give rows in the middle whose figures' columns hold words in (nearly) all places, with figures before and after."""
    numeric = [sum(_numeric(cell) for cell in row) for row in sheet.rows]
    columns: Counter[int] = Counter(c for row in sheet.rows for c, cell in enumerate(row) if _numeric(cell))
    if not columns:
        return []
    often = {c for c, n in columns.items() if n >= 0.4 * max(columns.values())}
    result = []
    seen = 0
    for r, row in enumerate(sheet.rows):
        words = sum(_wordy(row[c]) for c in often if c < len(row))
        if not numeric[r] and seen >= 1 and len(often) >= 2 and words >= 0.6 * len(often) and any(numeric[r + 1 :]):
            result.append(r)
            seen = 0
        seen += bool(numeric[r])
    return result


def _read(sheet: Sheet, body: int, width: int, later: tuple[int, ...], skipped: frozenset[int]) -> Table:
    numbers: dict[tuple[int, int], Number] = {}
    decimals: dict[int, Mark] = {}
    notices: list[Notice] = []
    rows = [r for r in range(body, len(sheet.rows)) if r not in skipped]
    texts = [[cell.text if _plain(cell := sheet.at(r, c)) else "" for r in rows] for c in range(width)]
    votes = evidence(text for column in texts for text in column)
    guessed: list[str] = []
    odd: list[str] = []
    for c, column in enumerate(texts):
        reading = read_column(column, votes)
        if reading.decimal and any(n is not None and n.decimal for n in reading.numbers):
            decimals[c] = reading.decimal
        guessed += [sheet.place(rows[k], c) for k in reading.guessed]
        odd += [sheet.place(rows[k], c) for k in reading.odd]
        for r, text, printed in zip(rows, column, reading.numbers, strict=True):
            value = sheet.at(r, c).value
            if value is not None and sheet.at(r, c).kind == "number":
                numbers[r, c] = Number(value, last_digit_unit(value), percent=False)
            elif printed is not None and not _CODE.fullmatch(text.strip()):
                numbers[r, c] = Number(printed.value, printed.unit, printed.percent, printed.notes)
    years = {c for c in range(width) if _is_years(sheet, body, c, [numbers[r, c] for r in rows if (r, c) in numbers])}
    numbers = {(r, c): number for (r, c), number in numbers.items() if c not in years}
    for code, where in (("mark_guessed", guessed), ("mark_odd", odd)):
        notices += [Notice(code, tuple(where))] if where else []
    notices += _reading_notices(sheet, rows, width, numbers, decimals)
    return Table(sheet, body, width, later, numbers, decimals, tuple(notices))


def _reading_notices(
    sheet: Sheet, rows: Sequence[int], width: int, numbers: dict[tuple[int, int], Number], decimals: dict[int, Mark]
) -> list[Notice]:
    """Say what was passed over in reading figures, and what could not be read."""
    notices = []
    if len(set(decimals.values())) > 1:
        pairs = tuple(f"{column_letters(c)} {mark}" for c, mark in decimals.items())
        notices.append(Notice("marks_mixed", (), pairs))
    unread = _unreadable(sheet, rows, numbers, width)
    if unread:
        notices.append(Notice("unreadable", tuple(sheet.place(*p) for p in unread), tuple(sheet.at(*p).text.strip() for p in unread)))
    for code in ("stray_space", "no_leading_digit"):
        places = tuple(sheet.place(r, c) for (r, c), n in numbers.items() if code in n.notes)
        if places:
            notices.append(Notice(code, places))
    return notices


def _is_years(sheet: Sheet, body: int, column: int, figures: Sequence[Number]) -> bool:
    """Tell whether a column's figures are years that name its rows: said so by its header, or one after the other."""
    values = [n.value for n in figures]
    if not _years(values) or any(n.unit < 1 or n.percent for n in figures):
        return False
    header = " ".join(sheet.at(r, column).text for r in range(body))
    steps = {later - earlier for earlier, later in pairwise(values)}
    return bool(_YEAR_WORDS.search(header)) or (len(values) > 2 and steps <= {Decimal(0), Decimal(1)}) or steps == {Decimal(-1)}


def _unreadable(
    sheet: Sheet, rows: Sequence[int], numbers: dict[tuple[int, int], Number], width: int
) -> list[tuple[int, int]]:
    """Give cells that look like figures, in columns of figures, and cannot be read as one."""
    result = []
    for c in range(width):
        figures = sum((r, c) in numbers for r in rows)
        for r in rows:
            text = sheet.at(r, c).text.strip()
            if figures and (r, c) not in numbers and _FIGURE_LIKE.fullmatch(text) and not _CODE.fullmatch(text) and _plain(sheet.at(r, c)):
                result.append((r, c))
    return result


def _plain(cell: Cell) -> bool:
    return cell.kind == "text" and cell.value is None


def _body(sheet: Sheet, top: int) -> int:
    """Give the first row from ``top`` on that holds figures: years and ordinals above them belong to the header."""
    for r in range(top, len(sheet.rows)):
        values = [v for c in range(len(sheet.rows[r])) if (v := _value(sheet.at(r, c))) is not None]
        if not values:
            continue
        heading = _years(values) or (len(values) >= 3 and _ordinals(values))
        if not (heading and r + 1 < len(sheet.rows) and _is_header(sheet, top, r)):
            return r
    return top


def _is_header(sheet: Sheet, top: int, row: int) -> bool:
    """Tell whether a row of years or ordinals stands where a header does: first, or below words alone."""
    below = [v for c in range(len(sheet.rows[row + 1])) if (v := _value(sheet.at(row + 1, c))) is not None]
    return row - top < HEADER_ROWS and not _years(below)


def _value(cell: Cell) -> Decimal | None:
    if cell.value is not None:
        return cell.value if cell.kind == "number" else None
    found: Sequence[Printed] = readings(cell.text) if cell.kind == "text" else ()
    return found[0].value if found else None


def _years(values: Sequence[Decimal]) -> bool:
    return bool(values) and all(v == int(v) and int(v) in YEARS for v in values)


def _ordinals(values: Sequence[Decimal]) -> bool:
    return all(abs(later) - abs(earlier) == 1 for earlier, later in pairwise(values)) and abs(values[0]) <= 3
