"""A large workbook in blocks: its one large sheet is read in pieces, and what its cells are to their fields goes to disk.

It gives what ``grid_records`` gives, or ``IrregularError`` where that has to look at the whole sheet: a header that is not
one row with every column, merged cells below it, formulas whose zeros may be no results. Memory is that of one piece, of the
texts that the cells share and of the smaller sheets' first rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tulosvahti.core.sheet import Notice
from tulosvahti.load.grid_cells import SPACES, FieldCells
from tulosvahti.load.grid_records import LIMITS, Table, found_table, hidden_told
from tulosvahti.load.headers import LOOK, MOST_ROWS
from tulosvahti.load.records import Records, UnreadableError
from tulosvahti.load.sheets.archive import DAMAGE, Archive
from tulosvahti.load.sheets.bulk_rows import Bulk
from tulosvahti.load.sheets.bulk_sheet import SheetRows, Texts, Tops
from tulosvahti.load.sheets.number_format import compiled
from tulosvahti.load.sheets.ooxml import broken, opened, read_sheet
from tulosvahti.load.sheets.ooxml_book import Book
from tulosvahti.load.sheets.reading import BrokenSheetError, Reading, RefusedError
from tulosvahti.load.sheets.wire import Assembler, covered
from tulosvahti.load.spooled_cells import BLOCK_ROWS, SpooledCells, with_cells
from tulosvahti.load.text_blocks import IrregularError
from tulosvahti.load.typed_cells import Book as Known
from tulosvahti.load.typed_rows import places_of
from tulosvahti.problem import Place, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from tulosvahti.core.contract import Contract, Field
    from tulosvahti.core.sheet import Sheet
    from tulosvahti.load.sheets.bulk_sheet import Parsed
    from tulosvahti.load.sheets.number_format import NumberFormat
    from tulosvahti.load.sheets.ooxml import Entry

_TOP = LOOK + MOST_ROWS
_VALUE, _RESULT = 4, 5
"""Parts of a cell from the parser that say its value; the place of whether a formula has one."""
_ANY = frozenset({"b", "e"})
"""Kinds of cells that are never blank."""


class GridSource(SpooledCells):
    """A workbook as ``block_rows`` reads it."""

    def __init__(self, contract: Contract, name: str, path: Path, folder: Path, rows: int = BLOCK_ROWS) -> None:
        """Read it; ``name`` is the file's, ``folder`` where its cells are kept meanwhile, ``rows`` those of a block.

        Raises:
            IrregularError: it is to be read cell by cell.
            UnreadableError: with what is wrong and what to do.

        """
        super().__init__(contract.fields, folder, rows)
        self._hidden = 0
        self._under: Sheet | None = None
        if path.stat().st_size > LIMITS.size:
            raise IrregularError
        try:
            with Archive(path, LIMITS.unpacked) as archive:
                self._read(contract, name, archive)
        except RefusedError as error:
            allowed = f"; allowed: {error.allowed}" if error.allowed else ""
            raise UnreadableError(f"{error}{allowed}", error.next_step or "deliver the file again") from error
        except DAMAGE as error:
            raise IrregularError from error

    def address(self, number: int, item: Field) -> str:
        """Name a cell."""
        return Records((), (), [number], (), sheet=self._sheet).address(0, self.columns[item.name].place)

    def _read(self, contract: Contract, name: str, archive: Archive) -> None:
        if not any(part.startswith("xl/") and part.endswith("workbook.xml") for part in archive.names):
            raise IrregularError
        texts = Texts()
        book = Book(texts)
        found = Assembler("")
        tops = Tops(found, LIMITS, _TOP)
        sheets = opened(archive, book, tops)
        if not sheets:
            raise IrregularError
        large = max(sheets, key=lambda entry: archive.size(entry.part))
        for entry in sheets:
            read_sheet(archive, entry, book, tops, _TOP if entry is large else 0)
        reading = Reading("", tuple(found.sheets), (), tuple(_refused(found)), tuple(found.notices))
        table, notices = found_table(contract, name, reading)
        if table.sheet.source != f"!{large.name}" or len({entry.name for entry in sheets}) < len(sheets):
            raise IrregularError
        places = places_of(contract, table.header.names)
        if table.header.rows != 1 or table.header.known < len({item.column for item in contract.fields}):
            raise IrregularError
        self.header, self.width, self._sheet = table.header.names, len(table.header.names), large.name
        known = Known(formats=True, from_1904=book.from_1904)
        self.columns = {
            item.name: FieldCells(item, place, known, lambda style: _format(book, style))
            for item, place in zip(contract.fields, places, strict=True)
        }
        self._read_rows(archive, large, table, SheetRows(book, texts, LIMITS))
        self.write()
        self.notices = (*notices, *self.said(known), *hidden_told(self._hidden, self._under or table.sheet))

    def _read_rows(self, archive: Archive, large: Entry, table: Table, rows: SheetRows) -> None:
        try:
            for piece in rows.read(archive.chunks(large.part)):
                frame = self._bulk(piece, rows, table.last) if isinstance(piece, Bulk) else self._parsed(piece, rows, table.last)
                if frame is not None and frame.height:
                    self.keep(frame)
        except (BrokenSheetError, *DAMAGE) as error:
            message, _, step = broken(large.name, error)
            raise UnreadableError(message, step) from error
        end = rows.end
        if end.stale or any(notice.code == "text_lost" for notice in end.notices) or any(area.bottom > table.header.at for area in end.merged):
            raise IrregularError
        if under := covered(end.merged, table.sheet.rows):
            self._under = replace(table.sheet, notices=(Notice("value_under_merge", tuple(under)),))

    def _bulk(self, piece: Bulk, rows: SheetRows, last: int) -> pl.DataFrame | None:
        cells = piece.cells
        # A number has no kind.
        filled = cells["kind"].is_in(_ANY).fill_null(value=False) | (cells["text"].str.strip_chars(SPACES) != "")
        there = np.zeros(len(piece.numbers), bool)
        there[cells["row"].filter(filled).to_numpy()] = True
        there &= piece.numbers > last
        self._hidden += int((piece.hidden & there).sum())
        numbers = pl.Series("number", piece.numbers, dtype=pl.Int64)
        frame = pl.DataFrame({"row": np.flatnonzero(there), "number": piece.numbers[there] + 1})
        cells = cells.filter(pl.Series(there[cells["row"].to_numpy()]))
        for column in self.columns.values():
            own = cells.filter(pl.col("column") == column.place)
            frame = with_cells(frame, column.item, column.bulk(own, numbers, rows.cell) if own.height else None)
        return frame

    def _parsed(self, piece: Parsed, rows: SheetRows, last: int) -> pl.DataFrame | None:
        kept = []
        for number, hidden, cells in piece.rows:
            if number > last and not all(rows.made(cell).blank for cell in cells):
                kept.append((number, cells))
                self._hidden += hidden
        frame = pl.DataFrame({"row": [number for number, _ in kept], "number": [number + 1 for number, _ in kept]}, schema={"row": pl.Int64, "number": pl.Int64})
        for column in self.columns.values():
            own = [
                (number, _key(cell), cell)
                for number, cells in kept
                if column.place < len(cells) and isinstance(cell := cells[column.place], str | list)
            ]
            frame = with_cells(frame, column.item, column.parsed(own, rows.made) if own else None)
        return frame


def _key(cell: str | list[Any]) -> object:
    """Tell cells apart; the formula of a cell that has a result makes no difference."""
    return cell if isinstance(cell, str) else tuple(cell[:_VALUE] if len(cell) <= _RESULT or cell[_RESULT] else cell)


def _format(book: Book, style: str) -> NumberFormat:
    try:
        return book.formats[int(style)]
    except LookupError:
        return compiled("")


def _refused(found: Assembler) -> list[Problem]:
    return [Problem(Place(""), *parts) for parts in found.problems]
