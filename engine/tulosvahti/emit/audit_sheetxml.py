"""One worksheet's XML with marked cells: styles set where cells stand, blank cells put in, a drawing of notes named.

Convention: rows and columns count from 0.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tulosvahti.core.sheet import a1
from tulosvahti.emit.audit_xml import (
    Edit,
    UnpatchableError,
    ascii_bytes,
    edited,
    is_empty,
    parse,
    tag_end,
    unclosed,
    with_attribute,
    without_attribute,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from xml.parsers.expat import XMLParserType

    from tulosvahti.core.audited import Position

_BEFORE_DRAWING = frozenset(
    {
        "sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr",
        "sheetProtection", "protectedRanges", "scenarios", "autoFilter", "sortState", "dataConsolidate",
        "customSheetViews", "mergeCells", "phoneticPr", "conditionalFormatting", "dataValidations",
        "hyperlinks", "printOptions", "pageMargins", "pageSetup", "headerFooter", "rowBreaks", "colBreaks",
        "customProperties", "cellWatches", "ignoredErrors", "smartTags", "drawing", "legacyDrawing",
    }
)  # fmt: skip
"""What stands in a worksheet before the drawing of its notes, and that itself."""
_STYLE = re.compile(rb"""\ss\s*=\s*["'](\d+)""")
DEFAULT_WIDTH, DEFAULT_HEIGHT = 64, 20
"""Pixels of a column and a row that nothing is said of."""


@dataclass
class _Row:
    start: int
    style: int = -1
    height: float = 0.0
    closing: int = 0
    cells: dict[int, int] = field(default_factory=dict)


@dataclass
class SheetMap:
    """Where things stand in a worksheet; ``rows`` by number, with the cells of those that were wanted."""

    prefix: str = ""
    rows: dict[int, _Row] = field(default_factory=dict)
    columns: list[tuple[int, int, int, float]] = field(default_factory=list)
    data: tuple[int, int] = (0, 0)
    drawing_at: int = 0
    legacy: str = ""

    def style_of(self, position: Position) -> int:
        """Give the style of a place without a cell: its row's, else its column's."""
        row = self.rows.get(position[0])
        if row and row.style >= 0:
            return row.style
        return next((style for first, last, style, _ in self.columns if first <= position[1] <= last), 0)

    def width(self, column: int) -> int:
        """Give a column's width in pixels."""
        found = next((w for first, last, _, w in self.columns if first <= column <= last and w >= 0), None)
        return DEFAULT_WIDTH if found is None else round(found * 7 + 5) if found else 0

    def height(self, row: int) -> int:
        """Give a row's height in pixels."""
        found = self.rows.get(row)
        return round(found.height * 4 / 3) if found and found.height else DEFAULT_HEIGHT


def map_sheet(data: bytes, wanted: Collection[int]) -> SheetMap:
    """Read where the rows of a worksheet stand, and the cells of the wanted rows.

    Raises:
        UnpatchableError: it is not well-formed, or no worksheet.

    """
    found = SheetMap()
    reader = _Reader(found, frozenset(wanted))
    parse(data, reader.start, reader.end)
    if not reader.worksheet or not found.data[1]:
        msg = "a sheet has no cells to mark"
        raise UnpatchableError(msg)
    start, end = reader.last_before
    opened = tag_end(data, start)
    found.drawing_at = opened if is_empty(data, opened) else data.index(b">", end) + 1
    return found


