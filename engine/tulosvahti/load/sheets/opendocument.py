"""OpenDocument sheets (ODS, and FODS which is the same in one XML file), as their XML streams in.

Convention: rows and columns count from 0. Equal neighbours are stored once with a count: a repeated row is sent once
with its count, and the empty rest of a sheet, a million rows, not at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tulosvahti.core.sheet import Area
from tulosvahti.load.sheets.archive import DAMAGE, Archive, parse, parser, walk
from tulosvahti.load.sheets.numerals import is_numeral, of_float, plain, stored
from tulosvahti.load.sheets.open_formula import translated
from tulosvahti.load.sheets.reading import BrokenSheetError, RefusedError
from tulosvahti.load.sheets.wire import DATE, ERROR, NUMBER, TEXT, TRUTH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tulosvahti.load.sheets.wire import WireCell, Writer

_DIGITS = 15
_WIDEST = 16_384
_NUMBERS = frozenset({"float", "percentage", "currency"})
_ASIDE = frozenset({
    "office:annotation", "table:tracked-changes", "table:shapes", "draw:frame", "draw:g", "draw:custom-shape",
    "draw:rect", "draw:line", "draw:control", "table:named-expressions", "text:ruby-text", "text:note",
})  # fmt: skip
"""What stands in or beside cells and is not their text: comments, shapes, deleted cells."""
_ERROR = re.compile(r"#[A-Z0-9/]+[!?]?|Err:\d+|#[^\s#]+[!?]")
"""What a formula prints that has no result; old programs store a 0 behind it."""


def read(path: Path, out: Writer) -> None:
    """Read the sheets of a document.

    Raises:
        RefusedError: it has a password, is no document, or a limit is passed.

    """
    with path.open("rb") as file:
        zipped = file.read(2) == b"PK"
    if not zipped:
        _document(_flat(path), out)
        return
    with Archive(path, out.limits.unpacked) as archive:
        if _encrypted(archive):
            msg = "file is a workbook with a password"
            raise RefusedError(msg, next_step="save it without a password")
        _document(archive.chunks("content.xml"), out)


def _flat(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(1 << 16):
            yield piece


def _encrypted(archive: Archive) -> bool:
    found: set[str] = set()
    try:
        walk(archive.chunks("META-INF/manifest.xml"), lambda tag, _: found.add(tag))
    except (BrokenSheetError, *DAMAGE):
        return False
    return "encryption-data" in found


def _document(pieces: Iterator[bytes], out: Writer) -> None:
    reader = _Reader(out)
    try:
        parse(reader.parser, pieces)
    except (BrokenSheetError, *DAMAGE) as error:
        reader.drop()
        step = "open the document in a spreadsheet program and save it again"
        msg = f"document cannot be read to its end: {error}"
        raise RefusedError(msg, next_step=step) from error


class _Reader:
    """Takes the elements of a document and gives its sheets to the writer."""

    def __init__(self, out: Writer) -> None:
        self._out = out
        self._aside = self._depth = 0
        self._style, self._hidden_styles = "", set()  # type: str, set[str]
        self._begin()
        self._marks: dict[str, str] = {}
        self._row_marks: dict[str, str] = {}
        self._text: list[str] = []
        self._paragraphs = self._in_text = 0
        self.parser = parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data

    def _begin(self) -> None:
        self._sheet = self._broken = ""
        self._row: list[WireCell] = []
        self._gap = self._blank_rows = self._number = self._column = 0
        self._numerals: list[tuple[int, str]] = []
        self._merged: list[Area] = []
        self._hidden_rows: list[tuple[int, int]] = []
        self._hidden_columns: list[tuple[int, int]] = []

    def drop(self) -> None:
        """Forget a sheet that was not read to its end."""
        if self._depth:
            self._out.drop()

    def _start(self, tag: str, marks: dict[str, str]) -> None:
        if self._aside or tag in _ASIDE or (self._depth and tag == "table:table"):
            self._aside += 1
        elif tag in ("table:table-cell", "table:covered-table-cell"):
            self._marks, self._paragraphs = marks, 0
            self._text.clear()
        elif tag == "text:p":
            if self._paragraphs:
                self._text.append("\n")
            self._paragraphs += 1
            self._in_text += 1
        elif self._in_text:
            self._inside(tag, marks)
        elif tag == "table:table-row":
            self._row_marks = marks
            self._row, self._gap, self._numerals = [], 0, []
        elif tag == "table:table":
            self._open(marks)
        else:
            self._around(tag, marks)

    def _inside(self, tag: str, marks: dict[str, str]) -> None:
        if tag == "text:s":
            self._text.append(" " * min(_count(marks, "text:c"), 1000))
        elif tag in ("text:tab", "text:line-break"):
            self._text.append("\t" if tag == "text:tab" else "\n")

    def _around(self, tag: str, marks: dict[str, str]) -> None:
        if tag == "style:style":
            self._style = marks.get("style:name", "")
        elif tag == "style:table-properties" and marks.get("table:display") == "false":
            self._hidden_styles.add(self._style)
        elif tag == "table:table-column":
            count = _count(marks, "table:number-columns-repeated")
            if marks.get("table:visibility") in ("collapse", "filter"):
                self._hidden_columns.append((self._column, self._column + count - 1))
            self._column += count
        elif tag == "office:spreadsheet":
            self._out.total(0)

    def _open(self, marks: dict[str, str]) -> None:
        self._depth += 1
        self._begin()
        self._sheet = marks.get("table:name", "")
        self._out.sheet(f"!{self._sheet}", hidden=marks.get("table:style-name", "") in self._hidden_styles)

    def _data(self, text: str) -> None:
        if self._in_text and not self._aside:
            self._text.append(text)

    def _end(self, tag: str) -> None:
        if self._aside:
            self._aside -= 1
        elif tag in ("table:table-cell", "table:covered-table-cell"):
            self._cell()
        elif tag == "text:p":
            self._in_text -= 1
        elif tag == "table:table-row":
            self._end_row()
        elif tag == "table:table":
            self._close()

    def _close(self) -> None:
        self._depth -= 1
        if self._broken:
            self._out.drop()
            step = "delete the unused rows and columns; the other sheets are read"
            self._out.problem(f"sheet {self._sheet!r} cannot be read: {self._broken}", next_step=step)
            return
        self._out.end(merged=self._merged, hidden_rows=self._hidden_rows, hidden_columns=self._hidden_columns)

    def _cell(self) -> None:
        """Add a cell as often as it is repeated; blank ones only when something follows."""
        marks = self._marks
        count = _count(marks, "table:number-columns-repeated")
        column = len(self._row) + self._gap
        if column + count > _WIDEST * 2:
            self._broken = f"a row has more than {_WIDEST} cells"
            return
        down, right = _count(marks, "table:number-rows-spanned"), _count(marks, "table:number-columns-spanned")
        if down > 1 or right > 1:
            top = self._number
            self._merged.append(Area(top, column, top + down - 1, column + right - 1))
        made = self._typed()
        if made == "":
            self._gap += count
            return
        self._row += [0] * self._gap
        self._gap = 0
        self._row += [made] * count
        if isinstance(made, str) and is_numeral(made):
            self._numerals += [(column + at, made) for at in range(count)]

    def _typed(self) -> WireCell:
        marks, text = self._marks, "".join(self._text)
        formula = translated(marks["table:formula"]) if "table:formula" in marks else ""
        kind = marks.get("office:value-type") or marks.get("calcext:value-type", "")
        if marks.get("calcext:value-type") == "error" or (formula and _ERROR.fullmatch(text)):
            return [text or "#VALUE!", ERROR, "", -1, formula]
        if kind in _NUMBERS:
            number = _exact(marks.get("office:value", ""))
            if number is not None:
                return [text or plain(number), NUMBER, number, self._out.format(_code(kind, text)), formula]
        elif kind in ("date", "time"):
            value = marks.get(f"office:{kind}-value", "")
            return [text or value, DATE, value, -1, formula]
        elif kind == "boolean":
            value = marks.get("office:boolean-value", "")
            return [text or value.upper(), TRUTH, "", -1, formula]
        elif not self._paragraphs:
            text = marks.get("office:string-value", "")
        if not formula:
            return text
        if not kind and not self._paragraphs:
            return ["", TEXT, "", -1, formula, 0]
        return [text, TEXT, "", -1, formula]

    def _end_row(self) -> None:
        marks = self._row_marks
        count = _count(marks, "table:number-rows-repeated")
        if marks.get("table:visibility") in ("collapse", "filter"):
            self._hidden_rows.append((self._number, self._number + count - 1))
        self._number += count
        if not self._row or self._broken:
            self._blank_rows += count
            return
        try:
            if self._blank_rows:
                self._out.row([], self._blank_rows)
                self._blank_rows = 0
            self._out.row(self._row, count, self._numerals)
        except BrokenSheetError as error:
            self._broken = str(error)


def _count(marks: dict[str, str], name: str) -> int:
    text = marks.get(name)
    if text is None:
        return 1
    return max(int(text), 1) if len(text) < 10 and text.isdigit() else 1  # noqa: PLR2004


def _exact(text: str) -> str | None:
    """Give a stored number to 15 digits; whole numbers as they are."""
    number = stored(text)
    if number is None or len(re.sub(r"\D", "", number).lstrip("0")) <= _DIGITS or "." not in number:
        return number
    return of_float(float(number))


def _code(kind: str, text: str) -> str:
    """Give the number format in Excel's words, as far as the type and the printed digits tell."""
    if kind == "float":
        return ""
    match = re.search(r"\d[.,](\d+)\D*\Z", text)
    digits = "0." + "0" * len(match[1]) if match else "0"
    if kind == "percentage":
        return f"{digits}%"
    return f"#,##{digits}" if len(digits) > 1 else "#,##0"
