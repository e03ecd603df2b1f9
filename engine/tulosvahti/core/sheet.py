"""A sheet as it was read: cells with text and place, before anything is known of numbers or tables.

Convention: rows and columns count from 0; A1 names count from 1. A sheet's rows may differ in length; a cell that is
not there is blank.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Literal

Kind = Literal["text", "number", "date", "truth", "error"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as it stands in its source.

    ``text``: what is printed; ``value``: the number of a typed cell (a spreadsheet's), exact, else None. ``format``:
    the spreadsheet's number format; ``formula``: with its ``=``; ``calculated`` False: a formula without a stored
    result. ``day``: of a date cell that prints otherwise, in ISO 8601. ``place``: ``line:column`` in text, ``page 3, 12:34`` in a PDF; empty where the A1 name says it.
    """

    text: str
    value: Decimal | None = None
    kind: Kind = "text"
    format: str = ""
    formula: str = ""
    calculated: bool = True
    place: str = ""
    day: str = field(default="", compare=False)

    @property
    def blank(self) -> bool:
        """Tell whether nothing stands here."""
        return not self.formula and not self.text.strip()


BLANK = Cell("")


@dataclass(frozen=True)
class Notice:
    """Something a reader did that the auditor should know; ``code`` with its arguments, never a broken sum.

    ``where``: A1 names or ``line:column``, empty for the whole sheet.
    """

    code: str
    where: tuple[str, ...] = ()
    detail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Area:
    """A block of cells, ends included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def name(self) -> str:
        """Give it in A1 form: ``B2:D9``."""
        return f"{a1(self.top, self.left)}:{a1(self.bottom, self.right)}"


@dataclass(frozen=True)
class Sheet:
    """A grid of cells from one place; ``source`` as it is shown: ``budget.xlsx!2024``, ``book.pdf, page 12``."""

    source: str
    rows: tuple[tuple[Cell, ...], ...]
    merged: tuple[Area, ...] = ()
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    hidden: bool = False
    notices: tuple[Notice, ...] = ()

    def at(self, row: int, column: int) -> Cell:
        """Give a cell; one outside is blank."""
        if 0 <= row < len(self.rows) and 0 <= column < len(self.rows[row]):
            return self.rows[row][column]
        return BLANK

    def place(self, row: int, column: int) -> str:
        """Name a cell as its readers will look for it."""
        return self.at(row, column).place or a1(row, column)


def column_letters(column: int) -> str:
    """Name a column counted from 0: ``A``, ``Z``, ``AA``."""
    letters, number = "", column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


@lru_cache(maxsize=16_384)
def column_index(letters: str) -> int:
    """Give the number from 0 of a column named in capital letters: ``A`` is 0."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def a1(row: int, column: int) -> str:
    """Name a cell in A1 form."""
    return f"{column_letters(column)}{row + 1}"
