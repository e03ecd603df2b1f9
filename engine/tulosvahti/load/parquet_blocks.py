"""A Parquet file in blocks: columns whose types are those of their fields, as they are; any other column is left.

What ``load.sheets.parquet_rows`` and ``typed_cells`` would make of it cell by cell is made of whole columns here: a binary
number is the shortest decimal that gives it again, a code kept as a whole number is its digits. A file of which this cannot be
said is ``IrregularError``: it is read cell by cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tulosvahti.core.contract import Field, FieldType
from tulosvahti.load.block_columns import Scale
from tulosvahti.load.cells import DIGITS
from tulosvahti.load.headers import found_header
from tulosvahti.load.records import UnreadableError
from tulosvahti.load.text_blocks import Block, IrregularError
from tulosvahti.load.typed_rows import places_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tulosvahti.core.contract import Contract

_ROWS = 250_000
_WIDEST = 1_000


class ParquetSource:
    """A Parquet file as ``block_rows`` reads it."""

    delimiter = ";"
    notices: tuple[str, ...] = ()

    def __init__(self, contract: Contract, path: Path) -> None:
        """Look at the file's schema.

        Raises:
            IrregularError: it is to be read cell by cell.

        """
        import pyarrow as pa  # noqa: PLC0415 - only where a Parquet file is read
        import pyarrow.parquet as pq  # noqa: PLC0415

        self._path, self._fields = path, contract.fields
        try:
            with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as file:
                names = list(file.schema_arrow.names)
        except (pa.ArrowException, ValueError, OSError) as error:
            raise IrregularError from error
        header = found_header([names], {item.column for item in contract.fields}, depth=contract.header_rows)
        if contract.sheet or contract.header_row or header is None or header.rows != 1 or len(names) > _WIDEST or len(set(names)) < len(names):
            raise IrregularError
        try:
            places = places_of(contract, header.names)
        except UnreadableError as error:
            raise IrregularError from error
        self.header, self.width = header.names, len(names)
        self._columns = [names[place] for place in places]

    def scale(self, item: Field, values: pl.Series) -> Scale:
        """Give the type of an exact column as the file has it."""
        kind = values.dtype
        if item.type is FieldType.NUMBER and isinstance(kind, pl.Decimal):
            precision, places = kind.precision or DIGITS, kind.scale
            return Scale(precision - places, places, settled=True)
        if item.type is FieldType.NUMBER and kind.is_integer():
            return Scale(18, 0, settled=True)
        return Scale()

    def address(self, _number: int, _item: Field) -> str:
        """Give none: a record has its number."""
        return ""

    def blocks(self) -> Iterator[Block]:
        """Give the rows.

        Raises:
            IrregularError: it is to be read cell by cell.

        """
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        number = 2
        try:
            with pq.ParquetFile(self._path, memory_map=False, pre_buffer=False) as file:
                for batch in file.iter_batches(_ROWS, columns=self._columns):
                    frame: Any = pl.from_arrow(batch)
                    found = [_as_read(item, frame[name]) for item, name in zip(self._fields, self._columns, strict=True)]
                    numbers = np.arange(number, number + frame.height)
                    number += frame.height
                    yield Block(found, numbers, numbers)
        except (pa.ArrowException, ValueError, OSError) as error:
            raise IrregularError from error


def _as_read(item: Field, values: pl.Series) -> pl.Series:  # noqa: C901, PLR0911, PLR0912 - one line a type
    kind = values.dtype
    if item.percent:
        raise IrregularError
    if kind == pl.Null:
        return values.cast(pl.String)
    if kind == pl.String and item.type not in {FieldType.NUMBER, FieldType.INTEGER}:
        return values
    if kind in {pl.UInt64, pl.Int128}:
        raise IrregularError
    if kind.is_integer():
        if item.type is FieldType.INTEGER:
            return values.cast(pl.Int64)
        if item.type is FieldType.NUMBER:
            if values.abs().max() and int(values.abs().max()) >= 10**18:  # type: ignore[arg-type]
                raise IrregularError
            return values.cast(pl.Int64).cast(pl.Decimal(18, 0))
        if item.type in {FieldType.STRING, FieldType.YEAR}:
            return values.cast(pl.String)
    if isinstance(kind, pl.Decimal) and item.type is FieldType.NUMBER:
        precision = kind.precision or DIGITS
        return values.cast(pl.Decimal(18 if precision <= 18 else DIGITS, kind.scale))
    if kind == pl.Boolean and item.type is FieldType.BOOLEAN:
        return values
    if kind == pl.Date and item.type is FieldType.DATE:
        return values
    if kind == pl.Date and item.type is FieldType.YEARMONTH:
        return values.dt.month_start()
    raise IrregularError
