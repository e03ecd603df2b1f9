"""Plain text: a sheet where a character parts its cells, else a page of lines.

Convention: the row number of a cell is the number of its record, blank records counted; a quoted cell may hold line
ends. Nothing is trimmed: spaces before a label tell its depth.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tulosvahti.core.page import TextPage
from tulosvahti.core.sheet import BLANK, Cell, Notice, Sheet
from tulosvahti.load.sheets.dialect import chosen
from tulosvahti.load.sheets.formats import ending
from tulosvahti.load.sheets.quoting import Dialect, records
from tulosvahti.load.sheets.reading import Reading, RefusedError, printable

if TYPE_CHECKING:
    from tulosvahti.load.sheets.reading import Limits

_TABLES = ("csv", "tsv", "tab")
_DECLARED = re.compile(r"\"?sep=([^\r\n\"])\"?\r?\n", re.IGNORECASE)
"""The line with which a file tells Excel its delimiter; it is record 1, and blank."""


def read(path: Path, text: str, limits: Limits) -> Reading:
    """Read a text.

    Raises:
        RefusedError: more cells than is allowed.

    """
    if not text.strip():
        msg = "file has nothing but white space"
        raise RefusedError(msg, next_step="deliver the file again, with its table")
    name = printable(Path(path.name))
    said = _DECLARED.match(text)
    dialect = Dialect(said[1]) if said else chosen(text, table=ending(path) in _TABLES)
    if dialect is None:
        return Reading(printable(path), pages=(TextPage(name, tuple(_lines(text))),))
    notices = []
    rows, literal = _rows(text, dialect, limits)
    if said:
        rows[0] = ()
        notices.append(Notice("separator_line", ("A1",), (said[1],)))
    if literal:
        notices.append(Notice("unclosed_quote", tuple(f"{line}:1" for line in literal)))
    return Reading(printable(path), (Sheet(name, tuple(rows), notices=tuple(notices)),))


def _lines(text: str) -> list[str]:
    """Cut at line ends only; the other characters at which Python cuts may stand inside a line."""
    lines = [line.rstrip("\r\n") for line in io.StringIO(text, newline="")]
    return lines or [""]


def _rows(text: str, dialect: Dialect, limits: Limits) -> tuple[list[tuple[Cell, ...]], list[int]]:
    """Give the rows, and the lines whose quote is never closed and so stands for itself."""
    known: dict[str, Cell] = {"": BLANK}
    rows: list[tuple[Cell, ...]] = []
    literal: list[int] = []
    left = limits.cells
    for record in records(list(io.StringIO(text, newline="")), dialect, literal):
        left -= len(record) + 1
        if left < 0:
            msg = f"file has more than {limits.cells} cells"
            raise RefusedError(msg, f"at most {limits.cells} cells", "split the file")
        row = []
        for cell in record:
            found = known.get(cell)
            if found is None:
                found = known[cell] = Cell(cell)
            row.append(found)
        rows.append(tuple(row))
    return rows, literal
