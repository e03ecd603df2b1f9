"""A workbook whose one large sheet is read in pieces: the tops of all its sheets, and then the rows of that one.

Memory is that of one piece and of the texts that the cells share. The XML parser (``ooxml_rows``) reads what is around the
rows, and every piece that ``bulk_rows`` does not take.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tulosvahti.core.sheet import Area, Cell, Notice
from tulosvahti.load.sheets.bulk_rows import Bulk, cells_of
from tulosvahti.load.sheets.ooxml_rows import RowReader
from tulosvahti.load.sheets.wire import Assembler, Writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tulosvahti.load.sheets.ooxml_book import Book
    from tulosvahti.load.sheets.reading import Limits
    from tulosvahti.load.sheets.wire import WireCell

_CHUNKS = 128
"""Pieces of 64 KiB that are taken together."""
_LONGEST = 64 << 20
_HEAD = 1 << 20
_FLUSH = 1 << 16
_BEGIN, _END, _ROW = b"<sheetData>", b"</sheetData>", b"</row>"
_MOST_TEXT = 128 << 20


class Texts:
    """The texts that cells share, as a column: a fraction of what they would take one by one."""

    def __init__(self) -> None:
        """Begin without any."""
        self._waiting: list[str] = []
        self._parts: list[pl.Series] = []
        self._whole: pl.Series | None = None

    def append(self, text: str) -> None:
        """Add one."""
        self._waiting.append(text)
        if len(self._waiting) >= _FLUSH:
            self._parts.append(pl.Series(self._waiting, dtype=pl.String))
            self._waiting = []

    def __getitem__(self, at: int) -> str:
        """Give one."""
        return str(self.column[at])

    @property
    def column(self) -> pl.Series:
        """All of them, once they are there."""
        if self._whole is None:
            self._whole = pl.concat([*self._parts, pl.Series(self._waiting, dtype=pl.String)], rechunk=True)
            self._parts, self._waiting = [], []
        return self._whole


class Tops(Writer):
    """Gives on the first rows of each sheet only, and counts the others."""

    def __init__(self, found: Assembler, limits: Limits, most: int) -> None:
        """Give on ``most`` rows of a sheet to ``found``."""
        super().__init__(found.feed, limits)
        self._most = most

    def row(self, cells: list[WireCell], count: int = 1, numerals: Iterable[tuple[int, str]] = ()) -> None:
        """Take rows; errors as of ``Writer.row``."""
        if self.rows < self._most:
            super().row(cells, min(count, self._most - self.rows))
            count -= min(count, self._most - self.rows)
        del numerals
        self.count(count, len(cells) * count + count // 16)


@dataclass
class Parsed:
    """Rows that the XML parser gave: their number from 0, whether they are hidden, and their cells."""

    rows: list[tuple[int, bool, list[WireCell]]]


@dataclass
class End:
    """What is known at the end of a sheet."""

    merged: tuple[Area, ...] = ()
    stale: bool = False
    notices: tuple[Notice, ...] = ()


class _Kept(Writer):
    """Keeps the rows that come."""

    def __init__(self, found: Assembler, limits: Limits) -> None:
        super().__init__(found.feed, limits)
        self.came: list[tuple[int, list[WireCell]]] = []
        self.ended = End()

    def row(self, cells: list[WireCell], count: int = 1, numerals: Iterable[tuple[int, str]] = ()) -> None:
        del numerals
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            self.came.append((self.rows, cells))
        self.count(count, len(cells) * count + count // 16)

    def end(self, *, merged: Iterable[Area] = (), stale: bool = False, notices: Iterable[Notice] = (), **_: Any) -> None:  # noqa: ANN401
        self.ended = End(tuple(merged), stale, tuple(notices))


@dataclass
class SheetRows:
    """The rows of one sheet, in pieces; ``texts``: what ``book.strings`` is."""

    book: Book
    texts: Texts
    limits: Limits
    end: End = field(default_factory=End)

    def __post_init__(self) -> None:
        """Begin."""
        self._found = Assembler("")
        self._out = _Kept(self._found, self.limits)
        self._reader = RowReader(self.book, self._out)
        self._hidden: set[int] = set()

    def cell(self, kind: str, style: str, text: str) -> Cell:
        """Give a cell without a formula as the parser would, from what a piece has of it."""
        if kind in {"s", "str", "inlineStr"}:
            return Cell(text)
        return self.made(self._reader.cell({"t": kind or "n", "s": style or "0"}, text))

    def made(self, cell: WireCell) -> Cell:
        """Give a cell that the parser gave."""
        return self._found.cell(cell)

    def read(self, pieces: Iterator[bytes]) -> Iterator[Bulk | Parsed]:
        """Give the rows; at the end of them ``end`` is known.

        Raises:
            BrokenSheetError, one of ``DAMAGE``: it is damaged.
            RefusedError: it has more than is allowed.

        """
        buffer = b""
        while _BEGIN not in buffer and len(buffer) < _HEAD and (piece := next(pieces, b"")):
            buffer += piece
        at = buffer.find(_BEGIN)
        if at < 0:
            yield from self._parse_all(buffer, pieces)
            return
        self._feed(buffer[: at + len(_BEGIN)])
        buffer = buffer[at + len(_BEGIN) :]
        while True:
            more = b"".join(islice(pieces, _CHUNKS))
            buffer += more
            end = buffer.find(_END)
            cut = end if end >= 0 else buffer.rfind(_ROW) + len(_ROW)
            if end < 0 and (not more or (cut < len(_ROW) and len(buffer) > _LONGEST)):
                break
            piece = buffer[: max(cut, 0)] if end >= 0 or cut >= len(_ROW) else b""
            if b"<!" in piece or b"<?" in piece:
                # A comment or a section may hold what looks like the end of a row.
                break
            buffer = buffer[len(piece) :]
            if piece:
                yield self._bulk(piece) or self._parse(piece)
            if end >= 0:
                break
        yield from self._parse_all(buffer, pieces)

    def _bulk(self, piece: bytes) -> Bulk | None:
        found = cells_of(piece, self._reader.row)
        if found is None:
            return None
        cells = found.cells
        shared = cells["kind"] == "s"
        if shared.any():
            at = cells["text"].filter(shared)
            places = at.cast(pl.UInt32, strict=False)
            column = self.texts.column
            if places.null_count() or not at.str.contains("^[0-9]+$").all() or not (places < len(column)).all():
                return None
            texts = column.gather(places)
            if int(texts.str.len_bytes().sum()) > _MOST_TEXT:
                return None
            cells = cells.with_columns(pl.Series("text", cells["text"].scatter(shared.fill_null(value=False).arg_true(), texts)))
        last = int(found.numbers[-1])
        rows = cells["row"].to_numpy()
        ends = np.flatnonzero(np.diff(rows, append=-1))
        self._out.count(last + 1 - self._out.rows, int((cells["column"].to_numpy()[ends] + 1).sum()))
        self._reader.row = last
        self._reader.count_formulas(found.formulas, found.zeros)
        return replace(found, cells=cells)

    def _parse_all(self, start: bytes, pieces: Iterator[bytes]) -> Iterator[Parsed]:
        """Have the parser read the rest."""
        yield self._parse(start)
        while more := b"".join(islice(pieces, _CHUNKS)):
            yield self._parse(more)
        self._reader.parser.Parse(b"", True)  # noqa: FBT003 - the parser's own signature
        self._reader.end()
        self.end = self._out.ended

    def _parse(self, piece: bytes) -> Parsed:
        self._feed(piece)
        self._hidden.update(row for row, _ in self._reader.hidden)
        self._reader.hidden.clear()
        rows = [(row, row in self._hidden, cells) for row, cells in self._out.came]
        self._out.came = []
        return Parsed(rows)

    def _feed(self, piece: bytes) -> None:
        self._reader.parser.Parse(piece, False)  # noqa: FBT003
