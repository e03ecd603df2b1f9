"""Shared formulas: one formula text stands for a block of cells, its relative references moved to each of them.

Convention: moves are in rows down and columns to the right of the cell that holds the text.
"""

from __future__ import annotations

import re

from tulosvahti.core.sheet import column_index, column_letters

ROWS = 1_048_576
COLUMNS = 16_384

_PARTS = re.compile(
    r"""
    "(?:[^"]|"")*"                                              # a text
    | '(?:[^']|'')*'                                            # a sheet's name in quotes
    | \[[^\]]*\]                                                # another workbook, or a column of a table
    | \#[A-Z0-9/]+[!?]?                                         # an error
    | (?<![\w.\\$])(?P<column>\$?[A-Za-z]{1,3})(?P<row>\$?[0-9]{1,7})(?![\w.(!])
    | (?<![\w.\\$])(?P<from>\$?[A-Za-z]{1,3}):(?P<to>\$?[A-Za-z]{1,3})(?![\w.(!])
    | (?<![\w.\\$])(?P<first>\$?[0-9]{1,7}):(?P<last>\$?[0-9]{1,7})(?![\w.(!])
    """,
    re.VERBOSE,
)

Piece = str | tuple[str, int]
"""A text that stays; or ``row`` or ``column`` with its number from 0, which moves."""


class SharedFormula:
    """A formula cut at its relative references, so that each move costs a join."""

    def __init__(self, formula: str, row: int, column: int) -> None:
        """Cut the formula of the cell at a row and column from 0; ``formula`` without its ``=``."""
        self._row, self._column = row, column
        self._pieces = _pieces(formula)

    def at(self, row: int, column: int) -> str:
        """Give the formula of another cell of the block, without its ``=``."""
        down, right = row - self._row, column - self._column
        texts = []
        for piece in self._pieces:
            if isinstance(piece, str):
                texts.append(piece)
            elif piece[0] == "row":
                # References that leave the sheet come back on its other side, as in Excel.
                texts.append(str((piece[1] + down) % ROWS + 1))
            else:
                texts.append(column_letters((piece[1] + right) % COLUMNS))
        return "".join(texts)


def _pieces(formula: str) -> list[Piece]:
    pieces: list[Piece] = []
    done = 0
    for match in _PARTS.finditer(formula):
        found = [name for name, text in match.groupdict().items() if text is not None]
        if not found or (match["column"] and not _inside(match["column"], match["row"])):
            continue
        pieces.append(formula[done : match.start()])
        for name in found:
            if name in ("to", "last"):
                pieces.append(":")
            pieces.append(_piece(match[name]))
        done = match.end()
    pieces.append(formula[done:])
    return pieces


def _inside(column: str, row: str) -> bool:
    """Tell a reference from a name that looks like one: ``XYZ9999999``."""
    return column_index(column.lstrip("$").upper()) < COLUMNS and 0 < int(row.lstrip("$")) <= ROWS


def _piece(text: str) -> Piece:
    if text.startswith("$"):
        return text
    return ("row", int(text) - 1) if text[0].isdigit() else ("column", column_index(text.upper()))
