"""Deliveries with a grid: workbooks, JSON and Parquet become records; the table is found by the contract's columns.

Read by ``load.sheets``, in the child process of ``intake_child`` and from the very bytes that are kept.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from tulosvahti.core.sheet import a1
from tulosvahti.load.amounts import MEGABYTE
from tulosvahti.load.headers import LOOK, MOST_ROWS, Header, found_header
from tulosvahti.load.records import Records, UnreadableError, Value
from tulosvahti.load.sheets import Limits, read_sheets
from tulosvahti.load.typed_cells import Book, Said, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tulosvahti.core.contract import Contract, Field
    from tulosvahti.core.sheet import Area, Sheet
    from tulosvahti.load.sheets import Reading

LIMITS = Limits(memory=1024 * MEGABYTE, cells=20_000_000)
_MOST_MERGED = 1_000_000
_SHOWN = 5
_LOST = frozenset({"text_lost", "characters_lost"})


@dataclass(frozen=True)
class Table:
    """Where the table is: the sheet and its header there."""

    sheet: Sheet
    header: Header

    @property
    def last(self) -> int:
        """Give the last row of the header."""
        return self.header.at + self.header.rows - 1


def read_grid(contract: Contract, name: str, path: Path) -> Records:
    """Read the table of a delivery from where it is held; ``name`` is the file's, whose ending promises a format.

    Raises:
        UnreadableError: with what is wrong and what to do.

    """
    with tempfile.TemporaryDirectory(prefix="tulosvahti-") as folder:
        place = Path(folder) / f"delivery{PurePath(name).suffix.lower()}"
        place.symlink_to(path.resolve())
        reading = read_sheets(place, limits=LIMITS, apart=False)
    table, notices = found_table(contract, name, reading)
    # A record of JSON or Parquet is one also where nothing stands in it; a blank row of a sheet is none.
    blank = table.sheet.source == place.name
    return _records(contract, table, Book(
        all(item.code != "formulas_unread" or item.detail for item in reading.notices),
        "days_from_1904" in {item.code for item in reading.notices},
    ), notices, blank=blank)  # fmt: skip


def found_table(contract: Contract, name: str, reading: Reading) -> tuple[Table, list[str]]:
    """Find the table in what was read of a file, and give what is to be said of that.

    Raises:
        UnreadableError: with what is wrong and what to do.

    """
    _refuse(reading)
    table = _found(contract, reading)
    notices = _file_notices(name, reading)
    named = table.sheet.source.partition("!")[2]
    plain = contract.header_row or not table.header.at
    if not ((contract.sheet or len(reading.sheets) == 1 or not named) and plain and (contract.header_rows or table.header.rows == 1)):
        where = f"header on {table.header.where}"
        notices.append(f"the table was found on sheet {named!r}, {where}" if named else f"the table was found, {where}")
    return table, notices


def _refuse(reading: Reading) -> None:
    for problem in reading.problems:
        allowed = f"; allowed: {problem.allowed}" if problem.allowed else ""
        raise UnreadableError(f"{problem.message}{allowed}", problem.next_step or "deliver the file again")
    if reading.pages and not reading.sheets:
        msg = "file is a PDF, whose pages are no table with columns"
        raise UnreadableError(msg, "ask for the table as XLSX or CSV")
    for sheet in reading.sheets:
        for notice in sheet.notices:
            if notice.code in _LOST:
                msg = f"texts of cells are lost: {', '.join(notice.where[:_SHOWN])}"
                raise UnreadableError(msg, "open the file in the program that made it, save it again and deliver it")


def _file_notices(name: str, reading: Reading) -> list[str]:
    found = []
    for notice in reading.notices:
        if notice.code == "opened_by_content":
            found.append(f"{name} is {notice.detail[1].upper()} by its content, and was opened as such")
        elif notice.code == "formulas_unread" and not notice.detail:
            found.append("number formats are not known in this kind of workbook: a percent cell counts as its fraction")
    return found


def _found(contract: Contract, reading: Reading) -> Table:
    """Find the sheet and the header's row: those that the contract names, else where its columns stand."""
    sheets = list(reading.sheets)
    names = [sheet.source.partition("!")[2] for sheet in sheets]
    if contract.sheet:
        if contract.sheet not in names:
            msg = f"there is no sheet {contract.sheet!r}; found: {', '.join(names)}"
            raise UnreadableError(msg, f"name the sheet with `sheet` in {contract.place.file}")
        sheets = [sheets[names.index(contract.sheet)]]
    wanted = {item.column for item in contract.fields}
    tables = [table for sheet in sheets if (table := _header(contract, sheet, wanted)) is not None]
    if not tables:
        msg = f"no row has a column of the contract; wanted: {', '.join(item.column for item in contract.fields)}"
        raise UnreadableError(msg, f"name the table with `sheet` and `header_row` in {contract.place.file}")
    most = max(table.header.known for table in tables)
    best = [table for table in tables if table.header.known == most]
    if len(best) > 1 and any(not table.sheet.hidden for table in best):
        best = [table for table in best if not table.sheet.hidden]
    if len(best) > 1:
        both = ", ".join(repr(table.sheet.source.partition("!")[2] or table.sheet.source) for table in best)
        msg = f"several sheets have the columns of the contract: {both}"
        raise UnreadableError(msg, f"name the one to read with `sheet` in {contract.place.file}")
    return best[0]


