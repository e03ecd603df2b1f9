"""A large JSON file in blocks: lines of records, or one list of them, read as they come.

It gives what ``load.sheets.json_tables`` and ``grid_records`` give of such a file, or ``IrregularError``: an object around the
records, lists in a list, tables of statistical offices and whatever has not every column of the contract are read whole.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from tulosvahti.load.grid_cells import FieldCells
from tulosvahti.load.headers import name_of
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.sheets.json_tables import cell_of
from tulosvahti.load.sheets.number_format import compiled
from tulosvahti.load.sheets.wire import TRUTH, Assembler
from tulosvahti.load.spooled_cells import BLOCK_ROWS, SpooledCells, with_cells
from tulosvahti.load.text_blocks import IrregularError
from tulosvahti.load.typed_cells import Book
from tulosvahti.load.typed_rows import places_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tulosvahti.core.contract import Contract, Field
    from tulosvahti.core.sheet import Cell

_PIECE = 1 << 20
_LONGEST = 16 << 20
"""Most characters of one record."""
_MOST_NAMES = 10_000
_AT_ONCE = 20_000
_SMALL = 64 << 20
"""Up to so many bytes the strict reader reads what is no JSON, for its sentence."""
_KINDS = {Decimal: "n", bool: "b"}
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal, parse_constant=str)


class JsonSource(SpooledCells):
    """A file of records as ``block_rows`` reads it."""

    notices: tuple[str, ...]

    def __init__(self, contract: Contract, path: Path, folder: Path, rows: int = BLOCK_ROWS) -> None:
        """Read it; ``folder`` is where its cells are kept meanwhile.

        Raises:
            IrregularError: it is to be read whole.
            UnreadableError: with what is wrong and what to do.

        """
        super().__init__(contract.fields, folder, rows)
        if contract.sheet or contract.header_row or contract.header_rows:
            raise IrregularError
        book = Book()
        self._made = Assembler("")
        plain = compiled("")
        self._names: dict[str, None] = {}
        self.columns = {item.name: FieldCells(item, 0, book, lambda _: plain, exact=True) for item in contract.fields}
        try:
            self._read(path)
        except (ValueError, RecursionError) as error:
            if isinstance(error, UnicodeError) or path.stat().st_size <= _SMALL:
                raise IrregularError from error
            msg = f"file is not JSON: {error or 'it is nested too deeply'}"
            raise UnreadableError(msg, "deliver the file again, whole") from error
        self.header = self._header()
        self.width = len(self.header)
        try:
            places = places_of(contract, self.header)
        except UnreadableError as error:
            raise IrregularError from error
        for item, place in zip(contract.fields, places, strict=True):
            self.columns[item.name].place = place
        self.notices = tuple(self.said(book))

    def address(self, _number: int, _item: Field) -> str:
        """Give none: a record has its number."""
        return ""

    def _read(self, path: Path) -> None:
        number = 2
        waiting: list[dict[str, Any]] = []
        for record in _records(path):
            waiting.append(record)
            if len(waiting) >= _AT_ONCE:
                self._take(waiting, number)
                number += len(waiting)
                waiting = []
        self._take(waiting, number)
        self.write()

    def _take(self, records: list[dict[str, Any]], number: int) -> None:
        if not records:
            return
        for record in records:
            if not record.keys() <= self._names.keys():
                self._names |= dict.fromkeys(record)
        if len(self._names) > _MOST_NAMES:
            raise IrregularError
        named = {name_of(name): name for name in self._names}
        if len(named) < len(self._names):
            raise IrregularError
        frame = pl.DataFrame({"row": range(len(records)), "number": range(number, number + len(records))}, schema={"row": pl.Int64, "number": pl.Int64})
        for column in self.columns.values():
            name = named.get(column.item.column)
            own = None if name is None else _cells([record.get(name) for record in records])
            frame = with_cells(frame, column.item, None if own is None else column.bulk(own, frame["number"] - 1, self._cell))
        self.keep(frame)

    def _cell(self, kind: str, _: str, text: str) -> Cell:
        """Give a cell as the strict reader has it."""
        if kind == "b":
            return self._made.cell([text, TRUTH])
        return self._made.cell(cell_of(Decimal(text) if kind == "n" else text))

    def _header(self) -> tuple[str, ...]:
        names = [name_of(name) for name in self._names]
        while names and not names[-1]:
            names.pop()
        return tuple(names)


def _cells(values: list[Any]) -> pl.DataFrame | None:
    """Give the values of a column as cells: kinds and texts, those that are nothing left out; None: all are."""
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return None
    kind = _KINDS.get(kinds.pop(), "str") if len(kinds) == 1 else ""
    one = pl.Series("kind", [_KINDS.get(type(value), "str") for value in values]) if not kind else pl.lit(kind).alias("kind")
    texts = values if set(map(type, values)) <= {str, type(None)} else [None if value is None else _told(value) for value in values]
    frame = pl.DataFrame({"row": range(len(values)), "text": pl.Series(texts, dtype=pl.String)}, schema_overrides={"row": pl.Int64})
    return frame.with_columns(one, pl.lit("").alias("style")).drop_nulls("text")


def _told(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, Decimal):
        return str(value)
    cell = cell_of(value)
    return str(cell[0]) if isinstance(cell, list) else str(cell)


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """Give the records of a file, in UTF-8.

    Raises:
        ValueError: it is not JSON.
        IrregularError: it is JSON of another shape.

    """
    with path.open(encoding="utf-8-sig", newline="\n") as stream:
        start = stream.read(_PIECE)
        stream.seek(0)
        mark = start.lstrip(_SPACE)[:1]
        yield from _listed(stream) if mark == "[" else _lines(stream)


def _lines(stream: Iterable[str]) -> Iterator[dict[str, Any]]:
    count = 0
    while line := stream.readline(_LONGEST):  # type: ignore[attr-defined]
        if len(line) >= _LONGEST:
            raise IrregularError
        if not line.strip():
            continue
        if not line.lstrip().startswith("{"):
            raise IrregularError
        try:
            record = _DECODER.decode(line)
        except ValueError:
            if count:
                raise
            # An object over several lines.
            raise IrregularError from None
        yield record
        count += 1
    if count <= 1:
        raise IrregularError


def _listed(stream: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a text file
    """Take the records out of a list, one after the other, however they are parted into lines."""
    text = stream.read(_PIECE).lstrip(_SPACE)[1:]
    count, ended, more_come = 0, False, False
    while True:
        at, ended = 0, not (more := stream.read(_PIECE))
        text += more
        while True:
            at = _after(text, at)
            if text[at : at + 1] == "]" and ended and not more_come:
                break
            if text[at : at + 1] != "{":
                if at < len(text) and text[at] != "]":
                    raise IrregularError
                break
            try:
                record, end = _DECODER.raw_decode(text, at)
            except ValueError:
                if ended or len(text) - at > _LONGEST:
                    raise
                break
            end = _after(text, end)
            if end >= len(text) and not ended:
                break
            if text[end : end + 1] not in {",", "]"}:
                msg = f"a comma or the end of the list is missing after record {count + 1}"
                raise ValueError(msg)
            more_come = text[end] == ","
            at = end + more_come
            count += 1
            yield record
        text = text[at:]
        if ended:
            break
    if text.strip(_SPACE) != "]" or not count or more_come:
        msg = "the list of records does not end"
        raise ValueError(msg)


def _after(text: str, at: int) -> int:
    """Give the place of the next character that is no space."""
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at
