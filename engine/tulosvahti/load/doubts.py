"""What is odd in rows that break nothing: periods without any row, hidden values, rows that are the same in every field.

Both may be right, so nothing is refused or removed: they are told, with their count, for a person to see.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from tulosvahti.core.contract import DATED
from tulosvahti.core.kept_rows import REJECTED, hidden_column
from tulosvahti.core.period import Grain, containing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tulosvahti.core.contract import Contract

COPIES = "are exact copies of another row"
HIDDEN = "values are hidden by the source"
_NAMED = 12
_RARE = 5
"""One period in so many may be empty for its emptiness to be odd; where more are, things do not happen in every period."""
_MOST = 5_000
"""Periods between the first and the last beyond which a gap is likelier a wrong date than missing content."""


def doubts_of(contract: Contract, rows: pl.LazyFrame, height: int, same: int) -> Iterable[str]:
    """Give sentences about what is odd; ``rows``: as they are kept; ``same``: how many of them are copies of another."""
    yield from _gaps(contract, rows)
    yield from _hidden(contract, rows)
    if not contract.primary_key and same:
        yield f"{same} of {height} rows {COPIES}; all are counted, for they may be real: a primaryKey tells which are the same"


def _hidden(contract: Contract, rows: pl.LazyFrame) -> Iterable[str]:
    """Count the values that the source hides, of each column that has some."""
    fields = [item for item in contract.fields if item.hidden_values]
    counts = rows.select(pl.col(hidden_column(item.name)).sum() for item in fields).collect().row(0) if fields else ()
    for item, count in zip(fields, counts, strict=True):
        if count:
            yield f"column {item.column!r}: {count} {HIDDEN}"


def _gaps(contract: Contract, rows: pl.LazyFrame) -> Iterable[str]:
    """Name the few periods of the promised frequency between the first and the last that have no row."""
    frequency = contract.frequency
    if frequency is None or not contract.period or frequency is Grain.DAY or contract.no_rows_means_none:
        return
    grains = list(Grain)
    if grains.index(DATED[contract.field(contract.period).type]) < grains.index(frequency):
        return
    found = rows.filter(~pl.col(REJECTED)).select(contract.period).drop_nulls().unique().collect()
    values = found.to_series().to_list()
    there = {containing(value if isinstance(value, date) else date(value, 1, 1), frequency) for value in values}
    if len(there) < 2:  # noqa: PLR2004 (nothing is between)
        return
    missing, period, last, seen = [], min(there), max(there), 0
    while period < last and seen < _MOST:
        period, seen = period.next(), seen + 1
        if period not in there:
            missing.append(period.key)
    if missing and seen < _MOST and len(missing) * _RARE <= seen + 1:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        yield f"{len(missing)} of {seen + 1} periods have no row: {', '.join(missing[:_NAMED])}{more}"
