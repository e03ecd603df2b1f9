"""Columns of a block whose cells have types of their own: texts, values and what is neither, side by side.

A cell is ``text`` (as a reject shows it; null: nothing stands there), ``kind`` and, where it is no value of its field, the
``reason``. Texts are read by their field's own reader, values are taken as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from tulosvahti.core.contract import FieldType
from tulosvahti.load.block_columns import RescaleError, Typed
from tulosvahti.load.cells import DTYPES
from tulosvahti.load.records import text_of_value

if TYPE_CHECKING:
    from tulosvahti.load.block_columns import BlockColumn, Scale

TEXT, TYPED, ODD = range(3)
MIXED = pl.Struct({"text": pl.String, "kind": pl.UInt8, "reason": pl.String})
_DAYS = frozenset({FieldType.DATE, FieldType.YEARMONTH})


def texts_of(cells: pl.Series) -> pl.Series:
    """Give the cells that are texts; null where another stands."""
    return _where(cells, TEXT) if cells.dtype == MIXED else cells


def shown(cell: Any) -> str:  # noqa: ANN401 (a cell)
    """Write a cell as a reject shows it."""
    value = cell["text"] if isinstance(cell, dict) else cell
    return "" if value is None else text_of_value(value)


def read_cells(column: BlockColumn, cells: pl.Series) -> Typed:
    """Type a column of a block; errors as of ``BlockColumn.read``."""
    if cells.dtype != MIXED:
        return column.read(cells)
    name = column.item.name
    is_text = cells.struct.field("kind") == TEXT
    read = column.read(_where(cells, TEXT))
    values = _typed(column, _where(cells, TYPED))
    mixed = pl.select(pl.when(pl.lit(is_text)).then(pl.lit(read.values)).otherwise(pl.lit(values)).alias(name)).to_series()
    faults = {at: fault for at, fault in read.faults.items() if is_text[at]}
    for at in (cells.struct.field("kind") == ODD).arg_true().to_list():
        faults[at] = cells[at]["reason"], shown(cells[at])
    return Typed(mixed, faults, read.words)


def see_all(column: BlockColumn, cells: pl.Series) -> None:
    """Take the digits of all numbers of a block into account."""
    column.see_all(texts_of(cells))
    if cells.dtype == MIXED:
        see_values(column.scale, _where(cells, TYPED))


def see_values(scale: Scale, numbers: pl.Series) -> bool:
    """Take the digits of plain numbers into account; True: they needed no more than was known."""
    parts = numbers.str.strip_prefix("-").str.splitn(".", 2)
    sizes = [parts.struct.field(f"field_{at}").str.len_bytes().max() for at in (0, 1)]
    whole, places = (int(size) if isinstance(size, int) else 0 for size in sizes)
    fits = whole <= scale.room and places <= scale.places
    scale.see(whole, places)
    return fits


def _where(cells: pl.Series, kind: int) -> pl.Series:
    parts = cells.struct
    return pl.select(pl.when(pl.lit(parts.field("kind") == kind)).then(pl.lit(parts.field("text"))).alias(cells.name)).to_series()


def _typed(column: BlockColumn, texts: pl.Series) -> pl.Series:
    kind = column.item.type
    if kind is FieldType.NUMBER:
        if not see_values(column.scale, texts):
            raise RescaleError
        return texts.cast(column.scale.dtype)
    if kind is FieldType.BOOLEAN:
        return texts == "True"
    if kind in _DAYS:
        return texts.str.to_date("%Y-%m-%d")
    return texts.cast(DTYPES[kind])
