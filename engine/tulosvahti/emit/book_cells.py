"""The sheets of a workbook for auditors: what a cell may hold, how it looks, and how a table is laid out and printed.

A text is never a formula or a link; a formula is only what this engine writes, with the stored value as its result. A
spreadsheet keeps 15 digits: a longer number is rounded in its cell and stands exactly, as text, in its note.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tulosvahti.core.quantity import plain, plain_decimal
from tulosvahti.emit.audit_cells import STORED_DIGITS
from tulosvahti.emit.audit_listing import link_to, sheet_name
from tulosvahti.emit.words import clean, word

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable, Sequence

CREATED = datetime(2000, 1, 1, tzinfo=UTC)
"""Of every workbook, so that the same run gives the same bytes."""
LONGEST_CELL = 32_000
_INKS = {
    "met": ("#E3F2E6", "#14632E"), "on_track": ("#E3F2E6", "#14632E"), "missed": ("#FFE1E1", "#8A1015"),
    "at_risk": ("#FFF1CC", "#6B4000"), "unknown": ("#EFE6F7", "#5B2A86"), "not_due": ("#F1F3F5", "#3F4852"),
    "monitored": ("#F1F3F5", "#3F4852"), "warning": ("#FFF5DC", "#5F3E00"),
}  # fmt: skip
_LOOKS: dict[str, dict[str, object]] = {
    "title": {"bold": True, "font_size": 16},
    "head": {"bold": True, "bg_color": "#1D232B", "font_color": "#FFFFFF", "text_wrap": True, "valign": "vcenter"},
    "label": {"bold": True},
    "total": {"bold": True, "bg_color": "#E9EEF4", "top": 1},
    "sum": {"bold": True, "bg_color": "#E9EEF4"},
    "again": {"italic": True, "font_color": "#0B5394"},
    "code": {"font_name": "Consolas", "font_size": 9, "text_wrap": False},
    "plain": {"text_wrap": True},
    "line": {"text_wrap": False},
    "left": {"text_wrap": True},
}


@dataclass(frozen=True)
class Formula:
    """A formula with the value it has in the ledger."""

    text: str
    value: Decimal


@dataclass(frozen=True)
class Link:
    """A place inside the workbook."""

    sheet: str
    cell: str
    text: str


Cell = None | str | int | Decimal | date | Formula | Link


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading and its width in characters."""

    head: str
    width: int
    look: str = "plain"


