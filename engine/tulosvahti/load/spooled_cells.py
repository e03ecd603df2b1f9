"""What the cells of a large workbook or JSON are to their fields, on disk: written once in blocks, read as often as need be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from tulosvahti.load.block_columns import Scale
from tulosvahti.load.grid_records import told
from tulosvahti.load.mixed_columns import MIXED, TEXT
from tulosvahti.load.text_blocks import Block

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tulosvahti.core.contract import Field
    from tulosvahti.load.grid_cells import FieldCells
    from tulosvahti.load.typed_cells import Book

BLOCK_ROWS = 100_000
_NOTHING = {"text": None, "kind": TEXT, "reason": None}


class SpooledCells:
    """A file as ``block_rows`` reads it, once all of its rows were kept."""

    delimiter = ";"

    def __init__(self, fields: Sequence[Field], folder: Path, rows: int) -> None:
        """Keep rows in a folder, in blocks of so many."""
        self._fields, self._folder, self._most = fields, folder, rows
        self._blocks: list[Path] = []
        self._waiting: list[pl.DataFrame] = []
        self.columns: Mapping[str, FieldCells] = {}
        """The cells of each field."""

    def keep(self, frame: pl.DataFrame) -> None:
        """Keep rows: ``number`` and a column of mixed cells for each field."""
        self._waiting.append(frame)
        if sum(frame.height for frame in self._waiting) >= self._most:
            self.write()

    def write(self) -> None:
        """Write the rows that wait."""
        if self._waiting:
            path = self._folder / f"cells{len(self._blocks)}"
            pl.concat(self._waiting).drop("row").write_ipc(path, compression="lz4")
            self._waiting = []
            self._blocks.append(path)

    def said(self, book: Book) -> list[str]:
        """Give what is to be said of the cells, column by column."""
        ordered = sorted(self.columns.values(), key=lambda one: one.place)
        return [sentence for one in ordered for sentence in told(one.item, one.said(), book)]

    def scale(self, item: Field, _values: pl.Series) -> Scale:
        """Give the digits of a column's numbers, all of which were seen."""
        found = self.columns[item.name].scale
        return Scale(found.whole, found.places)

    def blocks(self) -> Iterator[Block]:
        """Give the rows."""
        for path in self._blocks:
            frame = pl.read_ipc(path)
            numbers = frame["number"].to_numpy()
            yield Block([self._column(frame[item.name]) for item in self._fields], numbers, numbers)

    def _column(self, cells: pl.Series) -> pl.Series:
        return cells.struct.field("text").alias(cells.name) if self.columns[cells.name].kinds <= {TEXT} else cells


def with_cells(frame: pl.DataFrame, item: Field, cells: pl.DataFrame | None) -> pl.DataFrame:
    """Put a field's cells beside the rows; where a row has none, nothing stands."""
    nothing = pl.lit(_NOTHING, dtype=MIXED)
    if cells is None:
        return frame.with_columns(nothing.alias(item.name))
    parts = pl.col(item.name).struct
    kind = parts.field("kind").fill_null(TEXT).cast(pl.UInt8)
    # Not by fill_null of the whole: a struct whose parts are all null is none to it.
    whole = pl.struct(parts.field("text"), kind, parts.field("reason")).alias(item.name)
    return frame.join(cells, on="row", how="left", maintain_order="left").with_columns(whole)
