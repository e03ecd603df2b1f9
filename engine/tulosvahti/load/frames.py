"""Frames of typed values, in the form that measuring reads: the contract's fields, ``__row`` and ``__rejected``."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from tulosvahti.core.contract import Contract, Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PLAIN = {
    FieldType.STRING: pl.String(),
    FieldType.INTEGER: pl.Int64(),
    FieldType.BOOLEAN: pl.Boolean(),
    FieldType.DATE: pl.Date(),
    FieldType.YEARMONTH: pl.Date(),
    FieldType.YEAR: pl.Int32(),
}


def frame_of_values(contract: Contract, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Build a frame of sound rows; the header counts as record 1."""
    columns = [column_of_values(item, [row[item.name] for row in rows]) for item in contract.fields]
    numbers = pl.Series("__row", range(2, len(rows) + 2), dtype=pl.Int64)
    rejected = pl.Series("__rejected", [False] * len(rows), dtype=pl.Boolean)
    return pl.DataFrame([*columns, numbers, rejected])


def column_of_values(item: Field, values: Sequence[Any]) -> pl.Series:
    """Build one column; decimals get the smallest type that holds them all exactly."""
    if item.type is not FieldType.NUMBER:
        return pl.Series(item.name, values, dtype=_PLAIN[item.type], strict=True)
    parts = [value.as_tuple() for value in values if isinstance(value, Decimal)]
    scale = max((-int(part.exponent) for part in parts if int(part.exponent) < 0), default=0)
    whole = max((len(part.digits) + int(part.exponent) for part in parts), default=1)
    width = min(max(whole, 1) + scale, 38)
    return pl.Series(item.name, values, dtype=pl.Decimal(width, scale), strict=True)
