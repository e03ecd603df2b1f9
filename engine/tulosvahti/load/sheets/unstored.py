"""Results that are none: programs that cannot calculate store 0 as the result of every formula of a workbook.

A sheet that is asked to be calculated on opening and whose formulas all have 0 may still be right: a form not filled
in. It is not where a plain sum of numbers that stand in the sheet is not 0.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from tulosvahti.core.sheet import Cell, column_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    Rows = Sequence[tuple[Cell, ...]]

_SUM = re.compile(r"=\+?(?:SUM\()?\$?[A-Z]{1,3}\$?\d{1,7}(?:[:+,]\$?[A-Z]{1,3}\$?\d{1,7}){0,50}\)?")
_RANGE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?")
_PATIENCE = 100_000


def without_results(rows: Rows) -> list[tuple[Cell, ...]] | None:
    """Give the rows with their formulas marked as not calculated; None where the zeros may be right."""
    if not _contradicted(rows):
        return None
    return [tuple(_uncalculated(cell) for cell in row) for row in rows]


def _uncalculated(cell: Cell) -> Cell:
    return Cell("", None, "text", cell.format, cell.formula, calculated=False) if cell.formula else cell


def _contradicted(rows: Rows) -> bool:
    patience = _PATIENCE
    for row in rows:
        for cell in row:
            if not cell.formula or not _SUM.fullmatch(cell.formula):
                continue
            total = Decimal(0)
            for match in _RANGE.finditer(cell.formula):
                found = _numbers(rows, match)
                patience -= len(found) + 1
                total += sum((item.value for item in found if item.value is not None and not item.formula), Decimal(0))
            if total:
                return True
            if patience < 0:
                return False
    return False


def _numbers(rows: Rows, match: re.Match[str]) -> list[Cell]:
    top, left = int(match[2]) - 1, column_index(match[1])
    bottom, right = (int(match[4]) - 1, column_index(match[3])) if match[3] else (top, left)
    return [cell for row in rows[max(top, 0) : bottom + 1] for cell in row[left : right + 1]]
