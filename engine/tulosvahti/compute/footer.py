"""What a Parquet file says of itself in its footer, by row group: how many rows, the ends of each column, how many are null.

Ends of numbers and days are exact; those of texts may be cut, and are not used to judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tulosvahti.core.contract import FieldType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tulosvahti.core.contract import Contract

_DAYS = frozenset({FieldType.DATE, FieldType.YEARMONTH, FieldType.QUARTER, FieldType.HALF_YEAR, FieldType.WEEK})
WHOLE = frozenset({FieldType.INTEGER, FieldType.YEAR})
LARGE = 100_000
"""Rows from which it pays to look into the footer first."""


@dataclass(frozen=True)
class Span:
    """A column in one row group: its least and greatest value, None where the footer does not say, and its nulls."""

    low: Any
    high: Any
    nulls: int | None


@dataclass(frozen=True)
class Block:
    """A row group."""

    rows: int
    columns: Mapping[str, Span]


def query_of(path: str) -> str:
    """Give DuckDB's query of a footer; ``path`` is quoted. Its rows go to ``Footer.read``."""
    return (
        "SELECT row_group_id, row_group_num_rows, path_in_schema, stats_min_value, stats_max_value, stats_null_count"
        f" FROM parquet_metadata({path}) ORDER BY row_group_id"
    )


@dataclass(frozen=True)
class Footer:
    """The row groups of a file, in its order."""

    blocks: tuple[Block, ...]

    @classmethod
    def read(cls, rows: Sequence[tuple[Any, ...]], contract: Contract) -> Footer:
        """Read what ``query_of`` gave."""
        types = {item.name: item.type for item in contract.fields} | {"__row": FieldType.INTEGER, "__rejected": FieldType.BOOLEAN}
        blocks: dict[int, tuple[int, dict[str, Span]]] = {}
        for group, height, name, low, high, nulls in rows:
            if name in types:
                span = Span(_typed(low, types[name]), _typed(high, types[name]), nulls)
                blocks.setdefault(group, (height, {}))[1][name] = span
        return cls(tuple(Block(height, columns) for height, columns in blocks.values()))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(block.rows for block in self.blocks)

    @cached_property
    def is_sound(self) -> bool:
        """Tell whether the footer shows that no row is a reject."""
        return all(block.columns["__rejected"].high is False and block.columns["__rejected"].nulls == 0 for block in self.blocks)

    @cached_property
    def first_row(self) -> int | None:
        """The number of the first row, where rows, which ascend, are numbered without a gap."""
        spans = [block.columns["__row"] for block in self.blocks]
        if not spans or any(span.low is None or span.high is None for span in spans):
            return None
        first = spans[0].low
        for span, block in zip(spans, self.blocks, strict=True):
            if span.low != first or span.high != first + block.rows - 1:
                return None
            first += block.rows
        return int(spans[0].low)

    def in_order(self, name: str) -> bool:
        """Tell whether the row groups follow each other in the order of a column; inside a group rows may lie anyhow."""
        spans = [block.columns[name] for block in self.blocks]
        if any(span.low is None or span.high is None for span in spans):
            return False
        return all(one.high <= two.low for one, two in pairwise(spans))

    def ends(self, name: str) -> tuple[Any, Any] | None:
        """Give the least and the greatest value of a column; None where a row group does not say them."""
        spans = [block.columns[name] for block in self.blocks]
        if not spans or any(span.low is None or span.high is None for span in spans):
            return None
        return min(span.low for span in spans), max(span.high for span in spans)

    def nulls(self, name: str) -> int | None:
        """Count the nulls of a column; None where a row group does not say."""
        found = [block.columns[name].nulls for block in self.blocks]
        return None if None in found else sum(item or 0 for item in found)


def _typed(text: str | None, kind: FieldType) -> Any:  # noqa: ANN401 (a value of the column's type)
    if text is None:
        return None
    try:
        if kind in WHOLE:
            return int(text)
        if kind is FieldType.NUMBER:
            return Decimal(text)
        if kind in _DAYS:
            return date.fromisoformat(text)
    except (ValueError, ArithmeticError):
        return None
    return text == "true" if kind is FieldType.BOOLEAN else text
