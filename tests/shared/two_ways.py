"""Two ways of reading one delivery, of which the strict one is right: the other gives the same, or leaves it to that."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

from tulosvahti.load.row_store import Summary
from tulosvahti.load.text_blocks import IrregularError

Came = tuple[Summary | str, pl.DataFrame | None]
"""The summary and the rows, or the sentence of a refusal."""


def agreed(read: Callable[[Path], Came], strictly: Callable[[Path], Came]) -> bool:
    """Hold one way against the other, each in a folder of its own; False: it is left to the strict one."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            found, rows = read(Path(folder))
        except IrregularError:
            return False
    with tempfile.TemporaryDirectory() as folder:
        wanted, right = strictly(Path(folder))
    assert found == wanted
    assert (rows is None) == (right is None)
    if rows is not None and right is not None:
        assert rows.columns == right.columns
        assert rows.rows() == right.rows()
        # A number that is in no row any more may have asked for more digits.
        assert [_plainly(kind) for kind in rows.schema.values()] == [_plainly(kind) for kind in right.schema.values()]
    return True


def _plainly(kind: pl.DataType) -> object:
    return ("decimal", kind.scale) if isinstance(kind, pl.Decimal) else kind
