"""Frames of typed values, in the form that measuring reads: the contract's fields, ``__row`` and ``__rejected``."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from tulosvahti.core.contract import Contract, Field, FieldType
from tulosvahti.core.kept_rows import hidden_column
from tulosvahti.load.cells import DIGITS, DTYPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

def frame_of_values(contract: Contract, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Build a frame of sound rows; the header counts as record 1."""
    columns = [column_of_values(item, [None if row[item.name] in item.hidden_values else row[item.name] for row in rows]) for item in contract.fields]
    columns += [pl.Series(name, [row.get(name) for row in rows], dtype=pl.String) for name in contract.kept[len(columns) :]]
    hidden = [
        pl.Series(hidden_column(item.name), [row[item.name] in item.hidden_values for row in rows], dtype=pl.Boolean)
        for item in contract.fields
        if item.hidden_values
    ]
    numbers = pl.Series("__row", range(2, len(rows) + 2), dtype=pl.Int64)
    rejected = pl.Series("__rejected", [False] * len(rows), dtype=pl.Boolean)
    return pl.DataFrame([*columns, *hidden, numbers, rejected])


def column_of_values(item: Field, values: Sequence[Any]) -> pl.Series:
    """Build one column, of the type that a delivery's column has."""
    if item.type is not FieldType.NUMBER:
        return pl.Series(item.name, values, dtype=DTYPES[item.type], strict=True)
    exponents = [value.as_tuple().exponent for value in values if isinstance(value, Decimal)]
    scale = max((-exponent for exponent in exponents if isinstance(exponent, int)), default=0)
    return pl.Series(item.name, values, dtype=pl.Decimal(DIGITS, max(scale, 0)), strict=True)
