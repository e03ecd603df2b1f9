"""Old and binary Excel workbooks (XLS, XLSB), by way of calamine: values, merged ranges and hidden sheets.

Convention: what calamine does not give (formulas, hidden rows and columns) is absent, which the notice ``formulas_unread``
says of the file; errors and percents come from ``binary_marks``, and the notice's detail ``formats`` says that they did.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from tulosvahti.core.sheet import Area
from tulosvahti.load.sheets.archive import DAMAGE
from tulosvahti.load.sheets.binary_marks import Marks, marks_of
from tulosvahti.load.sheets.number_format import compiled
from tulosvahti.load.sheets.numerals import is_numeral, of_float, plain
from tulosvahti.load.sheets.reading import BrokenSheetError, RefusedError
from tulosvahti.load.sheets.wire import DATE, ERROR, NUMBER, TEXT, TRUTH

if TYPE_CHECKING:
    from pathlib import Path

    from tulosvahti.load.sheets.wire import WireCell, Writer

_ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#DATA!", "#GETTING_DATA"})
_LEFT_OUT = (SheetTypeEnum.ChartSheet, SheetTypeEnum.Vba, SheetTypeEnum.DialogSheet)


def read(path: Path, out: Writer) -> None:
    """Read the sheets of a workbook.

    Raises:
        RefusedError: it has a password, cannot be opened, or a limit is passed.

    """
    try:
        # By what is in it: by its name, an XLSB that is called .xls would not be opened.
        with path.open("rb") as file:
            book = CalamineWorkbook.from_filelike(file)
    except PasswordError as error:
        msg = "file is a workbook with a password"
        raise RefusedError(msg, next_step="save it without a password") from error
    except CalamineError as error:
        msg = f"workbook cannot be opened: {error}"
        step = "open it in a spreadsheet program and save it as XLSX"
        raise RefusedError(msg, next_step=step) from error
    marks = marks_of(path)
    out.notice("formulas_unread", *(["formats"] if marks is not None else []))
    sheets = [item for item in book.sheets_metadata if item.typ not in _LEFT_OUT]
    out.total(len(sheets))
    for item in sheets:
        out.sheet(f"!{item.name}", hidden=item.visible != SheetVisibleEnum.Visible)
        try:
            _sheet(book, item.name, out, (marks or {}).get(item.name, Marks()))
        except (CalamineError, BrokenSheetError, *DAMAGE) as error:
            out.drop()
            step = "open the workbook in a spreadsheet program and save it as XLSX; its other sheets are read"
            out.problem(f"sheet {item.name!r} cannot be read: {error}", next_step=step)


def _sheet(book: CalamineWorkbook, name: str, out: Writer, marks: Marks) -> None:
    sheet = book.get_sheet_by_name(name)
    top, left = sheet.start or (0, 0)
    if top:
        out.row([], top)
    for values in sheet.to_python(skip_empty_area=True):
        cells: list[WireCell] = [0] * left
        cells += [_cell(value) for value in values]
        if marks.errors or marks.percents:
            _mark(cells, out, marks)
        numerals = [(at, cell) for at, cell in enumerate(cells) if isinstance(cell, str) and is_numeral(cell)]
        out.row(cells, numerals=numerals)
    areas = [Area(*first, *last) for first, last in sheet.merged_cell_ranges or ()]
    out.end(merged=[area for area in areas if (area.top, area.left) != (area.bottom, area.right)])


def _mark(cells: list[WireCell], out: Writer, marks: Marks) -> None:
    """Put the errors and percents of the next row into its cells."""
    row = out.rows
    for column, cell in enumerate(cells):
        if error := marks.errors.get((row, column)):
            cells[column] = [error, ERROR]
        elif (code := marks.percents.get((row, column))) and isinstance(cell, list) and cell[1] == NUMBER:
            cells[column] = [compiled(code).shown(cell[2]), NUMBER, cell[2], out.format(code)]


def _cell(value: Any) -> WireCell:  # noqa: ANN401 - what calamine gives
    if isinstance(value, str):
        return [value, ERROR] if value in _ERRORS else value
    if isinstance(value, bool):
        return ["TRUE" if value else "FALSE", TRUTH]
    if isinstance(value, int | float):
        number = str(value) if isinstance(value, int) else of_float(value)
        return [plain(number), NUMBER, number] if number is not None else [str(value), TEXT]
    return [_moment(value), DATE]


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return str(value.date() if value.time() == time() else value.replace(microsecond=0))
    if isinstance(value, timedelta):
        minutes, second = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}"
    return value.isoformat() if isinstance(value, date | time) else str(value)