class _Reader:
    """What expat calls while a sheet is read."""

    def __init__(self, found: SheetMap, wanted: frozenset[int]) -> None:
        self._found, self._wanted = found, wanted
        self._depth = 0
        self._row, self._column = -1, -1
        self.worksheet = False
        self._at = 0
        self.last_before = 0, 0

    def start(self, parser: XMLParserType, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        local = name.rpartition(":")[2]
        at = parser.CurrentByteIndex
        if self._depth == 1:
            self._found.prefix = name[: -len(local)]
            self.worksheet = local == "worksheet"
        elif self._depth == 2:
            self._at = at
            if local == "sheetData":
                self._found.data = (at, 0)
            if local == "legacyDrawing":
                self._found.legacy = next((v for k, v in attributes.items() if k.rpartition(":")[2] == "id"), "")
        elif self._depth == 3 and local == "col":
            self._take_columns(attributes)
        elif self._depth == 3 and local == "row":
            self._take_row(at, attributes)
        elif self._depth == 4 and local == "c" and self._row >= 0:
            self._column = _column(attributes["r"]) if "r" in attributes else self._column + 1
            if self._row in self._wanted:
                self._found.rows[self._row].cells[self._column] = at

    def end(self, parser: XMLParserType, name: str) -> None:
        local = name.rpartition(":")[2]
        at = parser.CurrentByteIndex
        if self._depth == 3 and local == "row" and self._row in self._found.rows:
            self._found.rows[self._row].closing = at
        elif self._depth == 2 and local in _BEFORE_DRAWING:
            self.last_before = self._at, at
            if local == "sheetData":
                self._found.data = (self._found.data[0], at)
        self._depth -= 1

    def _take_row(self, at: int, attributes: dict[str, str]) -> None:
        self._row = int(attributes["r"]) - 1 if "r" in attributes else self._row + 1
        self._column = -1
        own = attributes.get("customFormat") in {"1", "true"}
        style = int(attributes.get("s", "0")) if own else -1
        self._found.rows[self._row] = _Row(at, style, float(attributes.get("ht", "0") or 0))

    def _take_columns(self, attributes: dict[str, str]) -> None:
        hidden = attributes.get("hidden") in {"1", "true"}
        width = 0.0 if hidden else float(attributes.get("width", "-1") or -1)
        span = int(attributes.get("min", "1")) - 1, int(attributes.get("max", "1")) - 1
        self._found.columns.append((*span, int(attributes.get("style", "0")), width))


def _column(reference: str) -> int:
    number = 0
    for character in reference:
        if not character.isalpha():
            break
        number = number * 26 + ord(character.upper()) - 64
    return number - 1


def marked_sheet(
    data: bytes,
    found: SheetMap,
    kinds: Mapping[Position, str],
    style: Callable[[int, str], int],
    legacy: tuple[str, str] | None,
) -> bytes:
    """Give the worksheet with its marked cells; ``style`` makes a marked style of one that a cell has.

    ``legacy``: the relationship of a new drawing of notes, and the namespace of relationships.
    """
    edits: list[Edit] = []
    by_row: dict[int, dict[int, str]] = {}
    for (row, column), kind in kinds.items():
        by_row.setdefault(row, {})[column] = kind
    for row, marks in sorted(by_row.items()):
        if row in found.rows:
            edits += _in_row(data, found, row, marks, style)
    edits += _new_rows(data, found, {row: marks for row, marks in by_row.items() if row not in found.rows}, style)
    if legacy is not None:
        name, space = legacy
        text = f'<{found.prefix}legacyDrawing xmlns:r="{space}" r:id="{name}"/>'
        edits.append((found.drawing_at, found.drawing_at, ascii_bytes(text)))
    return edited(data, edits)


def _in_row(
    data: bytes, found: SheetMap, row: int, marks: Mapping[int, str], style: Callable[[int, str], int]
) -> list[Edit]:
    there = found.rows[row]
    edits: list[Edit] = []
    new: list[tuple[int, bytes]] = []
    for column, kind in sorted(marks.items()):
        at = there.cells.get(column)
        if at is None:
            new.append((column, _cell(found, (row, column), style(found.style_of((row, column)), kind))))
            continue
        end = tag_end(data, at)
        tag = data[at:end]
        edits.append((at, end, with_attribute(tag, "s", str(style(_style(tag), kind)))))
    if not new:
        return edits
    opened = tag_end(data, there.start)
    tag = without_attribute(data[there.start : opened], "spans")
    if is_empty(data, opened):
        body = b"".join(text for _, text in new)
        return [*edits, (there.start, opened, unclosed(tag) + body + ascii_bytes(f"</{found.prefix}row>"))]
    edits.append((there.start, opened, tag))
    columns = sorted(there.cells)
    for column, text in new:
        place = bisect_right(columns, column)
        at = there.cells[columns[place]] if place < len(columns) else there.closing
        edits.append((at, at, text))
    return edits


def _style(tag: bytes) -> int:
    found = _STYLE.search(tag)
    return int(found[1]) if found else 0


def _new_rows(
    data: bytes, found: SheetMap, new: Mapping[int, Mapping[int, str]], style: Callable[[int, str], int]
) -> list[Edit]:
    texts = []
    for row, marks in sorted(new.items()):
        cells = b"".join(
            _cell(found, (row, c), style(found.style_of((row, c)), kind)) for c, kind in sorted(marks.items())
        )
        texts.append(
            (row, ascii_bytes(f'<{found.prefix}row r="{row + 1}">') + cells + ascii_bytes(f"</{found.prefix}row>"))
        )
    if not texts:
        return []
    start, closing = found.data
    end = tag_end(data, start)
    if is_empty(data, end):
        body = b"".join(text for _, text in texts)
        return [(start, end, unclosed(data[start:end]) + body + ascii_bytes(f"</{found.prefix}sheetData>"))]
    rows = sorted(found.rows)
    edits = []
    for row, text in texts:
        place = bisect_right(rows, row)
        at = found.rows[rows[place]].start if place < len(rows) else closing
        edits.append((at, at, text))
    return edits


def _cell(found: SheetMap, position: Position, style: int) -> bytes:
    return ascii_bytes(f'<{found.prefix}c r="{a1(*position)}" s="{style}"/>')