class Book:
    """A workbook under way."""

    def __init__(self, stream: io.BytesIO, title: str, language: str, footer: str) -> None:
        import xlsxwriter  # type: ignore[import-untyped]  # noqa: PLC0415 (only where a workbook is written)

        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
        self.file = xlsxwriter.Workbook(stream, options)
        self.file.set_properties({"title": clean(title)[:255], "created": CREATED, "comments": "Tulosvahti"})
        self.language = language
        self.long_numbers = 0
        self._footer = clean(footer).replace("&", "&&")[:100]
        self._looks: dict[tuple[str, str, bool], Any] = {}
        self._names: list[str] = []

    def name(self, wanted: str) -> str:
        """Give a sheet its name before it is written, so that others can link to it."""
        self._names.append(sheet_name(clean(wanted), self._names))
        return self._names[-1]

    def sheet(self, name: str, *, landscape: bool = True) -> Any:  # noqa: ANN401 (XlsxWriter ships no types)
        """Add a sheet, set up for print on A4."""
        sheet = self.file.add_worksheet(name)
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        if landscape:
            sheet.set_landscape()
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.set_footer(f"&L&8{self._footer}&C&8&A&R&8&P / &N")
        return sheet

    def look(self, kind: str, number: str = "", *, quoted: bool = False) -> Any:  # noqa: ANN401
        """Give a format, each made once."""
        key = kind, number, quoted
        if key not in self._looks:
            look: dict[str, object] = {"font_name": "Arial", "font_size": 10, "valign": "top"}
            if kind in _INKS:
                fill, ink = _INKS[kind]
                look |= {"bg_color": fill, "font_color": ink, "bold": True, "text_wrap": True}
            elif kind == "link":
                look |= {"font_color": "#0B5394", "underline": 1}
            else:
                look |= _LOOKS[kind]
            if number:
                look |= {"num_format": number, "text_wrap": False, "align": "left" if kind == "left" else "right", "indent": int(kind != "left")}
            if quoted:
                look["quote_prefix"] = True
            self._looks[key] = self.file.add_format(look)
        return self._looks[key]

    def put(self, sheet: Any, row: int, column: int, cell: Cell, kind: str = "plain") -> None:  # noqa: ANN401
        """Write one cell."""
        if isinstance(cell, Link):
            text = clean(cell.text)[:255]
            sheet.write_url(row, column, f"internal:{link_to(cell.sheet, cell.cell)}", self.look("link"), text)
        elif isinstance(cell, Formula):
            value = int(cell.value) if cell.value == cell.value.to_integral_value() and fits(cell.value) else float(cell.value)
            sheet.write_formula(row, column, cell.text, self.look(kind, _format(cell.value)), value)
        elif isinstance(cell, date):
            number = "yyyy-mm-dd" if self.language == "en" else "d.m.yyyy"
            sheet.write_datetime(row, column, datetime(cell.year, cell.month, cell.day), self.look(kind, number))  # noqa: DTZ001
        elif isinstance(cell, int | Decimal):
            self._number(sheet, row, column, Decimal(cell), kind)
        elif cell:
            text = _cut(cell)
            sheet.write_string(row, column, text, self.look(kind, quoted=text[:1] in {"=", "+", "-", "@"}))
        else:
            sheet.write_blank(row, column, None, self.look(kind))

    def _number(self, sheet: Any, row: int, column: int, value: Decimal, kind: str) -> None:  # noqa: ANN401
        sheet.write_number(row, column, float(value), self.look(kind, _format(value)))
        if not fits(value):
            self.long_numbers += 1
            note = word("book.exact_note", self.language, value=plain(value))
            sheet.write_comment(row, column, note, {"author": "Tulosvahti", "x_scale": 2})

    def table(
        self, sheet: Any, top: int, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], kinds: Sequence[dict[int, str]] = ()  # noqa: ANN401
    ) -> int:  # fmt: skip
        """Lay a table out below ``top`` with its heading frozen and filtered; gives the row after it.

        ``kinds``: for each row, columns that look otherwise than theirs.
        """
        for number, column in enumerate(columns):
            sheet.set_column(number, number, column.width)
            sheet.write_string(top, number, clean(column.head), self.look("head"))
        sheet.set_row(top, height([(f"{column.head}  ", column.width) for column in columns]))
        last = top
        for last, row in enumerate(rows, top + 1):
            own = kinds[last - top - 1] if kinds else {}
            sheet.set_row(last, height([(cell, columns[n].width) for n, cell in enumerate(row) if own.get(n, columns[n].look) in {"plain", "left"}]))
            for number, cell in enumerate(row):
                self.put(sheet, last, number, cell, own.get(number, columns[number].look))
        if last == top:
            self.put(sheet, top + 1, 0, word("book.none", self.language))
        sheet.freeze_panes(top + 1, 0)
        sheet.autofilter(top, 0, max(last, top + 1), len(columns) - 1)
        sheet.repeat_rows(top)
        sheet.print_area(0, 0, max(last, top + 1), len(columns) - 1)
        return last + 1


def height(cells: Iterable[tuple[Cell, int]]) -> float:
    """Estimate the height of a row of wrapped cells and their widths: not every program does it by itself."""
    lines = 1
    for cell, width in cells:
        text = cell if isinstance(cell, str) else ""
        lines = max(lines, sum(1 + int(len(line) / (width * 1.2)) for line in text.split("\n")))
    return min(3 + 13 * lines, 400)


def fits(value: Decimal) -> bool:
    """Tell whether a spreadsheet keeps a number exactly."""
    return len(plain_decimal(value).as_tuple().digits) <= STORED_DIGITS and abs(value.adjusted()) < 300


def _format(value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    places = max(-exponent, 0) if isinstance(exponent, int) else 0
    return "#,##0" + ("." + "0" * min(places, 15) if places else "")


def _cut(text: str) -> str:
    kept = "\n".join(clean(line) for line in text.splitlines()).strip()
    return kept if len(kept) <= LONGEST_CELL else kept[: LONGEST_CELL - 1] + "…"