def _header(contract: Contract, sheet: Sheet, wanted: set[str]) -> Table | None:
    first = contract.header_row - 1 if contract.header_row else 0
    last = first + MOST_ROWS if contract.header_row else LOOK + MOST_ROWS
    rows = [[cell.text for cell in row] for row in sheet.rows[:last]]
    # A merged range is only one where the file tells merged cells at all.
    merged = [area for area in sheet.merged if area.top < len(rows) and area.right > area.left]
    lefts = _lefts(merged, rows)
    left = (lambda row, column: lefts.get((row, column), column)) if merged else None
    at = first if contract.header_row else None
    found = found_header(rows, wanted, at=at, depth=contract.header_rows, left=left)
    return None if found is None else Table(sheet, found)


def _lefts(merged: Sequence[Area], rows: Sequence[Sequence[str]]) -> dict[tuple[int, int], int]:
    """Give the first column of the merged range that a cell is in; ranges that lie over each other are the first's."""
    width = max(map(len, rows), default=0)
    found: dict[tuple[int, int], int] = {}
    for area in merged:
        if (area.top, area.left) in found or len(found) > _MOST_MERGED:
            continue
        for row in range(area.top, min(area.bottom + 1, len(rows))):
            found |= dict.fromkeys(((row, column) for column in range(area.left, min(area.right + 1, width))), area.left)
    return found


def _records(contract: Contract, table: Table, book: Book, notices: list[str], *, blank: bool) -> Records:
    sheet = table.sheet
    header = table.header.names
    places = [at for at, row in enumerate(sheet.rows) if at > table.last and (blank or not all(cell.blank for cell in row))]
    fill, filled = _merged(sheet, table.last)
    fields = {item.column: item for item in contract.fields}
    name = sheet.source.partition("!")[2]
    columns: list[list[Value]] = []
    for column, title in enumerate(header):
        item = fields.get(title)
        columns.append(_column(sheet, column, item, places, book, fill, notices) if item is not None else [])
    if filled:
        notices.append(f"merged cells hold one value for all their rows: {_few(filled)}")
    notices += hidden_told(len(sheet.hidden_rows.intersection(places)), sheet)
    numbers = [at + 1 for at in places]
    return Records(header, columns, numbers, numbers, {}, name, tuple(notices))


def _column(  # noqa: PLR0913 - one call a column
    sheet: Sheet,
    column: int,
    item: Field,
    places: Sequence[int],
    book: Book,
    fill: dict[tuple[int, int], tuple[int, int]],
    notices: list[str],
) -> list[Value]:
    said = Said()
    values = []
    for at in places:
        cell = sheet.at(*fill.get((at, column), (at, column)))
        values.append("" if cell.blank else value_of(item, cell, book, said, lambda at=at: a1(at, column)))  # type: ignore[misc]
    notices += told(item, said, book)
    return values


def told(item: Field, said: Said, book: Book) -> Iterator[str]:
    """Give what is to be said of the cells of a column."""
    if said.percent:
        mixed = f"; {said.bare} cells beside them are plain numbers and stay as they are" if said.bare else ""
        yield f"column {item.column!r}: percent cells are read as percentages, 0.57 shown as 57 % as 57: {_few(said.percent)}{mixed}"
    if said.as_text:
        yield f"column {item.column!r}: number stored as text: {_few(said.as_text)}"
    if said.serial:
        start = "1904-01-01" if book.from_1904 else "1900-01-01"
        yield f"column {item.column!r}: numbers read as days from {start}: {_few(said.serial)}"
    if said.filled:
        yield f"column {item.column!r}: codes that lost their leading zeros are filled up to {item.code_length} digits: {_few(said.filled)}"


def hidden_told(rows: int, sheet: Sheet) -> Iterator[str]:
    """Give what is to be said of hidden rows, so many of which are counted, and of values under merged cells."""
    if rows:
        yield f"{rows} hidden rows are counted as any other"
    under = [place for notice in sheet.notices if notice.code == "value_under_merge" for place in notice.where]
    if under:
        yield f"merged cells hide values that are counted: {_few(under)}"


def _merged(sheet: Sheet, header: int) -> tuple[dict[tuple[int, int], tuple[int, int]], list[str]]:
    """Give each blank cell below the first of a merged range its first cell; a range across columns fills no other."""
    fill: dict[tuple[int, int], tuple[int, int]] = {}
    filled = []
    for area in sheet.merged:
        if area.top <= header or area.bottom == area.top or (area.top + 1, area.left) in fill:
            continue
        filled.append(area.name)
        for row in range(area.top + 1, min(area.bottom + 1, len(sheet.rows))):
            if sheet.at(row, area.left).blank:
                fill[row, area.left] = (area.top, area.left)
    return fill, filled


def _few(places: Sequence[str]) -> str:
    rest = len(places) - _SHOWN
    return ", ".join(places[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def repeated(header: Sequence[str]) -> list[str]:
    """Give the names that stand more than once; columns without a name are none of the contract's."""
    return sorted(name for name, count in Counter(header).items() if count > 1 and name)
