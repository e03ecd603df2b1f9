"""Tables of web pages, also of those that are named as workbooks: each ``<table>`` is a sheet, broken tags and all.

Convention: a table inside a table is a sheet of its own, and not part of the cell it stands in; tables are numbered
from 1 in the order in which they begin. A cell that spans several has its value in the top left one.
All cells are texts but those of pages that a spreadsheet program saved, which keep the number beside the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from tulosvahti.core.sheet import Area
from tulosvahti.load.sheets.decoding import decoded
from tulosvahti.load.sheets.numerals import plain, stored
from tulosvahti.load.sheets.reading import BrokenSheetError, RefusedError
from tulosvahti.load.sheets.wire import NUMBER, TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tulosvahti.load.sheets.wire import WireCell, Writer

_UNSEEN = frozenset({"script", "style", "template"})
_APART = frozenset({"p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "dd", "dt", "hr", "br"})
_SPACE = re.compile(r"[ \t\r\n\f]+")
_HIDDEN = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))", re.IGNORECASE)
_RAISED = str.maketrans("0123456789+-()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾")
_LOWERED = str.maketrans("0123456789+-()", "₀₁₂₃₄₅₆₇₈₉₊₋₍₎")
_MOST_SPANNED = 1000
_MOST_NESTED = 100

Marks = dict[str, str]


@dataclass
class _Cell:
    """A cell while its text comes in; ``down`` and ``right``: how many rows and columns it spans."""

    down: int = 1
    right: int = 1
    pieces: list[str] = field(default_factory=list)
    value: str | None = None
    formula: str = ""
    hidden: bool = False

    @property
    def text(self) -> str:
        """The text: white space joined, no-break spaces kept."""
        return _SPACE.sub(" ", "".join(self.pieces)).strip(" \t\r\n\f")


@dataclass
class _Table:
    number: int
    hidden: bool = False
    rows: list[tuple[list[_Cell], bool]] = field(default_factory=list)
    open: _Cell | None = None


def read(path: Path, out: Writer) -> None:
    """Read the tables of a page.

    Raises:
        RefusedError: it is no text, or a limit is passed.

    """
    read_as = decoded(path.read_bytes(), declared=True)
    if read_as is None:
        msg = "page is not text in any known encoding"
        raise RefusedError(msg, next_step="save the page as UTF-8")
    page = _Page()
    page.feed(read_as.text)
    page.close()
    if read_as.odd:
        out.notice("encoding", read_as.encoding)
    tables = [table for table in page.tables if any(cells for cells, _ in table.rows)]
    out.total(len(tables))
    for table in tables:
        out.sheet(f"#{table.number}", hidden=table.hidden)
        try:
            _write(table, out)
        except BrokenSheetError as error:
            out.drop()
            out.problem(f"table {table.number} cannot be read: {error}", next_step="save the table as XLSX or CSV")


class _Page(HTMLParser):
    """Collects the tables of a page; what is missing of end tags is understood as browsers do."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[_Table] = []
        self._open: list[_Table] = []
        self._unseen = 0
        self._raised = self._lowered = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        marks = {name: text or "" for name, text in attrs}
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "table":
            self._begin(marks)
        elif not self._open:
            return
        elif tag == "tr":
            self._close_cell()
            self._open[-1].rows.append(([], _hidden(marks)))
        elif tag in ("td", "th"):
            self._begin_cell(marks)
        elif tag in ("sup", "sub"):
            self._shift(tag, 1)
        else:
            self._part(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element without content; ``<td/>`` is a cell all the same."""
        if tag not in _UNSEEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """End an element; ends that nothing began are nothing."""
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif not self._open:
            return
        elif tag == "table":
            self._close_cell()
            self._open.pop()
        elif tag in ("td", "th", "tr"):
            self._close_cell()
        elif tag in ("sup", "sub"):
            self._shift(tag, -1)
        else:
            self._part(tag)

    def handle_data(self, data: str) -> None:
        """Take text: of the cell that is open, if one is."""
        if self._unseen or not self._open or (cell := self._open[-1].open) is None:
            return
        if self._raised:
            data = data.translate(_RAISED)
        elif self._lowered:
            data = data.translate(_LOWERED)
        cell.pieces.append(data)

    def _begin(self, marks: Marks) -> None:
        hidden = _hidden(marks) or any(table.hidden for table in self._open[-1:])
        table = _Table(len(self.tables) + 1, hidden)
        self.tables.append(table)
        if len(self._open) < _MOST_NESTED:
            self._open.append(table)

    def _begin_cell(self, marks: Marks) -> None:
        self._close_cell()
        table = self._open[-1]
        if not table.rows:
            table.rows.append(([], False))
        cell = _Cell(_span(marks, "rowspan"), _span(marks, "colspan"), hidden=_hidden(marks))
        # Programs that save workbooks as pages keep the number and the formula beside the text.
        cell.value = stored(marks.get("x:num") or marks.get("sdval") or "")
        cell.formula = marks.get("x:fmla", "")
        table.rows[-1][0].append(cell)
        table.open = cell

    def _close_cell(self) -> None:
        self._open[-1].open = None
        self._raised = self._lowered = 0

    def _shift(self, tag: str, by: int) -> None:
        # A footnote's mark must not become a digit of the number before it.
        if tag == "sup":
            self._raised = max(self._raised + by, 0)
        else:
            self._lowered = max(self._lowered + by, 0)

    def _part(self, tag: str) -> None:
        if tag in _APART and self._open[-1].open is not None:
            self._open[-1].open.pieces.append(" ")


def _hidden(marks: Marks) -> bool:
    return "hidden" in marks or _HIDDEN.search(marks.get("style", "")) is not None


def _span(marks: Marks, name: str) -> int:
    match = re.match(r"\s*(\d{1,9})", marks.get(name, ""))
    return min(max(int(match[1]), 1), _MOST_SPANNED) if match else 1


def _write(table: _Table, out: Writer) -> None:
    merged: list[Area] = []
    shown: dict[int, bool] = {}
    for cells in _rows(table, merged, shown):
        out.row(cells)
    last = out.rows - 1
    areas = [Area(area.top, area.left, min(area.bottom, last), area.right) for area in merged]
    out.end(
        merged=[area for area in areas if (area.top, area.left) != (area.bottom, area.right)],
        hidden_rows=[(at, at) for at, (_, hidden) in enumerate(table.rows) if hidden],
        hidden_columns=[(at, at) for at, seen in shown.items() if not seen],
    )


def _rows(table: _Table, merged: list[Area], shown: dict[int, bool]) -> Iterator[list[WireCell]]:
    """Lay the cells out as a browser does: each in the first place that no cell from above takes.

    ``merged`` and ``shown`` are filled on the way: the areas, and whether a cell of a column is seen.
    """
    taken: dict[int, int] = {}
    for row, (cells, _) in enumerate(table.rows):
        line: list[WireCell] = []
        column = 0
        for cell in cells:
            while taken.get(column, 0) > row:
                column += 1
            line += [0] * (column - len(line))
            line.append(_made(cell))
            if cell.down > 1 or cell.right > 1:
                merged.append(Area(row, column, row + cell.down - 1, column + cell.right - 1))
            for at in range(column, column + cell.right):
                taken[at] = row + cell.down
            shown[column] = shown.get(column, False) or not cell.hidden
            column += cell.right
        yield line


def _made(cell: _Cell) -> WireCell:
    text = cell.text
    if cell.value is not None:
        return [text or plain(cell.value), NUMBER, cell.value, -1, cell.formula]
    return [text, TEXT, "", -1, cell.formula] if cell.formula else text
